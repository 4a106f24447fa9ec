// The Job page: what slurmctld knows of a job, and its records in the accounting database.

import { ApiError, getJson, poll } from "./api-client.js";
import { byId, facts, faultNotice, h, notice, renderIfChanged, replaceChildren, setText, tableOf } from "./dom.js";
import { count, formatDateTime, formatDuration, formatLimit, memory, percent } from "./format.js";
import { onMove, page, rawRecord, readState, setCurlLine, setTitle, writeState } from "./frame.js";
import {
  allocated,
  cards,
  headline,
  hosts,
  limitTable,
  liveTimes,
  priorityTable,
  progress,
  stable,
  timeline,
  titleOf,
  waiting,
} from "./job-live.js";
import { needsExplanation } from "./job-reasons.js";
import { efficiencyOf, exitOf } from "./job-records.js";
import { stateChip } from "./jobs.js";
import { apiUrl } from "./urls.js";

const DEFAULTS = { id: "" };
const PARTS = ["head", "waiting", "limits", "ran", "times", "cards", "priority", "nodes"];
const MANY = 1000;

let current = null;

function exit(record) {
  return exitOf(record) || (record.exit_code === null ? "–" : "0");
}

function usedCpu(record) {
  const share = efficiencyOf(record);
  return share === null ? null : `${formatDuration(record.cpu_time)} (${percent(share)})`;
}

// Records with the same id are attempts at one job, which was requeued or resized.
function recordsTable(records) {
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
  const heads = [
    ...["Job", "State", "Submitted", "Started", "Ended"],
    ...["Elapsed", "CPUs", "CPU time used", "Nodes", "Exit"],
  ];
  const one = "The record in the accounting database.";
  const caption = records.length === 1 ? one : "Newest attempt first: the job was requeued or resized.";
  return tableOf("Accounting records", caption, heads, rows, [5, 6, 7]);
}

function recordCards(record) {
  const cpuSeconds = record.elapsed * (record.tres_alloc?.cpu ?? 0);
  return [
    facts("Allocated resources", [
      ["Nodes", hosts(record.nodelist)],
      ["CPUs", count(record.tres_alloc?.cpu)],
      ["Memory", memory(record.tres_alloc?.mem)],
      ["GPUs", record.tres_alloc?.["gres/gpu"]],
      ["Elapsed", formatDuration(record.elapsed)],
      ["Suspended", record.suspended ? formatDuration(record.suspended) : null],
      ["CPU time allocated", cpuSeconds ? formatDuration(cpuSeconds) : null],
      ["CPU time used", usedCpu(record)],
    ]),
    facts("Requested", [
      ["CPUs", count(record.cpus_req)],
      ["Memory", record.mem_req === null ? null : `${memory(record.mem_req)} per ${record.mem_req_per}`],
      ["Time limit", formatLimit(record.timelimit)],
      ["Features", record.constraints],
      ["Licenses", record.licenses],
    ]),
    facts("Submitted by", [
      ["User", record.user_name],
      ["Account", record.account],
      ["Partition", record.partition],
      ["QOS", record.qos],
      ["Priority", count(record.priority)],
      ["Last pending reason", record.reason],
      ["Exit", exit(record)],
      ["Failed node", record.failed_node],
      ["Directory", record.work_dir],
      ["Comment", record.comment],
    ]),
  ];
}

// A job that is only in the accounting database.
function recordDetails(record) {
  const user = h("a", { href: page("queue", { user: record.user_name }) }, record.user_name);
  const line = h("p", {}, stateChip(record.state_name), " ", h("strong", {}, record.job_name), " of ", user);
  const source = "This job is no longer in the queue. Its details come from accounting.";
  const times = [
    ["Submitted", record.time_submit],
    ["Eligible", record.time_eligible],
    ["Started", record.time_start],
    ["Ended", record.time_end],
  ];
  return [
    h("section", { class: "headline" }, line, h("p", { class: "faint" }, source)),
    timeline(times),
    h("div", { class: "cards" }, recordCards(record)),
  ];
}

/**
 * Returns the accounting records of a job, the newest attempt first.
 *
 * The database finds records by number only. A task (123_7) or component (123+1) has a number of its own. It is found
 * among the jobs that the user submitted in the same second as the job with the number of the array.
 */
async function recordsOf(id, live, signal) {
  const history = async (query) => (await getJson("history", { ...query, times: "epoch" }, { signal })).data;
  const [, number, mark, part] = /^(\d+)(?:([_+ ])(\d+))?$/.exec(id) ?? [];
  if (number === undefined) return [];
  if (mark === undefined || live) return history({ jobid: live?.job_id ?? number, limit: 50 });
  const [leader] = await history({ jobid: number, limit: 1 });
  if (leader === undefined) return [];
  const second = { submitafter: leader.time_submit, submitbefore: leader.time_submit + 1 };
  const records = await history({ user: leader.user_name, ...second, limit: MANY });
  const [group, index] = mark === "_" ? ["array_job_id", "array_task_id"] : ["het_job_id", "het_job_offset"];
  return records.filter((record) => record[group] === Number(number) && record[index] === Number(part));
}

