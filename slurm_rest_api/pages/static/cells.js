// The cells of the map, from the records of nodes and of /usage. No I/O, no document.

import { count, gpuCount, memory, percent, plural } from "./format.js";
import { nodeState, stateTone } from "./node-facts.js";

/**
 * Kinds of cells: free, own jobs, jobs of other partitions only, draining, drained or in maintenance, out of
 * service, not in the partition.
 */
export const KINDS = ["free", "own", "other", "leaving", "down", "outside"];
/** The number of steps in which the load is drawn. */
export const LEVELS = 8;

const order = new Intl.Collator(undefined, { numeric: true });
const NOTHING = { running_jobs: 0, cpus_allocated: 0, mem_allocated: 0 };

const share = (part, all) => (all > 0 ? part / all : 0);

// The load of a node as in /usage: the larger one of its shares of the CPUs and the memory that jobs can have.
const load = (cpus, mem, node) =>
  Math.max(share(cpus, node.effective_cpus || node.cpus), share(mem, node.real_memory - (node.mem_spec_limit ?? 0)));

/** Sorts names with numbers by their value: n2 before n10. */
export const sorted = (names) => [...names].sort(order.compare);

/** Returns the cell of a node in the band of a partition. `held` is what jobs of the partition hold on the node. */
export function cell(name, node, held = NOTHING) {
  const { word, out } = nodeState(node);
  const all = load(node.alloc_cpus, node.alloc_mem, node);
  const own = load(held.cpus_allocated, held.mem_allocated, node);
  let kind = "free";
  if (out) kind = word.startsWith("DRAIN") || stateTone(node) === "old" ? "leaving" : "down";
  else if (held.running_jobs > 0) kind = "own";
  else if (node.alloc_cpus > 0) kind = "other";
  return { name, node, held, word, kind, own, all, load: kind === "own" ? own : all };
}

/** Returns a number for the look of a cell. Cells with the same number look the same. */
export function code({ kind, load: amount }) {
  const level = kind === "down" || kind === "outside" ? 0 : Math.min(LEVELS, Math.ceil(LEVELS * amount));
  return KINDS.indexOf(kind) * (LEVELS + 1) + level;
}

/**
 * Returns the bands of the map, the highest priority tier first, each with its cells in the order of `names`.
 *
 * @param {string[]} names The names of the nodes, sorted.
 * @param {Map<string, object>} records The nodes by name.
 * @param {object} partitions `partitions` of /usage.
 * @param {boolean} aligned True for a cell for every node in each band, at the same place in all bands.
 */
export function bands(names, records, partitions, aligned) {
  const found = Object.entries(partitions).map(([name, { priority, state, partition_load: mean, nodes }]) => {
    const cells = [];
    for (const node of names) {
      const record = records.get(node);
      if (record.partitions.includes(name)) cells.push(cell(node, record, nodes[node]));
      else if (aligned) cells.push({ ...cell(node, record), kind: "outside" });
    }
    return { name, priority: priority ?? 0, state, load: mean, cells, codes: Uint8Array.from(cells, code) };
  });
  found.sort((one, other) => other.priority - one.priority || order.compare(one.name, other.name));
  return found.filter((band) => band.cells.some(({ kind }) => kind !== "outside"));
}

function countKinds(band) {
  const counts = Object.fromEntries(KINDS.map((kind) => [kind, 0]));
  for (const { kind } of band.cells) counts[kind] += 1;
  return counts;
}

/** Returns the number of nodes of a band by kind, in one line. */
export function summary(band) {
  const { own, other, free, leaving, down } = countKinds(band);
  const parts = [
    [own, "running its jobs"],
    [other, "used by other partitions"],
    [free, "free"],
    [leaving, "draining, drained or in maintenance"],
    [down, "down"],
  ];
  const texts = parts.filter(([number]) => number > 0).map(([number, text]) => `${count(number)} ${text}`);
  return `${plural(own + other + free + leaving + down, "node")}: ${texts.join(", ")}`;
}

const used = (part, all, write = count) => `${write(part)} of ${write(all)}`;

/** Returns the facts about the node of a cell, each as text. */
export function facts({ name, node, held, word, kind, own, all }, band) {
  const total = gpuCount(node.gres);
  const outside = kind === "outside";
  const state = node.state === word ? word : `${word} (${node.state})`;
  const { meaning } = nodeState(node);
  return {
    partition: outside ? `not in ${band.name}` : band.name,
    jobs: outside ? "–" : count(held.running_jobs),
    load: outside || own === all ? percent(all) : `${percent(own)} by this partition, ${percent(all)} in total`,
    cpus: used(node.alloc_cpus, node.cpus),
    memory: used(node.alloc_mem, node.real_memory, memory),
    gpus: total > 0 ? used(gpuCount(node.gres_used), total) : "none",
    reason: node.reason ?? "–",
    name,
    state: meaning === "" ? state : `${state}: ${meaning}`,
  };
}
