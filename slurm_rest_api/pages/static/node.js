// One node: its state, what it has and what of it is in use, its jobs now and those of the last week.

import { address, ask, poll } from "./api-client.js";
import {
  approximate,
  byId,
  count,
  facts,
  faultNotice,
  formatDateTime,
  formatDuration,
  h,
  memory,
  notice,
  now,
  percent,
  ratio,
  renderIfChanged,
  replaceChildren,
  setShare,
  setText,
  tableOf,
} from "./dom.js";
import { jobLink, onMove, page, rawRecord, readState, setCurlLine, writeState } from "./frame.js";
import { holdsNodes, jobName, runSeconds, stateChip } from "./jobs.js";

const DEFAULTS = { name: "" };
const PARTS = ["head", "gauges", "cards"];
const JOB_FIELDS =
  "job_id,name,user_name,partition,job_state,start_time,end_time,suspend_time,pre_sus_time,array_job_id,array_task_id,array_task_str,het_job_id,het_job_offset,num_cpus,cpus_allocated,mem_allocated,gres_allocated";
const PAST_DAYS = 7;
const PAST_JOBS = 25;

const FLAGS = {
  DRAIN: "takes no new jobs",
  NOT_RESPONDING: "slurmd does not answer",
  COMPLETING: "a job is being cleaned up",
  MAINTENANCE: "in a maintenance reservation",
  RESERVED: "in a reservation",
  POWERED_DOWN: "switched off to save power",
  POWERING_UP: "being switched on",
  POWERING_DOWN: "being switched off",
  REBOOT_REQUESTED: "to be rebooted",
  REBOOT_ISSUED: "rebooting",
  FAIL: "about to fail",
  PLANNED: "planned for a job",
  CLOUD: "in a cloud",
  INVALID_REG: "registered with a wrong configuration",
};
const BASES = {
  DOWN: "cannot be used",
  IDLE: "runs no job",
  ALLOCATED: "all CPUs are in use",
  MIXED: "some CPUs are in use",
  ERROR: "has an error",
  UNKNOWN: "has not reported yet",
  FUTURE: "is not there yet",
};

let watching = null;

function tone(node) {
  if (
    ["DOWN", "ERROR"].includes(node.state_base) ||
    node.state_flags.includes("NOT_RESPONDING") ||
    node.state_flags.includes("FAIL")
  )
    return "bad";
  return node.state_flags.includes("DRAIN") ? "old" : "good";
}

function headline(node) {
  const meaning = [BASES[node.state_base], ...node.state_flags.map((flag) => FLAGS[flag])].filter(Boolean).join(", ");
  const since = node.reason_time
    ? `, since ${formatDateTime(node.reason_time)} (${approximate(now() - node.reason_time)} ago)`
    : "";
  const reason =
    node.reason &&
    h(
      "p",
      { class: "why" },
      h("strong", {}, node.reason),
      h("span", { class: "faint" }, ` said by ${node.reason_user ?? "nobody known"}${since}.`),
    );
  return h(
    "section",
    { class: "headline" },
    h("p", {}, h("span", { class: `chip ${tone(node)}` }, node.state.toLowerCase()), ` ${meaning}`),
    reason,
    node.next_state && h("p", {}, `After its reboot: ${node.next_state.toLowerCase()}.`),
  );
}

function gauge(title, part, all, write) {
  const share = ratio(part, all);
  const text = all > 0 ? `${write(part)} of ${write(all)} (${percent(share)})` : "–";
  return h(
    "div",
    { class: "card gauge" },
    h("p", {}, h("strong", {}, title), h("span", {}, text)),
    setShare(h("div", { class: "meter", "aria-hidden": "true" }), share ?? 0),
  );
}

// ["gpu:a100:4", "shard:8"] → 4.
function gpuCount(gres) {
  const numbers = (Array.isArray(gres) ? gres : [])
    .filter((text) => text.startsWith("gpu"))
    .map((text) => Number(text.split("(")[0].split(":").at(-1)));
  return numbers.reduce((sum, number) => sum + (Number.isFinite(number) ? number : 0), 0);
}

