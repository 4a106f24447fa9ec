// The page of the load over time: what the reader chose, the samples of it, and a figure for each graph.

import { address, ask, poll } from "./api-client.js";
import { byId, clock, debounce, faultNotice, h, notice, now, replaceChildren, setText } from "./dom.js";
import { onMove, readState, setCurlLine, writeState } from "./frame.js";
import { draw, look, picture, plotly, point } from "./load-plot.js";
import { fieldsOf, gapsIn, graphOfPartitions, graphsOf, hasValues, summaryOf } from "./load-series.js";
import { lasting, moved, rangeOf, SPANS, stepFor, wallClock, words } from "./load-time.js";

const DEFAULTS = { last: "day", since: "", until: "", partition: "" };
const MOST_PAGES = 5;
const RANGE_WORDS = {
  hour: "the last hour",
  day: "the last day",
  week: "the last week",
  month: "the last month",
  year: "the last year",
};

let state = readState(DEFAULTS);
let asking = new AbortController();
let shown = null;
let library = null;
// The time whose values are read, by pointer or keys.
let reading = null;
const figures = new Map();

function change(news) {
  state = { ...state, ...news };
  writeState(state, DEFAULTS, { push: true });
  start();
}

const zoom = (since, until) => change({ since: String(since), until: String(Math.min(until, Math.ceil(now()))) });

function cell(text, kind = "number") {
  return h("td", { class: kind }, text);
}

// The legend: a row for each line, with what a reader who does not see the graph wants to know.
function legend(figure, samples) {
  const rows = figure.graph.lines.map((line, index) => {
    const { variable, dash } = look(index, line.limit);
    const sums = summaryOf(line, samples);
    const last = cell(figure.graph.format(sums.last));
    figure.last.set(line, { last, value: sums.last });
    const swatch = h("span", { class: `swatch ${dash} ${variable.slice(2)}`, "aria-hidden": "true" });
    const texts = ["lowest", "mean", "highest"].map((name) => cell(figure.graph.format(sums[name])));
    return h("tr", {}, h("th", { scope: "row" }, swatch, line.name), texts, last);
  });
  replaceChildren(figure.rows, rows);
}

const heading = (graph) => (state.partition === "" ? graph.title : `${graph.title}, partition ${state.partition}`);

async function download(figure) {
  const file = await picture(await library, figure.plot, figure.graph, shown.range, heading(figure.graph));
  h("a", {
    href: file,
    download: `load-${figure.graph.id}-${wallClock(shown.range.until).replaceAll(":", "")}.png`,
  }).click();
}

function valuesTable(figure) {
  if (!figure.values.open || shown === null) return;
  const { graph } = figure;
  const head = h(
    "tr",
    {},
    h("th", { scope: "col" }, "Time"),
    graph.lines.map((line) => h("th", { scope: "col", class: "number" }, line.name)),
  );
  const rows = shown.samples.map((sample, index) => [
    shown.gaps.has(index) && h("tr", {}, h("td", { colspan: graph.lines.length + 1, class: "faint" }, "no samples")),
    h(
      "tr",
      {},
      h("th", { scope: "row" }, words(sample.time)),
      graph.lines.map((line) => cell(graph.format(line.get(sample, "")))),
    ),
  ]);
  replaceChildren(
    figure.table,
    h(
      "table",
      {},
      h("caption", {}, `${heading(graph)}: ${shown.samples.length} values`),
      h("thead", {}, head),
      h("tbody", {}, rows),
    ),
  );
}

// Moves the reading to a time in all figures: the last column of each legend has the values of then.
function read(epoch) {
  reading = epoch;
  const sample = epoch === null ? null : shown.samples.find(({ time }) => time === epoch);
  for (const figure of figures.values()) {
    setText(figure.moment, sample ? `at ${shown.span > 86400 ? words(epoch) : clock(epoch)}` : "last");
    for (const [line, { last, value }] of figure.last)
      setText(last, figure.graph.format(sample ? line.get(sample, "") : value));
  }
}

// Left and right walk through the samples, as the pointer does.
async function walk(figure, event) {
  const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };
  if (!(event.key in steps) || shown === null || shown.samples.length === 0) return;
  event.preventDefault();
  const most = shown.samples.length - 1;
  const from = shown.samples.findIndex(({ time }) => time === reading);
  const sample = shown.samples[Math.min(most, Math.max(0, (from < 0 ? most : from) + steps[event.key]))];
  const { time } = sample;
  point(await library, figure.plot, time);
  read(time);
  const values = figure.graph.lines.map((line) => `${line.name} ${figure.graph.format(line.get(sample, ""))}`);
  setText(figure.spoken, `${words(time)}: ${values.join(", ")}`);
}

