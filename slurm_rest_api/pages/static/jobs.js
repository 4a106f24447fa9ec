// What pages tell about jobs: the state, how long, how many; and why they wait or failed, in words.

import { h, now } from "./dom.js";

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
const HOLDING = new Set([
  "RUNNING",
  "SUSPENDED",
  "COMPLETING",
  "CONFIGURING",
  "STOPPED",
  "RESIZING",
  "SIGNALING",
  "STAGE_OUT",
]);

export const baseState = (state) => (state ?? "UNKNOWN").split("+")[0];
export const isPending = (job) => baseState(job.job_state) === "PENDING";
export const holdsNodes = (job) => HOLDING.has(baseState(job.job_state));

// "OUT_OF_MEMORY" → "out of memory", with a colour that says the same.
export function stateChip(state) {
  return h(
    "span",
    { class: `chip state ${TONES[baseState(state)] ?? "done"}` },
    (state ?? "unknown").toLowerCase().replaceAll("_", " "),
  );
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
  return Object.fromEntries(
    (text ?? "")
      .split(",")
      .filter((part) => part.includes("="))
      .map((part) => part.split(/=(.*)/s, 2)),
  );
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
  return job.array_task_id === null || job.array_task_id === undefined
    ? String(job.array_job_id)
    : `${job.array_job_id}_${job.array_task_id}`;
}

// The share of its CPUs that the job of a record in the accounting database used while it held them; null where its steps recorded nothing, or it has not ended.
export function efficiencyOf({ cpu_time: used, elapsed, tres_alloc: tres, time_end: end }) {
  const held = (tres?.cpu ?? 0) * elapsed;
  return used === null || used === undefined || held === 0 || end === null ? null : used / held;
}

// The reasons of squeue's JOB REASON CODES. One without words is shown as it is.

const LIMIT_SUBJECTS = {
  Assoc: "the association of this user and account",
  AssocGrp: "the account, counted over all of its jobs,",
  QOSGrp: "the QOS, counted over all of its jobs,",
  QOSMax: "the QOS",
};
const LIMITED = {
  Cpu: "CPUs",
  CPU: "CPUs",
  Mem: "memory",
  Node: "nodes",
  Nodes: "nodes",
  GRES: "generic resources such as GPUs",
  BB: "burst buffer space",
  Billing: "billing units",
  Energy: "energy",
  License: "licenses",
  Jobs: "running jobs",
  SubmitJobs: "submitted jobs",
  Wall: "run time",
  WallDuration: "run time",
  JobsPerUser: "running jobs of one user",
  SubmitJobsPerUser: "submitted jobs of one user",
  NodePerUser: "nodes of one user",
  CpuPerUser: "CPUs of one user",
  CPUPerUser: "CPUs of one user",
  MemPerUser: "memory of one user",
  GRESPerUser: "GPUs or other generic resources of one user",
  CpuPerJob: "CPUs of one job",
  CPUPerJob: "CPUs of one job",
  MemPerJob: "memory of one job",
  MemoryPerJob: "memory of one job",
  NodePerJob: "nodes of one job",
  GRESPerJob: "GPUs or other generic resources of one job",
  WallDurationPerJob: "run time of one job",
  CpuPerNode: "CPUs on one node",
  CpuMinutesPerJob: "CPU minutes of one job",
  CpuMinutesPerJobLimit: "CPU minutes of one job",
  JobsPerAccount: "running jobs of one account",
  CpuPerAccount: "CPUs of one account",
  CpuMinutes: "CPU minutes",
  CPUMinutes: "CPU minutes",
  CPURunMinutes: "CPU minutes that running jobs may still use",
  CpuRunMinutes: "CPU minutes that running jobs may still use",
};

