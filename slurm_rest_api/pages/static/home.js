// The home page: what is wrong, how much is in use, jobs by partition, nodes by state, the load of the last hour.

import { address, poll, subscribe } from "./api-client.js";
import {
  approximate,
  byId,
  clock,
  count,
  faultNotice,
  formatDateTime,
  h,
  keyed,
  memory,
  nodeState,
  notice,
  now,
  percent,
  ratio,
  replaceChildren,
  setShare,
  setText,
  svg,
} from "./dom.js";
import { nodeLink, page, setCurlLine } from "./frame.js";

const FIGURES = {
  fields: [
    ...["total_load", "alloc_cpus", "total_cpus", "alloc_mem", "total_mem", "alloc_gpus", "total_gpus"],
    ...["jobs_running", "jobs_pending", "nodes_by_state"],
    ...["priority", "state", "partition_load", "jobs_running", "jobs_pending"].map((field) => `partitions.${field}`),
  ],
};
const TROUBLED = {
  state: ["DOWN", "DRAIN", "FAIL", "ERROR", "UNKNOWN", "NOT_RESPONDING", "INVALID_REG"],
  fields: ["state", "reason", "reason_user", "reason_time"],
};
// The worst first.
const ORDER = ["DOWN", "ERROR", "NOT RESPONDING", "FAIL", "INVALID_REG", "UNKNOWN", "PARTITION", "DRAINED", "DRAINING"];
const SHOWN_NODES = 8;
const HOUR = 3600;

// What is known of each thing that can be wrong; null until it has been asked.
const known = { usage: null, nodes: null, usageFault: null, nodesFault: null };

const place = (state) => (ORDER.includes(state) ? ORDER.indexOf(state) : ORDER.length);

// Nodes with the same state and reason, given by the same person, are one trouble.
function nodeTroubles(records) {
  const troubles = new Map();
  for (const [name, { state, reason, reason_user: user, reason_time: since }] of records) {
    const { word, meaning } = nodeState(state);
    const key = JSON.stringify([word, meaning, reason, user]);
    const trouble = troubles.get(key) ?? { key, word, meaning, reason, user, since, names: [] };
    trouble.names.push(name);
    trouble.since = Math.min(trouble.since ?? Infinity, since ?? Infinity);
    troubles.set(key, trouble);
  }
  return [...troubles.values()];
}

function partitionTroubles({ partitions }) {
  return Object.entries(partitions)
    .filter(([, { state }]) => state !== null && state !== "UP")
    .map(([name, { state }]) => ({ key: `partition ${name}`, word: "PARTITION", partition: name, state }));
}

function where(trouble) {
  if (trouble.partition)
    return ["Partition ", h("a", { href: page("queue", { partition: trouble.partition }) }, trouble.partition)];
  const shown = trouble.names.slice(0, SHOWN_NODES).flatMap((name, index) => [index > 0 && ", ", nodeLink(name)]);
  const more = trouble.names.length - SHOWN_NODES;
  if (more <= 0) return shown;
  const query = { state: trouble.word.replace("NOT RESPONDING", "NOT_RESPONDING") };
  return [shown, " and ", h("a", { href: page("nodes", query) }, `${count(more)} more`)];
}

function why(trouble) {
  if (trouble.partition) return "Jobs may be submitted or may run only as its state allows.";
  const by = trouble.user ? `by ${trouble.user}, ` : "";
  const since = Number.isFinite(trouble.since) && trouble.since > 0;
  const told = since && `${by}since ${formatDateTime(trouble.since)} (${approximate(now() - trouble.since)})`;
  return [trouble.reason ?? "No reason is given.", told && h("span", { class: "explanation" }, told)];
}

function fillTrouble(row, trouble) {
  const [state, place, reason] = row.children;
  const kind = trouble.word.startsWith("DRAIN") ? "chip old" : "chip bad";
  const facts = JSON.stringify({ ...trouble, age: approximate(now() - trouble.since) });
  if (row.facts === facts) return;
  row.facts = facts;
  replaceChildren(
    state,
    h("span", { class: kind }, trouble.state ?? trouble.word),
    trouble.meaning && h("span", { class: "explanation" }, trouble.meaning),
  );
  replaceChildren(place, where(trouble));
  replaceChildren(reason, why(trouble));
}