function gauges(node) {
  const gpus = gpuCount(node.gres);
  const load = node.cpu_load === null ? null : node.cpu_load / 100;
  return h(
    "section",
    { "aria-label": "In use" },
    h("h2", {}, "In use"),
    h(
      "div",
      { class: "gauges" },
      gauge("CPUs held", node.alloc_cpus, node.effective_cpus, count),
      load !== null && gauge("CPU load", load, node.cpus, (value) => value.toFixed(value === node.cpus ? 0 : 1)),
      gauge("Memory held", node.alloc_mem, node.real_memory, memory),
      node.free_mem !== null && gauge("Memory used", node.real_memory - node.free_mem, node.real_memory, memory),
      gpus > 0 && gauge("GPUs held", gpuCount(node.gres_used), gpus, count),
    ),
  );
}

const text = (value) => (Array.isArray(value) ? value.join(", ") : (value ?? "").replaceAll(",", ", "));

function cards(node) {
  const partitions = node.partitions.map((name, at) => [
    at > 0 ? ", " : "",
    h("a", { href: page("queue", { partition: name }) }, name),
  ]);
  const active = text(node.features_active);
  return [
    facts("Where it belongs", [
      ["Partitions", partitions],
      ["Features", text(node.features)],
      ["Active features", active === text(node.features) ? null : active],
      ["Weight", count(node.weight)],
      ["Owner", node.owner],
      ["Comment", node.comment],
      ["Extra", node.extra],
    ]),
    facts("Hardware", [
      ["CPUs", count(node.cpus)],
      ["Sockets × cores × threads", `${node.sockets} × ${node.cores} × ${node.threads}`],
      ["Memory", memory(node.real_memory)],
      ["Temporary disk", node.tmp_disk ? memory(node.tmp_disk) : null],
      ["Generic resources", text(node.gres)],
      ["In use", text(node.gres_used)],
      ["Architecture", node.arch],
    ]),
    facts("System", [
      ["Operating system", node.os],
      ["slurmd", node.version],
      ["Address", node.node_addr === node.name ? null : node.node_addr],
      ["Booted", formatDateTime(node.boot_time)],
      ["slurmd started", formatDateTime(node.slurmd_start_time)],
      ["Last busy", node.alloc_cpus ? null : formatDateTime(node.last_busy)],
      ["Power", node.energy?.current_watts ? `${count(node.energy.current_watts)} W` : null],
    ]),
  ];
}

function showNode(node) {
  const content = byId("content");
  const part = (name) => content.querySelector(`[data-part="${name}"]`);
  if (part("head") === null)
    replaceChildren(
      content,
      PARTS.map((name) => h("div", { "data-part": name, class: name === "cards" ? "cards" : null })),
    );
  renderIfChanged(
    part("head"),
    [node.state, node.reason, node.reason_time, node.next_state, Math.floor(now() / 60)],
    () => headline(node),
  );
  renderIfChanged(part("gauges"), [node.alloc_cpus, node.cpu_load, node.alloc_mem, node.free_mem, node.gres_used], () =>
    gauges(node),
  );
  renderIfChanged(
    part("cards"),
    { ...node, cpu_load: 0, free_mem: 0, last_busy: node.alloc_cpus ? 0 : node.last_busy },
    () => cards(node),
  );
}

function showJobs(name, jobs, isBusy) {
  const held = Object.values(jobs).filter(holdsNodes);
  renderIfChanged(byId("jobs"), [held, name, isBusy], () => {
    // Jobs of others may be private, and those of hidden partitions are nowhere.
    const none = isBusy ? "No job that you may see runs here" : "No job runs here";
    if (held.length === 0) return h("section", {}, h("h2", {}, "Jobs now"), notice("empty", none));
    const gres = (job) =>
      Object.entries(job.gres_allocated?.[name] ?? {})
        .map(([what, number]) => `${what} × ${number}`)
        .join(", ") || "–";
    const rows = held.map((job) => [
      jobLink(jobName(job)),
      job.name,
      h("a", { href: page("queue", { user: job.user_name }) }, job.user_name),
      job.partition,
      stateChip(job.job_state),
      h("span", { "data-job": job.job_id }, formatDuration(runSeconds(job))),
      count(job.cpus_allocated?.[name]),
      memory(job.mem_allocated?.[name]),
      gres(job),
    ]);
    const heads = [
      "Job",
      "Name",
      "User",
      "Partition",
      "State",
      "Run time",
      "CPUs here",
      "Memory here",
      "GPUs and other",
    ];
    return [
      tableOf("Jobs now", "What each holds on this node.", heads, rows, [5, 6, 7]),
      h("p", {}, h("a", { href: page("queue", { node: name }) }, "All jobs of this node in the queue")),
    ];
  });
  return held;
}

