// Draws graphs as SVG: lines with gaps, bands, stacked areas, axes, the time under the pointer, and a range to zoom.

import { h, replaceChildren, svg } from "./dom.js";
import { pathsOf, topOf, valueMarks } from "./load-shapes.js";
import { axisMarks, words } from "./load-time.js";

// With room for a mark at a side, which moves inwards by half its width.
const WIDTH_OF_A_MARK = 95;
const MARGIN = { left: 70, right: 14, top: 8, bottom: 26 };
const PICTURE = { width: 1000, height: 420, margin: { left: 80, right: 20, top: 70, bottom: 60 } };
const PICTURE_SCALE = 2;
// A shorter drag is a click.
const LEAST_DRAG = 5;
const DASHES = { dash: "8 5", dot: "2 4", dashdot: "8 4 2 4" };
const NAMES = ["solid", ...Object.keys(DASHES)];

/** Returns the look of the line at an index: six colours, then the same colours with another dash. */
export const look = (index, limit = false) =>
  limit
    ? { variable: "--series-6", dash: "dash" }
    : { variable: `--series-${(index % 6) + 1}`, dash: NAMES[Math.floor(index / 6) % NAMES.length] };

const colour = (variable) => getComputedStyle(document.documentElement).getPropertyValue(variable).trim();

// What is known about a drawn graph, by its element.
const drawn = new WeakMap();

function scalesOf({ range, top }, { width, height, margin }) {
  const [wide, high] = [width - margin.left - margin.right, height - margin.top - margin.bottom];
  return {
    x: (time) => margin.left + (wide * (time - range.since)) / (range.until - range.since),
    y: (value) => margin.top + high - (high * value) / top,
    time: (x) => range.since + ((x - margin.left) / wide) * (range.until - range.since),
  };
}

function axes(shown, scales, { width, height, margin }) {
  const [right, bottom] = [width - margin.right, height - margin.bottom];
  const line = { stroke: colour("--line"), "stroke-width": 1, "shape-rendering": "crispEdges" };
  const text = { fill: colour("--faint"), "font-size": 12, "font-family": "system-ui, sans-serif" };
  const values = valueMarks(shown.graph, shown.top).map((value) => {
    const y = scales.y(value);
    const place = { x: margin.left - 6, y: y + 4, "text-anchor": "end" };
    return [
      svg("line", { ...line, x1: margin.left, x2: right, y1: y, y2: y }),
      svg("text", { ...text, ...place }, shown.graph.format(value)),
    ];
  });
  const most = Math.max(2, Math.floor((right - margin.left) / WIDTH_OF_A_MARK));
  const times = axisMarks(shown.range.since, shown.range.until, most).map((mark) => {
    const x = scales.x(mark.at);
    // Texts at the sides stay inside, and clear of the lowest value.
    const anchor = x < margin.left + 24 ? "start" : x > right - 24 ? "end" : "middle";
    return [
      svg("line", { ...line, x1: x, x2: x, y1: margin.top, y2: bottom }),
      svg("text", { ...text, x, y: bottom + 17, "text-anchor": anchor }, mark.text),
    ];
  });
  return svg("g", { class: "axes" }, values, times);
}

function shapes(shown, scales) {
  return pathsOf(shown, scales).map(({ index, line, kind, d }) => {
    const { variable, dash } = look(index, line.limit);
    const name = { "data-line": line.name, "data-kind": kind, d };
    if (kind !== "line")
      return svg("path", { ...name, fill: colour(variable), "fill-opacity": kind === "band" ? 0.18 : 0.75 });
    const stroke = {
      stroke: colour(variable),
      "stroke-width": 2,
      "stroke-linejoin": "round",
      "stroke-linecap": "round",
    };
    return svg("path", { ...name, ...stroke, fill: "none", "stroke-dasharray": DASHES[dash] });
  });
}

