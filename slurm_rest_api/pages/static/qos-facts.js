// Facts about QOS: their flags in words, who may use one, their order. No I/O, no document.

// sacctmgr(1). The flag's own name is shown, too.
const FLAGS = {
  DenyOnLimit: "A job over a limit is refused when it is submitted.",
  EnforceUsageThreshold: "A job of an association below the usage threshold is refused.",
  PartitionMinNodes: "A job may have fewer nodes than the minimum of the partition.",
  PartitionMaxNodes: "A job may have more nodes than the maximum of the partition.",
  PartitionTimeLimit: "A job may have more time than the maximum of the partition.",
  RequiresReservation: "A job has to be in a reservation.",
  OverPartQOS: "Its limits come before those of the QOS of the partition.",
  NoReserve: "Backfill plans no nodes for its pending jobs.",
  NoDecay: "Its usage does not decay with time.",
  Relative: "Its limits are percentages of the cluster or the partition.",
  UsageFactorSafe: "A job starts only if limits of minutes allow its whole time with the usage factor.",
};

/** Returns what a flag of a QOS means; "" for an unknown one. */
export const flagText = (flag) => FLAGS[flag] ?? "";

/** Sorts QOS: the highest priority first, then by name. */
export const sortedQos = (records) =>
  [...records].sort((a, b) => b.priority - a.priority || a.name.localeCompare(b.name));

/** Returns the accounts that may use a QOS: {names, isAll}. Users may have a list of their own. */
export function accountsOf(name, accounts) {
  const names = accounts.filter(({ qos }) => qos.includes(name)).map((account) => account.name);
  return { names, isAll: names.length === accounts.length };
}

/**
 * Returns the partitions in which jobs of a QOS may run, and those whose own QOS it is: {names, isAll, limits}.
 *
 * AllowQos and DenyQos of slurm.conf(5) decide. A partition whose QOS it is checks its limits for all of its jobs.
 */
export function partitionsOf(name, partitions) {
  const allows = ({ allow_qos: allowed, deny_qos: denied }) =>
    (!Array.isArray(allowed) || allowed.includes(name)) && !(Array.isArray(denied) && denied.includes(name));
  const names = partitions.filter(allows).map((partition) => partition.name);
  const limits = partitions.filter(({ qos_char: own }) => own === name).map((partition) => partition.name);
  return { names, isAll: names.length === partitions.length, limits };
}

/** Returns how a job of a QOS is preempted, in words. `byWhom` are the QOS that may preempt it. */
export function preemptionText({ preempt_mode: mode }, byWhom) {
  if (byWhom.length === 0) return "";
  return mode === null ? "as PreemptMode of the cluster says" : mode.toLowerCase().replace(",", ", ");
}

/** Returns the names of the QOS that may preempt jobs of one. */
export const preemptedBy = (name, records) =>
  records.filter(({ preempt }) => preempt.includes(name)).map((record) => record.name);