async function showPast(name, signal) {
  try {
    const { data } = await ask(
      "history",
      { node: name, startafter: `now-${PAST_DAYS}days`, limit: PAST_JOBS, times: "epoch" },
      { signal },
    );
    const ended = data.filter((record) => record.time_end);
    if (ended.length === 0) {
      replaceChildren(
        byId("past"),
        h(
          "section",
          {},
          h("h2", {}, "Recent jobs"),
          notice("empty", `No job ended here in the last ${PAST_DAYS} days`),
        ),
      );
      return;
    }
    const rows = ended.map((record) => [
      jobLink(record.job_id_str.includes("[") ? record.id_job : record.job_id_str),
      record.job_name,
      record.user_name,
      stateChip(record.state_name),
      formatDateTime(record.time_start),
      formatDateTime(record.time_end),
      formatDuration(record.elapsed),
      count(record.tres_alloc?.cpu),
    ]);
    replaceChildren(
      byId("past"),
      tableOf(
        "Recent jobs",
        `The newest that ended here, of the last ${PAST_DAYS} days.`,
        ["Job", "Name", "User", "State", "Started", "Ended", "Elapsed", "CPUs"],
        rows,
        [6, 7],
      ),
    );
  } catch (error) {
    if (error.name === "AbortError" || error.status === 404) return;
    replaceChildren(byId("past"), h("section", {}, h("h2", {}, "Recent jobs"), faultNotice(error)));
  }
}

function pollNode(name, signal) {
  const path = `nodes/${encodeURIComponent(name)}`;
  let node = null;
  let held = [];
  setCurlLine(address(path));
  const onFault = (fault) => {
    if (fault.status === 404) {
      node = null;
      for (const place of ["jobs", "past", "raw"]) replaceChildren(byId(place));
      replaceChildren(
        byId("content"),
        notice("empty", `No node ${name}`, "slurmctld has no node of this name, or it is not shown here."),
      );
    } else if (node === null) replaceChildren(byId("content"), faultNotice(fault));
  };
  const onAnswer = ({ data }) => {
    const isFirst = node === null;
    node = data;
    showNode(node);
    if (!isFirst) return;
    const jobsCame = new Promise((came) => {
      const onAnswer = ({ data: jobs }) => {
        held = showJobs(name, jobs, node?.alloc_cpus > 0);
        came();
      };
      const onFault = (error) => came(replaceChildren(byId("jobs"), faultNotice(error)));
      poll("queue", { node: name, fields: JOB_FIELDS }, { signal, onAnswer, onFault });
    });
    // From the top down, so that nothing moves what is there already.
    jobsCame
      .then(() => showPast(name, signal))
      .then(() => signal.aborted || rawRecord(byId("raw"), "/nodes/{name}", () => node));
  };
  const clock = setInterval(() => {
    if (signal.aborted) clearInterval(clock);
    for (const job of held) {
      const cell = byId("jobs").querySelector(`[data-job="${job.job_id}"]`);
      if (cell !== null) setText(cell, formatDuration(runSeconds(job)));
    }
  }, 1000);
  poll(path, {}, { signal, onAnswer, onFault });
}

function show() {
  watching?.abort();
  watching = new AbortController();
  const { name } = readState(DEFAULTS);
  byId("name").value = name;
  setText(byId("title"), name === "" ? "Node" : `Node ${name}`);
  for (const place of ["jobs", "past", "raw"]) replaceChildren(byId(place));
  if (name === "") {
    replaceChildren(
      byId("content"),
      notice("empty", "Which node?", "Type its name above, or choose one on the page Nodes."),
    );
    return;
  }
  document.title = `Node ${name} · slurm-rest-api`;
  replaceChildren(byId("content"), notice("loading", "Loading …"));
  pollNode(name, watching.signal);
}

byId("find").addEventListener("submit", (event) => {
  event.preventDefault();
  writeState({ name: byId("name").value.trim() }, DEFAULTS, { push: true });
  show();
});
onMove(show);
show();
