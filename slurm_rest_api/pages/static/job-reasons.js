// Why a job is pending or failed, in words. No I/O. Source: job_reason_codes.shtml and job_state_reason.c of Slurm.

// Each reason has a short label, and a sentence for the job's user. The page shows other reasons as Slurm writes them.
const WORDS = {
  AccountNotAllowed: ["Account not allowed here", "Its account may not use this partition."],
  AccountingPolicy: ["Accounting limit", "A limit of its user, account or QOS is reached."],
  AssociationJobLimit: ["Account limit: running jobs", "Its association has reached its limit of running jobs."],
  AssociationResourceLimit: ["Account limit: resources", "Its association has reached its limit of resources."],
  AssociationTimeLimit: ["Account limit: run time", "Its association has reached its limit of run time."],
  BadConstraints: ["Request cannot be satisfied", "No nodes have what it requests. It does not start as it is."],
  BeginTime: [
    "Start time not reached",
    "Its earliest start time (--begin) is not reached, or it was requeued a moment ago.",
  ],
  BurstBufferOperation: ["Burst buffer failed", "A burst buffer operation failed. An administrator has to look at it."],
  BurstBufferResources: ["Burst buffer is full", "There is not enough free space in the burst buffer."],
  BurstBufferStageIn: ["Staging in data", "The burst buffer copies its data. It can start after that."],
  Cleaning: ["Cleaning up", "It was requeued, and its earlier run is still being cleaned up."],
  Constraints: ["Constraints not satisfied", "No available nodes have the features that it requests."],
  DeadLine: ["Deadline passed", "It cannot end before its deadline."],
  DelayBoot: ["Boot delayed", "It waits for nodes with the requested features before Slurm reboots others for it."],
  Dependency: ["Waiting for dependency", "A job that it depends on has not reached the required state."],
  DependencyNeverSatisfied: [
    "Dependency never satisfied",
    "The job that it depends on ended in another way. This job never starts: cancel it and submit it again.",
  ],
  FedJobLock: ["Federation lock", "The clusters of the federation decide which of them starts it."],
  FrontEndDown: ["Front end is down", "No front-end node is available to run it."],
  InactiveLimit: ["Inactive limit", "It reached the time that a job may be inactive (InactiveLimit)."],
  InvalidAccount: ["Invalid account", "Its account does not exist."],
  InvalidBBSpec: ["Invalid burst buffer request", "What it requests of the burst buffer is not valid."],
  InvalidQOS: ["Invalid QOS", "Its QOS does not exist."],
  JobArrayTaskLimit: [
    "Array task limit",
    "Its array already runs as many tasks as it may at once (the number after %).",
  ],
  JobHeldAdmin: ["Held by an administrator", "An administrator has to release it."],
  JobHeldUser: ["Held by its user", "Its user can release it with the command scontrol release."],
  JobHoldMaxRequeue: [
    "Held after many requeues",
    "It was requeued too often (MaxBatchRequeue). An administrator has to look at it.",
  ],
  JobLaunchFailure: [
    "Launch failed",
    "It could not be launched: a file system, account or credential was missing on its nodes.",
  ],
  Licenses: ["Waiting for a license", "Other jobs hold the licenses that it requests."],
  MaxMemPerLimit: ["Memory per CPU or node limit", "It requests more memory per CPU or node than is allowed."],
  MaxRequeue: ["Requeue limit", "It reached the number of times that a job may be requeued."],
  NoReason: ["No reason yet", "Slurm has not given a reason. The scheduler may not have seen the job yet."],
  NodeDown: ["Node is down", "A node that it requires is down."],
  Nodes_required_for_job_are_DOWN: [
    "Required nodes not available",
    "The nodes that it requires are down, drained, or reserved for jobs in higher priority partitions.",
  ],
  NonZeroExitCode: ["Nonzero exit code", "Its script ended with an exit code other than 0."],
  None: ["", ""],
  OutOfMemory: ["Out of memory", "It used more memory than it requested and was ended."],
  PartitionConfig: ["Partition does not allow it", "Its request is outside the limits of its partition."],
  PartitionDown: ["Partition is down", "Its partition starts no jobs while it is down."],
  PartitionInactive: ["Partition is inactive", "Its partition accepts and starts no jobs."],
  PartitionNodeLimit: [
    "Partition limit: nodes",
    "The number of nodes that it requests is outside its partition's limits, or they are down.",
  ],
  PartitionTimeLimit: [
    "Partition limit: run time",
    "Its time limit exceeds that of its partition. It does not start as it is.",
  ],
  Priority: [
    "Waiting behind higher-priority jobs",
    "One or more jobs with a higher priority exist for its partition or reservation.",
  ],
  Prolog: ["Running the prolog", "The prolog, a script of the site, is still running on its nodes."],
  QOSJobLimit: ["QOS limit: running jobs", "Its QOS has reached its limit of running jobs."],
  QOSNotAllowed: ["QOS not allowed here", "Its QOS may not be used with this partition or association."],
  QOSResourceLimit: ["QOS limit: resources", "Its QOS has reached its limit of resources."],
  QOSTimeLimit: ["QOS limit: run time", "Its QOS has reached its limit of run time."],
  QOSUsageThreshold: ["QOS usage threshold", "Its association has used too much of its share for this QOS."],
  RaisedSignal: ["Ended by a signal", "A signal ended it."],
  ReqNodeNotAvail: [
    "Required node not available",
    "A node that it requires is down, drained, reserved or not responding.",
  ],
  Reservation: [
    "Waiting for its reservation",
    "Its reservation has not started, or the nodes of the reservation are in use.",
  ],
  ReservationDeleted: ["Reservation deleted", "The reservation that it requests does not exist any more."],
  Resources: ["Waiting for resources", "The resources that it requests are not available."],
  SchedDefer: ["Scheduling deferred", "It was to start at once, but the scheduler defers new jobs."],
  SystemFailure: ["System failure", "Slurm, a file system or a network failed."],
  TimeLimit: ["Time limit", "It reached its time limit and was ended."],
};

