// Facts about jobs: state, run time, GPUs, ids, array tasks. No I/O.

import { h } from "./dom.js";
import { count, gpuCount, now } from "./format.js";
import { JOB_STATES, JOB_STATES_WITH_NODES } from "./slurm-vocabulary.js";

const TONES = {
  RUNNING: "good",
  PENDING: "waiting",
  COMPLETING: "good",
  CONFIGURING: "good",
  COMPLETED: "done",
  SUSPENDED: "old",
  REQUEUED: "old",
  PREEMPTED: "old",
  FAILED: "bad",
  TIMEOUT: "bad",
  OUT_OF_MEMORY: "bad",
  NODE_FAIL: "bad",
  BOOT_FAIL: "bad",
  DEADLINE: "bad",
  LAUNCH_FAILED: "bad",
};

/** Returns the state of a job without its flags: "RUNNING+STOPPED" is RUNNING. */
export const baseState = (state) => (state ?? "UNKNOWN").split("+")[0];
export const isPending = (job) => baseState(job.job_state) === "PENDING";

/** Returns true for a state that is a failure. A job that was cancelled or preempted is none. */
export const isFailure = (state) => TONES[baseState(state)] === "bad";

/** Returns true for a job that waits, or whose reason says how it ended. */
export const needsExplanation = (job) => isPending(job) || !["", "None"].includes(job.state_reason ?? "");

/** Returns true if a job in this state, with or without flags, holds nodes. */
export const holdsNodes = (job) =>
  (job.job_state ?? "").split("+").some((word) => JOB_STATES_WITH_NODES.includes(word));

/** Returns the full name of a state that may be written as squeue's short name: "pd" is PENDING. */
export const fullState = (text) => JOB_STATES[text.toUpperCase()] ?? text.toUpperCase();

/** Returns a state in plain words: "OUT_OF_MEMORY" is "out of memory". */
export const stateText = (state) => (state ?? "unknown").toLowerCase().replaceAll("_", " ");

/** Makes a coloured chip with a job's state. */
export function stateChip(state) {
  return h("span", { class: `chip state ${TONES[baseState(state)] ?? "done"}` }, stateText(state));
}

/**
 * Returns the seconds that a job has run at time `at`, as slurmctld computes them; null if it never started.
 *
 * Source: job_info.c of Slurm, calc_job_run_time.
 */
export function runSeconds(job, at = now()) {
  if (isPending(job) || !job.start_time) return null;
  const state = baseState(job.job_state);
  if (state === "SUSPENDED") return job.pre_sus_time ?? 0;
  const begin = job.suspend_time ? job.suspend_time : job.start_time;
  const end = holdsNodes(job) && state !== "COMPLETING" ? at : Math.min(at, job.end_time || at);
  return (job.suspend_time ? (job.pre_sus_time ?? 0) : 0) + Math.max(0, end - begin);
}

/** Returns TRES as an object: "cpu=4,gres/gpu=2" is {cpu: "4", "gres/gpu": "2"}. */
export function tres(text) {
  const pairs = (text ?? "").split(",").filter((part) => part.includes("="));
  return Object.fromEntries(pairs.map((pair) => pair.split(/=(.*)/s, 2)));
}

const gresOf = (text) => (text ?? "").split(",").filter((part) => part.startsWith("gres/"));
// "gres/gpu:a100=2" and "gres/gpu:a100:2"
const gpusOf = (text) => gpuCount(gresOf(text).map((part) => part.slice("gres/".length).replace("=", ":")));

// Slurm has no GPUs in TRES unless AccountingStorageTRES names them. Then the options of sbatch have them.
function requestedGpus(job) {
  const total = gpusOf(job.tres_req_str) || gpusOf(job.tres_per_job);
  const nodes = job.num_nodes || 1;
  const perSocket = gpusOf(job.tres_per_socket) * nodes * (job.sockets_per_node || 1);
  return (
    total || Math.max(gpusOf(job.tres_per_node) * nodes, gpusOf(job.tres_per_task) * (job.num_tasks || 1), perSocket)
  );
}

