// The columns of the queue: the fields that each needs, what it says, and how it looks.

import { h } from "./dom.js";
import { count, memory, span } from "./format.js";
import { gpus, holdsNodes, isPending, jobName, runSeconds, stateChip, taskCount } from "./jobs.js";
import { reason } from "./reasons.js";
import { jobLink, nodeLink, page } from "./shell.js";

const text = (field) => ({ text: (job) => job[field] ?? "–" });
const number = (field, write = count) => ({ number: true, text: (job) => write(job[field]) });
const choice = (field, filter) => ({ ...text(field), node: (job) => job[field] && h("a", { href: page("queue", { [filter]: job[field] }) }, job[field]) });

// A short moment: the time alone within a day, else with the date.
const ofDay = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const ofYear = new Intl.DateTimeFormat(undefined, { month: "short", day: "numeric", hour: "numeric", minute: "2-digit" });

function moment(epoch) {
  if (!epoch) return "–";
  const date = new Date(1000 * epoch);
  return (date.toDateString() === new Date().toDateString() ? ofDay : ofYear).format(date);
}

function start(job) {
  if (!job.start_time) return "–";
  return isPending(job) ? `expected ${moment(job.start_time)}` : moment(job.start_time);
}

function why(job) {
  const { label, details } = reason(job.state_reason);
  return details ? `${label}: ${details}` : label || "–";
}

function places(job) {
  const names = job.nodes;
  return names && !/[[,]/.test(names) ? nodeLink(names) : null;
}

// A waiting record of an array stands for several tasks.
function idText(job) {
  const tasks = job.array_task_str ? taskCount(job.array_task_str) : 0;
  const waiting = tasks === 0 ? "" : ` (${tasks === null ? "many" : count(tasks)} ${tasks === 1 ? "task" : "tasks"})`;
  return job.array_task_str ? `${job.array_job_id}_[…]${waiting}` : jobName(job);
}

// By the API's name of the column's main field. `sort` says that the API can sort by it, `needs` which fields it reads.
export const COLUMNS = {
  job_id: { title: "Job", sort: true, text: idText, node: (job) => jobLink(job.array_task_str ? job.job_id : jobName(job), idText(job)) },
  name: { title: "Name", sort: true, long: true, ...text("name") },
  user_name: { title: "User", sort: true, ...choice("user_name", "user") },
  account: { title: "Account", sort: true, ...choice("account", "account") },
  partition: { title: "Partition", sort: true, ...choice("partition", "partition") },
  qos: { title: "QOS", sort: true, ...choice("qos", "qos") },
  job_state: { title: "State", sort: true, text: (job) => job.job_state, node: (job) => stateChip(job.job_state) },
  state_reason: { title: "Why", sort: true, long: true, text: why, hint: (job) => reason(job.state_reason).meaning },
  priority: { title: "Priority", sort: true, ...number("priority") },
  submit_time: { title: "Submitted", sort: true, number: true, text: (job) => moment(job.submit_time) },
  start_time: { title: "Start", sort: true, number: true, text: start },
  run_time: { title: "Run time", number: true, needs: ["start_time", "end_time", "suspend_time", "pre_sus_time"], text: (job, at) => span(runSeconds(job, at)), ticks: true },
  time_limit: { title: "Limit", sort: true, ...number("time_limit", (minutes) => span(typeof minutes === "number" ? 60 * minutes : minutes)) },
  end_time: { title: "End", sort: true, number: true, needs: ["end_time"], text: (job) => (isPending(job) ? "–" : `${holdsNodes(job) ? "at most " : ""}${moment(job.end_time)}`) },
  num_nodes: { title: "Nodes", sort: true, ...number("num_nodes") },
  num_cpus: { title: "CPUs", sort: true, ...number("num_cpus") },
  memory: { title: "Memory", sort: true, ...number("memory", memory) },
  gpus: { title: "GPUs", number: true, needs: ["tres_alloc_str", "tres_req_str"], text: (job) => (gpus(job) ? count(gpus(job)) : "–") },
  nodes: { title: "On", long: true, ...text("nodes"), node: places },
  dependency: { title: "Depends on", long: true, ...text("dependency") },
};
export const DEFAULT_COLUMNS = "job_id,name,user_name,partition,job_state,state_reason,start_time,run_time,time_limit,num_nodes,num_cpus,gpus,nodes";

// Fields that the rows need whatever is shown.
const ALWAYS = ["job_id", "job_state", "array_job_id", "array_task_id", "array_task_str", "het_job_id", "het_job_offset", "num_cpus"];

// Those of the names in `chosen` that are columns, the job first; all that are usual where none is.
export function chosenColumns(chosen) {
  const known = chosen.split(",").filter((name) => Object.hasOwn(COLUMNS, name) && name !== "job_id");
  return ["job_id", ...(known.length > 0 ? new Set(known) : DEFAULT_COLUMNS.split(",").slice(1))];
}

export function fieldsOf(columns) {
  return [...new Set([...ALWAYS, ...columns.flatMap((name) => COLUMNS[name].needs ?? [name])])].join(",");
}
