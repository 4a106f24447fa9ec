// What pages tell about jobs: the state, how long, how many.

import { h } from "./dom.js";
import { now } from "./format.js";

const TONES = {
  RUNNING: "good", PENDING: "waiting", COMPLETING: "good", CONFIGURING: "good", COMPLETED: "done", SUSPENDED: "old", REQUEUED: "old", PREEMPTED: "old",
  FAILED: "bad", TIMEOUT: "bad", OUT_OF_MEMORY: "bad", NODE_FAIL: "bad", BOOT_FAIL: "bad", DEADLINE: "bad", LAUNCH_FAILED: "bad",
};
const HOLDING = new Set(["RUNNING", "SUSPENDED", "COMPLETING", "CONFIGURING", "STOPPED", "RESIZING", "SIGNALING", "STAGE_OUT"]);

export const baseState = (state) => (state ?? "UNKNOWN").split("+")[0];
export const isPending = (job) => baseState(job.job_state) === "PENDING";
export const holdsNodes = (job) => HOLDING.has(baseState(job.job_state));

// "OUT_OF_MEMORY" → "out of memory", with a colour that says the same.
export function stateChip(state) {
  return h("span", { class: `chip state ${TONES[baseState(state)] ?? "done"}` }, (state ?? "unknown").toLowerCase().replaceAll("_", " "));
}

// Seconds that the job has run by this page's clock, as slurmctld reckons them; null for one that never started.
export function runSeconds(job, at = now()) {
  if (isPending(job) || !job.start_time) return null;
  const state = baseState(job.job_state);
  if (state === "SUSPENDED") return job.pre_sus_time ?? 0;
  const begin = job.suspend_time ? job.suspend_time : job.start_time;
  const end = holdsNodes(job) && state !== "COMPLETING" ? at : Math.min(at, job.end_time || at);
  return (job.suspend_time ? (job.pre_sus_time ?? 0) : 0) + Math.max(0, end - begin);
}

// "cpu=4,mem=8000M,gres/gpu=2" → {cpu: "4", mem: "8000M", "gres/gpu": "2"}.
export function tres(text) {
  return Object.fromEntries((text ?? "").split(",").filter((part) => part.includes("=")).map((part) => part.split(/=(.*)/s, 2)));
}

export function gpus(job) {
  return Number(tres(job.tres_alloc_str ?? job.tres_req_str)["gres/gpu"] ?? 0);
}

// How many tasks `2-9%4` or `1,3,10-20:2` stands for; null where Slurm has cut the list short.
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

// The id as squeue prints it: 12, 12_3, 12_[4-9], 12+1.
export function jobName(job) {
  if (job.het_job_id) return `${job.het_job_id}+${job.het_job_offset ?? 0}`;
  if (!job.array_job_id) return String(job.job_id);
  if (job.array_task_str) return `${job.array_job_id}_[${job.array_task_str}]`;
  return job.array_task_id === null || job.array_task_id === undefined ? String(job.array_job_id) : `${job.array_job_id}_${job.array_task_id}`;
}

// The share of its CPUs that the job of a record in the accounting database used while it held them; null where its steps recorded nothing, or it has not ended.
export function efficiencyOf({ cpu_time: used, elapsed, tres_alloc: tres, time_end: end }) {
  const held = (tres?.cpu ?? 0) * elapsed;
  return used === null || used === undefined || held === 0 || end === null ? null : used / held;
}
