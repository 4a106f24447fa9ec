// Facts about partitions: who may use one, its limits, and what is free in it. No I/O, no document.

import { count, formatDuration, memory } from "./format.js";
import { nodeState, withoutMark } from "./node-facts.js";

const RULES = [
  ["allow_accounts", "accounts"],
  ["deny_accounts", "not accounts"],
  ["allow_qos", "QOS"],
  ["deny_qos", "not QOS"],
  ["allow_groups", "groups"],
  ["allow_alloc_nodes", "from hosts"],
];

/** Returns the rules of access to a partition, in words: ["accounts physics, chem", "not QOS low"]; [] for none. */
export function accessRules(partition) {
  const rules = RULES.filter(([field]) => Array.isArray(partition[field])).map(
    ([field, words]) => `${words} ${partition[field].join(", ")}`,
  );
  if (partition.flags.RootOnly) rules.push("root only");
  if (partition.requires_reservation) rules.push("only within a reservation");
  return rules;
}

// slurmctld writes 0 or UNLIMITED for a limit that is not set.
const isSet = (value) => value !== null && value !== undefined && value !== 0 && value !== "UNLIMITED";
const limit = (value, write) => (isSet(value) ? write(value) : null);

/** Returns the limits of a partition for a job: [name, text] pairs. The text is null where there is no limit. */
export function limitsOf(partition) {
  const { default_time: usual, max_time: most } = partition;
  return [
    ["Maximum time", formatDuration(most)],
    ["Default time", usual === "NONE" ? formatDuration(most) : formatDuration(usual)],
    ["Maximum nodes", limit(partition.max_nodes, count)],
    ["Minimum nodes", partition.min_nodes > 1 ? count(partition.min_nodes) : null],
    ["Maximum memory per CPU", limit(partition.max_mem_per_cpu, memory)],
    ["Maximum memory per node", limit(partition.max_mem_per_node, memory)],
    ["Default memory per CPU", limit(partition.def_mem_per_cpu, memory)],
    ["Default memory per node", limit(partition.def_mem_per_node, memory)],
    ["Default memory per GPU", limit(partition.def_mem_per_gpu, memory)],
    ["Default CPUs per GPU", limit(partition.def_cpus_per_gpu, count)],
    ["CPUs per node", limit(partition.max_cpus_per_node, count)],
    ["CPUs per socket", limit(partition.max_cpus_per_socket, count)],
  ];
}

/** Returns the number of idle nodes, of `nodes_by_state` of /usage: IDLE~ is powered down, and Slurm starts it. */
export function idleNodes(byState) {
  const idle = Object.entries(byState).filter(([word]) => withoutMark(word) === "IDLE" && !word.endsWith("*"));
  return idle.reduce((sum, [, number]) => sum + number, 0);
}

/**
 * Returns the GPUs of each partition by model: a Map of partitions to Maps of models to {total, free}.
 *
 * @param {Iterable<object>} nodes Nodes with `partitions`, `gpus`, `state_base` and `state_flags`. The GPUs of a node
 *   that accepts no jobs are not free.
 */
export function gpusByPartition(nodes) {
  const found = new Map();
  for (const node of nodes) {
    const { out } = nodeState(node);
    for (const name of node.partitions) {
      if (!found.has(name)) found.set(name, new Map());
      const models = found.get(name);
      for (const [model, { total, free }] of Object.entries(node.gpus)) {
        const sum = models.get(model) ?? { total: 0, free: 0 };
        models.set(model, { total: sum.total + (total ?? 0), free: sum.free + (out ? 0 : (free ?? 0)) });
      }
    }
  }
  return found;
}

/** Sorts partitions: the highest priority tier first, then by name. */
export function sortedPartitions(partitions) {
  return [...partitions].sort((a, b) => b.priority_tier - a.priority_tier || a.name.localeCompare(b.name));
}
