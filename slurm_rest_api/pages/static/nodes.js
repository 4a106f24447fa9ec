// The map of partitions and nodes: filters, what is pointed at, and the same facts as a table.

import { address, ask, follow, watch } from "./ask.js";
import { onMove, read, write } from "./address.js";
import { bands, gpus, sorted, tally } from "./cells.js";
import { byId, calm, faultNotice, h, keyed, notice, put, say } from "./dom.js";
import { count, memory, nodeState, percent } from "./format.js";
import { makeMap, sample } from "./map.js";
import { nodeLink, page, shows } from "./shell.js";

const DEFAULTS = { partition: "", state: "", name: "", view: "map", place: "" };
const OF_NODES = ["state", "cpus", "alloc_cpus", "real_memory", "alloc_mem", "gres", "gres_used", "partitions", "reason"];
const OF_USAGE = [
  ...["priority", "state", "partition_load"].map((field) => `partitions.${field}`),
  ...["running_jobs", "cpus_allocated", "mem_allocated"].map((field) => `partitions.nodes.${field}`),
];
const STATES = [
  ["", "all"], ["IDLE", "idle"], ["MIXED", "mixed"], ["ALLOCATED", "allocated"], ["DOWN", "down"], ["NOT_RESPONDING", "not responding"],
  ["DRAIN", "draining or drained"], ["FAIL", "failing"], ["COMPLETING", "completing"], ["MAINTENANCE", "in maintenance"],
  ["RESERVED", "reserved"], ["PLANNED", "planned"], ["POWERED_DOWN", "powered down"],
];
const ROWS = 200;

let state = read(DEFAULTS);
let ending = new AbortController();
// What has been answered to the present question: names are kept in order, as sorting takes longer than drawing.
let known = { names: null, records: null, partitions: null };
let shown = [];
let pointed = null;
let rows = ROWS;

const used = (part, all, format = count) => `${format(part)} of ${format(all)}`;

function summary(band) {
  const { own, other, free, leaving, down } = tally(band);
  const all = own + other + free + leaving + down;
  const parts = [[own, "with its jobs"], [other, "with jobs of others alone"], [free, "free"], [leaving, "draining or drained"], [down, "down"]];
  const told = parts.filter(([number]) => number > 0).map(([number, text]) => `${count(number)} ${text}`);
  return `${count(all)} ${all === 1 ? "node" : "nodes"}: ${told.join(", ")}`;
}

function fillParts(header, band) {
  const [, facts, text] = header.children;
  const closed = band.state && band.state !== "UP" ? `, ${band.state}` : "";
  say(facts, `priority tier ${count(band.priority)}, load ${percent(band.load)}${closed}`);
  say(text, summary(band));
}

const map = makeMap(byId("map"), {
  bandParts: (band) => h("header", {}, h("h2", {}, band.name), h("span", { class: "faint" }), h("p", { class: "faint" })),
  fillParts,
  onPoint: point,
  onOpen: ({ band, index, by }) => {
    // A finger points and chooses at once; the panel has the links.
    if (by !== "touch") location.assign(page("queue", { node: band.cells[index].name }));
  },
});

function facts({ name, node, held, word, kind, own, all }, band) {
  const total = gpus(node.gres);
  const outside = kind === "outside";
  return {
    partition: outside ? `not in ${band.name}` : band.name,
    jobs: outside ? "–" : count(held.running_jobs),
    load: outside || own === all ? percent(all) : `${percent(own)} by its jobs, ${percent(all)} by all`,
    cpus: used(node.alloc_cpus, node.cpus),
    memory: used(node.alloc_mem, node.real_memory, memory),
    gpus: total > 0 ? used(gpus(node.gres_used), total) : "none",
    reason: node.reason ?? "–",
    name,
    state: `${node.state === word ? word : `${word} (${node.state})`}: ${nodeState(node.state).meaning}`.replace(/: $/, ""),
  };
}

function point(spot) {
  if (spot === null) return;
  pointed = spot;
  const { name, state: text, ...others } = facts(spot.band.cells[spot.index], spot.band);
  if (byId("panel-name").textContent !== name) {
    put(byId("panel-name"), nodeLink(name));
    put(byId("panel-links"), h("a", { href: page("queue", { node: name }) }, "Jobs on it"), h("a", { href: page("node", { name }) }, "All about it"));
  }
  say(byId("panel-state"), text);
  for (const [key, value] of Object.entries(others)) say(byId(`panel-${key}`), value);
  if (spot.by !== "keyboard") return;
  const { partition, jobs, load, cpus, reason } = others;
  say(byId("spoken"), `${name}, ${partition}: ${text}. Jobs: ${jobs}. Load ${load}. CPUs ${cpus}.${reason === "–" ? "" : ` ${reason}`}`);
}

function fillRow(row, { cell, band }) {
  const { state: text, load, jobs, cpus, memory: mem, gpus: cards, reason } = facts(cell, band);
  [text, load, jobs, cpus, mem, cards, reason].forEach((value, index) => say(row.children[index + 2], value));
}