function makeFigure(graph) {
  const figure = {
    graph,
    last: new Map(),
    rows: h("tbody"),
    table: h("div", { class: "scroll values", tabindex: "0", role: "region", "aria-label": `${graph.title}: values` }),
  };
  figure.plot = h("div", {
    class: "chart",
    tabindex: "0",
    role: "application",
    "aria-label": `Graph: ${graph.title}. Arrow keys read its values.`,
    onkeydown: (event) => walk(figure, event),
  });
  figure.plot.addEventListener("blur", () => read(null));
  figure.moment = h("span", {}, "last");
  figure.spoken = h("p", { class: "unseen", role: "status" });
  figure.values = h(
    "details",
    { ontoggle: () => valuesTable(figure) },
    h("summary", {}, "Values as a table"),
    figure.table,
  );
  figure.save = h(
    "button",
    { type: "button", class: "quiet", disabled: true, onclick: () => download(figure) },
    "Picture (PNG)",
    h("span", { class: "unseen" }, ` of ${graph.title}`),
  );
  const columns = ["lowest", "mean", "highest"].map((name) => h("th", { scope: "col", class: "number" }, name));
  const head = h(
    "tr",
    {},
    h("th", { scope: "col" }, h("span", { class: "unseen" }, "line")),
    columns,
    h("th", { scope: "col", class: "number moment" }, figure.moment),
  );
  figure.element = h(
    "section",
    { class: "card figure", "aria-labelledby": `title-${graph.id}` },
    h("div", { class: "figure-head" }, h("h2", { id: `title-${graph.id}` }, graph.title), figure.save),
    h("p", { class: "faint" }, graph.about),
    figure.plot,
    figure.spoken,
    h(
      "table",
      { class: "legend" },
      h("caption", { class: "unseen" }, `${graph.title} in the range`),
      h("thead", {}, head),
      figure.rows,
    ),
    figure.values,
  );
  return figure;
}

// Figures stay as long as they mean the same, so that focus and opened tables do.
function arrange(graphs) {
  for (const id of [...figures.keys()].filter((id) => !graphs.some((graph) => graph.id === id))) {
    figures.get(id).element.remove();
    figures.delete(id);
  }
  for (const graph of graphs) {
    if (!figures.has(graph.id)) figures.set(graph.id, makeFigure(graph));
    const figure = figures.get(graph.id);
    figure.graph = graph;
    figure.last.clear();
    if (figure.element.parentNode === null) byId("graphs").append(figure.element);
  }
}

async function drawAll() {
  let Plotly;
  try {
    Plotly = await library;
  } catch (error) {
    replaceChildren(byId("state"), notice("off", "No graphs", `${error.message} The values are below, as tables.`));
    return;
  }
  for (const figure of figures.values()) {
    // Another range or partition may have taken it away meanwhile.
    if (!figure.element.isConnected) continue;
    await draw(Plotly, figure.plot, { ...shown, graph: figure.graph }, { onZoom: zoom, onPoint: read });
    figure.save.disabled = false;
  }
}

function partitionChoices(names) {
  const place = byId("partition");
  const wanted = [...new Set([...names, ...(state.partition ? [state.partition] : [])])];
  if (
    wanted.join("\n") !==
    [...place.options]
      .slice(1)
      .map((option) => option.value)
      .join("\n")
  )
    replaceChildren(
      place,
      place.options[0],
      wanted.map((name) => h("option", { value: name }, `Partition ${name}`)),
    );
  place.value = state.partition;
}

function about({ range, meta, samples }) {
  const kind =
    meta.step === 0
      ? "samples as they were taken"
      : `means of ${lasting(meta.step)}, with a band from the lowest to the highest`;
  const cut = meta.truncated ? ` Not all of it: the samples after ${words(samples.at(-1).time)} are left out.` : "";
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  setText(
    byId("about"),
    `${words(range.since)} to ${words(range.until)}, time zone ${zone}: ${samples.length} ${kind}.${cut}`,
  );
}

function show(answer, graphs) {
  const { data: samples, meta } = answer;
  const range = { since: meta.since, until: meta.until };
  const names = [...new Set(samples.flatMap((sample) => Object.keys(sample.partitions ?? {})))];
  if (state.partition === "") partitionChoices(names);
  const span = range.until - range.since;
  shown = {
    samples,
    gaps: gapsIn(
      samples.map((sample) => sample.time),
      meta.step,
    ),
    range,
    span,
    meta,
  };
  const all = state.partition === "" && names.length > 1 ? [...graphs, graphOfPartitions(names)] : graphs;
  about(shown);
  byId("graphs").setAttribute("aria-busy", "false");
  if (samples.length === 0 || (state.partition !== "" && !names.includes(state.partition))) {
    arrange([]);
    const ofWhat = state.partition === "" ? "" : ` of partition ${state.partition}`;
    replaceChildren(
      byId("state"),
      notice(
        "empty",
        "No samples in this time",
        `The archive has none${ofWhat}. It was not kept then, the service was off, or Slurm was away.`,
      ),
    );
    return;
  }
  replaceChildren(byId("state"));
  arrange(all.filter((graph) => hasValues(graph, samples)));
  for (const figure of figures.values()) {
    legend(figure, samples);
    valuesTable(figure);
  }
  read(reading);
  drawAll();
}

