// The figures of the Load page: a graph with its legend, its values as a table, and the values at one time.

import { h, replaceChildren, setText } from "./dom.js";
import { clock } from "./format.js";
import { draw, look, picture, point } from "./load-plot.js";
import { hasValues, summaryOf } from "./load-series.js";
import { wallClock, words } from "./load-time.js";

const STEPS = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };
const SUMS = ["lowest", "mean", "highest"];
const DAY = 86400;

const number = (text) => h("td", { class: "number" }, text);
const columnHead = (text, kind = "number") => h("th", { scope: "col", class: kind }, text);

/**
 * The figures in `host`.
 *
 * `onZoom(since, until)` is called for a range that the user drags over a graph.
 * `show()` takes {samples, gaps, range, partition}: `gaps` are the indexes of samples with a gap before them.
 */
export class Figures {
  #host;
  #onZoom;
  #figures = new Map();
  #shown = null;
  // The time whose values the legends have, from the pointer or the keys; null for the last values.
  #reading = null;

  constructor(host, onZoom) {
    this.#host = host;
    this.#onZoom = onZoom;
  }

  get isEmpty() {
    return this.#figures.size === 0;
  }

  /** Shows a figure for each graph that has values. */
  show(shown, graphs) {
    this.#shown = shown;
    this.#arrange(graphs.filter((graph) => hasValues(graph, shown.samples)));
    for (const figure of this.#figures.values()) {
      this.#fillLegend(figure);
      this.#fillValues(figure);
    }
    this.#read(this.#reading);
    this.redraw();
  }

  /** Removes all figures. */
  clear() {
    this.#shown = null;
    this.#arrange([]);
  }

