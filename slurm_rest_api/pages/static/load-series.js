// The graphs of the Load page, from samples of /load. No I/O, no document.

import { count, memory, percent } from "./format.js";

const whole = (fields, get) => ({ fields, get });
const of = (field) => whole([field], (sample, bound) => sample[field + bound]);
const inside = (partition, field) =>
  whole([`partitions.${field}`], (sample, bound) => sample.partitions?.[partition]?.[field + bound]);

const LOAD_WORDS = {
  cluster: "Average allocation of the nodes (max of CPU, memory and GPU).",
  partition: "Average allocation of this partition's nodes (max of CPU, memory and GPU) by its own jobs.",
};

/**
 * Returns the graphs of the cluster, or of one partition: {id, title, about, format, lines}.
 *
 * A line has its name, the fields that it needs, and get(sample, bound) with a bound of "", "_min" or "_max". `limit`
 * is true for the line of what is configured.
 */
export function graphsOf(partition) {
  const line = partition === "" ? of : (field) => inside(partition, field);
  const load = partition === "" ? "total_load" : "partition_load";
  const pair = (used, all) => [
    { name: "allocated", ...line(used) },
    { name: "configured", limit: true, ...line(all) },
  ];
  return [
    {
      id: "load",
      title: "Load",
      about: LOAD_WORDS[partition === "" ? "cluster" : "partition"],
      format: percent,
      share: true,
      lines: [{ name: "load", ...line(load) }],
    },
    {
      id: "jobs",
      title: "Jobs",
      about: "A pending job array counts as one job.",
      format: count,
      lines: [
        { name: "running", ...line("jobs_running") },
        { name: "pending", ...line("jobs_pending") },
      ],
    },
    {
      id: "cpus",
      title: "CPUs",
      about: "CPUs allocated to jobs, whether they use them or not.",
      format: count,
      lines: pair("alloc_cpus", "total_cpus"),
    },
    {
      id: "memory",
      title: "Memory",
      about: "Memory allocated to jobs.",
      format: memory,
      lines: pair("alloc_mem", "total_mem"),
    },
    {
      id: "gpus",
      title: "GPUs",
      about: "GPUs allocated to jobs.",
      format: count,
      lines: pair("alloc_gpus", "total_gpus"),
    },
    graphOfParts(partition, "nodes_by_state", {
      id: "states",
      title: "Nodes by state",
      about: "In the words of sinfo, stacked.",
    }),
    graphOfParts(partition, "jobs_pending_by_reason", {
      id: "reasons",
      title: "Pending jobs by reason",
      about: "The most common reasons, stacked.",
    }),
  ];
}

const MAX_PARTS = 6;

// A graph of parts that add up. Its lines follow from the samples: the largest parts, and the sum of the others.
function graphOfParts(partition, field, graph) {
  const partsOf = (sample) => (partition === "" ? sample : sample.partitions?.[partition])?.[field];
  const sumOf = (sample, names) => {
    const parts = partsOf(sample);
    return parts ? names.reduce((sum, name) => sum + (parts[name] ?? 0), 0) : null;
  };
  const line = (name, names) => ({ name, get: (sample, bound) => (bound === "" ? sumOf(sample, names) : null) });
  const linesFrom = (samples) => {
    const sums = new Map();
    for (const sample of samples)
      for (const [name, number] of Object.entries(partsOf(sample) ?? {}))
        if (number > 0) sums.set(name, (sums.get(name) ?? 0) + number);
    const names = [...sums.keys()].sort((one, other) => sums.get(other) - sums.get(one) || one.localeCompare(other));
    if (names.length <= MAX_PARTS) return names.map((name) => line(name, [name]));
    const [first, others] = [names.slice(0, MAX_PARTS - 1), names.slice(MAX_PARTS - 1)];
    return [...first.map((name) => line(name, [name])), line("others", others)];
  };
  const fields = [partition === "" ? field : `partitions.${field}`];
  return { ...graph, stacked: true, format: count, fields, lines: [], linesFrom };
}

