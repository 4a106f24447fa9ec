// The columns of the queue.

import { h } from "./dom.js";
import { count, formatDuration, formatLimit, memory, plural, shortDate } from "./format.js";
import { accountLink, jobLink, nodeLink, page, qosLink } from "./frame.js";
import { reason } from "./job-reasons.js";
import { gpus, holdsNodes, isPending, jobName, runSeconds, stateChip, taskCount } from "./jobs.js";

const text = (field) => ({ text: (job) => job[field] ?? "–" });
const number = (field, write = count) => ({ number: true, text: (job) => write(job[field]) });
const filterLink = (field, filter) => ({
  ...text(field),
  node: (job) => job[field] && h("a", { href: page("queue", { [filter]: job[field] }) }, job[field]),
});

function start(job) {
  if (!job.start_time) return "–";
  return isPending(job) ? `expected ${shortDate(job.start_time)}` : shortDate(job.start_time);
}

function end(job) {
  if (isPending(job) || !job.end_time) return "–";
  return `${holdsNodes(job) ? "by " : ""}${shortDate(job.end_time)}`;
}

function why(job) {
  const { label, details } = reason(job.state_reason);
  return details ? `${label}: ${details}` : label || "–";
}

function singleNode(job) {
  const names = job.nodes;
  return names && !/[[,]/.test(names) ? nodeLink(names) : null;
}

// A pending record of an array is several tasks.
function idText(job) {
  if (!job.array_task_str) return jobName(job);
  const tasks = taskCount(job.array_task_str);
  return `${job.array_job_id}_[…] (${tasks === null ? "many tasks" : plural(tasks, "task")})`;
}

function idLink(job) {
  return jobLink(job.array_task_str ? job.job_id : jobName(job), idText(job));
}

/**
 * The columns, by the API's name of their main field.
 *
 * `sort`: the API can sort by it. `needs`: the fields that it reads. `text(job, at)` is its text, `node(job)` its
 * element. `ticks`: the text changes every second. `number`: aligned to the right. `long`: may be cut.
 */
export const COLUMNS = {
  job_id: { title: "Job", sort: true, text: idText, node: idLink },
  name: { title: "Name", sort: true, long: true, ...text("name") },
  user_name: { title: "User", sort: true, ...filterLink("user_name", "user") },
  account: { title: "Account", sort: true, ...text("account"), node: (job) => accountLink(job.account) },
  partition: { title: "Partition", sort: true, ...filterLink("partition", "partition") },
  qos: { title: "QOS", sort: true, ...text("qos"), node: (job) => qosLink(job.qos) },
  job_state: { title: "State", sort: true, text: (job) => job.job_state, node: (job) => stateChip(job.job_state) },
  state_reason: {
    title: "Why",
    sort: true,
    long: true,
    text: why,
  },
  priority: { title: "Priority", sort: true, ...number("priority") },
  submit_time: { title: "Submitted", sort: true, number: true, text: (job) => shortDate(job.submit_time) },
  start_time: { title: "Start", sort: true, number: true, text: start },
  run_time: {
    title: "Run time",
    number: true,
    needs: ["start_time", "end_time", "suspend_time", "pre_sus_time"],
    text: (job, at) => formatDuration(runSeconds(job, at)),
    ticks: true,
  },
  time_limit: { title: "Limit", sort: true, ...number("time_limit", formatLimit) },
  end_time: { title: "End", sort: true, number: true, needs: ["end_time"], text: end },
  num_nodes: { title: "Nodes", sort: true, ...number("num_nodes") },
  num_cpus: { title: "CPUs", sort: true, ...number("num_cpus") },
  memory: { title: "Memory", sort: true, ...number("memory", memory) },
  gpus: {
    title: "GPUs",
    number: true,
    needs: [
      ...["gres_allocated", "tres_alloc_str", "tres_req_str", "tres_per_job", "tres_per_node", "tres_per_socket"],
      ...["tres_per_task", "num_nodes", "num_tasks", "sockets_per_node"],
    ],
    text: (job) => (gpus(job) ? count(gpus(job)) : "–"),
  },
  nodes: { title: "On", long: true, ...text("nodes"), node: singleNode },
  dependency: { title: "Depends on", long: true, ...text("dependency") },
};

/** The columns that are shown unless the user chose others. */
export const DEFAULT_COLUMNS = [
  ...["job_id", "name", "user_name", "partition", "job_state", "state_reason", "start_time", "run_time"],
  ...["time_limit", "num_nodes", "num_cpus", "gpus", "nodes"],
].join(",");

// Fields that the rows need whatever columns are shown.
const ALWAYS = [
  ...["job_id", "job_state", "array_job_id", "array_task_id", "array_task_str"],
  ...["het_job_id", "het_job_offset", "num_cpus"],
];

/** Returns the columns among the names in `chosen`, the job id first; the default ones if there are none. */
export function chosenColumns(chosen) {
  const known = chosen.split(",").filter((name) => Object.hasOwn(COLUMNS, name) && name !== "job_id");
  return ["job_id", ...(known.length > 0 ? new Set(known) : DEFAULT_COLUMNS.split(",").slice(1))];
}

const needsOf = (columns) => columns.flatMap((name) => COLUMNS[name].needs ?? [name]);

/** Returns the fields that a page of jobs with these columns needs, with commas. */
export const fieldsOf = (columns) => [...new Set([...ALWAYS, ...needsOf(columns)])].join(",");

/** Returns the fields of a CSV file with these columns, with commas. */
export const csvFieldsOf = (columns) => [...new Set(needsOf(columns))].join(",");
