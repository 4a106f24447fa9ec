// The shapes of a graph: path data of lines, bands and stacked areas, marks of the value axis. No I/O, no document.

import { pointsOf } from "./load-series.js";

const MARKS = 5;
const STEPS = [1, 2, 2.5, 5, 10];

/** Returns the value at the upper side of a graph. */
export function topOf(graph, samples) {
  const known = (value) => value ?? 0;
  let top = graph.share || graph.id !== "memory" ? 1 : 1024;
  for (const sample of samples) {
    const values = graph.lines.map((line) =>
      known(line.get(sample, graph.stacked ? "" : "_max") ?? line.get(sample, "")),
    );
    const value = graph.stacked ? values.reduce((sum, one) => sum + one, 0) : Math.max(...values);
    if (value > top) top = value;
  }
  return 1.05 * top;
}

/** Returns round values for the axis from 0 to `top`, at most six. Memory has those of its binary unit. */
export function valueMarks(graph, top) {
  const unit = graph.id === "memory" ? 1024 ** Math.max(0, Math.floor(Math.log(top) / Math.log(1024))) : 1;
  const least = top / unit / MARKS;
  const power = 10 ** Math.floor(Math.log10(least));
  let step = power * STEPS.find((one) => one * power >= least * (1 - 1e-9));
  // There is no half of a job.
  if (!graph.share && unit === 1) step = Math.max(1, Math.ceil(step));
  const marks = [];
  for (let index = 0; index * step * unit <= top; index += 1) marks.push(index * step * unit);
  return marks;
}

const pair = (x, y) => `${x.toFixed(1)} ${y.toFixed(1)}`;

function linePath({ x: times, y: values }, { x, y }) {
  let d = "";
  let begins = true;
  for (const [index, value] of values.entries()) {
    if (value === null) begins = true;
    else {
      d += `${begins ? "M" : "L"}${pair(x(times[index]), y(value))}`;
      // A line of no length makes a sample between gaps visible.
      if (begins && (values[index + 1] ?? null) === null) d += "h0";
      begins = false;
    }
  }
  return d;
}

function areaPath(times, low, high, { x, y }) {
  const upper = times.map((time, index) => pair(x(time), y(high[index])));
  const lower = times.map((time, index) => pair(x(time), y(low[index]))).reverse();
  return `M${[...upper, ...lower].join("L")}Z`;
}

// The indexes of samples between gaps, as lists.
function stretches(samples, gaps) {
  const found = [];
  samples.forEach((_sample, index) => {
    if (index === 0 || gaps.has(index)) found.push([]);
    found.at(-1).push(index);
  });
  return found;
}

function stackedPaths({ graph, samples, gaps }, scales) {
  const base = new Float64Array(samples.length);
  return graph.lines.map((line, index) => {
    const low = Float64Array.from(base);
    samples.forEach((sample, at) => {
      base[at] += line.get(sample, "") ?? 0;
    });
    const areas = stretches(samples, gaps).map((part) => {
      const pick = (values) => part.map((at) => values[at]);
      return areaPath(pick(samples.map(({ time }) => time)), pick(low), pick(base), scales);
    });
    return { index, line, kind: "area", d: areas.join("") };
  });
}

/** Returns the paths of a graph, from the back to the front: {index, line, kind, d}. `kind` is line, band or area. */
export function pathsOf(shown, scales) {
  if (shown.graph.stacked) return stackedPaths(shown, scales);
  const { graph, samples, gaps } = shown;
  const lines = graph.lines.map((line, index) => ({ index, line, points: pointsOf(line, samples, gaps) }));
  const bands = lines
    .filter(({ line, points }) => !line.limit && points.parts.length > 0)
    .map(({ index, line, points }) => {
      const d = points.parts.map((part) => areaPath(part.x, part.low, part.high, scales)).join("");
      return { index, line, kind: "band", d };
    });
  return [
    ...bands,
    ...lines.map(({ index, line, points }) => ({ index, line, kind: "line", d: linePath(points, scales) })),
  ];
}