function chart(shown, size) {
  const full = { ...shown, top: topOf(shown.graph, shown.samples) };
  const scales = scalesOf(full, size);
  const { width, height } = size;
  const root = svg("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  root.append(axes(full, scales, size), svg("g", { class: "shapes" }, shapes(full, scales)));
  return { root, scales };
}

function nearest(samples, time) {
  let [low, high] = [0, samples.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (samples[middle].time < time) low = middle + 1;
    else high = middle;
  }
  const before = samples[low - 1];
  return before && time - before.time < samples[low].time - time ? before : samples[low];
}

function show(place) {
  const known = drawn.get(place);
  // A removed figure has no width.
  if (place.clientWidth === 0) return;
  const size = { width: place.clientWidth, height: place.clientHeight, margin: MARGIN };
  const { root, scales } = chart(known.shown, size);
  const [top, bottom] = [MARGIN.top, size.height - MARGIN.bottom];
  const cursor = svg("line", {
    class: "cursor-line",
    y1: top,
    y2: bottom,
    stroke: colour("--faint"),
    visibility: "hidden",
  });
  const zoom = { class: "zoom", y: top, height: bottom - top, fill: colour("--series-1"), "fill-opacity": 0.2 };
  const area = svg("rect", { ...zoom, width: 0, visibility: "hidden" });
  root.append(cursor, area);
  Object.assign(known, { scales, cursor, area, size });
  replaceChildren(place, root);
  point(place, known.pointed);
}

function listen(place, { onZoom, onPoint }) {
  const at = (event) => {
    const { size } = drawn.get(place);
    const x = event.clientX - place.getBoundingClientRect().left;
    return Math.min(size.width - MARGIN.right, Math.max(MARGIN.left, x));
  };
  let from = null;
  const stop = () => {
    from = null;
    drawn.get(place).area.setAttribute("visibility", "hidden");
  };
  place.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.pointerType === "touch") return;
    event.preventDefault();
    from = at(event);
    place.setPointerCapture(event.pointerId);
  });
  place.addEventListener("pointermove", (event) => {
    const { shown, scales, area } = drawn.get(place);
    const x = at(event);
    if (from !== null) {
      area.setAttribute("visibility", "visible");
      area.setAttribute("x", Math.min(from, x));
      area.setAttribute("width", Math.abs(x - from));
    }
    if (shown.samples.length === 0) return;
    const { time } = nearest(shown.samples, scales.time(x));
    point(place, time);
    onPoint(time);
  });
  place.addEventListener("pointerup", (event) => {
    if (from === null) return;
    const [first, last] = [from, at(event)].sort((a, b) => a - b);
    const { scales } = drawn.get(place);
    stop();
    if (last - first >= LEAST_DRAG) onZoom(Math.floor(scales.time(first)), Math.ceil(scales.time(last)));
  });
  place.addEventListener("pointercancel", stop);
  place.addEventListener("pointerleave", () => {
    point(place, null);
    onPoint(null);
  });
}

/**
 * Draws a graph into `place`, or redraws it. `shown` is {graph, samples, gaps, range}.
 *
 * `onZoom(since, until)` is called for a range that the user drags, `onPoint(epoch)` for the time under the pointer,
 * with null when the pointer leaves.
 */
export function draw(place, shown, actions) {
  const isNew = !drawn.has(place);
  drawn.set(place, { pointed: null, ...drawn.get(place), shown });
  show(place);
  if (!isNew) return;
  listen(place, actions);
  new ResizeObserver(() => {
    const { size } = drawn.get(place);
    if (place.clientWidth !== size?.width || place.clientHeight !== size?.height) show(place);
  }).observe(place);
}

/** Shows the vertical line at a time, as the pointer does; null hides it. */
export function point(place, epoch) {
  const known = drawn.get(place);
  if (known === undefined) return;
  known.pointed = epoch;
  if (!known.cursor) return;
  known.cursor.setAttribute("visibility", epoch === null ? "hidden" : "visible");
  for (const side of ["x1", "x2"]) known.cursor.setAttribute(side, epoch === null ? 0 : known.scales.x(epoch));
}

function heading(shown, title) {
  const text = { "font-family": "system-ui, sans-serif", fill: colour("--text"), x: PICTURE.margin.left };
  const { since, until } = shown.range;
  const names = shown.graph.lines.map((line, index) =>
    svg("tspan", { fill: colour(look(index, line.limit).variable), dx: index > 0 ? 18 : 0 }, `■ ${line.name}`),
  );
  return [
    svg("text", { ...text, y: 28, "font-size": 18 }, title),
    svg("text", { ...text, y: 50, "font-size": 12 }, `${words(since)} to ${words(until)}`),
    svg("text", { ...text, y: PICTURE.height - 14, "font-size": 13 }, names),
  ];
}

/** Resolves to a PNG of a drawn graph with its title and legend, as a data: URL. */
export async function picture(place, title) {
  const { shown } = drawn.get(place);
  const { root } = chart(shown, PICTURE);
  const ground = svg("rect", { width: PICTURE.width, height: PICTURE.height, fill: colour("--ground") });
  root.prepend(ground);
  root.append(...heading(shown, title));
  const image = new Image(PICTURE.width, PICTURE.height);
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(new XMLSerializer().serializeToString(root))}`;
  await image.decode();
  const canvas = h("canvas", { width: PICTURE_SCALE * PICTURE.width, height: PICTURE_SCALE * PICTURE.height });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/png");
}