// An answer may be cut where it gets too large; `next` leads on.
async function whole(answer, signal) {
  let [{ data }, meta] = [answer, answer.meta];
  for (let page = 1; meta.next !== null && page < MOST_PAGES; page += 1) {
    const next = await ask("load", Object.fromEntries(new URL(meta.next, location.href).searchParams), { signal });
    data = [...data, ...next.data];
    meta = { ...next.meta, since: meta.since };
  }
  return { ...answer, data, meta };
}

function fault(error) {
  if (error.status === 404) replaceChildren(byId("state"), notice("off", "The load is not archived", error.message));
  else replaceChildren(byId("state"), faultNotice(error));
  byId("graphs").setAttribute("aria-busy", "false");
}

// The graphs of a partition need that partition alone; which others there are is asked when somebody wants another.
async function otherPartitions() {
  if (state.partition === "" || byId("partition").options.length > 2) return;
  const { data } = await ask("partitions", { fields: "name" });
  partitionChoices(Object.keys(data));
}

function controls(range) {
  for (const button of byId("spans").children)
    button.setAttribute("aria-pressed", String(range.follows && button.dataset.last === state.last));
  byId("from").value = wallClock(range.since);
  byId("to").value = wallClock(range.until);
  partitionChoices([...byId("partition").options].slice(1).map((option) => option.value));
  document.title = `Load, ${range.follows ? (RANGE_WORDS[state.last] ?? RANGE_WORDS.day) : words(range.since)} · slurm-rest-api`;
}

function start() {
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  const range = rangeOf(state, now());
  const graphs = graphsOf(state.partition);
  const length = range.until - range.since;
  const step = stepFor(length);
  const when = range.follows ? { time: Math.round(length) } : { since: range.since, until: range.until };
  const fields = state.partition === "" ? [...fieldsOf(graphs), "partitions.partition_load"] : fieldsOf(graphs);
  const question = { ...when, step, partition: state.partition, fields: fields.join(",") };
  controls(range);
  setCurlLine(address("load", { ...when, step, partition: state.partition }));
  byId("graphs").setAttribute("aria-busy", "true");
  if (figures.size === 0) replaceChildren(byId("state"), notice("loading", "Loading the load …"));
  const onAnswer = async (answer) => {
    try {
      const all = await whole(answer, signal);
      if (!signal.aborted) show(all, graphs);
    } catch (error) {
      if (error.name !== "AbortError") fault(error);
    }
  };
  if (range.follows)
    poll("load", question, { seconds: Math.max(30, (step ?? 0) / 4), signal, onAnswer, onFault: fault });
  else ask("load", question, { signal }).then(onAnswer, (error) => error.name === "AbortError" || fault(error));
}

function submit(event) {
  event.preventDefault();
  const [since, until] = ["from", "to"].map((id) => Math.floor(new Date(byId(id).value).getTime() / 1000));
  byId("to").setCustomValidity(until > since ? "" : "This is not after the beginning of the range.");
  if (byId("to").reportValidity()) change({ since: String(since), until: String(until) });
}

function listen() {
  const form = byId("controls");
  form.addEventListener("submit", submit);
  byId("to").addEventListener("input", () => byId("to").setCustomValidity(""));
  for (const kind of ["focus", "pointerenter"])
    byId("partition").addEventListener(kind, () => otherPartitions().catch(() => null));
  byId("partition").addEventListener("change", (event) => change({ partition: event.target.value }));
  byId("spans").addEventListener(
    "click",
    ({ target }) => target.dataset.last && change({ last: target.dataset.last, since: "", until: "" }),
  );
  document.querySelector(".moving").addEventListener("click", ({ target }) => {
    if (!target.dataset.move) return;
    const { since, until } = moved(rangeOf(state, now()), target.dataset.move, now());
    zoom(since, until);
  });
  const redraw = () => shown?.samples.length > 0 && drawAll();
  document.addEventListener("theme", redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  addEventListener("resize", debounce(200, redraw));
  onMove(() => {
    state = readState(DEFAULTS);
    start();
  });
  const source = form.dataset.library;
  library = source
    ? plotly(source)
    : Promise.reject(new Error("The package plotly is not installed beside this service."));
  library.catch(() => null);
}

if (!(state.last in SPANS)) state.last = DEFAULTS.last;
listen();
start();