  /** Draws the graphs again, in the current colours and sizes. */
  redraw() {
    if (this.#shown === null) return;
    const actions = { onZoom: this.#onZoom, onPoint: (epoch) => this.#read(epoch) };
    for (const figure of this.#figures.values()) {
      draw(figure.plot, { ...this.#shown, graph: figure.graph }, actions);
      figure.save.disabled = false;
    }
  }

  // A figure with the same id stays, with its focus and open table.
  #arrange(graphs) {
    for (const id of [...this.#figures.keys()].filter((known) => !graphs.some((graph) => graph.id === known))) {
      this.#figures.get(id).element.remove();
      this.#figures.delete(id);
    }
    for (const graph of graphs) {
      if (!this.#figures.has(graph.id)) this.#figures.set(graph.id, this.#make(graph));
      const figure = this.#figures.get(graph.id);
      figure.graph = graph;
      figure.last.clear();
      if (figure.element.parentNode === null) this.#host.append(figure.element);
    }
  }

  #make(graph) {
    const { id, title } = graph;
    const valuesRegion = { class: "scroll values", tabindex: "0", role: "region", "aria-label": `${title}: values` };
    const figure = {
      graph,
      last: new Map(),
      rows: h("tbody"),
      table: h("div", valuesRegion),
      moment: h("span", {}, "last"),
      spoken: h("p", { class: "unseen", role: "status" }),
    };
    const label = `Graph: ${title}. Arrow keys read its values.`;
    const chart = { class: "chart", tabindex: "0", role: "application", "aria-label": label };
    figure.plot = h("div", {
      ...chart,
      onkeydown: (event) => this.#walk(figure, event),
      onblur: () => this.#read(null),
    });
    const summary = h("summary", {}, "Values as a table");
    figure.values = h("details", { ontoggle: () => this.#fillValues(figure) }, summary, figure.table);
    const save = { type: "button", class: "quiet", disabled: true, onclick: () => this.#download(figure) };
    figure.save = h("button", save, "Picture (PNG)", h("span", { class: "unseen" }, ` of ${title}`));
    const line = h("th", { scope: "col" }, h("span", { class: "unseen" }, "line"));
    const head = h(
      "tr",
      {},
      line,
      SUMS.map((name) => columnHead(name)),
      columnHead(figure.moment, "number moment"),
    );
    const caption = h("caption", { class: "unseen" }, `${title} in the range`);
    const legend = h("table", { class: "legend" }, caption, h("thead", {}, head), figure.rows);
    figure.element = h(
      "section",
      { class: "card figure", "aria-labelledby": `title-${id}` },
      h("div", { class: "figure-head" }, h("h2", { id: `title-${id}` }, title), figure.save),
      h("p", { class: "faint" }, graph.about),
      figure.plot,
      figure.spoken,
      legend,
      figure.values,
    );
    return figure;
  }

  // Fills the legend: a row for each line, with the figures that the graph shows.
  #fillLegend(figure) {
    const { graph } = figure;
    const rows = graph.lines.map((line, index) => {
      const { variable, dash } = look(index, line.limit);
      const sums = summaryOf(line, this.#shown.samples);
      const last = number(graph.format(sums.last));
      figure.last.set(line, { last, value: sums.last });
      const swatch = h("span", { class: `swatch ${dash} ${variable.slice(2)}`, "aria-hidden": "true" });
      const texts = SUMS.map((name) => number(graph.format(sums[name])));
      return h("tr", {}, h("th", { scope: "row" }, swatch, line.name), texts, last);
    });
    replaceChildren(figure.rows, rows);
  }

  #fillValues(figure) {
    if (!figure.values.open || this.#shown === null) return;
    const { graph } = figure;
    const { samples, gaps } = this.#shown;
    const head = h(
      "tr",
      {},
      columnHead("Time", null),
      graph.lines.map((line) => columnHead(line.name)),
    );
    const gap = h("td", { colspan: graph.lines.length + 1, class: "faint" }, "no samples");
    const rows = samples.map((sample, index) => {
      const values = graph.lines.map((line) => number(graph.format(line.get(sample, ""))));
      const row = h("tr", {}, h("th", { scope: "row" }, words(sample.time)), values);
      return [gaps.has(index) && h("tr", {}, gap.cloneNode(true)), row];
    });
    const caption = h("caption", {}, `${this.#heading(graph)}: ${samples.length} values`);
    replaceChildren(figure.table, h("table", {}, caption, h("thead", {}, head), h("tbody", {}, rows)));
  }

  #heading(graph) {
    const { partition } = this.#shown;
    return partition === "" ? graph.title : `${graph.title}, partition ${partition}`;
  }

  async #download(figure) {
    const { graph, plot } = figure;
    const { range } = this.#shown;
    const file = await picture(plot, this.#heading(graph));
    const time = wallClock(range.until).replaceAll(":", "");
    h("a", { href: file, download: `load-${graph.id}-${time}.png` }).click();
  }

  // Puts the values at a time into the last column of all legends.
  #read(epoch) {
    this.#reading = epoch;
    if (this.#shown === null) return;
    const { samples, range } = this.#shown;
    const sample = epoch === null ? null : samples.find(({ time }) => time === epoch);
    const time = () => (range.until - range.since > DAY ? words(epoch) : clock(epoch));
    for (const figure of this.#figures.values()) {
      setText(figure.moment, sample ? `at ${time()}` : "last");
      for (const [line, { last, value }] of figure.last)
        setText(last, figure.graph.format(sample ? line.get(sample, "") : value));
    }
  }

  // Left and right move from sample to sample.
  #walk(figure, event) {
    if (!(event.key in STEPS) || this.#shown === null || this.#shown.samples.length === 0) return;
    event.preventDefault();
    const { samples } = this.#shown;
    const most = samples.length - 1;
    const from = samples.findIndex(({ time }) => time === this.#reading);
    const sample = samples[Math.min(most, Math.max(0, (from < 0 ? most : from) + STEPS[event.key]))];
    point(figure.plot, sample.time);
    this.#read(sample.time);
    const values = figure.graph.lines.map((line) => `${line.name} ${figure.graph.format(line.get(sample, ""))}`);
    setText(figure.spoken, `${words(sample.time)}: ${values.join(", ")}`);
  }
}
