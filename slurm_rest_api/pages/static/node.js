// The Node page: the state of a node, its jobs now, and the jobs that ended on it last week.

import { poll } from "./api-client.js";
import { byId, faultNotice, h, notice, renderIfChanged, replaceChildren, setText, tableOf } from "./dom.js";
import { count, formatDuration, memory, now } from "./format.js";
import { jobLink, onMove, page, rawRecord, readState, setCurlLine, setTitle, writeState } from "./frame.js";
import { holdsNodes, jobName, runSeconds, stateChip } from "./jobs.js";
import { cards, gauges, headline } from "./node-cards.js";
import { showPast } from "./node-past.js";
import { apiUrl } from "./urls.js";

const DEFAULTS = { name: "" };
const PARTS = ["head", "gauges", "cards"];
const JOB_FIELDS = [
  ...["job_id", "name", "user_name", "partition", "job_state", "start_time", "end_time", "suspend_time"],
  ...["pre_sus_time", "array_job_id", "array_task_id", "array_task_str", "het_job_id", "het_job_offset"],
  ...["num_cpus", "cpus_allocated", "mem_allocated", "gres_allocated"],
];

let current = null;

function showNode(node) {
  const content = byId("content");
  const part = (name) => content.querySelector(`[data-part="${name}"]`);
  if (part("head") === null) {
    const makePart = (name) => h("div", { "data-part": name, class: name === "cards" ? "cards" : null });
    replaceChildren(content, PARTS.map(makePart));
  }
  const minute = Math.floor(now() / 60);
  const { state, reason, reason_time: since, next_state: next } = node;
  renderIfChanged(part("head"), [state, reason, since, next, minute], () => headline(node));
  const inUse = [node.alloc_cpus, node.cpu_load, node.alloc_mem, node.free_mem, node.gres_used];
  renderIfChanged(part("gauges"), inUse, () => gauges(node));
  const stable = { ...node, cpu_load: 0, free_mem: 0, last_busy: node.alloc_cpus ? 0 : node.last_busy };
  renderIfChanged(part("cards"), stable, () => cards(node));
}

function gresText(held) {
  const parts = Object.entries(held ?? {}).map(([what, number]) => `${what} × ${number}`);
  return parts.join(", ") || "–";
}

function jobRow(job, name) {
  return [
    jobLink(jobName(job)),
    job.name,
    h("a", { href: page("queue", { user: job.user_name }) }, job.user_name),
    job.partition,
    stateChip(job.job_state),
    h("span", { "data-job": job.job_id }, formatDuration(runSeconds(job))),
    count(job.cpus_allocated?.[name]),
    memory(job.mem_allocated?.[name]),
    gresText(job.gres_allocated?.[name]),
  ];
}

// Shows the jobs that hold a part of the node, and returns them.
function showJobs(name, jobs, isBusy) {
  const holding = Object.values(jobs).filter(holdsNodes);
  renderIfChanged(byId("jobs"), [holding, name, isBusy], () => {
    // The jobs of a busy node may be private, or in a hidden partition.
    const none = isBusy ? "No jobs here that you may view" : "No jobs running here";
    if (holding.length === 0) return h("section", {}, h("h2", {}, "Jobs now"), notice("empty", none));
    const heads = [
      ...["Job", "Name", "User", "Partition", "State", "Run time"],
      ...["CPUs here", "Memory here", "GPUs and other"],
    ];
    const rows = holding.map((job) => jobRow(job, name));
    const link = h("a", { href: page("queue", { node: name }) }, "All jobs of this node in the queue");
    return [tableOf("Jobs now", "With the resources of this node.", heads, rows, [5, 6, 7]), h("p", {}, link)];
  });
  return holding;
}

function clearParts() {
  for (const place of ["jobs", "past", "raw"]) replaceChildren(byId(place));
}

function pollNode(name, signal) {
  const path = `nodes/${encodeURIComponent(name)}`;
  let node = null;
  let holding = [];
  setCurlLine(apiUrl(path));
  // Resolves with the first answer.
  const pollJobs = () =>
    new Promise((resolve) => {
      const onAnswer = ({ data }) => {
        holding = showJobs(name, data, node?.alloc_cpus > 0);
        resolve();
      };
      const onFault = (error) => resolve(replaceChildren(byId("jobs"), faultNotice(error)));
      poll("queue", { node: name, fields: JOB_FIELDS }, { signal, onAnswer, onFault });
    });
  // The parts come from the top down, so that nothing moves a part that is there.
  const showRest = async () => {
    await pollJobs();
    await showPast(name, signal);
    if (!signal.aborted) rawRecord(byId("raw"), "/nodes/{name}", () => node);
  };
  const onAnswer = ({ data }) => {
    const isFirst = node === null;
    node = data;
    showNode(node);
    if (isFirst) showRest();
  };
  const onFault = (fault) => {
    if (fault.status === 404) {
      node = null;
      clearParts();
      const text = "slurmctld has no node with this name, or it is in a hidden partition.";
      replaceChildren(byId("content"), notice("empty", `No node ${name}`, text));
    } else if (node === null) replaceChildren(byId("content"), faultNotice(fault));
  };
  const clock = setInterval(() => {
    if (signal.aborted) clearInterval(clock);
    for (const job of holding) {
      const cell = byId("jobs").querySelector(`[data-job="${job.job_id}"]`);
      if (cell !== null) setText(cell, formatDuration(runSeconds(job)));
    }
  }, 1000);
  poll(path, {}, { signal, onAnswer, onFault });
}

function show() {
  current?.abort();
  current = new AbortController();
  const { name } = readState(DEFAULTS);
  byId("name").value = name;
  setText(byId("title"), name === "" ? "Node" : `Node ${name}`);
  clearParts();
  if (name === "") {
    const text = "Enter its name above, or choose one on the Nodes page.";
    replaceChildren(byId("content"), notice("empty", "Which node?", text));
    return;
  }
  setTitle(`Node ${name}`);
  replaceChildren(byId("content"), notice("loading", "Loading …"));
  pollNode(name, current.signal);
}

byId("find").addEventListener("submit", (event) => {
  event.preventDefault();
  writeState({ name: byId("name").value.trim() }, DEFAULTS, { push: true });
  show();
});
onMove(show);
show();
