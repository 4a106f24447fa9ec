// The cells of the map: what each tells, from the records of nodes and usage, and how it looks. The load fills a cell from below
// and deepens its colour; what is not work of the partition has a pattern too, so that nobody needs the colour.

import { count, h, memory, nodeState, percent } from "./dom.js";

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
    state: `${node.state === word ? word : `${word} (${node.state})`}: ${nodeState(node.state).meaning}`.replace(
      /: $/,
      "",
    ),
  };
}

const LOOKS = KINDS.length * (LEVELS + 1);
const COLOURS = {
  ground: "ground",
  track: "track",
  outside: "faint",
  own: "series-1",
  other: "series-6",
  leaving: "old",
  down: "bad",
};

function colours() {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(
    Object.entries(COLOURS).map(([name, property]) => [name, style.getPropertyValue(`--${property}`).trim()]),
  );
}

function fill(pen, inner, level, colour, [weakest, strongest]) {
  const height = Math.round((inner * level) / LEVELS);
  pen.fillStyle = colour;
  pen.globalAlpha = 0.35 * (level / LEVELS);
  pen.fillRect(0, 0, inner, inner);
  pen.globalAlpha = weakest + (strongest - weakest) * (level / LEVELS);
  pen.fillRect(0, inner - height, inner, height);
  pen.globalAlpha = 1;
}

function stripe(pen, inner, width, colour) {
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.beginPath();
  for (let start = -inner; start < inner; start += 3 * width) {
    pen.moveTo(start, inner);
    pen.lineTo(start + inner, 0);
  }
  pen.stroke();
}

function cross(pen, inner, width, colour) {
  pen.strokeStyle = colour;
  pen.lineWidth = 1.6 * width;
  pen.strokeRect(0, 0, inner, inner);
  pen.beginPath();
  pen.moveTo(0, 0);
  pen.lineTo(inner, inner);
  pen.moveTo(inner, 0);
  pen.lineTo(0, inner);
  pen.stroke();
}

// A frame with a smaller cell in it.
function framed(pen, inner, width, level, colour) {
  pen.fillStyle = colour;
  const [whole, core] = [inner - 2 * width, inner - 4 * width];
  pen.fillRect(0, 0, inner, width);
  pen.fillRect(0, inner - width, inner, width);
  pen.fillRect(0, width, width, whole);
  pen.fillRect(inner - width, width, width, whole);
  const height = Math.max(1, Math.round((core * level) / LEVELS));
  pen.fillRect(2 * width, inner - 2 * width - height, core, height);
}

// Paints one look at the origin; `size` is that of a cell with its gap, in pixels of the canvas.
function drawLook(pen, size, kind, level, colour) {
  const inner = size - Math.max(1, Math.round(size / 10));
  const width = Math.max(1, Math.round(size / 9));
  pen.save();
  pen.fillStyle = kind === "outside" ? colour.ground : colour.track;
  pen.fillRect(0, 0, inner, inner);
  pen.beginPath();
  pen.rect(0, 0, inner, inner);
  pen.clip();
  if (kind === "own") fill(pen, inner, level, colour.own, [0.45, 1]);
  if (kind === "other") framed(pen, inner, width, level, colour.other);
  if (kind === "leaving") fill(pen, inner, level, colour.leaving, [0.4, 0.4]);
  // What is not in the partition stays in the background.
  if (kind === "outside") pen.globalAlpha = 0.45;
  if (kind === "leaving" || kind === "outside") stripe(pen, inner, width, colour[kind]);
  if (kind === "down") cross(pen, inner, width, colour.down);
  pen.restore();
}

// A canvas with all looks side by side, in the order of their codes.
export function lookSheet(size) {
  const sheet = h("canvas", { width: size * LOOKS, height: size });
  const pen = sheet.getContext("2d");
  const colour = colours();
  for (let look = 0; look < LOOKS; look += 1) {
    pen.setTransform(1, 0, 0, 1, look * size, 0);
    drawLook(pen, size, KINDS[Math.floor(look / (LEVELS + 1))], look % (LEVELS + 1), colour);
  }
  return sheet;
}

// One look as the whole of a small canvas, for a legend.
export function sample(canvas, kind, level) {
  const size = Math.round(20 * devicePixelRatio);
  Object.assign(canvas, { width: size, height: size });
  drawLook(canvas.getContext("2d"), size, kind, level, colours());
}

// Calls `renew` when the colours of the page change.
export function onColours(renew) {
  document.addEventListener("theme", renew);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", renew);
}
