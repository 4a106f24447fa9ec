// Words for why a job waits: labels of reasons, ranks, whose action ends a reason. No I/O.
// Source: job_reason_codes.shtml and job_state_reason.c of Slurm.
// /queue/{jobid}/explain has the sentence that says what a reason means for a job.

import { count, plural } from "./format.js";

// The pages show other reasons as Slurm writes them.
const LABELS = {
  AccountNotAllowed: "Account not allowed here",
  AccountingPolicy: "Accounting limit",
  AssociationJobLimit: "Account limit: running jobs",
  AssociationResourceLimit: "Account limit: resources",
  AssociationTimeLimit: "Account limit: run time",
  BadConstraints: "Request cannot be satisfied",
  BeginTime: "Start time not reached",
  BurstBufferOperation: "Burst buffer failed",
  BurstBufferResources: "Burst buffer is full",
  BurstBufferStageIn: "Staging in data",
  Cleaning: "Cleaning up",
  Constraints: "Constraints not satisfied",
  DeadLine: "Deadline passed",
  DelayBoot: "Boot delayed",
  Dependency: "Waiting for dependency",
  DependencyNeverSatisfied: "Dependency never satisfied",
  FedJobLock: "Federation lock",
  FrontEndDown: "Front end is down",
  InactiveLimit: "Inactive limit",
  InvalidAccount: "Invalid account",
  InvalidBBSpec: "Invalid burst buffer request",
  InvalidQOS: "Invalid QOS",
  JobArrayTaskLimit: "Array task limit",
  JobHeldAdmin: "Held by an administrator",
  JobHeldUser: "Held by its user",
  JobHoldMaxRequeue: "Held after many requeues",
  JobLaunchFailure: "Launch failed",
  Licenses: "Waiting for a license",
  MaxMemPerLimit: "Memory per CPU or node limit",
  MaxPoweredUpNodes: "Limit of powered-up nodes",
  MaxRequeue: "Requeue limit",
  MpiPortsBusy: "MPI ports in use",
  NoReason: "No reason yet",
  NodeDown: "Node is down",
  Nodes_required_for_job_are_DOWN: "Required nodes not available",
  NonZeroExitCode: "Nonzero exit code",
  None: "",
  NvidiaImexChannels: "No free IMEX channel",
  OutOfMemory: "Out of memory",
  PartitionConfig: "Partition does not allow it",
  PartitionDown: "Partition is down",
  PartitionInactive: "Partition is inactive",
  PartitionNodeLimit: "Partition limit: nodes",
  PartitionTimeLimit: "Partition limit: run time",
  Priority: "Waiting behind higher-priority jobs",
  Prolog: "Running the prolog",
  QOSJobLimit: "QOS limit: running jobs",
  QOSNotAllowed: "QOS not allowed here",
  QOSResourceLimit: "QOS limit: resources",
  QOSTimeLimit: "QOS limit: run time",
  QOSUsageThreshold: "QOS usage threshold",
  RaisedSignal: "Ended by a signal",
  ReqNodeNotAvail: "Required node not available",
  Reservation: "Waiting for its reservation",
  ReservationDeleted: "Reservation deleted",
  ReservationInvalid: "Reservation not valid",
  Resources: "Waiting for resources",
  SchedDefer: "Scheduling deferred",
  SystemFailure: "System failure",
  TimeLimit: "Time limit",
  // Descriptions that slurmctld writes in place of a reason. squeue prints underscores for their blanks.
  job_requeued_in_held_state: "Requeued and held",
  job_requeued_in_special_exit_state: "Requeued and held (special exit)",
  launch_failed_requeued_held: "Launch failed, held",
  launch_failure_limit_exceeded_requeued_held: "Held after many failed launches",
  user_env_retrieval_failed_requeued_held: "User environment not read, held",
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
  Unknown: "other resources",
  Wall: "run time",
  WallDuration: "run time",
};
const MINUTE_UNITS = { CPUs: "CPU minutes", memory: "memory minutes", nodes: "node minutes" };
const LIMIT = new RegExp(
  `^(Assoc|QOS)?(Grp|Max|Min)(${Object.keys(RESOURCES).sort().reverse().join("|")})(Run)?(Minutes|Mins)?` +
    "(?:Per(User|Job|Node|Account))?(?:Limit|NotSatisfied)?$",
);