function staleNotice({ error }) {
  const since = error
    ? ` It has failed since ${formatDateTime(error.since)}; what you see is of ${formatDateTime(error.loaded_at)}.`
    : "";
  return notice("fault", "Slurm does not tell how it is", `${error?.detail ?? "The data is old."}${since}`);
}

function notices(troubles) {
  const { usage, nodes, usageFault, nodesFault } = known;
  const fault = usageFault ?? nodesFault;
  if (fault) return [faultNotice(fault)];
  if (usage === null || nodes === null) return [notice("loading", "Loading …")];
  if (usage.meta.stale) return [staleNotice(usage.meta)];
  if (troubles.length > 0) return [];
  return [notice("fine", "✓ Nothing is wrong", "Every node answers and takes jobs, and every partition is up.")];
}

let told = "";
function showTroubles() {
  const { usage, nodes } = known;
  const troubles = [...(nodes ? nodeTroubles(nodes) : []), ...(usage ? partitionTroubles(usage.data) : [])];
  troubles.sort((one, other) => place(one.word) - place(other.word) || (other.since ?? 0) - (one.since ?? 0));
  const table = byId("troubles");
  table.hidden = troubles.length === 0;
  const make = () => h("tr", {}, h("td"), h("td"), h("td"));
  keyed(table.tBodies[0], troubles, { key: (trouble) => trouble.key, make, update: fillTrouble });
  const blanks = notices(troubles);
  const text = blanks.map((blank) => blank.textContent).join();
  if (text !== told || byId("notices").childElementCount !== blanks.length) replaceChildren(byId("notices"), blanks);
  told = text;
  const away = nodes?.size ?? 0;
  setText(
    byId("wrong-title"),
    away > 0 ? `What is wrong now: ${count(away)} ${away === 1 ? "node" : "nodes"}` : "What is wrong now",
  );
}

function showBar(name, share, text) {
  const [, big, meter, faint] = byId(name).children;
  setText(big, percent(share));
  setShare(meter, share ?? 0);
  setText(faint, text);
}

function showBars(data) {
  const nodes = Object.values(data.nodes_by_state).reduce((sum, number) => sum + number, 0);
  showBar("load", data.total_load, `mean of ${count(nodes)} nodes`);
  showBar(
    "cpu",
    ratio(data.alloc_cpus, data.total_cpus),
    `${count(data.alloc_cpus)} of ${count(data.total_cpus)} allocated`,
  );
  showBar(
    "mem",
    ratio(data.alloc_mem, data.total_mem),
    `${memory(data.alloc_mem)} of ${memory(data.total_mem)} allocated`,
  );
  const gpus =
    data.total_gpus > 0 ? `${count(data.alloc_gpus)} of ${count(data.total_gpus)} allocated` : "There are none.";
  showBar("gpu", ratio(data.alloc_gpus, data.total_gpus), gpus);
}

function fillJobs(row, running, pending, load) {
  setText(row.children[1], count(running));
  setText(row.children[2], count(pending));
  setText(row.children[3], percent(load));
  setShare(row.children[4].firstChild, load);
}

function jobRow([name]) {
  const link = h("a", { href: page("queue", { partition: name }) }, name);
  const numbers = [1, 2, 3].map(() => h("td", { class: "number" }));
  return h("tr", {}, h("th", { scope: "row" }, link), numbers, h("td", {}, h("div", { class: "meter" })));
}

function showJobs(data) {
  const partitions = Object.entries(data.partitions);
  partitions.sort(([one, a], [other, b]) => (b.priority ?? 0) - (a.priority ?? 0) || one.localeCompare(other));
  const update = (row, [, partition]) =>
    fillJobs(row, partition.jobs_running, partition.jobs_pending, partition.partition_load);
  keyed(byId("jobs").tBodies[0], partitions, { key: ([name]) => name, make: jobRow, update });
  fillJobs(byId("jobs").tFoot.rows[0], data.jobs_running, data.jobs_pending, data.total_load);
}

