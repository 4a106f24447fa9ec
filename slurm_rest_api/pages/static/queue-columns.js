// The columns of the queue.

import { h } from "./dom.js";
import { count, formatDuration, formatLimit, memory, plural, shortDate } from "./format.js";
import { accountLink, jobLink, nodeLink, page, qosLink } from "./frame.js";
import { reason } from "./job-reasons.js";
import { fullState, gpus, holdsNodes, isPending, jobName, runSeconds, stateChip, taskCount } from "./jobs.js";

// The mark for a maintenance needs the rest: queue-maintenance.js.
const STATE_FIELDS = ["job_state", "partition", "nodes", "start_time", "end_time", "time_limit", "resv_name"];

const text = (field) => ({ text: (job) => job[field] ?? "–" });
const number = (field, write = count) => ({ number: true, text: (job) => write(job[field]) });
const filterLink = (field, filter) => ({
  ...text(field),
  node: (job) => job[field] && h("a", { href: page("queue", { [filter]: job[field] }) }, job[field]),
});

const markedState = ({ job_state: name, maintenance }) => (maintenance ? `${name}, ${maintenance.label}` : name);

function state({ job_state: name, maintenance }) {
  if (!maintenance) return stateChip(name);
  const { name: reservation, label, text: sentence } = maintenance;
  const link = h("a", { href: page("reservations", { name: reservation }), title: sentence, class: "mark" }, label);
  return [stateChip(name), link];
}

function start(job) {
  if (!job.start_time) return "–";
  // A line breaks behind "expected" or between date and time only.
  const time = shortDate(job.start_time).replace(/(?<!,) /g, "\u00a0");
  return isPending(job) ? `expected ${time}` : time;
}

function end(job) {
  if (isPending(job) || !job.end_time) return "–";
  return `${holdsNodes(job) ? "by " : ""}${shortDate(job.end_time)}`;
}

function why(job) {
  const { label, details } = reason(job.state_reason);
  return details ? `${label}: ${details}` : label || "–";
}

// A reason may name hundreds of nodes.
const fewLines = (job) => h("span", { class: "few-lines", title: job.state_reason }, why(job));

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
 * `sort`: the API can sort by it. `needs`: the fields that it reads. `text(job, at)` is its text, `node(job, at)` its
 * element or elements. `ticks`: the text changes every second. `number`: aligned to the right. `long`: may be cut.
 * `wraps`: has as many lines as it needs.
 */
export const COLUMNS = {
  job_id: { title: "Job", sort: true, text: idText, node: idLink },
  name: { title: "Name", sort: true, long: true, ...text("name") },
  user_name: { title: "User", sort: true, ...filterLink("user_name", "user") },
  account: { title: "Account", sort: true, ...text("account"), node: (job) => accountLink(job.account) },
  partition: { title: "Partition", sort: true, ...filterLink("partition", "partition") },
  qos: { title: "QOS", sort: true, ...text("qos"), node: (job) => qosLink(job.qos) },
  job_state: { title: "State", sort: true, needs: STATE_FIELDS, text: markedState, node: state },
  state_reason: { title: "Why", sort: true, wraps: true, text: why, node: fewLines },
  priority: { title: "Priority", sort: true, ...number("priority") },
  submit_time: { title: "Submitted", sort: true, number: true, text: (job) => shortDate(job.submit_time) },
  start_time: { title: "Start", sort: true, number: true, wraps: true, text: start },
  run_time: {
    title: "Run time",
    number: true,
    needs: ["start_time", "end_time", "suspend_time", "pre_sus_time"],
    text: (job, at) => formatDuration(runSeconds(job, at)),
    node: (job, at) => h("span", { class: "ticking" }, formatDuration(runSeconds(job, at))),
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

const FIRST_COLUMNS = ["job_id", "name", "user_name", "partition", "job_state", "state_reason"];
const DEFAULT_COLUMNS = [
  ...FIRST_COLUMNS,
  ...["start_time", "run_time", "time_limit", "num_nodes", "num_cpus", "gpus", "nodes"],
];
// Those of the jobs of one state. Pending ones have neither a run time nor nodes, and running ones wait for nothing.
const COLUMNS_OF_STATE = {
  PENDING: [
    ...FIRST_COLUMNS,
    ...["priority", "submit_time", "start_time", "time_limit", "num_nodes", "num_cpus", "gpus"],
  ],
  RUNNING: DEFAULT_COLUMNS.filter((name) => name !== "state_reason"),
};

// Fields that the rows need whatever columns are shown.
const ALWAYS = [
  ...["job_id", "job_state", "array_job_id", "array_task_id", "array_task_str"],
  ...["het_job_id", "het_job_offset", "num_cpus"],
];

/**
 * Returns the columns of a state of the page, the job id first.
 *
 * @param {{columns: string, state: string, sort: string}} state `columns` are those that the user chose, with commas.
 *   Without any, they depend on the states of the jobs, and the column that sorts is among them.
 */
export function chosenColumns({ columns, state: states, sort }) {
  const known = columns.split(",").filter((name) => Object.hasOwn(COLUMNS, name) && name !== "job_id");
  if (known.length > 0) return ["job_id", ...new Set(known)];
  const shown = COLUMNS_OF_STATE[fullState(states)] ?? DEFAULT_COLUMNS;
  const sorting = sort.replace(/^-/, "");
  if (shown.includes(sorting) || !Object.hasOwn(COLUMNS, sorting)) return shown;
  return shown.toSpliced(FIRST_COLUMNS.length, 0, sorting);
}

const needsOf = (columns) => columns.flatMap((name) => COLUMNS[name].needs ?? [name]);

/** Returns the fields that a page of jobs with these columns needs, with commas. */
export const fieldsOf = (columns) => [...new Set([...ALWAYS, ...needsOf(columns)])].join(",");

/** Returns the fields of a CSV file with these columns, with commas. */
export const csvFieldsOf = (columns) => [...new Set(needsOf(columns))].join(",");
