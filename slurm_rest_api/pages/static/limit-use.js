// The limits of accounts, users and QOS in words, and how much of them jobs use. No I/O, no document.
// Names of limits are those of sacctmgr(1): GrpTRES, MaxJobsPerUser. Each has a prefix, a quantity and what it counts.

import { count, formatLimit, memory, percent, ratio } from "./format.js";
import { JOB_STATES_WITH_NODES } from "./slurm-vocabulary.js";

const QUANTITIES = ["JobsAccrue", "SubmitJobs", "Jobs", "Wall", "TRESRunMins", "TRESMins", "TRES"];
const NAME = new RegExp(`^(Grp|Max|Min)(${QUANTITIES.join("|")})(?:Per(User|Account|Job|Node))?$`);
// The limits of associations that have another suffix than those of QOS.
const OF_USER = ["MaxJobs", "MaxSubmitJobs", "MaxJobsAccrue", "MaxTRESRunMins"];

const FIELDS = {
  grp_jobs: "GrpJobs",
  grp_submit_jobs: "GrpSubmitJobs",
  grp_tres: "GrpTRES",
  grp_tres_mins: "GrpTRESMins",
  grp_tres_run_mins: "GrpTRESRunMins",
  grp_wall: "GrpWall",
  grp_jobs_accrue: "GrpJobsAccrue",
  max_jobs: "MaxJobs",
  max_jobs_per_user: "MaxJobsPerUser",
  max_jobs_per_account: "MaxJobsPerAccount",
  max_submit_jobs: "MaxSubmitJobs",
  max_submit_jobs_per_user: "MaxSubmitJobsPerUser",
  max_submit_jobs_per_account: "MaxSubmitJobsPerAccount",
  max_tres_per_user: "MaxTRESPerUser",
  max_tres_per_account: "MaxTRESPerAccount",
  max_tres_run_mins: "MaxTRESRunMins",
  max_tres_run_mins_per_user: "MaxTRESRunMinsPerUser",
  max_tres_run_mins_per_account: "MaxTRESRunMinsPerAccount",
  max_jobs_accrue: "MaxJobsAccrue",
  max_jobs_accrue_per_user: "MaxJobsAccruePerUser",
  max_jobs_accrue_per_account: "MaxJobsAccruePerAccount",
  max_wall: "MaxWall",
  max_tres_per_job: "MaxTRESPerJob",
  max_tres_per_node: "MaxTRESPerNode",
  max_tres_mins_per_job: "MaxTRESMinsPerJob",
  min_tres_per_job: "MinTRESPerJob",
};

/** The fields of /accounts, /users and /qos that have limits. */
export const LIMIT_FIELDS = Object.keys(FIELDS);

/**
 * Returns the parts of the name of a limit: {isMinimum, quantity, counted}.
 *
 * `counted` says which jobs count: "group", "user", "account", "job", or "node" (of a job on each node).
 */
export function partsOf(name) {
  const [, prefix, quantity, suffix] = NAME.exec(name) ?? [];
  const ofName = OF_USER.includes(name) ? "user" : "job";
  const counted = prefix === "Grp" ? "group" : (suffix?.toLowerCase() ?? ofName);
  return { isMinimum: prefix === "Min", quantity, counted };
}

/** Returns the limits of a record of /accounts, /users or /qos that are set: {name, tres, value} each. */
export function limitsOf(record) {
  return Object.entries(FIELDS).flatMap(([field, name]) => {
    const value = record[field] ?? null;
    if (value === null) return [];
    if (typeof value !== "object") return [{ name, tres: null, value }];
    return Object.entries(value).map(([tres, limit]) => ({ name, tres, value: limit }));
  });
}

const TRES = { cpu: "CPUs", mem: "memory", node: "nodes", energy: "energy", billing: "billing units" };

function tresWords(tres) {
  const [, kind, model] = /^gres\/([^:]+)(?::(.+))?$/.exec(tres) ?? [];
  if (kind === undefined) return TRES[tres] ?? tres;
  return `${kind === "gpu" ? "GPUs" : kind}${model ? ` (${model})` : ""}`;
}

const minutesOf = (tres) =>
  `${tresWords(tres)
    .replace(/^CPUs$/, "CPU")
    .replace(/^GPUs/, "GPU")} minutes`;
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

// `all` is "all " for the jobs of a group, "" otherwise. `isOne`: each job counts by itself.
const SUBJECTS = {
  Jobs: (_tres, all) => `${all}running jobs`,
  JobsAccrue: (_tres, all) => `${all}pending jobs that gain age priority`,
  SubmitJobs: (_tres, all) => `${all}pending and running jobs`,
  Wall: (_tres, all, isOne) => (isOne ? "time limit" : `run time of ${all}past and running jobs`),
  TRES: (tres, all, isOne) => (isOne ? tresWords(tres) : `${tresWords(tres)} of ${all}running jobs`),
  TRESMins: (tres, all, isOne) =>
    `${minutesOf(tres)} ${isOne ? "up to the time limit" : `of ${all}past and running jobs`}`,
  TRESRunMins: (tres, all) => `${minutesOf(tres)} that ${all}running jobs may still use`,
};

const COUNTED = {
  user: "of each user",
  account: "of each account",
  job: "of each job",
  node: "of each job on each node",
};

/**
 * Returns what a limit limits in words: "CPUs of all running jobs", "Running jobs of each user".
 *
 * @param {string} group Words to add to a limit for a group: "with all accounts below".
 */
export function limitWords({ name, tres }, group = "") {
  const { isMinimum, quantity, counted } = partsOf(name);
  if (quantity === undefined) return name;
  const isGroup = counted === "group";
  const subject = SUBJECTS[quantity](tres, isGroup ? "all " : "", ["job", "node"].includes(counted));
  const of = isGroup ? group && `, ${group}` : ` ${COUNTED[counted]}`;
  return capital(`${subject}${of}${isMinimum ? ", at least" : ""}`);
}

