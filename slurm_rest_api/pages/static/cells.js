// The cells of the map, from the records of nodes and of /usage. No I/O, no document.

import { count, gpuCount, memory, percent, plural } from "./format.js";
import { memoryForJobs, nodeState, stateTone } from "./node-facts.js";

/**
 * Kinds of cells: free, own jobs, jobs of other partitions only, draining, drained or in maintenance, out of
 * service, not in the partition.
 */
export const KINDS = ["free", "own", "other", "leaving", "down", "outside"];
/** The number of steps in which the load is drawn. */
export const LEVELS = 8;

const order = new Intl.Collator(undefined, { numeric: true });
const NOTHING = { running_jobs: 0, cpus_allocated: 0, mem_allocated: 0, gpus_allocated: 0 };

const share = (part, all) => (all > 0 ? part / all : 0);

// The CPUs that jobs can have on a node.
const cpusForJobs = (node) => node.effective_cpus || node.cpus;
// The shares of it, as in /usage.
const SHARES = {
  cpu: ({ cpus_allocated: cpus }, node) => share(cpus, cpusForJobs(node)),
  memory: ({ mem_allocated: mem }, node) => share(mem, memoryForJobs(node)),
  gpu: ({ gpus_allocated: gpus }, node) => share(gpus ?? 0, gpuCount(node.gres)),
};
const largest = (held, node) => Math.max(...Object.values(SHARES).map((of) => of(held, node)));

// What a band counts, and whose jobs are its own.
const WORDS = {
  partition: { own: "running its jobs", other: "used by other partitions", whose: "this partition" },
  user: { own: "running jobs of the user", other: "used by others", whose: "the user" },
  nodes: { own: "in use", other: "used by other partitions", whose: "jobs" },
};

// Measures that are not of one partition's jobs. slurmctld has the load average times 100.
const OF_NODES = {
  average: (node) => share((node.cpu_load ?? 0) / 100, node.cpus),
  state: (node) => ({ ALLOCATED: 1, MIXED: 0.5 })[node.state_base] ?? 0,
};

/** Returns what the jobs of all partitions hold on a node, as /usage has it for one partition. */
export const heldByAll = (node) => ({
  running_jobs: node.alloc_cpus > 0 || node.alloc_mem > 0 ? 1 : 0,
  cpus_allocated: node.alloc_cpus,
  mem_allocated: node.alloc_mem,
  gpus_allocated: gpuCount(node.gres_used),
});

/** Sorts names with numbers by their value: n2 before n10. */
export const sorted = (names) => [...names].sort(order.compare);

/**
 * Returns the cell of a node in the band of a partition.
 *
 * `held` is what jobs of the partition hold on the node. `view` is what the map shows: "cpu", "memory", "gpu",
 * "average", "state", or "" for the largest share.
 */
export function cell(name, node, held = NOTHING, view = "") {
  const { word, out } = nodeState(node);
  const total = heldByAll(node);
  const measure = SHARES[view] ?? largest;
  let kind = "free";
  if (out) kind = word.startsWith("DRAIN") || stateTone(node) === "old" ? "leaving" : "down";
  else if (held.running_jobs > 0) kind = "own";
  else if (node.alloc_cpus > 0) kind = "other";
  let amount = measure(kind === "own" ? held : total, node);
  if (view in OF_NODES) {
    amount = OF_NODES[view](node);
    if (!out) kind = amount > 0 ? "own" : "free";
  }
  // A node without GPUs is not one with free GPUs.
  const look = view === "gpu" && gpuCount(node.gres) === 0 ? "outside" : kind;
  return { name, node, held, word, kind, look, own: largest(held, node), all: largest(total, node), load: amount };
}

/** Returns a number for the look of a cell. Cells with the same number look the same. */
export function code({ kind, look = kind, load: amount }) {
  const level = look === "down" || look === "outside" ? 0 : Math.min(LEVELS, Math.ceil(LEVELS * amount));
  return KINDS.indexOf(look) * (LEVELS + 1) + level;
}

/** Returns the rack in the name of a node: that of "r01n05" is "r01". With one number the text before it: "cn". */
export function rackOf(name) {
  const before = name.replace(/\d+\D*$/, "");
  return (/\d/.test(before) ? before.replace(/\D+$/, "") : before) || name;
}

