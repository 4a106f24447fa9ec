// The Nodes page: filters, the map, the panel of the current node, and the same facts as a table.

import { getJson, poll, subscribe } from "./api-client.js";
import { sample } from "./cell-looks.js";
import { bands, facts, heldByJobs, sorted, summary } from "./cells.js";
import { byId, debounce, faultNotice, foldsOnPhone, h, keyed, notice, replaceChildren, setText } from "./dom.js";
import { count, percent } from "./format.js";
import { nodeLink, onColours, onMove, page, readState, setCurlLine, writeState } from "./frame.js";
import { NodeMap } from "./map.js";
import { filterCounts, STATE_FILTERS } from "./node-facts.js";
import { showInPanel } from "./node-panel.js";
import { apiUrl } from "./urls.js";

const DEFAULTS = { partition: "", state: "", name: "", view: "map", place: "", show: "", user: "", group: "" };
const NODE_FIELDS = [
  ...["state", "state_base", "state_flags", "cpus", "effective_cpus", "alloc_cpus", "real_memory", "mem_spec_limit"],
  ...["alloc_mem", "gres", "gres_used", "partitions", "reason"],
];
const USAGE_FIELDS = [
  ...["priority", "state", "partition_load"].map((field) => `partitions.${field}`),
  ...["running_jobs", "cpus_allocated", "mem_allocated", "gpus_allocated"].map((field) => `partitions.nodes.${field}`),
];
const JOB_FIELDS = ["cpus_allocated", "mem_allocated", "gres_allocated"];
const ROWS = 200;
// The racks of the site, `pages.racks`: [name, names of nodes] pairs.
const RACKS = JSON.parse(byId("nodes").dataset.racks);

let state = readState(DEFAULTS);
let ending = new AbortController();
// The answers to the current filters. The names are kept sorted, because sorting takes longer than drawing.
let known = { names: null, records: null, partitions: null, held: null };
const faults = new Map();
const showUnfold = foldsOnPhone(byId("unfold"), byId("filters"));
let shown = [];
let pointed = null;
let rows = ROWS;

function fillParts(header, band) {
  const [, facts, text] = header.children;
  const closed = band.state && band.state !== "UP" ? `, ${band.state}` : "";
  const tier = band.isRack ? "" : `priority tier ${count(band.priority)}, `;
  setText(facts, `${tier}${percent(band.load)} allocated${closed}`);
  setText(text, summary(band));
}

const map = new NodeMap(byId("map"), {
  bandParts: (band) =>
    h("header", {}, h("h2", {}, band.name), h("span", { class: "faint" }), h("p", { class: "faint" })),
  fillParts,
  onPoint: point,
  onOpen: ({ band, index, by }) => {
    // A tap only points. The panel has the links.
    if (by !== "touch") location.assign(page("queue", { node: band.cells[index].name }));
  },
});

function point(spot) {
  if (spot === null) return;
  pointed = spot;
  showInPanel(spot);
}

function fillRow(row, { cell, band }) {
  const { load, jobs, cpus, memory: mem, gpus: cards, reason } = facts(cell, band);
  const values = [cell.word, load, jobs, cpus, mem, cards, reason];
  for (const [index, value] of values.entries()) setText(row.children[index + 2], value);
}

function showTable() {
  const lines = shown.flatMap((band) =>
    band.cells.filter(({ kind }) => kind !== "outside").map((cell) => ({ band, cell })),
  );
  const number = { class: "number" };
  keyed(byId("rows"), lines.slice(0, rows), {
    key: ({ band, cell }) => `${band.name} ${cell.name}`,
    make: ({ band, cell }) =>
      h(
        "tr",
        {},
        h("td", {}, band.name),
        h("th", { scope: "row" }, nodeLink(cell.name)),
        h("td"),
        [1, 2, 3, 4, 5].map(() => h("td", number)),
        h("td"),
      ),
    update: fillRow,
  });
  setText(
    byId("caption"),
    `${count(Math.min(rows, lines.length))} of ${count(lines.length)} rows: one for each node and partition`,
  );
  byId("more").hidden = lines.length <= rows;
}

const ofUser = () => state.show === "user" && state.user !== "";

function filters() {
  const set = [
    ["partition", "partition"],
    ["state", "state"],
    ["name", "names"],
  ].filter(([name]) => state[name] !== "");
  return set.map(([name, text]) => `${text} ${state[name]}`).join(", ");
}

function show() {
  const { names, records, partitions } = known;
  if (names === null || partitions === null) return;
  const [byRack, aligned] = [state.group === "rack", state.place === "same"];
  const held = ofUser() ? (known.held ?? {}) : null;
  shown = bands(names, records, partitions, { aligned, view: state.show, byRack, held, sites: RACKS });
  const asTable = state.view === "table";
  byId("nodes").classList.toggle("wide", asTable);
  byId("legend").hidden = asTable;
  const chosen = filters();
  const detail = chosen ? `Filters: ${chosen}.` : "The cluster has no nodes in partitions that you may view.";
  const [fault] = faults.values();
  replaceChildren(
    byId("blank"),
    fault ? faultNotice(fault) : shown.length === 0 && notice("empty", "No matching nodes", detail),
  );
  byId("map").hidden = asTable || shown.length === 0;
  byId("list").hidden = !asTable || shown.length === 0;
  if (asTable) showTable();
  else {
    map.show(shown);
    pointed = map.again(pointed);
    if (pointed !== null) point({ ...pointed, by: "refresh" });
  }
}

function succeed(source) {
  faults.delete(source);
  show();
}