const RESOURCES = {
  BB: "burst buffer space",
  Billing: "billing units",
  CPU: "CPUs",
  Cpu: "CPUs",
  Energy: "energy",
  GRES: "GPUs and other generic resources",
  Jobs: "running jobs",
  License: "licenses",
  Mem: "memory",
  Memory: "memory",
  Node: "nodes",
  Nodes: "nodes",
  SubmitJob: "submitted jobs",
  SubmitJobs: "submitted jobs",
  Wall: "run time",
  WallDuration: "run time",
};
const MINUTE_UNITS = { CPUs: "CPU minutes", memory: "memory minutes", nodes: "node minutes" };
const LIMIT = new RegExp(
  `^(Assoc|QOS)?(Grp|Max|Min)(${Object.keys(RESOURCES).sort().reverse().join("|")})(Run)?(Minutes)?` +
    "(?:Per(User|Job|Node|Account))?(?:Limit|NotSatisfied)?$",
);

// What exceeds a limit, and whether jobs that end free a part of it. Slurm's names say which jobs a limit counts.
function meaningOf(owner, { group, what, run, minutes, per }) {
  if (group === "Min")
    return `Its request of ${what} is below the minimum of the ${owner}. It does not start as it is.`;
  if (per === "Job" || per === "Node")
    return `It requests more ${what} than the ${owner} allows per ${per.toLowerCase()}. It does not start as it is.`;
  if (run) return `The ${owner} has reached the limit of ${what}, counted up to their time limits.`;
  if (minutes) return `The ${owner} has a budget of ${what} for past, running and future jobs, and it is used up.`;
  if (per === "User") return `The user's jobs have reached the limit of ${what} per user of the ${owner}.`;
  if (per === "Account") return `The account's jobs have reached the limit of ${what} per account of the ${owner}.`;
  const counted = group === "Grp" ? `All jobs of the ${owner} together have` : `The user's jobs in this ${owner} have`;
  return `${counted} reached the limit of ${what}.`;
}

function limit(name) {
  const [, prefix = "QOS", group, resource, run, isMinutes, per] = LIMIT.exec(name) ?? [];
  if (group === undefined) return null;
  const owner = prefix === "Assoc" ? "account" : "QOS";
  const amount = RESOURCES[resource];
  const minutes = isMinutes !== undefined;
  const unit = minutes ? (MINUTE_UNITS[amount] ?? `${amount} × minutes`) : amount;
  const what = run ? `${unit} of running jobs` : unit;
  const where = per === undefined ? "" : ` per ${per.toLowerCase()}`;
  const title = `${prefix === "Assoc" ? "Account" : "QOS"} ${group === "Min" ? "minimum" : "limit"}: ${what}${where}`;
  return [title, meaningOf(owner, { group, what, run, minutes, per })];
}

/** Returns the name of a reason without details: "ReqNodeNotAvail,_UnavailableNodes:cx1" is ReqNodeNotAvail. */
export const reasonName = (text) => (text ?? "None").split(/[,:(]/)[0].trim();

/**
 * Returns the words for a reason.
 *
 * @returns {{name: string, label: string, meaning: string, details: string}} Label and meaning are "" for no reason. A
 *   reason without words is its own label.
 */
export function reason(text) {
  const name = reasonName(text);
  const [label, meaning] = (Object.hasOwn(WORDS, name) ? WORDS[name] : limit(name)) ?? [name, ""];
  const rest = name === "Nodes_required_for_job_are_DOWN" ? "" : (text ?? "").slice(name.length);
  return { name, label, meaning, details: rest.replace(/^[,:_ ]+/, "").replaceAll("_", " ") };
}