/** Returns the number of GPUs that a job holds, or requests while it holds none. */
export function gpus(job) {
  const byNode = Object.values(job.gres_allocated ?? {});
  const held = byNode.map((gres) => gpuCount(Object.entries(gres).map(([name, number]) => `${name}:${number}`)));
  return held.reduce((sum, number) => sum + number, 0) || gpusOf(job.tres_alloc_str) || requestedGpus(job);
}

/** Returns the number of tasks in "2-9%4" or "1,3,10-20:2"; null if Slurm has cut the list short. */
export function taskCount(text) {
  if (text.includes("...")) return null;
  let sum = 0;
  for (const part of text.split("%")[0].replace(/[[\]]/g, "").split(",")) {
    const [range, step] = part.split(":");
    const [first, last] = range.split("-").map(Number);
    sum += last === undefined ? 1 : Math.floor((last - first) / (Number(step) || 1)) + 1;
  }
  return sum;
}

/** Returns the id of a job as squeue prints it: 12, 12_3, 12_[4-9], 12+1. */
export function jobName(job) {
  if (job.het_job_id) return `${job.het_job_id}+${job.het_job_offset ?? 0}`;
  if (!job.array_job_id) return String(job.job_id);
  if (job.array_task_str) return `${job.array_job_id}_[${job.array_task_str}]`;
  const isTask = job.array_task_id !== null && job.array_task_id !== undefined;
  return isTask ? `${job.array_job_id}_${job.array_task_id}` : String(job.array_job_id);
}

/** Splits a hostlist at the commas outside of brackets: "n1,n[2-4]" is ["n1", "n[2-4]"]. */
export function splitHosts(text) {
  return (text ?? "").match(/[^,[]+(?:\[[^\]]*\][^,[]*)*/g) ?? [];
}

/** Splits a dependency at its job ids, which are at the odd places: "afterok:12" is ["afterok:", "12", ""]. */
export function splitDependency(text) {
  return (text ?? "").split(/(\d+(?:[_+]\d+)?(?=[:(,?]|$))/);
}

function byArray(jobs) {
  const found = new Map();
  for (const job of jobs) {
    const array = job.array_job_id ?? null;
    if (!found.has(array)) found.set(array, []);
    found.get(array).push(job);
  }
  return found;
}

/**
 * Returns the rows to show, in order: {key, kind: "job" | "group" | "task", job | jobs}.
 *
 * Two or more records of an array become one row, at the place of the first. The records of the arrays in the Set
 * `open` follow it.
 */
export function arrange(jobs, grouped, open) {
  const arrays = byArray(jobs);
  const rows = [];
  const seen = new Set();
  for (const job of jobs) {
    const array = job.array_job_id ?? null;
    const members = arrays.get(array);
    if (!grouped || array === null || members.length < 2) rows.push({ key: `${job.job_id}`, kind: "job", job });
    else if (!seen.has(array)) {
      seen.add(array);
      const isOpen = open.has(String(array));
      rows.push({ key: `array ${array}`, kind: "group", array, jobs: members, isOpen });
      if (isOpen) rows.push(...members.map((task) => ({ key: `${task.job_id}`, kind: "task", job: task })));
    }
  }
  return rows;
}

/** Returns the tasks of an array's records by state: "3 running, 30 pending". */
export function tasksByState(jobs) {
  const sums = new Map();
  for (const job of jobs) {
    const state = stateText(baseState(job.job_state));
    sums.set(state, (sums.get(state) ?? 0) + tasksIn(job));
  }
  return [...sums].map(([state, tasks]) => `${count(tasks)} ${state}`).join(", ");
}

/** Returns the CPUs of all tasks of an array's records. `num_cpus` of a record is that of each of its tasks. */
export function cpusOfTasks(jobs) {
  return jobs.reduce((sum, job) => sum + job.num_cpus * tasksIn(job), 0);
}

function tasksIn(job) {
  return job.array_task_str ? (taskCount(job.array_task_str) ?? 1) : 1;
}