function showTable() {
  const lines = shown.flatMap((band) => band.cells.filter(({ kind }) => kind !== "outside").map((cell) => ({ band, cell })));
  const number = { class: "number" };
  keyed(byId("rows"), lines.slice(0, rows), {
    key: ({ band, cell }) => `${band.name} ${cell.name}`,
    make: ({ band, cell }) =>
      h("tr", {}, h("td", {}, band.name), h("th", { scope: "row" }, nodeLink(cell.name)), h("td"), h("td", number), h("td", number), h("td", number), h("td", number), h("td", number), h("td")),
    update: fillRow,
  });
  say(byId("caption"), `${count(Math.min(rows, lines.length))} of ${count(lines.length)}: each node under each of its partitions`);
  byId("more").hidden = lines.length <= rows;
}

function filters() {
  const told = [["partition", "partition"], ["state", "state"], ["name", "names"]].filter(([name]) => state[name] !== "");
  return told.map(([name, text]) => `${text} ${state[name]}`).join(", ");
}

function show() {
  const { names, records, partitions } = known;
  if (names === null || partitions === null) return;
  shown = bands(names, records, partitions, state.place === "same");
  const asTable = state.view === "table";
  const chosen = filters();
  const detail = chosen ? `Chosen: ${chosen}.` : "The cluster has no node in any partition that you may see.";
  put(byId("blank"), shown.length === 0 && notice("empty", "No node matches", detail));
  byId("map").hidden = asTable || shown.length === 0;
  byId("list").hidden = !asTable || shown.length === 0;
  if (asTable) showTable();
  else {
    const again = map.show(shown);
    pointed = again(pointed);
    if (pointed !== null) point({ ...pointed, by: "refresh" });
  }
}

function fail(fault) {
  if (fault.parameter === "name") byId("name").setAttribute("aria-invalid", "true");
  // What is there stays, and says how old it is, unless the question itself was wrong.
  if (shown.length > 0 && fault.status !== 400 && fault.status !== 403) {
    put(byId("blank"), faultNotice(fault));
    return;
  }
  byId("map").hidden = true;
  byId("list").hidden = true;
  put(byId("blank"), faultNotice(fault));
}

function askAnew() {
  ending.abort();
  ending = new AbortController();
  const { signal } = ending;
  known = { names: null, records: null, partitions: null };
  rows = ROWS;
  byId("name").removeAttribute("aria-invalid");
  if (shown.length === 0) put(byId("blank"), notice("loading", "Loading …"));
  const { partition, state: wanted, name } = state;
  const question = { partition, state: wanted, name, fields: OF_NODES };
  shows(address("nodes", { ...question, fields: ["name", ...OF_NODES], format: "table" }));
  follow("nodes", question, {
    wait: 0,
    signal,
    onChange: (records, { full, changed, gone }) => {
      const sameNames = known.names !== null && !full && gone.size === 0 && [...changed].every((key) => known.records.has(key));
      const names = sameNames && known.names.length === records.size ? known.names : sorted(records.keys());
      known = { ...known, names, records };
      show();
    },
    onFault: fail,
  });
  watch("usage", { compact: true, partition, fields: OF_USAGE }, {
    signal,
    onAnswer: ({ data }) => {
      known = { ...known, partitions: data.partitions };
      show();
    },
    onFault: fail,
  });
}

function option(select, value, text = value) {
  if (![...select.options].some((one) => one.value === value)) select.append(h("option", { value }, text));
}

function showControls() {
  for (const name of ["partition", "state"]) {
    option(byId(name), state[name]);
    byId(name).value = state[name];
  }
  if (byId("name").value !== state.name) byId("name").value = state.name;
  byId("place").checked = state.place === "same";
  byId("view").setAttribute("aria-pressed", String(state.view === "table"));
}

function choose(changes, asksAnew) {
  state = { ...state, ...changes };
  write(state, DEFAULTS, { push: true });
  showControls();
  if (asksAnew) askAnew();
  else show();
}

function drawLegend() {
  for (const canvas of document.querySelectorAll("canvas.look")) sample(canvas, canvas.dataset.kind, Number(canvas.dataset.level));
}

function listen() {
  byId("partition").addEventListener("change", ({ target }) => choose({ partition: target.value }, true));
  byId("state").addEventListener("change", ({ target }) => choose({ state: target.value }, true));
  byId("name").addEventListener("input", calm(400, () => choose({ name: byId("name").value.trim() }, true)));
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("view").addEventListener("click", () => choose({ view: state.view === "table" ? "map" : "table" }, false));
  byId("place").addEventListener("change", ({ target }) => choose({ place: target.checked ? "same" : "" }, false));
  byId("more").addEventListener("click", () => {
    rows += ROWS;
    showTable();
  });
  onMove(() => {
    state = read(DEFAULTS);
    showControls();
    askAnew();
  });
  document.addEventListener("theme", drawLegend);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawLegend);
}

async function offerPartitions() {
  try {
    const { data } = await ask("partitions", { fields: "name" });
    for (const name of sorted(Object.keys(data))) option(byId("partition"), name);
  } catch (fault) {
    fail(fault);
  }
}

for (const [value, text] of STATES) option(byId("state"), value, text);
listen();
showControls();
drawLegend();
askAnew();
offerPartitions();
