// One job: what slurmctld knows of it, and its records in the accounting database.

import { address, ask, poll } from "./api-client.js";
import {
  byId,
  count,
  facts,
  faultNotice,
  formatDateTime,
  formatDuration,
  h,
  memory,
  notice,
  percent,
  renderIfChanged,
  replaceChildren,
  setText,
  tableOf,
} from "./dom.js";
import { onMove, page, rawRecord, readState, setCurlLine, writeState } from "./frame.js";
import { changing, headline, held, hosts, liveTimes, progress, resources, timeline, titleOf } from "./job-live.js";
import { efficiencyOf, stateChip } from "./jobs.js";

const DEFAULTS = { id: "" };
const PARTS = ["head", "ran", "times", "cards", "nodes"];

let watching = null;

function exit(record) {
  if (record.exit_signal) return `signal ${record.exit_signal}`;
  return String(record.exit_code ?? "–");
}

// Records of the same id are attempts at one job: it was requeued or resized.
function pastTable(records) {
  const rows = records.map((record) => [
    record.job_id_str,
    stateChip(record.state_name),
    formatDateTime(record.time_submit),
    formatDateTime(record.time_start),
    formatDateTime(record.time_end),
    formatDuration(record.elapsed),
    count(record.tres_alloc?.cpu),
    usedCpu(record) ?? "–",
    hosts(record.nodelist),
    exit(record),
  ]);
  const heads = ["Job", "State", "Submitted", "Started", "Ended", "Elapsed", "CPUs", "CPU time used", "Nodes", "Exit"];
  const caption =
    records.length === 1
      ? "The record of the accounting database."
      : "The newest attempt first: the job was requeued or resized.";
  return tableOf("In the accounting database", caption, heads, rows, [5, 6, 7]);
}

function usedCpu(record) {
  const share = efficiencyOf(record);
  return share === null ? null : `${formatDuration(record.cpu_time)} (${percent(share)})`;
}

// A job that only the database remembers.
function pastDetails(record) {
  const cpuSeconds = record.elapsed * (record.tres_alloc?.cpu ?? 0);
  return [
    h(
      "section",
      { class: "headline" },
      h(
        "p",
        {},
        stateChip(record.state_name),
        " ",
        h("strong", {}, record.job_name),
        " of ",
        h("a", { href: page("queue", { user: record.user_name }) }, record.user_name),
      ),
      h(
        "p",
        { class: "faint" },
        "slurmctld has forgotten this job; what follows is its record in the accounting database.",
      ),
    ),
    timeline([
      ["Submitted", record.time_submit],
      ["Eligible", record.time_eligible],
      ["Started", record.time_start],
      ["Ended", record.time_end],
    ]),
    h(
      "div",
      { class: "cards" },
      facts("Held", [
        ["Nodes", hosts(record.nodelist)],
        ["CPUs", count(record.tres_alloc?.cpu)],
        ["Memory", memory(record.tres_alloc?.mem)],
        ["GPUs", record.tres_alloc?.["gres/gpu"]],
        ["Elapsed", formatDuration(record.elapsed)],
        ["Suspended", record.suspended ? formatDuration(record.suspended) : null],
        ["CPU time held", cpuSeconds ? formatDuration(cpuSeconds) : null],
        ["CPU time used", usedCpu(record)],
      ]),
      facts("Asked for", [
        ["CPUs", count(record.cpus_req)],
        ["Memory", record.mem_req === null ? null : `${memory(record.mem_req)} for each ${record.mem_req_per}`],
        ["Time limit", typeof record.timelimit === "number" ? formatDuration(60 * record.timelimit) : record.timelimit],
        ["Features", record.constraints],
        ["Licenses", record.licenses],
      ]),
      facts("Whose", [
        ["User", record.user_name],
        ["Account", record.account],
        ["Partition", record.partition],
        ["QOS", record.qos],
        ["Priority", count(record.priority)],
        ["Last waited for", record.reason],
        ["Exit code", exit(record)],
        ["Failed node", record.failed_node],
        ["Directory", record.work_dir],
        ["Comment", record.comment],
      ]),
    ),
  ];
}

