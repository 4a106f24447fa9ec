// Slurm's names of states, generated from slurm/states.py by `python -m tests.pages.vocabulary`.

/** The full name of each job state by squeue's short name. */
export const JOB_STATES = {
  PD: "PENDING",
  R: "RUNNING",
  S: "SUSPENDED",
  CD: "COMPLETED",
  CA: "CANCELLED",
  F: "FAILED",
  TO: "TIMEOUT",
  NF: "NODE_FAIL",
  PR: "PREEMPTED",
  BF: "BOOT_FAIL",
  DL: "DEADLINE",
  OOM: "OUT_OF_MEMORY",
  CG: "COMPLETING",
  CF: "CONFIGURING",
  EX: "EXPEDITING",
  PN: "POWER_UP_NODE",
  RQ: "REQUEUED",
  RF: "REQUEUE_FED",
  RH: "REQUEUE_HOLD",
  RS: "RESIZING",
  RD: "RESV_DEL_HOLD",
  RV: "REVOKED",
  SI: "SIGNALING",
  SE: "SPECIAL_EXIT",
  SO: "STAGE_OUT",
  ST: "STOPPED",
  LF: "LAUNCH_FAILED",
  RCF: "RECONFIG_FAIL",
  UD: "UPDATE_DB",
  UN: "UNKNOWN",
};

/** States in which a job holds nodes. */
export const JOB_STATES_WITH_NODES = [
  "RUNNING",
  "SUSPENDED",
  "COMPLETING",
  "CONFIGURING",
  "POWER_UP_NODE",
  "RESIZING",
  "SIGNALING",
  "STOPPED",
];

/** sinfo's marks by flag, in the order in which sinfo looks for one. */
export const NODE_MARKS = {
  MAINTENANCE: "$",
  REBOOT_ISSUED: "^",
  REBOOT_REQUESTED: "@",
  POWERING_UP: "#",
  POWERING_DOWN: "%",
  POWERED_DOWN: "~",
  POWER_DOWN: "!",
  NOT_RESPONDING: "*",
};

/** Flags that sinfo prints in place of IDLE. */
export const WORDS_FOR_IDLE = [
  "PERFCTRS",
  "RESERVED",
  "BLOCKED",
  "PLANNED",
];

/** Base states and flags of a node with jobs on it. */
export const NODE_STATES_WITH_JOBS = [
  "ALLOCATED",
  "MIXED",
  "COMPLETING",
];

/** Base states of a node that is out of service. */
export const NODE_STATES_OUT = [
  "DOWN",
  "ERROR",
  "FUTURE",
  "UNKNOWN",
];