// Returns a band for each rack. The jobs of all partitions count as its own.
function racks(names, records, { view, held, words, sites }) {
  const known = new Map(sites.flatMap(([rack, nodes]) => nodes.map((node) => [node, rack])));
  const nameOf = (node) => (known.size > 0 ? (known.get(node) ?? "other nodes") : rackOf(node));
  // In the order of the site.
  const found = new Map(sites.map(([rack]) => [rack, []]));
  for (const name of names) {
    const node = records.get(name);
    const rack = nameOf(name);
    if (!found.has(rack)) found.set(rack, []);
    found.get(rack).push(cell(name, node, held === null ? heldByAll(node) : held[name], view));
  }
  const filled = [...found].filter(([, cells]) => cells.length > 0);
  return filled.map(([name, cells]) => {
    const mean = cells.reduce((sum, { all }) => sum + all, 0) / cells.length;
    const codes = Uint8Array.from(cells, code);
    return { name, isRack: true, words, priority: 0, state: null, load: mean, cells, codes };
  });
}

/**
 * Returns the bands of the map, the highest priority tier first, each with its cells in the order of `names`.
 *
 * @param {string[]} names The names of the nodes, sorted.
 * @param {Map<string, object>} records The nodes by name.
 * @param {object} partitions `partitions` of /usage.
 * @param {{aligned: boolean, view: string, byRack: boolean, held: object?}} options `aligned`: a cell for every node in
 *   each band, at the same place in all bands. `view`: as for a cell. `byRack`: bands are racks. `held`: what the jobs
 *   of one user hold, by node, in place of those of the partition. `sites`: [rack, names of nodes] pairs; without any
 *   the racks are in the names of nodes.
 */
export function bands(
  names,
  records,
  partitions,
  { aligned = false, view = "", byRack = false, held = null, sites = [] } = {},
) {
  const words = held !== null ? WORDS.user : byRack || view in OF_NODES ? WORDS.nodes : WORDS.partition;
  if (byRack) return racks(names, records, { view, held, words, sites });
  const found = Object.entries(partitions).map(([name, { priority, state, partition_load: mean, nodes }]) => {
    const cells = [];
    for (const node of names) {
      const record = records.get(node);
      if (record.partitions.includes(name)) cells.push(cell(node, record, (held ?? nodes)[node], view));
      else if (aligned) cells.push({ ...cell(node, record), kind: "outside", look: "outside" });
    }
    return { name, words, priority: priority ?? 0, state, load: mean, cells, codes: Uint8Array.from(cells, code) };
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
  const { words = WORDS.partition } = band;
  const { own, other, free, leaving, down } = countKinds(band);
  const parts = [
    [own, words.own],
    [other, words.other],
    [free, "free"],
    [leaving, "draining, drained or in maintenance"],
    [down, "down"],
  ];
  const texts = parts.filter(([number]) => number > 0).map(([number, text]) => `${count(number)} ${text}`);
  return `${plural(own + other + free + leaving + down, "node")}: ${texts.join(", ")}`;
}

const used = (part, all, write = count) => `${write(part)} of ${write(all)}`;

/** Returns the facts about the node of a cell, each as text. */
export function facts({ name, node, held, word, kind, own, all }, { name: band, isRack, words = WORDS.partition }) {
  const total = gpuCount(node.gres);
  const outside = kind === "outside";
  const state = node.state === word ? word : `${word} (${node.state})`;
  const { meaning } = nodeState(node);
  return {
    partition: isRack ? node.partitions.join(", ") : outside ? `not in ${band}` : band,
    jobs: outside || (isRack && words !== WORDS.user) ? "–" : count(held.running_jobs),
    load: outside || own === all ? percent(all) : `${percent(own)} by ${words.whose}, ${percent(all)} in total`,
    cpus: used(node.alloc_cpus, cpusForJobs(node)),
    memory: used(node.alloc_mem, memoryForJobs(node), memory),
    gpus: total > 0 ? used(gpuCount(node.gres_used), total) : "none",
    reason: node.reason ?? "–",
    name,
    state: meaning === "" ? state : `${state}: ${meaning}`,
  };
}

/** Returns what jobs hold, by node, as `partitions.nodes` of /usage has it. `jobs` are records of /queue. */
export function heldByJobs(jobs) {
  const held = {};
  const at = (name) => {
    held[name] ??= { ...NOTHING };
    return held[name];
  };
  for (const job of jobs) {
    for (const [name, cpus] of Object.entries(job.cpus_allocated ?? {})) {
      at(name).running_jobs += 1;
      at(name).cpus_allocated += cpus ?? 0;
      at(name).mem_allocated += job.mem_allocated?.[name] ?? 0;
      const gres = Object.entries(job.gres_allocated?.[name] ?? {});
      at(name).gpus_allocated += gpuCount(gres.map(([device, number]) => `${device}:${number}`));
    }
  }
  return held;
}
