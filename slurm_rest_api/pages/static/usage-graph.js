// The bars of usage by day or month, as SVG, with the same values as a table.

import { h, svg } from "./dom.js";
import { count, percent, ratio } from "./format.js";

const HEIGHT = 100;
// Fewer bars are as wide as this many would be.
const LEAST_PLACES = 7;
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const month = new Intl.DateTimeFormat(undefined, { month: "long", year: "numeric" });

/** Returns the name of a step. The middle of it is in the same day or month in every time zone nearby. */
function nameOf({ start, end }) {
  const middle = new Date(500 * (start + end));
  return (end - start > 3 * 86_400 ? month : day).format(middle);
}

/** Returns the largest value of a scale: 1, 1.5, 2, 3, 5 or 7.5 times a power of ten, at least `value`. */
export function topOf(value) {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return power * [1, 1.5, 2, 3, 5, 7.5, 10].find((factor) => factor * power >= value);
}

function barOf(bar, at, top) {
  const height = (value) => (HEIGHT * value) / top;
  const rect = (kind, value) =>
    svg("rect", { class: kind, x: at + 0.1, width: 0.8, y: HEIGHT - height(value), height: height(value) });
  return svg(
    "g",
    {},
    bar.all !== null && rect("all", bar.all),
    rect("used", bar.value),
    svg("title", {}, wordsOf(bar)),
  );
}

function wordsOf(bar) {
  const share = ratio(bar.value, bar.all ?? 0);
  return `${nameOf(bar)}: ${count(bar.value)} h${share === null ? "" : `, ${percent(share)}`}`;
}

function tableOfBars(title, bars) {
  const row = (bar) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, nameOf(bar)),
      h("td", { class: "number" }, count(bar.value)),
      bar.all !== null && h("td", { class: "number" }, percent(ratio(bar.value, bar.all))),
    );
  const heads = ["Time", title, ...(bars[0].all === null ? [] : ["Share of capacity"])];
  const head = heads.map((text, at) => h("th", { scope: "col", class: at > 0 && "number" }, text));
  const table = h("table", {}, h("thead", {}, h("tr", {}, head)), h("tbody", {}, bars.map(row)));
  return h("details", { class: "raw" }, h("summary", {}, "As a table"), h("div", { class: "scroll" }, table));
}

/** Makes the graph of bars of one TRES; null without bars. */
export function graphOf(title, bars) {
  if (bars.every(({ value }) => value === 0)) return null;
  const top = topOf(Math.max(...bars.map(({ value, all }) => Math.max(value, all ?? 0))));
  const highest = bars.reduce((one, other) => (other.value > one.value ? other : one));
  const label = `${title}: ${bars.length} bars, most on ${wordsOf(highest)}`;
  const places = Math.max(LEAST_PLACES, bars.length);
  const [first, last] = [nameOf(bars[0]), nameOf(bars.at(-1))];
  const ends = bars.length >= LEAST_PLACES ? [first, last] : [first === last ? first : `${first} to ${last}`];
  const drawing = svg(
    "svg",
    { viewBox: `0 0 ${places} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": label },
    bars.map((bar, at) => barOf(bar, at, top)),
  );
  return h(
    "figure",
    { class: "card bars" },
    h("figcaption", {}, h("h3", {}, title), bars[0].all !== null && h("span", { class: "faint" }, "of the capacity")),
    h("p", { class: "faint top" }, `${count(top)} h`),
    drawing,
    h(
      "p",
      { class: "faint ends" },
      ends.map((text) => h("span", {}, text)),
    ),
    tableOfBars(title, bars),
  );
}
