// The Load page: the range and partition that the user chose, the samples, and the figures.

import { ApiError, getJson, poll } from "./api-client.js";
import { byId, faultNotice, foldsOnPhone, h, notice, replaceChildren, setText } from "./dom.js";
import { count, now, zone } from "./format.js";
import { onColours, onMove, readState, setCurlLine, setTitle, writeState } from "./frame.js";
import { Figures } from "./load-figures.js";
import { fieldsOf, gapsIn, graphOfPartitions, graphsOf, withLines } from "./load-series.js";
import { moved, rangeOf, SPANS, stepFor, stepText, wallClock, words } from "./load-time.js";
import { apiUrl } from "./urls.js";

const DEFAULTS = { last: "day", since: "", until: "", partition: "" };
const MAX_PAGES = 5;
const RANGE_WORDS = { hour: "last hour", day: "last day", week: "last week", month: "last month", year: "last year" };

let state = readState(DEFAULTS);
let current = new AbortController();
const figures = new Figures(byId("graphs"), zoom);

function change(news) {
  state = { ...state, ...news };
  writeState(state, DEFAULTS, { push: true });
  start();
}

function zoom(since, until) {
  change({ since: String(since), until: String(Math.min(until, Math.ceil(now()))) });
}

function partitionChoices(names) {
  const select = byId("partition");
  const wanted = [...new Set([...names, ...(state.partition ? [state.partition] : [])])];
  const known = [...select.options].slice(1).map((option) => option.value);
  if (wanted.join("\n") !== known.join("\n")) {
    const options = wanted.map((name) => h("option", { value: name }, `Partition ${name}`));
    replaceChildren(select, select.options[0], options);
  }
  select.value = state.partition;
}

function about(range, meta, samples) {
  const number = samples.length;
  const averages = `${stepText(meta.step)} averages; shaded band: min–max`;
  const kind = `${count(number)} ${meta.step === 0 ? "samples" : averages}`;
  const cut = meta.truncated ? ` Samples after ${words(samples.at(-1).time)} are left out.` : "";
  setText(byId("about"), `${words(range.since)} to ${words(range.until)} (${zone()}): ${kind}.${cut}`);
}

function showEmpty() {
  figures.clear();
  const ofPartition = state.partition === "" ? "" : ` of partition ${state.partition}`;
  const causes = "Archiving was off, the service was down, or Slurm did not respond.";
  const detail = `The archive has none${ofPartition}. ${causes}`;
  replaceChildren(byId("state"), notice("empty", "No samples in this range", detail));
}

function show({ data: samples, meta }, graphs) {
  const range = { since: meta.since, until: meta.until };
  const names = [...new Set(samples.flatMap((sample) => Object.keys(sample.partitions ?? {})))];
  if (state.partition === "") partitionChoices(names);
  about(range, meta, samples);
  byId("graphs").setAttribute("aria-busy", "false");
  if (samples.length === 0 || (state.partition !== "" && !names.includes(state.partition))) {
    showEmpty();
    return;
  }
  replaceChildren(byId("state"));
  const gaps = gapsIn(
    samples.map((sample) => sample.time),
    meta.step,
  );
  const all = state.partition === "" && names.length > 1 ? [...graphs, graphOfPartitions(names)] : graphs;
  figures.show({ samples, gaps, range, partition: state.partition }, withLines(all, samples));
}

// Adds the pages of an answer that was cut because of its size.
async function complete(answer, signal) {
  let { data, meta } = answer;
  for (let page = 1; meta.next !== null && page < MAX_PAGES; page += 1) {
    const query = Object.fromEntries(new URL(meta.next, location.href).searchParams);
    const next = await getJson("load", query, { signal });
    data = [...data, ...next.data];
    meta = { ...next.meta, since: meta.since };
  }
  return { data, meta };
}

function showFault(error) {
  const off = error.status === 404 && notice("off", "Load archiving is off", error.message);
  replaceChildren(byId("state"), off || faultNotice(error));
  byId("graphs").setAttribute("aria-busy", "false");
}

// The answer for one partition names no others. They are loaded when the user opens the list.
async function loadOtherPartitions() {
  if (state.partition === "" || byId("partition").options.length > 2) return;
  const { data } = await getJson("partitions", { fields: "name" });
  partitionChoices(Object.keys(data));
}

function showControls(range) {
  for (const button of byId("spans").children)
    button.setAttribute("aria-pressed", String(range.follows && button.dataset.last === state.last));
  byId("from").value = wallClock(range.since);
  byId("to").value = wallClock(range.until);
  partitionChoices([...byId("partition").options].slice(1).map((option) => option.value));
  setTitle(`Load, ${range.follows ? (RANGE_WORDS[state.last] ?? RANGE_WORDS.day) : words(range.since)}`);
}

function start() {
  current.abort();
  current = new AbortController();
  const { signal } = current;
  const range = rangeOf(state, now());
  const graphs = graphsOf(state.partition);
  const length = range.until - range.since;
  const step = stepFor(length);
  const time = range.follows ? { time: Math.round(length) } : { since: range.since, until: range.until };
  const fields = fieldsOf(graphs);
  if (state.partition === "") fields.push("partitions.partition_load");
  const shown = { ...time, step, partition: state.partition };
  const query = { ...shown, fields: fields.join(",") };
  showControls(range);
  setCurlLine(apiUrl("load", shown));
  byId("graphs").setAttribute("aria-busy", "true");
  if (figures.isEmpty) replaceChildren(byId("state"), notice("loading", "Loading samples …"));
  const onFault = (error) => {
    if (error instanceof ApiError) showFault(error);
    else if (error.name !== "AbortError") throw error;
  };
  const onAnswer = (answer) =>
    complete(answer, signal)
      .then((all) => signal.aborted || show(all, graphs))
      .catch(onFault);
  if (!range.follows) getJson("load", query, { signal }).then(onAnswer, onFault);
  else poll("load", query, { seconds: Math.max(30, (step ?? 0) / 4), signal, onAnswer, onFault });
}

function submit(event) {
  event.preventDefault();
  const [since, until] = ["from", "to"].map((id) => Math.floor(new Date(byId(id).value).getTime() / 1000));
  byId("to").setCustomValidity(until > since ? "" : "The end of the range has to be after its start.");
  if (byId("to").reportValidity()) change({ since: String(since), until: String(until) });
}

function listen() {
  foldsOnPhone(byId("unfold"), byId("range"));
  byId("controls").addEventListener("submit", submit);
  byId("to").addEventListener("input", () => byId("to").setCustomValidity(""));
  for (const kind of ["focus", "pointerenter"])
    byId("partition").addEventListener(kind, () => loadOtherPartitions().catch(() => null));
  byId("partition").addEventListener("change", (event) => change({ partition: event.target.value }));
  byId("spans").addEventListener("click", ({ target }) => {
    if (target.dataset.last) change({ last: target.dataset.last, since: "", until: "" });
  });
  document.querySelector(".moving").addEventListener("click", ({ target }) => {
    if (!target.dataset.move) return;
    const { since, until } = moved(rangeOf(state, now()), target.dataset.move, now());
    zoom(since, until);
  });
  onColours(() => figures.redraw());
  onMove(() => {
    state = readState(DEFAULTS);
    start();
  });
}

if (!(state.last in SPANS)) state.last = DEFAULTS.last;
listen();
start();
