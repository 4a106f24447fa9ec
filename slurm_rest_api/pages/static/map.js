// Draws bands of cells on canvases: one canvas a band, one small picture a look, and only cells whose look has changed.

import { KINDS, LEVELS } from "./cells.js";
import { h, keyed } from "./dom.js";

const LOOKS = KINDS.length * (LEVELS + 1);
// Cells are smaller where there are more of them: [most cells, pixels of a cell with its gap].
const SIZES = [[600, 20], [2500, 16], [6000, 13], [Infinity, 10]];
const LONGEST_CANVAS = 16000;

function colours() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  return { ground: colour("ground"), track: colour("track"), line: colour("line"), own: colour("series-1"), other: colour("series-6"), leaving: colour("old"), down: colour("bad") };
}

function stripes(pen, size, gap, colour, width) {
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.beginPath();
  for (let start = -size; start < size; start += 3 * width) {
    pen.moveTo(start, size - gap);
    pen.lineTo(start + size - gap, 0);
  }
  pen.stroke();
}

// One look: the load fills the cell from below and deepens its colour; what is not the partition's own has a pattern too.
function paint(pen, size, gap, kind, level, colour) {
  const inner = size - gap;
  const height = Math.round((inner * level) / LEVELS);
  pen.fillStyle = kind === "outside" ? colour.ground : colour.track;
  pen.fillRect(0, 0, inner, inner);
  pen.save();
  pen.beginPath();
  pen.rect(0, 0, inner, inner);
  pen.clip();
  if (level > 0) {
    pen.fillStyle = colour[kind];
    pen.globalAlpha = 0.35 * (level / LEVELS);
    pen.fillRect(0, 0, inner, inner);
    pen.globalAlpha = kind === "own" ? 0.45 + 0.55 * (level / LEVELS) : 0.75;
    pen.fillRect(0, inner - height, inner, height);
    pen.globalAlpha = 1;
  }
  const width = Math.max(1, Math.round(size / 9));
  if (kind === "other") {
    pen.clearRect(width, width, inner - 2 * width, inner - 2 * width);
    pen.fillStyle = colour.track;
    pen.fillRect(width, width, inner - 2 * width, inner - 2 * width);
    pen.fillStyle = colour.other;
    const low = Math.round(((inner - 4 * width) * level) / LEVELS);
    pen.fillRect(2 * width, inner - 2 * width - low, inner - 4 * width, low);
  }
  if (kind === "leaving") stripes(pen, size, gap, colour.leaving, width);
  if (kind === "outside") stripes(pen, size, gap, colour.line, width);
  if (kind === "down") {
    pen.strokeStyle = colour.down;
    pen.lineWidth = 1.6 * width;
    pen.strokeRect(0, 0, inner, inner);
    pen.beginPath();
    pen.moveTo(0, 0);
    pen.lineTo(inner, inner);
    pen.moveTo(inner, 0);
    pen.lineTo(0, inner);
    pen.stroke();
  }
  pen.restore();
}

// All looks side by side.
function lookSheet(size) {
  const sheet = h("canvas", { width: size * LOOKS, height: size });
  const pen = sheet.getContext("2d");
  const colour = colours();
  const gap = Math.max(1, Math.round(size / 10));
  for (let look = 0; look < LOOKS; look += 1) {
    pen.setTransform(1, 0, 0, 1, look * size, 0);
    paint(pen, size, gap, KINDS[Math.floor(look / (LEVELS + 1))], look % (LEVELS + 1), colour);
  }
  return sheet;
}

// Paints one look into a canvas of the legend.
export function sample(canvas, kind, level) {
  const size = Math.round(20 * devicePixelRatio);
  Object.assign(canvas, { width: size, height: size });
  paint(canvas.getContext("2d"), size, Math.round(size / 10), kind, level, colours());
}

