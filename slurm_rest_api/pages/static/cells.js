// From records of nodes and usage to the cells of the map. Nothing here knows the page.

import { count, memory, nodeState, percent } from "./format.js";

// What a cell is: the node is free, or works for this partition, or for others alone; it is leaving (draining, drained),
// out of service, or not in this partition.
export const KINDS = ["free", "own", "other", "leaving", "down", "outside"];
export const LEVELS = 8;
const order = new Intl.Collator(undefined, { numeric: true });
const NOTHING = { running_jobs: 0, cpus_allocated: 0, mem_allocated: 0 };

const share = (part, all) => (all > 0 ? part / all : 0);

// The larger of the CPU and the memory share, as the load of a node in /usage.
const load = (cpus, memory, node) => Math.max(share(cpus, node.cpus), share(memory, node.real_memory));

export const sorted = (names) => [...names].sort(order.compare);

// GPUs in a list such as ["gpu:tesla:2", "shard:8"].
export function gpus(list) {
  const numbers = (list ?? []).map((item) => /^gpu(?::[^:(]+)?:(\d+)/.exec(item)?.[1]);
  return numbers.reduce((sum, number) => sum + Number(number ?? 0), 0);
}

// What one node is to one partition; `held` is what jobs of the partition hold on it.
export function cell(name, node, held = NOTHING) {
  const { word, out } = nodeState(node.state);
  const all = load(node.alloc_cpus, node.alloc_mem, node);
  const own = load(held.cpus_allocated, held.mem_allocated, node);
  const leaving = out && word.startsWith("DRAIN");
  let kind = "free";
  if (leaving) kind = "leaving";
  else if (out) kind = "down";
  else if (held.running_jobs > 0) kind = "own";
  else if (node.alloc_cpus > 0) kind = "other";
  return { name, node, held, word, kind, own, all, load: kind === "own" ? own : all };
}

// A number for all that decides how the cell looks; cells with the same one look the same.
export function code({ kind, load: amount }) {
  const level = kind === "down" || kind === "outside" ? 0 : Math.min(LEVELS, Math.ceil(LEVELS * amount));
  return KINDS.indexOf(kind) * (LEVELS + 1) + level;
}

// The bands of the map, the highest priority tier first, each with its cells in the order of `names`. Where `inPlace`,
// each band has a cell for every node, so that a node is at the same place in all.
export function bands(names, records, partitions, inPlace) {
  const found = Object.entries(partitions).map(([name, { priority, state, partition_load: mean, nodes }]) => {
    const cells = [];
    for (const node of names) {
      const record = records.get(node);
      if (record.partitions.includes(name)) cells.push(cell(node, record, nodes[node]));
      else if (inPlace) cells.push({ ...cell(node, record), kind: "outside" });
    }
    return { name, priority: priority ?? 0, state, load: mean, cells, codes: Uint8Array.from(cells, code) };
  });
  found.sort((one, other) => other.priority - one.priority || order.compare(one.name, other.name));
  return found.filter((band) => band.cells.some(({ kind }) => kind !== "outside"));
}

// How many cells of each kind a band has.
function tally(band) {
  const counts = Object.fromEntries(KINDS.map((kind) => [kind, 0]));
  for (const { kind } of band.cells) counts[kind] += 1;
  return counts;
}

const used = (part, all, format = count) => `${format(part)} of ${format(all)}`;

// What the cells of a band are, in one line.
export function summary(band) {
  const { own, other, free, leaving, down } = tally(band);
  const all = own + other + free + leaving + down;
  const parts = [
    [own, "with its jobs"],
    [other, "with jobs of others alone"],
    [free, "free"],
    [leaving, "draining or drained"],
    [down, "down"],
  ];
  const told = parts.filter(([number]) => number > 0).map(([number, text]) => `${count(number)} ${text}`);
  return `${count(all)} ${all === 1 ? "node" : "nodes"}: ${told.join(", ")}`;
}

// What is told of the node of a cell, each fact as text.
export function facts({ name, node, held, word, kind, own, all }, band) {
  const total = gpus(node.gres);
  const outside = kind === "outside";
  return {
    partition: outside ? `not in ${band.name}` : band.name,
    jobs: outside ? "–" : count(held.running_jobs),
    load: outside || own === all ? percent(all) : `${percent(own)} by its jobs, ${percent(all)} by all`,
    cpus: used(node.alloc_cpus, node.cpus),
    memory: used(node.alloc_mem, node.real_memory, memory),
    gpus: total > 0 ? used(gpus(node.gres_used), total) : "none",
    reason: node.reason ?? "–",
    name,
    state: `${node.state === word ? word : `${word} (${node.state})`}: ${nodeState(node.state).meaning}`.replace(/: $/, ""),
  };
}
