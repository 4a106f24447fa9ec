// The parts of the Job page from the accounting database: what a job used, its steps, its attempts, its siblings.

import { facts, h, notice, setShare, tableOf, withCode } from "./dom.js";
import { count, exitOf, formatDateTime, formatDuration, formatLimit, memory, percent, plural, zone } from "./format.js";
import { accountLink, jobLink, page, qosLink } from "./frame.js";
import { elapsedBar, hosts, timeline } from "./job-live.js";
import { requestedMemory, useOf } from "./job-use.js";
import { stateChip, stateText } from "./jobs.js";

const link = (filter, value) => value && h("a", { href: page("queue", { [filter]: value }) }, value);
const exit = (record) => exitOf(record) || (record.exit_code === null ? "–" : "0");
const detail = (text) => h("span", { class: "explanation" }, text);

/**
 * Makes the part of what an ended job used: the verdict, and a table of requested, allocated and used resources.
 *
 * `steps` are all steps of this attempt, or null. Returns null for a job that has not ended or did not run.
 */
export function usePart(record, steps) {
  const use = useOf(record, steps);
  if (use === null) return null;
  const meter = (share) => share !== null && setShare(h("div", { class: "meter", "aria-hidden": "true" }), share);
  const used = ({ used: text, share }) => [share === null ? text : `${text} (${percent(share)})`, meter(share)];
  const rows = use.rows.map((row) => [row.name, row.requested, row.allocated, used(row), withCode(row.text)]);
  const heads = ["Resource", "Requested", "Allocated", "Used", "Meaning"];
  const caption = "As Slurm recorded it. The memory is the largest sum over the tasks of one step.";
  const table = tableOf("Requested and used", caption, heads, rows);
  table.classList.add("use");
  return [h("p", { class: "why verdict" }, withCode(use.verdict)), table];
}

/** Makes the table of the attempts at a job, the newest first. Null for a single one. */
export function attemptsTable(records) {
  if (records.length < 2) return null;
  const rows = records.map((record) => [
    formatDateTime(record.time_submit),
    stateChip(record.state_name),
    exit(record),
    formatDateTime(record.time_start),
    formatDateTime(record.time_end),
    formatDuration(record.elapsed),
    hosts(record.nodelist),
  ]);
  const heads = ["Submitted", "State", "Exit", "Started", "Ended", "Elapsed", "Nodes"];
  const caption = `${plural(records.length, "attempt")}, newest first: the job was requeued or resized.`;
  return tableOf("Attempts", caption, heads, rows, [5]);
}

function stepRow(step) {
  const where = step.max_rss_node && `${step.max_rss_node}, task ${step.max_rss_task ?? 0}`;
  const share = step.cpu_efficiency === null ? "" : ` (${percent(step.cpu_efficiency)})`;
  return [
    [step.step_id, step.step_name && step.step_name !== step.step_id && detail(step.step_name)],
    stateChip(step.state_name),
    exit(step),
    count(step.tasks),
    [formatDateTime(step.time_start), detail(`to ${formatDateTime(step.time_end)}`)],
    formatDuration(step.elapsed),
    `${formatDuration(step.cpu_time)}${share}`,
    [memory(step.max_rss), where && detail(where)],
  ];
}

/** Makes the table of the steps of a job. `isComplete` is false if there are more. */
export function stepsTable(steps, isComplete) {
  if (steps.length === 0)
    return notice("empty", "No steps are recorded", "The job did not start, or its steps were purged.");
  const heads = ["Step", "State", "Exit", "Tasks", "Started", "Elapsed", "CPU time", "Peak of a task"];
  const more = isComplete ? "" : ", the first ones";
  const caption = `${plural(steps.length, "step")}${more}. Times are in ${zone()}.`;
  const table = tableOf("Steps", caption, heads, steps.map(stepRow), [3, 5, 6, 7]);
  table.classList.add("steps");
  return table;
}