// The accounting database finds a record by its number alone. A task (123_7) or component (123+1) has a number of its own:
// it is looked for among the jobs that its user submitted in the same second as the one that gave the id.
async function recordsOf(id, live, signal) {
  const [, number, mark, part] = /^(\d+)(?:([_+ ])(\d+))?$/.exec(id) ?? [];
  if (number === undefined) return [];
  const own = live?.job_id ?? number;
  if (mark === undefined || live)
    return (await ask("history", { jobid: own, times: "epoch", limit: 50 }, { signal })).data;
  const [leader] = (await ask("history", { jobid: number, times: "epoch", limit: 1 }, { signal })).data;
  if (leader === undefined) return [];
  const second = { submitafter: leader.time_submit, submitbefore: leader.time_submit + 1 };
  const { data } = await ask("history", { user: leader.user_name, ...second, times: "epoch", limit: 1000 }, { signal });
  const [group, index] = mark === "_" ? ["array_job_id", "array_task_id"] : ["het_job_id", "het_job_offset"];
  return data.filter((record) => record[group] === Number(number) && record[index] === Number(part));
}

async function showPast(id, live, signal, lost) {
  try {
    const records = await recordsOf(id, live, signal);
    if (records.length > 0) replaceChildren(byId("past"), pastTable(records));
    else replaceChildren(byId("past"));
    if (live !== null) return;
    if (records.length === 0) {
      replaceChildren(
        byId("content"),
        notice("empty", `No job ${id}`, `${lost} The accounting database has no record of it either.`),
      );
      return;
    }
    setText(byId("title"), `Job ${records[0].job_id_str}`);
    replaceChildren(byId("content"), pastDetails(records[0]));
    rawRecord(byId("raw"), "/history", () => records[0]);
    setCurlLine(address("history", { jobid: records[0].id_job, times: "epoch" }));
  } catch (error) {
    if (error.name === "AbortError") return;
    if (live === null && error.status === 404)
      replaceChildren(
        byId("content"),
        notice(
          "empty",
          `No job ${id}`,
          `${lost} Accounting is switched off here, so that nothing is known of earlier jobs.`,
        ),
      );
    else if (live === null) replaceChildren(byId("content"), faultNotice(error));
    else if (error.status !== 404) replaceChildren(byId("past"), faultNotice(error));
  }
}

function part(name) {
  return byId("content").querySelector(`[data-part="${name}"]`);
}

function showLive(job) {
  if (part("head") === null)
    replaceChildren(
      byId("content"),
      PARTS.map((name) => h("div", { "data-part": name, class: name === "cards" ? "cards" : null })),
    );
  const seen = changing(job);
  setText(byId("title"), titleOf(job));
  document.title = `${titleOf(job)} · slurm-rest-api`;
  renderIfChanged(part("head"), seen, () => headline(job));
  renderIfChanged(part("times"), seen, () => liveTimes(job));
  renderIfChanged(part("cards"), seen, () => resources(job));
  renderIfChanged(part("nodes"), seen, () => held(job));
  replaceChildren(part("ran"), progress(job));
}

function show() {
  watching?.abort();
  watching = new AbortController();
  const { signal } = watching;
  const { id } = readState(DEFAULTS);
  byId("id").value = id;
  for (const name of ["past", "raw"]) replaceChildren(byId(name));
  if (id === "") {
    replaceChildren(
      byId("content"),
      notice(
        "empty",
        "Which job?",
        "Type its id above: 123, a task of an array as 123_7, a component of a heterogeneous job as 123+1.",
      ),
    );
    return;
  }
  setText(byId("title"), `Job ${id}`);
  replaceChildren(byId("content"), notice("loading", "Loading …"));
  pollJob(id, signal);
}

function pollJob(id, signal) {
  const path = `queue/${encodeURIComponent(id)}`;
  let job = null;
  let forgotten = false;
  setCurlLine(address(path));
  const clock = setInterval(() => {
    if (signal.aborted) clearInterval(clock);
    else if (job !== null && part("ran") !== null) replaceChildren(part("ran"), progress(job));
  }, 1000);
  poll(
    path,
    {},
    {
      signal,
      onAnswer({ data }) {
        const isNew = job?.job_state !== data.job_state || job?.restart_cnt !== data.restart_cnt;
        if (job === null) rawRecord(byId("raw"), "/queue/{jobid}", () => job);
        job = data;
        forgotten = false;
        showLive(job);
        if (isNew) showPast(id, job, signal, "");
      },
      onFault(fault) {
        if (fault.status === 404 && !forgotten) {
          job = null;
          forgotten = true;
          showPast(id, null, signal, "slurmctld does not know it (any more).");
        } else if (fault.status !== 404 && job === null) replaceChildren(byId("content"), faultNotice(fault));
      },
    },
  );
}

byId("find").addEventListener("submit", (event) => {
  event.preventDefault();
  writeState({ id: byId("id").value.trim() }, DEFAULTS, { push: true });
  show();
});
onMove(show);
show();