function showStates(data) {
  const states = Object.entries(data.nodes_by_state).sort(([, one], [, other]) => other - one);
  const all = states.reduce((sum, [, number]) => sum + number, 0);
  const kind = ([state]) => `part ${state.toLowerCase()}`;
  const update = (part, [, number]) => setShare(part, ratio(number, all) ?? 0);
  keyed(byId("states-bar"), states, {
    key: ([state]) => state,
    make: (state) => h("span", { class: kind(state) }),
    update,
  });
  keyed(byId("states"), states, {
    key: ([state]) => state,
    make: (entry) => {
      const link = h("a", { href: page("nodes", { state: entry[0] }) }, entry[0]);
      return h(
        "li",
        {},
        h("span", { class: kind(entry), "aria-hidden": "true" }),
        link,
        " ",
        h("span", { class: "tally" }),
      );
    },
    update: (item, [, number]) => setText(item.lastChild, count(number)),
  });
}

// Points that follow one another, in runs: where the cluster was not seen for much longer than before or after, one ends.
export function runs(samples) {
  const step = (index) => (index > 0 && index < samples.length ? samples[index].time - samples[index - 1].time : 0);
  const found = [];
  samples.forEach((sample, index) => {
    const usual = Math.max(step(index - 1), step(index + 1));
    if (index === 0 || (usual > 0 && step(index) > 2.2 * usual)) found.push([]);
    found.at(-1).push(sample);
  });
  return found;
}

function showHour({ data }) {
  const [plot, ends, caption] = byId("hour").children;
  const end = now();
  const top = Math.max(1, ...data.map((sample) => sample.total_load));
  const point = ({ time, total_load: load }) =>
    `${((time - end + HOUR) / 3.6).toFixed(1)} ${(100 - (100 * load) / top).toFixed(2)}`;
  const lines = runs(data).map((run) =>
    svg("path", { d: `M${run.map(point).join("L")}${run.length === 1 ? "h0" : ""}` }),
  );
  const picture = svg("svg", { viewBox: "0 0 1000 100", preserveAspectRatio: "none", "aria-hidden": "true" }, lines);
  plot.querySelector("svg")?.remove();
  plot.append(picture);
  const marks = [...plot.querySelectorAll("span")];
  for (const [index, mark] of marks.entries()) setText(mark, percent(top * (1 - index / 2)));
  setText(ends.firstChild, clock(end - HOUR));
  const loads = data.map((sample) => sample.total_load);
  const range = `${percent(Math.min(...loads))} to ${percent(Math.max(...loads))}, last ${percent(loads.at(-1))}.`;
  setText(caption, data.length > 0 ? range : "The archive has no sample of the last hour.");
}

function start() {
  setCurlLine(address("usage", FIGURES));
  showTroubles();
  const update = (changes) => {
    Object.assign(known, changes);
    showTroubles();
  };
  poll("usage", FIGURES, {
    onAnswer: (usage) => {
      update({ usage, usageFault: null });
      for (const show of [showBars, showJobs, showStates]) show(usage.data);
    },
    onFault: (usageFault) => update({ usageFault }),
  });
  subscribe("nodes", TROUBLED, {
    // Everybody has this page open: the few places to wait are for those who look at something closely.
    wait: 0,
    onChange: (nodes) => update({ nodes, nodesFault: null }),
    onSame: () => update({ nodesFault: null }),
    onFault: (nodesFault) => update({ nodesFault }),
  });
  const line = byId("hour");
  if (line === null) return;
  const hour = { time: HOUR, fields: ["time", "total_load"] };
  poll("load", hour, {
    seconds: 60,
    onAnswer: showHour,
    onFault: (fault) => setText(line.lastElementChild, fault.message),
  });
}

start();