/** Makes the table of the tasks of an array or the components of a heterogeneous job, with their number by state. */
export function siblingsTable(records, isComplete) {
  const states = new Map();
  for (const { state_name: state } of records) states.set(state, (states.get(state) ?? 0) + 1);
  const sums = [...states].map(([state, number]) => `${count(number)} ${stateText(state)}`).join(", ");
  const rows = records.map((record) => [
    record.job_id_str.includes("[") ? jobLink(record.id_job, record.job_id_str) : jobLink(record.job_id_str),
    stateChip(record.state_name),
    exit(record),
    formatDateTime(record.time_start),
    formatDuration(record.elapsed),
    hosts(record.nodelist),
  ]);
  const caption = `${sums}.${isComplete ? "" : ` These are the newest ${count(records.length)}.`}`;
  return tableOf("Records", caption, ["Job", "State", "Exit", "Started", "Elapsed", "Nodes"], rows, [4]);
}

function cards(record) {
  return [
    facts("Submitted by", [
      ["User", link("user", record.user_name)],
      ["Account", accountLink(record.account)],
      ["Partition", link("partition", record.partition)],
      ["QOS", qosLink(record.qos)],
      ["Priority", count(record.priority)],
      ["Last pending reason", record.reason],
      ["Comment", record.comment],
      ["Administrator's comment", record.admin_comment],
      ["WCKey", record.wckey],
    ]),
    facts("Requested", [
      ["Nodes", count(record.tres_req?.node)],
      ["CPUs", count(record.cpus_req)],
      ["Memory", requestedMemory(record)],
      ["Time limit", formatLimit(record.timelimit)],
      ["Features", record.constraints],
      ["Licenses", record.licenses],
      ["Reservation", record.reservation ?? record.reservation_req],
      ["Container", record.container],
    ]),
    facts("Outcome", [
      ["Exit", exit(record)],
      [
        "Highest exit of its steps",
        exitOf({ exit_code: record.derived_exit_code, exit_signal: record.derived_exit_signal }),
      ],
      ["Failed node", record.failed_node],
      ["Nodes", hosts(record.nodelist)],
      ["Suspended", record.suspended ? formatDuration(record.suspended) : null],
      ["Energy", record.energy === null ? null : `${count(record.energy)} J`],
      ["Restarts", record.restart_cnt || null],
      ["System's comment", record.system_comment],
    ]),
    filesCard(record),
  ];
}

const submitLine = ({ submit_line: line }) => line && h("code", {}, line);

/** Makes the card of what only the accounting database has of the submission of a job. */
export const submissionCard = (record) =>
  facts("Submission", [
    ["Submit line", submitLine(record)],
    ["WCKey", record.wckey],
  ]);

function filesCard(record) {
  return facts("Files", [
    ["Submit line", submitLine(record)],
    ["Directory", record.work_dir],
    ["Output", record.std_out],
    ["Errors", record.std_err],
    ["Input", record.std_in],
  ]);
}

/** Makes the lines under the title of a job that only the accounting database has. */
export function pastHeadline(record) {
  const line = h("p", {}, stateChip(record.state_name), " ", h("strong", {}, record.job_name), " of ");
  line.append(link("user", record.user_name) ?? "", " in ", link("partition", record.partition) || "no partition");
  const source = "This job is no longer in the queue. Its details come from accounting.";
  const hasRun = record.time_start !== null;
  return h(
    "section",
    { class: "headline" },
    line,
    h("p", { class: "faint" }, source),
    hasRun && elapsedBar(record.elapsed, record.timelimit),
  );
}

/** Makes the times and the cards of such a job. */
export function pastDetails(record) {
  const times = timeline([
    ["Submitted", record.time_submit],
    ["Eligible", record.time_eligible],
    ["Started", record.time_start],
    ["Ended", record.time_end],
  ]);
  return [times, h("div", { class: "cards" }, cards(record))];
}