/** Returns an amount of what a limit limits: "956", "1 TiB", "2-00:00:00". A QOS may have percentages. */
export function amountText({ name, tres, isRelative = false }, value) {
  const { quantity } = partsOf(name);
  if (isRelative && tres !== null) return `${count(value)} %`;
  if (quantity === "Wall") return formatLimit(value);
  if (quantity === "TRES" && tres === "mem") return memory(value);
  if (quantity === "TRESMins" || quantity === "TRESRunMins")
    return tres === "mem" ? `${memory(value)} × min` : count(value);
  return count(value);
}

/** Returns the name of a limit as sacctmgr takes it: "GrpTRES=cpu". */
export const limitName = ({ name, tres }) => (tres === null ? name : `${name}=${tres}`);

// Jobs on one node are counted as if each had nodes of its own.
const isUpperBound = ({ name, tres }) => tres === "node" && partsOf(name).quantity === "TRES";

/** Returns the use of a limit: "956", "up to 12". */
export const usedText = (limit) => `${isUpperBound(limit) ? "up to " : ""}${amountText(limit, limit.used)}`;

/** Returns the use of a limit in words: "956 of 100,000 (1 %)"; the limit alone if its use is not known. */
export function useText(limit) {
  const text = amountText(limit, limit.value);
  return limit.used === null ? text : `${usedText(limit)} of ${text} (${percent(limit.share)})`;
}

// The states in which a job counts as running for a limit: from its start until it completes.
const HOLDING = JOB_STATES_WITH_NODES.filter((state) => state !== "COMPLETING").join(",");

/** The parameters of /queue for `byKind`: the sums of jobs by `group` and state. */
export const sumsBy = (group) => ({ group_by: `${group},state`, state: `${HOLDING},PENDING` });

/**
 * Returns the sums of /queue?group_by=…,state of the jobs that hold resources, and of the pending ones, by group.
 *
 * @returns {{running: object, pending: object}} A group without such jobs has no entry.
 */
export function byKind(divided) {
  const sums = { running: {}, pending: {} };
  for (const [name, states] of Object.entries(divided)) {
    for (const [state, found] of Object.entries(states)) {
      const kind = state === "PENDING" ? "pending" : "running";
      sums[kind][name] ??= {};
      for (const [key, value] of Object.entries(found)) sums[kind][name][key] = (sums[kind][name][key] ?? 0) + value;
    }
  }
  return sums;
}

// Names of TRES, and those of the sums of /queue.
const USED = { cpu: "cpus", mem: "memory", node: "nodes", "gres/gpu": "gpus" };

/** Returns the names of each account and of all accounts above it: Map {child → [child, parent, …]}. */
export function ancestry(accounts) {
  const parents = new Map(accounts.map(({ name, parent_account: parent }) => [name, parent]));
  const above = (name) => {
    const names = [];
    for (let at = name; at !== null && at !== undefined && !names.includes(at); at = parents.get(at)) names.push(at);
    return names;
  };
  return new Map(accounts.map(({ name }) => [name, above(name)]));
}

/** Returns the sums of /queue?group_by=account with those of the accounts below added to each account. */
export function withBelow(sums, accounts) {
  const above = ancestry(accounts);
  const found = {};
  for (const [name, sum] of Object.entries(sums)) {
    for (const account of above.get(name) ?? [name]) {
      found[account] ??= {};
      for (const [key, value] of Object.entries(sum)) found[account][key] = (found[account][key] ?? 0) + (value ?? 0);
    }
  }
  return found;
}

/**
 * Returns how much of a limit is used; null where that is not known.
 *
 * The sums of /queue lack what slurmctld adds up over time (minutes), and GPUs by model.
 *
 * @param {{running: object, pending: object} | null} sums Sums of /queue of the jobs that the limit counts: those that
 *   hold resources, and those that are pending. {} for no jobs, null: not readable.
 * @param {object | null} runMinutes `tres_run_minutes` of /fairshare.
 */
export function useOf({ name, tres, isRelative = false }, sums, runMinutes = null) {
  const { quantity, counted } = partsOf(name);
  if (quantity === "TRESRunMins") return runMinutes?.[tres] ?? null;
  if (sums === null || isRelative || counted === "job" || counted === "node") return null;
  const { running, pending } = sums;
  if (quantity === "Jobs") return running.tasks ?? 0;
  if (quantity === "SubmitJobs") return (running.tasks ?? 0) + (pending.tasks ?? 0);
  return quantity === "TRES" && USED[tres] ? (running[USED[tres]] ?? 0) : null;
}

/** Returns the share of a limit that is used. A use of a limit of 0 is all of it. */
export const shareOf = (used, limit) => (used === null ? null : (ratio(used, limit) ?? (used > 0 ? 1 : 0)));

const isOfGroup = ({ name }) => partsOf(name).counted === "group";

/** Returns the group limits of a record with their use: {name, tres, value, used, share}. `sums` are as for `useOf`. */
export function groupLimits(record, sums, runMinutes = null) {
  const isRelative = record.flags?.includes("Relative") ?? false;
  return limitsOf(record)
    .filter(isOfGroup)
    .map((limit) => {
      const used = useOf({ ...limit, isRelative }, sums, runMinutes);
      return { ...limit, isRelative, used, share: shareOf(used, limit.value) };
    });
}

/** Returns the limit with the largest share in use; null if no use is known. */
export function fullest(limits) {
  const known = limits.filter(({ share }) => share !== null);
  return known.reduce((most, limit) => (most === null || limit.share > most.share ? limit : most), null);
}