const notFound = (id, text) => notice("empty", `No job ${id}`, `Not in the queue. ${text}`);

async function showRecords(id, live, signal) {
  try {
    const records = await recordsOf(id, live, signal);
    replaceChildren(byId("past"), records.length > 0 && recordsTable(records));
    if (live !== null) return;
    if (records.length === 0) {
      replaceChildren(byId("content"), notFound(id, "The accounting database has no record of it either."));
      return;
    }
    setText(byId("title"), `Job ${records[0].job_id_str}`);
    replaceChildren(byId("content"), recordDetails(records[0]));
    rawRecord(byId("raw"), "/history", () => records[0]);
    setCurlLine(apiUrl("history", { jobid: records[0].id_job, times: "epoch" }));
  } catch (error) {
    if (error.name === "AbortError") return;
    // 404: accounting is switched off.
    if (live !== null) replaceChildren(byId("past"), error.status !== 404 && faultNotice(error));
    else if (error.status !== 404) replaceChildren(byId("content"), faultNotice(error));
    else replaceChildren(byId("content"), notFound(id, "Accounting is off, so earlier jobs are not available."));
  }
}

function part(name) {
  return byId("content").querySelector(`[data-part="${name}"]`);
}

function showLive(job, explanation) {
  if (part("head") === null) {
    const isCards = (name) => name === "cards" || name === "waiting";
    const makePart = (name) => h("div", { "data-part": name, class: isCards(name) ? "cards" : null });
    replaceChildren(byId("content"), PARTS.map(makePart));
  }
  const inputs = stable(job);
  setText(byId("title"), titleOf(job));
  setTitle(titleOf(job));
  renderIfChanged(part("head"), { inputs, explanation }, () => headline(job, explanation));
  renderIfChanged(part("waiting"), { inputs, explanation }, () => waiting(job, explanation));
  renderIfChanged(part("limits"), explanation, () => limitTable(explanation));
  renderIfChanged(part("priority"), explanation, () => priorityTable(explanation));
  renderIfChanged(part("times"), inputs, () => liveTimes(job));
  renderIfChanged(part("cards"), inputs, () => cards(job));
  renderIfChanged(part("nodes"), inputs, () => allocated(job));
  replaceChildren(part("ran"), progress(job));
}

function show() {
  current?.abort();
  current = new AbortController();
  const { id } = readState(DEFAULTS);
  byId("id").value = id;
  for (const name of ["past", "raw"]) replaceChildren(byId(name));
  if (id === "") {
    const forms = "Enter its id above: 123, 123_7 for an array task, or 123+1 for a component of a heterogeneous job.";
    replaceChildren(byId("content"), notice("empty", "Which job?", forms));
    return;
  }
  setText(byId("title"), `Job ${id}`);
  replaceChildren(byId("content"), notice("loading", "Loading …"));
  pollJob(id, current.signal);
}

/** Resolves to the explanation of a job, or to null if there is nothing to explain or no answer. */
async function explanationOf(id, job, signal) {
  if (!needsExplanation(job)) return null;
  try {
    return (await getJson(`queue/${encodeURIComponent(id)}/explain`, {}, { signal })).data;
  } catch (error) {
    // The job may have left the queue since, and the page shows the rest without an explanation.
    if (error instanceof ApiError) return null;
    throw error;
  }
}

function pollJob(id, signal) {
  const path = `queue/${encodeURIComponent(id)}`;
  let job = null;
  let isGone = false;
  setCurlLine(apiUrl(path));
  const clock = setInterval(() => {
    if (signal.aborted) clearInterval(clock);
    else if (job !== null && part("ran") !== null) replaceChildren(part("ran"), progress(job));
  }, 1000);
  const onAnswer = async ({ data }) => {
    const isNew = job?.job_state !== data.job_state || job?.restart_cnt !== data.restart_cnt;
    if (job === null) rawRecord(byId("raw"), "/queue/{jobid}", () => job);
    job = data;
    isGone = false;
    if (isNew) showRecords(id, job, signal);
    showLive(job, await explanationOf(id, job, signal));
  };
  const onFault = (fault) => {
    if (fault.status === 404 && !isGone) {
      job = null;
      isGone = true;
      showRecords(id, null, signal);
    } else if (fault.status !== 404 && job === null) replaceChildren(byId("content"), faultNotice(fault));
  };
  poll(path, {}, { signal, onAnswer, onFault });
}

byId("find").addEventListener("submit", (event) => {
  event.preventDefault();
  writeState({ id: byId("id").value.trim() }, DEFAULTS, { push: true });
  show();
});
onMove(show);
show();