// The map in `host`. `bandParts(band)` makes what stands above a band, `fillParts(element, band)` keeps it; onPoint(spot)
// is told which cell is pointed at or has the focus, onOpen(spot) which one is chosen. A spot is {band, index, by}.
export function makeMap(host, { bandParts, fillParts, onPoint, onOpen }) {
  let shown = [];
  let layout = { size: 0, scale: 1, columns: 1, width: 0 };
  let sheet = null;
  let focus = null;
  const fields = new Map();

  function measure() {
    const width = host.clientWidth;
    const most = Math.max(0, ...shown.map((band) => band.cells.length));
    const all = shown.reduce((sum, band) => sum + band.cells.length, 0);
    const size = SIZES.find(([limit]) => all <= limit)[1];
    const columns = Math.max(1, Math.floor(width / size));
    const scale = Math.min(devicePixelRatio, LONGEST_CANVAS / (Math.ceil(most / columns) * size || 1));
    const changed = size !== layout.size || columns !== layout.columns || scale !== layout.scale;
    if (changed || sheet === null) {
      layout = { size, columns, scale, pixels: Math.round(size * scale) };
      sheet = lookSheet(layout.pixels);
    }
    return changed;
  }

  // Draws what differs from what is there; everything if the canvas is new or has another shape.
  function draw(field, band, anew) {
    const { pixels, columns, scale } = layout;
    const rows = Math.ceil(band.cells.length / columns);
    const { canvas } = field;
    const reshaped = canvas.width !== columns * pixels || canvas.height !== rows * pixels;
    if (reshaped) {
      Object.assign(canvas, { width: columns * pixels, height: rows * pixels });
      canvas.style.setProperty("width", `${(columns * pixels) / scale}px`);
      canvas.style.setProperty("height", `${(rows * pixels) / scale}px`);
    }
    const all = anew || reshaped || field.codes?.length !== band.codes.length;
    const pen = canvas.getContext("2d");
    if (all) pen.clearRect(0, 0, canvas.width, canvas.height);
    let drawn = 0;
    band.codes.forEach((look, index) => {
      if (!all && field.codes[index] === look) return;
      const [x, y] = [(index % columns) * pixels, Math.floor(index / columns) * pixels];
      pen.clearRect(x, y, pixels, pixels);
      pen.drawImage(sheet, look * pixels, 0, pixels, pixels, x, y, pixels, pixels);
      drawn += 1;
    });
    field.codes = band.codes;
    return drawn;
  }

  function redraw(anew) {
    performance.mark("map begins");
    const reshaped = measure();
    let drawn = 0;
    for (const band of shown) drawn += draw(fields.get(band.name), band, anew || reshaped);
    // For whoever wants to know what a refresh costs.
    host.dataset.drawn = drawn;
    performance.measure("map", "map begins");
  }

  function mark(spot) {
    for (const [name, { cursor }] of fields) cursor.hidden = spot?.band.name !== name;
    if (spot === null) return;
    const { size, pixels, scale, columns } = layout;
    const step = pixels / scale;
    const { cursor } = fields.get(spot.band.name);
    cursor.style.setProperty("width", `${size}px`);
    cursor.style.setProperty("height", `${size}px`);
    cursor.style.setProperty("transform", `translate(${(spot.index % columns) * step}px, ${Math.floor(spot.index / columns) * step}px)`);
  }

  function point(spot) {
    mark(spot);
    onPoint(spot);
  }

  function spotAt(name, event) {
    const band = shown.find((one) => one.name === name);
    const box = fields.get(name).canvas.getBoundingClientRect();
    const step = layout.pixels / layout.scale;
    const column = Math.floor((event.clientX - box.left) / step);
    const index = Math.floor((event.clientY - box.top) / step) * layout.columns + column;
    const hit = column >= 0 && column < layout.columns && index >= 0 && index < band.cells.length;
    return hit ? { band, index, by: event.pointerType || "mouse" } : null;
  }

  function goTo(band, index) {
    focus = { band, index: Math.max(0, Math.min(band.cells.length - 1, index)), by: "keyboard" };
    for (const [name, { field }] of fields) field.tabIndex = name === band.name ? 0 : -1;
    const { field } = fields.get(band.name);
    field.focus({ preventScroll: true });
    point(focus);
    fields.get(band.name).cursor.scrollIntoView({ block: "nearest" });
  }

  // Above the first row is the last one of the band before, in the same column; and so on.
  function target(key, { band, index }) {
    const { columns } = layout;
    const at = shown.indexOf(band);
    const last = band.cells.length - 1;
    const [before, after] = [shown[at - 1], shown[at + 1]];
    const column = index % columns;
    const moves = {
      ArrowRight: () => (index < last || !after ? [band, index + 1] : [after, 0]),
      ArrowLeft: () => (index > 0 || !before ? [band, index - 1] : [before, before.cells.length - 1]),
      ArrowDown: () => (index + columns <= last ? [band, index + columns] : after ? [after, column] : [band, index]),
      ArrowUp() {
        if (index >= columns) return [band, index - columns];
        if (!before) return [band, index];
        return [before, Math.floor((before.cells.length - 1) / columns) * columns + column];
      },
      Home: () => [band, 0],
      End: () => [band, last],
      PageDown: () => [after ?? band, 0],
      PageUp: () => [before ?? band, 0],
    };
    return moves[key]?.();
  }

  function pressed(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || focus === null) return;
    if (event.key === "Enter") {
      onOpen(focus);
      return;
    }
    const found = target(event.key, focus);
    if (!found) return;
    event.preventDefault();
    goTo(...found);
  }

  function makeBand(band) {
    const canvas = h("canvas", { "aria-hidden": "true" });
    const cursor = h("div", { class: "cursor", hidden: true });
    const label = `Nodes of partition ${band.name}`;
    const field = h("div", { class: "field", role: "application", "aria-label": label, "aria-describedby": "keys", tabindex: -1 }, canvas, cursor);
    field.addEventListener("pointermove", (event) => point(spotAt(band.name, event) ?? focus));
    field.addEventListener("pointerleave", () => point(focus));
    field.addEventListener("click", (event) => {
      const spot = spotAt(band.name, event);
      if (spot === null) return;
      focus = spot;
      point(spot);
      onOpen(spot);
    });
    field.addEventListener("keydown", pressed);
    field.addEventListener("focus", () => {
      const here = shown.find((one) => one.name === band.name);
      if (focus?.band.name !== band.name) focus = { band: here, index: 0, by: "keyboard" };
      if (field.matches(":focus-visible")) point({ ...focus, by: "keyboard" });
    });
    fields.set(band.name, { field, canvas, cursor, codes: null });
    return h("section", { class: "band" }, bandParts(band), field);
  }

  // The same node of the same band, wherever it is now.
  function again(spot) {
    if (spot === null) return null;
    const name = spot.band.cells[spot.index].name;
    const band = shown.find((one) => one.name === spot.band.name);
    const index = band?.cells.findIndex((cell) => cell.name === name) ?? -1;
    return index < 0 ? null : { ...spot, band, index };
  }

  function show(bands) {
    shown = bands;
    for (const name of [...fields.keys()]) if (!bands.some((band) => band.name === name)) fields.delete(name);
    keyed(host, bands, { key: (band) => band.name, make: makeBand, update: (section, band) => fillParts(section.firstChild, band) });
    focus = again(focus);
    const entry = focus?.band.name ?? bands[0]?.name;
    for (const [name, { field }] of fields) field.tabIndex = name === entry ? 0 : -1;
    redraw(false);
    return again;
  }

  const renew = () => {
    sheet = null;
    if (shown.length > 0) redraw(true);
  };
  new ResizeObserver(() => shown.length > 0 && host.clientWidth > 0 && redraw(false)).observe(host);
  document.addEventListener("theme", renew);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", renew);
  return { show, mark };
}