function fail(source, fault) {
  faults.set(source, fault);
  if (fault.parameter === "name") byId("name").setAttribute("aria-invalid", "true");
  // The map stays, and the frame shows its age, unless the request itself was refused.
  if (fault.status === 400 || fault.status === 403) shown = [];
  for (const id of ["map", "list"]) byId(id).hidden ||= shown.length === 0;
  replaceChildren(byId("blank"), faultNotice(fault));
}

function reload() {
  ending.abort();
  ending = new AbortController();
  const { signal } = ending;
  known = { names: null, records: null, partitions: null, held: null };
  faults.clear();
  rows = ROWS;
  byId("name").removeAttribute("aria-invalid");
  if (shown.length === 0) replaceChildren(byId("blank"), notice("loading", "Loading …"));
  const { partition, state: wanted, name } = state;
  // The load average of each node changes all the time.
  const fields = state.show === "average" ? [...NODE_FIELDS, "cpu_load"] : NODE_FIELDS;
  const query = { partition, state: wanted, name, fields };
  setCurlLine(apiUrl("nodes", { ...query, fields: ["name", ...fields], format: "table" }));
  subscribe("nodes", query, {
    signal,
    onChange: (records, { full, gone }) => {
      const sameNames = !full && gone.size === 0 && known.names?.length === records.size;
      known = { ...known, names: sameNames ? known.names : sorted(records.keys()), records };
      countOptions(records);
      succeed("nodes");
    },
    onSame: () => succeed("nodes"),
    onFault: (fault) => fail("nodes", fault),
  });
  if (ofUser()) pollUser(signal);
  poll(
    "usage",
    { compact: true, partition, fields: USAGE_FIELDS },
    {
      signal,
      onAnswer: ({ data }) => {
        known = { ...known, partitions: data.partitions };
        if (partition === "") offer(data.partitions);
        succeed("usage");
      },
      onFault: (fault) => fail("usage", fault),
    },
  );
}

// Writes the number of nodes into the options of a filter that is not in use.
function countOptions(records) {
  const counts = filterCounts(records.values());
  for (const select of ["partition", "state"].map(byId)) {
    for (const one of select.options) {
      one.dataset.text ??= one.textContent;
      const number = counts[select.id].get(one.value);
      if (state[select.id] === "") setText(one, number ? `${one.dataset.text} (${count(number)})` : one.dataset.text);
    }
  }
}

// Highlights the nodes of one user.
function pollUser(signal) {
  const query = { user: state.user, state: "R", fields: JOB_FIELDS, shape: "list" };
  const onAnswer = ({ data }) => {
    known = { ...known, held: heldByJobs(data) };
    succeed("queue");
  };
  poll("queue", query, { signal, onAnswer, onFault: (fault) => fail("queue", fault) });
}

function option(select, value, text = value) {
  if (![...select.options].some((one) => one.value === value)) select.append(h("option", { value }, text));
}

function showControls() {
  showUnfold(["partition", "state", "name", "show", "group", "place"].filter((name) => state[name] !== "").length);
  for (const name of ["partition", "state"]) {
    option(byId(name), state[name]);
    byId(name).value = state[name];
  }
  if (byId("name").value !== state.name) byId("name").value = state.name;
  byId("place").checked = state.place === "same";
  byId("place").disabled = state.group === "rack";
  for (const name of ["show", "group"]) byId(name).value = state[name];
  byId("owner").value = state.user;
  byId("owner").parentElement.hidden = state.show !== "user";
  byId("view").setAttribute("aria-pressed", String(state.view === "table"));
}

function choose(changes, reloads) {
  state = { ...state, ...changes };
  writeState(state, DEFAULTS, { push: true });
  showControls();
  if (reloads) reload();
  else show();
}

function drawLegend() {
  for (const canvas of document.querySelectorAll("canvas.look"))
    sample(canvas, canvas.dataset.kind, Number(canvas.dataset.level));
}

function listen() {
  byId("partition").addEventListener("focus", offerOthers, { once: true });
  byId("partition").addEventListener("change", ({ target }) => choose({ partition: target.value }, true));
  byId("state").addEventListener("change", ({ target }) => choose({ state: target.value }, true));
  byId("name").addEventListener(
    "input",
    debounce(400, () => choose({ name: byId("name").value.trim() }, true)),
  );
  byId("show").addEventListener("change", ({ target }) => choose({ show: target.value }, true));
  byId("group").addEventListener("change", ({ target }) => choose({ group: target.value }, false));
  byId("owner").addEventListener("change", ({ target }) => choose({ user: target.value.trim() }, true));
  byId("owner").addEventListener("focus", async ({ target }) => {
    const { offerChoices } = await import("./filter-choices.js");
    offerChoices(target, { path: "queue", parameters: { state: "R" } });
  });
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("view").addEventListener("click", () => choose({ view: state.view === "table" ? "map" : "table" }, false));
  byId("place").addEventListener("change", ({ target }) => choose({ place: target.checked ? "same" : "" }, false));
  byId("more").addEventListener("click", () => {
    rows += ROWS;
    showTable();
  });
  onMove(() => {
    state = readState(DEFAULTS);
    showControls();
    reload();
  });
  onColours(drawLegend);
}

function offer(partitions) {
  for (const name of sorted(Object.keys(partitions))) option(byId("partition"), name);
}

// With a partition in the address the answers name that partition only.
async function offerOthers() {
  try {
    offer((await getJson("partitions", { fields: "name" })).data);
  } catch (fault) {
    fail("partitions", fault);
  }
}

for (const [value, text] of STATE_FILTERS) option(byId("state"), value, text);
listen();
showControls();
drawLegend();
reload();
