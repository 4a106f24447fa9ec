// The map: a canvas for each band, with the pointer and the keys on it. A refresh draws only cells whose look has
// changed.

import { lookSheet } from "./cell-looks.js";
import { h, keyed } from "./dom.js";
import { onColours } from "./frame.js";

// Cells are smaller if there are more of them: [most cells, pixels of a cell with its gap].
const SIZES = [
  [600, 20],
  [2500, 16],
  [6000, 13],
  [Infinity, 10],
];
// A wall display has no scroll bar: the largest size at which all bands fit, each with a heading of this many pixels.
const WALL_SIZES = Array.from({ length: 59 }, (_, step) => 64 - step);
const HEADING = 60;
// Browsers draw nothing on a longer canvas.
const LONGEST_CANVAS = 16000;

const hasClass = (name) => document.documentElement.classList.contains(name);

function wallSize(bands, width, height) {
  const high = (size) =>
    bands.reduce((sum, { cells }) => sum + HEADING + size * Math.ceil(cells.length / Math.floor(width / size)), 0);
  return WALL_SIZES.find((size) => high(size) <= height) ?? WALL_SIZES.at(-1);
}

function commonest(codes) {
  const counts = new Uint32Array(256);
  for (const look of codes) counts[look] += 1;
  return counts.indexOf(Math.max(...counts));
}

// Returns the size of a cell in pixels of the page and of the canvas, and the number of cells in a row.
function layoutOf(bands, host) {
  const width = Math.max(host.clientWidth, 100);
  const all = bands.reduce((sum, { cells }) => sum + cells.length, 0);
  const wanted = hasClass("kiosk")
    ? wallSize(bands, width, innerHeight - host.getBoundingClientRect().top - scrollY)
    : SIZES.find(([most]) => all <= most)[1];
  const columns = Math.floor(width / wanted);
  const rows = Math.ceil(Math.max(1, ...bands.map(({ cells }) => cells.length)) / columns);
  const pixels = Math.round(wanted * Math.min(devicePixelRatio, LONGEST_CANVAS / (rows * wanted)));
  return { size: wanted, columns, pixels };
}

// Returns [band, index] of the cell to which a key leads. Above the first row is the last row of the band before.
function target(key, { band, index }, bands, columns) {
  const at = bands.indexOf(band);
  const [before, after] = [bands[at - 1], bands[at + 1]];
  const last = band.cells.length - 1;
  const column = index % columns;
  const lastRow = ({ cells }) => Math.floor((cells.length - 1) / columns) * columns;
  const moves = {
    ArrowRight: () => (index < last || !after ? [band, index + 1] : [after, 0]),
    ArrowLeft: () => (index > 0 || !before ? [band, index - 1] : [before, before.cells.length - 1]),
    ArrowDown() {
      if (index < lastRow(band)) return [band, index + columns];
      return after ? [after, column] : [band, index];
    },
    ArrowUp() {
      if (index >= columns) return [band, index - columns];
      return before ? [before, lastRow(before) + column] : [band, index];
    },
    Home: () => [band, 0],
    End: () => [band, last],
    PageDown: () => [after ?? band, 0],
    PageUp: () => [before ?? band, 0],
  };
  return moves[key]?.();
}

/**
 * The map in `host`.
 *
 * `bandParts(band)` makes the heading of a band, `fillParts(element, band)` updates it. `onPoint(spot)` is called for
 * the cell under the pointer or with the focus, `onOpen(spot)` for one that is clicked. A spot is {band, index, by}.
 */
export class NodeMap {
  #host;
  #on;
  #bands = [];
  #fields = new Map();
  #layout = { size: 0, columns: 1, pixels: 0 };
  #sheet = null;
  #drawn = 0;
  // The cell that the keys move. The map points at it again when the pointer leaves.
  #focus = null;

