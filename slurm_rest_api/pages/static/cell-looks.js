// Draws the cells of the map on canvases. The load fills a cell from below and deepens its colour. Each kind of cell
// has a shape of its own, so colours are never needed to tell them apart.

import { KINDS, LEVELS } from "./cells.js";
import { h } from "./dom.js";

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

// Draws a frame with a smaller cell in it.
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

// Draws one look at the origin. `size` is that of a cell with its gap, in pixels of the canvas.
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
  // Nodes of other partitions stay in the background.
  if (kind === "outside") pen.globalAlpha = 0.45;
  if (kind === "leaving" || kind === "outside") stripe(pen, inner, width, colour[kind]);
  if (kind === "down") cross(pen, inner, width, colour.down);
  pen.restore();
}

/** Makes a canvas with all looks side by side, in the order of their codes. */
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

/** Draws one look on the whole of a small canvas, for the legend. */
export function sample(canvas, kind, level) {
  const size = Math.round(20 * devicePixelRatio);
  Object.assign(canvas, { width: size, height: size });
  drawLook(canvas.getContext("2d"), size, kind, level, colours());
}