// Each: a few words, and what it means for the one who waits.
const WORDS = {
  Priority: [
    "behind others",
    "Jobs with a higher priority wait for the same nodes. It starts after them, or before them where it fits into a gap.",
  ],
  Resources: [
    "next, nodes are busy",
    "It is next in its turn and waits until enough nodes, CPUs, memory or GPUs are free.",
  ],
  Dependency: ["after another job", "It waits for a job that it depends on. Its dependencies say which."],
  DependencyNeverSatisfied: [
    "dependency cannot be met",
    "The job that it depends on ended in another way than this one asks for. It will never start: cancel it and submit it again.",
  ],
  BeginTime: [
    "start time not reached",
    "It was asked to start later (--begin), or it was requeued and waits a moment before it tries again.",
  ],
  JobHeldUser: ["held by its user", "Its owner held it. The command scontrol release lets it go."],
  JobHeldAdmin: ["held by an administrator", "An administrator holds it and has to release it."],
  JobHoldMaxRequeue: [
    "held after many requeues",
    "It was requeued too often (MaxBatchRequeue). An administrator has to look at it.",
  ],
  JobArrayTaskLimit: [
    "array's own limit",
    "As many tasks of its array run as the array allows at once (the number after %).",
  ],
  JobLaunchFailure: [
    "could not be launched",
    "It could not be started on its nodes: a file system, an account or a credential was missing there.",
  ],
  Licenses: ["license not free", "It waits for a license that other jobs hold."],
  Reservation: [
    "reservation not begun",
    "It belongs to a reservation that has not begun yet, or whose nodes are not free.",
  ],
  ReservationDeleted: [
    "reservation is gone",
    "The reservation that it asks for does not exist any more. It needs another one.",
  ],
  ReqNodeNotAvail: ["named node not available", "A node that it needs is down, drained, reserved or not responding."],
  NodeDown: ["node is down", "A node that it needs is down."],
  BadConstraints: ["cannot be satisfied", "No nodes have what it asks for. It will not start as it is."],
  PartitionDown: [
    "partition is down",
    "Its partition lets no job start at present. An administrator decides when it does.",
  ],
  PartitionInactive: ["partition is inactive", "Its partition accepts and starts no jobs at present."],
  PartitionNodeLimit: [
    "too many or few nodes",
    "It asks for a number of nodes that its partition does not allow, or more than are up.",
  ],
  PartitionTimeLimit: [
    "too long for its partition",
    "Its time limit is longer than its partition allows. It will not start as it is.",
  ],
  PartitionConfig: ["partition does not allow it", "What it asks for is outside of what its partition allows."],
  AccountNotAllowed: ["account not allowed here", "Its account may not use this partition."],
  QOSNotAllowed: ["QOS not allowed here", "Its QOS may not be used with this partition or this association."],
  InvalidAccount: ["account does not exist", "Its account is not known, or not any more."],
  InvalidQOS: ["QOS does not exist", "Its QOS is not known, or not any more."],
  AccountingPolicy: ["a limit of accounting", "A limit on its user, account or QOS is reached."],
  AssociationJobLimit: ["account's limit of jobs", "As many jobs run as its association allows at once."],
  AssociationResourceLimit: ["account's limit of resources", "What its association may hold at once is in use."],
  AssociationTimeLimit: ["account's time is used up", "The run time that its association may use is spent."],
  QOSJobLimit: ["QOS's limit of jobs", "As many jobs run as its QOS allows at once."],
  QOSResourceLimit: ["QOS's limit of resources", "What its QOS may hold at once is in use."],
  QOSTimeLimit: ["QOS's time is used up", "The run time that its QOS may use is spent."],
  QOSUsageThreshold: [
    "usage above the QOS's threshold",
    "Its association has used too much of its share for this QOS.",
  ],
  Cleaning: ["clearing up", "It was requeued and the rest of its earlier run is still being cleaned up."],
  Prolog: ["nodes being prepared", "The prolog, a script of the site, still runs on its nodes."],
  InactiveLimit: ["was inactive", "It reached the limit of time that a job may be idle (InactiveLimit)."],
  FrontEndDown: ["front end is down", "No front-end node can run it at present."],
  BurstBufferResources: ["burst buffer is full", "It waits for space in the burst buffer."],
  BurstBufferStageIn: ["data is being staged in", "The burst buffer copies its data. It starts when that is done."],
  BurstBufferOperation: [
    "burst buffer failed",
    "An operation of the burst buffer failed. An administrator has to look at it.",
  ],
  MaxRequeue: ["requeued too often", "It reached the number of times that a job may be requeued."],
  MaxMemPerLimit: ["more memory than allowed", "It asks for more memory per CPU or node than is allowed here."],
  FedJobLock: ["other clusters are asked", "The clusters of the federation settle which of them starts it."],
  DeadLine: ["deadline passed", "It could not end before its deadline any more."],
  NoReason: ["no reason given yet", "Slurm has not said why. It may not have looked at the job yet."],
  SchedDefer: ["not looked at yet", "It asked to start at once, but the scheduler defers new jobs."],
  DelayBoot: [
    "waits rather than boot",
    "It waits a while for nodes with the right features, before others are rebooted for it.",
  ],
  InvalidBBSpec: ["burst buffer not understood", "What it asks of the burst buffer is not valid."],
  NonZeroExitCode: ["ended with an error", "Its script ended with an exit code other than 0."],
  TimeLimit: ["ran out of time", "It reached its time limit and was ended."],
  OutOfMemory: ["ran out of memory", "It used more memory than it had asked for and was ended."],
  RaisedSignal: ["ended by a signal", "A signal ended it, its own or one from outside."],
  SystemFailure: ["Slurm or a node failed", "Slurm, a file system or a network failed it."],
  None: ["", ""],
};

function limit(name) {
  const parts = /^(AssocGrp|AssocMax|QOSGrp|QOSMax|QOSMin|MaxQOS)(.+?)(?:Limit)?$/.exec(name);
  if (parts === null) return null;
  const [, prefix, thing] = parts;
  const subject = LIMIT_SUBJECTS[prefix] ?? (prefix.startsWith("Assoc") ? LIMIT_SUBJECTS.Assoc : LIMIT_SUBJECTS.QOSMax);
  const what = LIMITED[thing];
  if (what === undefined) return null;
  const owner = prefix.startsWith("Assoc") ? "account's" : "QOS's";
  if (prefix === "QOSMin")
    return [
      `below the QOS's least of ${what}`,
      `It asks for less than the QOS's least of ${what}. It will not start as it is.`,
    ];
  return [
    `${owner} limit of ${what}`,
    `The most that ${subject} may have of ${what} is reached. It starts when others have ended, or never where it asks for more than the limit by itself.`,
  ];
}

// The name of a reason without its details: `ReqNodeNotAvail,_UnavailableNodes:cx001` → `ReqNodeNotAvail`.
export const reasonName = (text) => (text ?? "None").split(/[,:(]/)[0].trim();

// {name, label, meaning, details}: label and meaning are "" for no reason; an unknown one has itself as its label.
export function reason(text) {
  const name = reasonName(text);
  const [label, meaning] = (Object.hasOwn(WORDS, name) ? WORDS[name] : limit(name)) ?? [name, ""];
  const details = (text ?? "")
    .slice(name.length)
    .replace(/^[,:_ ]+/, "")
    .replaceAll("_", " ");
  return { name, label, meaning, details };
}