  constructor(host, on) {
    this.#host = host;
    this.#on = on;
    onColours(() => {
      this.#sheet = null;
      this.#draw();
    });
    new ResizeObserver(() => host.clientWidth > 0 && this.#draw()).observe(host);
  }

  show(bands) {
    this.#bands = bands;
    for (const name of this.#fields.keys()) if (!bands.some((band) => band.name === name)) this.#fields.delete(name);
    const update = (section, band) => this.#on.fillParts(section.firstChild, band);
    keyed(this.#host, bands, { key: (band) => band.name, make: (band) => this.#makeBand(band), update });
    this.#focus = this.again(this.#focus);
    this.#enterAt(this.#focus?.band ?? bands[0]);
    this.#draw();
  }

  /** Returns the spot of the same node and band in the current bands; null if it is gone. */
  again(spot) {
    if (spot === null) return null;
    const { name } = spot.band.cells[spot.index];
    const band = this.#bands.find((one) => one.name === spot.band.name);
    const index = band?.cells.findIndex((cell) => cell.name === name) ?? -1;
    return index < 0 ? null : { ...spot, band, index };
  }

  #draw() {
    if (this.#bands.length === 0) return;
    performance.mark("map begins");
    const layout = layoutOf(this.#bands, this.#host);
    const isNewLayout = this.#sheet === null || Object.keys(layout).some((key) => layout[key] !== this.#layout[key]);
    if (isNewLayout) {
      this.#layout = layout;
      this.#sheet = lookSheet(layout.pixels);
    }
    // The number of cells drawn since the page was opened. Tests and benchmarks read it.
    this.#drawn = this.#bands.reduce((sum, band) => sum + this.#drawBand(band, isNewLayout), this.#drawn);
    this.#host.dataset.drawn = this.#drawn;
    performance.measure("map", "map begins");
  }

  #drawBand({ name, codes }, isNewLayout) {
    const { size, pixels, columns } = this.#layout;
    const field = this.#fields.get(name);
    const { canvas } = field;
    const all = isNewLayout || field.codes?.length !== codes.length;
    if (all) {
      const rows = Math.ceil(codes.length / columns);
      Object.assign(canvas, { width: columns * pixels, height: rows * pixels });
      canvas.style.setProperty("width", `${columns * size}px`);
      canvas.style.setProperty("height", `${rows * size}px`);
    }
    // In print, browsers put each stroke on the paper, and clearing a cell clears the paper: draw on another canvas.
    const onPaper = all && hasClass("paper");
    const ground = onPaper ? h("canvas", { width: canvas.width, height: canvas.height }) : canvas;
    const pen = ground.getContext("2d");
    // Most cells of a band look the same, and a pattern draws them much faster than a loop.
    const usual = all ? commonest(codes) : null;
    if (all) this.#tile(pen, usual, codes.length);
    let drawn = all ? codes.length : 0;
    codes.forEach((look, index) => {
      if (all ? look === usual : field.codes[index] === look) return;
      const [x, y] = [(index % columns) * pixels, Math.floor(index / columns) * pixels];
      pen.clearRect(x, y, pixels, pixels);
      pen.drawImage(this.#sheet, look * pixels, 0, pixels, pixels, x, y, pixels, pixels);
      if (!all) drawn += 1;
    });
    if (onPaper) canvas.getContext("2d").drawImage(ground, 0, 0);
    field.codes = codes;
    return drawn;
  }

  // Fills the canvas with `number` cells of one look.
  #tile(pen, look, number) {
    const { pixels, columns } = this.#layout;
    const tile = h("canvas", { width: pixels, height: pixels });
    tile.getContext("2d").drawImage(this.#sheet, -look * pixels, 0);
    const rest = number % columns;
    pen.fillStyle = pen.createPattern(tile, "repeat");
    pen.fillRect(0, 0, columns * pixels, Math.floor(number / columns) * pixels);
    pen.fillRect(0, Math.floor(number / columns) * pixels, rest * pixels, pixels);
  }

  #makeBand(band) {
    const canvas = h("canvas", { "aria-hidden": "true" });
    const cursor = h("div", { class: "cursor", hidden: true });
    const label = `Nodes of partition ${band.name}`;
    const field = h(
      "div",
      { class: "field", role: "application", "aria-label": label, "aria-describedby": "keys", tabindex: -1 },
      canvas,
      cursor,
    );
    this.#fields.set(band.name, { field, canvas, cursor, codes: null });
    field.addEventListener("pointermove", (event) => this.#point(this.#spotAt(band.name, event) ?? this.#focus));
    field.addEventListener("pointerleave", () => this.#point(this.#focus));
    field.addEventListener("click", (event) => this.#clicked(this.#spotAt(band.name, event)));
    field.addEventListener("keydown", (event) => this.#pressed(event));
    field.addEventListener("focus", () => this.#entered(field, band.name));
    return h("section", { class: "band" }, this.#on.bandParts(band), field);
  }

  #clicked(spot) {
    if (spot === null) return;
    this.#focus = spot;
    this.#enterAt(spot.band);
    this.#point(spot);
    this.#on.onOpen(spot);
  }

  #entered(field, name) {
    if (this.#focus?.band.name !== name)
      this.#focus = { band: this.#bands.find((band) => band.name === name), index: 0 };
    this.#focus = { ...this.#focus, by: "keyboard" };
    if (field.matches(":focus-visible")) this.#point(this.#focus);
  }

  #pressed(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || this.#focus === null) return;
    if (event.key === "Enter") {
      this.#on.onOpen(this.#focus);
      return;
    }
    const found = target(event.key, this.#focus, this.#bands, this.#layout.columns);
    if (!found) return;
    event.preventDefault();
    const [band, index] = found;
    this.#focus = { band, index: Math.min(band.cells.length - 1, Math.max(0, index)), by: "keyboard" };
    this.#enterAt(band);
    const { field, cursor } = this.#fields.get(band.name);
    field.focus({ preventScroll: true });
    this.#point(this.#focus);
    cursor.scrollIntoView({ block: "nearest" });
  }

  // The Tab key leads into one band only.
  #enterAt(band) {
    for (const [name, { field }] of this.#fields) field.tabIndex = name === band?.name ? 0 : -1;
  }

  #spotAt(name, event) {
    const { size, columns } = this.#layout;
    const band = this.#bands.find((one) => one.name === name);
    const box = this.#fields.get(name).canvas.getBoundingClientRect();
    const column = Math.floor((event.clientX - box.left) / size);
    const index = Math.floor((event.clientY - box.top) / size) * columns + column;
    const isCell = column >= 0 && column < columns && index >= 0 && index < band.cells.length;
    return isCell ? { band, index, by: event.pointerType || "mouse" } : null;
  }

  #point(spot) {
    for (const [name, { cursor }] of this.#fields) cursor.hidden = spot?.band.name !== name;
    if (spot !== null) {
      const { size, columns } = this.#layout;
      const { style } = this.#fields.get(spot.band.name).cursor;
      style.setProperty("width", `${size}px`);
      style.setProperty("height", `${size}px`);
      style.setProperty(
        "transform",
        `translate(${(spot.index % columns) * size}px, ${Math.floor(spot.index / columns) * size}px)`,
      );
    }
    this.#on.onPoint(spot);
  }
}