// The label of a limit, or null for a name that is none.
function limit(name) {
  const [, prefix = "QOS", group, resource, run, isMinutes, per] = LIMIT.exec(name) ?? [];
  if (group === undefined) return null;
  const amount = RESOURCES[resource];
  const unit = isMinutes !== undefined ? (MINUTE_UNITS[amount] ?? `${amount} × minutes`) : amount;
  const what = run ? `${unit} of running jobs` : unit;
  const where = per === undefined ? "" : ` per ${per.toLowerCase()}`;
  return `${prefix === "Assoc" ? "Account" : "QOS"} ${group === "Min" ? "minimum" : "limit"}: ${what}${where}`;
}

/** Returns the name of a reason without details: "ReqNodeNotAvail,_UnavailableNodes:cx1" is ReqNodeNotAvail. */
export const reasonName = (text) => (text ?? "None").split(/[,:(]/)[0].trim();

/**
 * Returns the words for a reason.
 *
 * @returns {{name: string, label: string, details: string}} The label is "" for no reason. A reason without a label is
 *   its own label.
 */
export function reason(text) {
  const name = reasonName(text);
  const key = name.replaceAll(" ", "_");
  const label = (Object.hasOwn(LABELS, key) ? LABELS[key] : limit(name)) ?? name;
  const rest = name === "Nodes_required_for_job_are_DOWN" ? "" : (text ?? "").slice(name.length);
  // Names of nodes, which follow a colon, may have underscores.
  const details = rest.replace(/^[,:_ ]+/, "").replace(/^[^:]*/, (words) => words.replaceAll("_", " "));
  return { name, label, details };
}

const ENDS_BY = {
  own_jobs: "other jobs of its user end",
  other_jobs: "jobs of other users end",
  time: "time passes",
  user: "its user acts",
  administrator: "an administrator acts",
  slurm: "Slurm continues by itself",
  never: "Never as it is: change the request or cancel the job",
};

/** Returns the words for `ends_by`: "jobs of other users end, or other jobs of its user end". */
export function endsWhen(words) {
  const texts = words.map((word) => ENDS_BY[word] ?? word);
  return texts.join(", or ");
}

/** Returns the sentence for a place in a partition. */
export function rankText({ partition, place, jobs_ahead: jobs, cpus_ahead: cpus, gpus_ahead: gpus, ...rest }) {
  if (jobs === 0) return `First in ${partition}.`;
  const held = rest.jobs_ahead_at_limit;
  const requested = [plural(cpus, "CPU"), gpus > 0 && plural(gpus, "GPU")].filter(Boolean).join(" and ");
  const kept = held > 0 ? ` A limit keeps ${count(held)} of them from starting.` : "";
  return `Place ${count(place)} in ${partition}: ${plural(jobs, "job")} ahead with ${requested}.${kept}`;
}

const SHORT = {
  cpus: "CPUs",
  memory: "memory",
  gpus: "GPUs",
  reserved: "reserved",
  planned: "planned for other jobs",
  completing: "completing",
  exclusive: "in exclusive use",
  unavailable: "unavailable",
};

/** Returns the sentence for the availability of one partition, as if the job were first in the queue. */
export function availabilityText({ partition, answer, limits, ...nodes }) {
  if (answer === "never") return `Never in ${partition}: ${limits.map(({ limit }) => limit).join(", ")}.`;
  if (answer === "now") return `At once in ${partition}: ${plural(nodes.free_nodes, "node")} free.`;
  if (nodes.partition_down) return `Not now in ${partition}: the partition is down.`;
  const short = Object.entries(nodes.short).filter(([, number]) => number > 0);
  const lacks = short.map(([name, number]) => `${SHORT[name] ?? name} (${plural(number, "node")})`).join(", ");
  return `Not now in ${partition}: ${plural(nodes.missing_nodes, "node")} missing. Short: ${lacks || "–"}.`;
}