/** Returns the graphs with the lines that follow from the samples. */
export const withLines = (graphs, samples) =>
  graphs.map((graph) => (graph.linesFrom ? { ...graph, lines: graph.linesFrom(samples) } : graph));

/** Returns the graph that compares partitions. */
export function graphOfPartitions(names) {
  const lines = names.map((name) => ({ name, ...inside(name, "partition_load") }));
  return {
    id: "partitions",
    title: "Load by partition",
    about: LOAD_WORDS.partition,
    format: percent,
    share: true,
    lines,
  };
}

export const fieldsOf = (graphs) => [
  ...new Set(["time", ...graphs.flatMap((graph) => graph.fields ?? graph.lines.flatMap((line) => line.fields))]),
];

const AROUND = 5;
const FACTOR = 2.5;

/**
 * Returns the indexes of samples that have a gap before them.
 *
 * A gap is a pause of more than 2.5 times the step. Samples without a step (0) are compared with the pauses around
 * them, because their interval may change within the range.
 */
export function gapsIn(times, step) {
  const pauses = times.slice(1).map((time, index) => time - times[index]);
  const usual = (index) => {
    if (step > 0) return step;
    const near = pauses.slice(Math.max(0, index - AROUND), index + AROUND + 1).sort((a, b) => a - b);
    return near[Math.floor((near.length - 1) / 2)];
  };
  return new Set(pauses.flatMap((pause, index) => (pause > FACTOR * usual(index) ? [index + 1] : [])));
}

/**
 * Returns a line as points: {x, y, parts}. A null in `y` is a gap.
 *
 * `parts` are the stretches between gaps, each {x, low, high}, of samples that are averages.
 */
export function pointsOf(line, samples, gaps) {
  const points = { x: [], y: [], parts: [] };
  let part = null;
  samples.forEach((sample, index) => {
    const value = line.get(sample, "") ?? null;
    if (value === null || gaps.has(index)) {
      points.x.push(sample.time);
      points.y.push(null);
      part = null;
    }
    if (value === null) return;
    points.x.push(sample.time);
    points.y.push(value);
    const [low, high] = [line.get(sample, "_min") ?? null, line.get(sample, "_max") ?? null];
    if (low === null || high === null) return;
    if (part === null) {
      part = { x: [], low: [], high: [] };
      points.parts.push(part);
    }
    part.x.push(sample.time);
    part.low.push(low);
    part.high.push(high);
  });
  return points;
}

/** Returns {lowest, mean, highest, last} of a line over the samples; null without a value. */
export function summaryOf(line, samples) {
  const values = samples.map((sample) => line.get(sample, "")).filter((value) => value !== null && value !== undefined);
  if (values.length === 0) return { lowest: null, mean: null, highest: null, last: null };
  const bounds = (bound) =>
    samples
      .map((sample) => line.get(sample, bound) ?? line.get(sample, ""))
      .filter((value) => value !== null && value !== undefined);
  return {
    lowest: bounds("_min").reduce((a, b) => Math.min(a, b)),
    mean: values.reduce((a, b) => a + b, 0) / values.length,
    highest: bounds("_max").reduce((a, b) => Math.max(a, b)),
    last: values.at(-1),
  };
}

// Clusters without GPUs have no graph of GPUs. Users without permission to count all jobs have no graph of jobs.
const LEAST = { gpus: Number.MIN_VALUE, jobs: 0 };
/** Returns true if a graph has values to show. */
export const hasValues = (graph, samples) =>
  (graph.stacked ? graph.lines.length > 0 : !(graph.id in LEAST)) ||
  graph.lines.some((line) =>
    samples.some((sample) => (line.get(sample, "_max") ?? line.get(sample, "") ?? -1) >= LEAST[graph.id]),
  );
