// The Queue page: a page of jobs by the filters, order and columns in the address, kept up to date by its changes.

import { getJson, poll } from "./api-client.js";
import { byId, faultNotice, foldsOnPhone, h, notice, replaceChildren, setText } from "./dom.js";
import { count, plural } from "./format.js";
import { onMove, page, readState, setCurlLine, writeState } from "./frame.js";
import { reason } from "./job-reasons.js";
import { arrange, fullState, stateText } from "./jobs.js";
import { COLUMNS, chosenColumns, csvFieldsOf, DEFAULT_COLUMNS, fieldsOf } from "./queue-columns.js";
import { makeTable } from "./queue-table.js";
import { apiUrl, cursorOf, withJobIds, withState } from "./urls.js";

const MAIN_FILTERS = ["user", "account", "partition", "state", "name", "reason"];
const MORE_FILTERS = [
  ...["qos", "jobid", "array", "node"],
  ...["submitafter", "submitbefore", "startafter", "startbefore"],
];
// Filters whose values the API counts.
const COUNTED = ["user", "account", "partition", "state", "reason", "qos"];
const FILTERS = [...MAIN_FILTERS, ...MORE_FILTERS];
const NO_FILTERS = Object.fromEntries(FILTERS.map((name) => [name, ""]));
const DEFAULTS = {
  ...NO_FILTERS,
  sort: "",
  limit: "50",
  trail: "",
  columns: DEFAULT_COLUMNS,
  fold: "yes",
  open: "",
};
const MAX_TRAIL = 30;
const ALWAYS_SHOWN_STATES = ["RUNNING", "PENDING"];
// The most rows that are marked as gone at once.
const MAX_MARKED = 50;

// An address may ask for more rows than a page can show.
function readQueue() {
  const read = readState(DEFAULTS);
  const isOffered = [...byId("limit").options].some((option) => option.value === read.limit);
  return isOffered ? read : { ...read, limit: DEFAULTS.limit };
}

let state = readQueue();
let jobs = [];
let current = null;
let lastMeta = null;

const showUnfold = foldsOnPhone(byId("unfold"), byId("filters"));
const table = makeTable({ onSort: sortBy, onFold: toggleArray });
// The cursors of the pages before this one: the API has none that lead back.
const cursors = () => state.trail.split(".").filter(Boolean);
const choices = () => import("./filter-choices.js");
const openArrays = () => new Set(state.open.split(",").filter(Boolean));
const path = (route = "queue") => withJobIds(route, state.jobid);
// The job ids are in the path.
const filters = () => Object.fromEntries(FILTERS.filter((name) => name !== "jobid").map((name) => [name, state[name]]));
const filtersInWords = () =>
  FILTERS.filter((name) => state[name] !== "")
    .map((name) => `${name}=${state[name]}`)
    .join("  ");

function query() {
  const fields = fieldsOf(chosenColumns(state.columns));
  return { ...filters(), fields, sort: state.sort, limit: state.limit, cursor: cursors().at(-1) };
}

function change(news, { push = true } = {}) {
  state = { ...state, ...news };
  writeState(state, DEFAULTS, { push });
}

// New filters or another order start at the first page.
function reload(news) {
  change({ trail: "", ...news });
  load();
}

function sortBy(field) {
  const next = { [field]: `-${field}`, [`-${field}`]: "" }[state.sort] ?? field;
  reload({ sort: next });
}

function toggleArray(array) {
  const open = openArrays();
  if (!open.delete(array)) open.add(array);
  change({ open: [...open].join(",") }, { push: false });
  draw(new Set());
}

function draw(gone) {
  const grouped = state.fold === "yes" && state.array === "";
  table.show(arrange(jobs, grouped, openArrays()), gone);
}

function showFilters() {
  for (const name of FILTERS) {
    const input = byId(`f-${name}`);
    if (document.activeElement !== input || input.value === "") input.value = state[name];
    input.removeAttribute("aria-invalid");
  }
  showUnfold(FILTERS.filter((name) => state[name] !== "").length);
  byId("more").open ||= MORE_FILTERS.some((name) => state[name] !== "");
  byId("fold").checked = state.fold === "yes";
  byId("limit").value = state.limit;
  const columns = chosenColumns(state.columns);
  for (const box of byId("choices").querySelectorAll("input")) box.checked = columns.includes(box.value);
  table.setHeads(columns, state.sort);
  byId("csv").href = apiUrl(path("queue.csv"), { ...filters(), sort: state.sort, fields: csvFieldsOf(columns) }).href;
}

function emptyNotice() {
  if (filtersInWords()) {
    const empty = notice("empty", "No matching jobs", `Filters: ${filtersInWords()}.`);
    const given = Object.fromEntries(COUNTED.map((name) => [name, state[name]]));
    const link = (changes) => withState(location.href, { ...state, trail: "", ...changes }, DEFAULTS);
    choices().then(({ suggest }) => suggest(empty, given, { path: "queue", parameters: {} }, link));
    return empty;
  }
  const title = cursors().length > 0 ? "This page is empty now" : "The queue is empty";
  return notice("empty", title, "Jobs appear here when they are submitted.");
}

function showFound({ total }) {
  const here = jobs.length < total ? `, ${count(jobs.length)} of them on this page` : "";
  const matching = filtersInWords() ? ` with ${filtersInWords()}` : "";
  setText(byId("found"), `${plural(total, "job")}${matching}${here}`);
  replaceChildren(byId("blank"), jobs.length === 0 && emptyNotice());
  byId("scroll").hidden = jobs.length === 0;
}

function showPager({ next }) {
  const at = cursors().length;
  byId("first").disabled = at === 0;
  byId("previous").disabled = at === 0;
  byId("next").disabled = !next;
  setText(byId("place"), `Page ${at + 1}${at >= MAX_TRAIL ? " or later" : ""}`);
}

function card(name, { count: number, cpus, gpus }) {
  const isChosen = fullState(state.state) === name;
  const choose = () => reload({ state: isChosen && name !== "" ? "" : name });
  return h(
    "button",
    { type: "button", "aria-pressed": String(isChosen), "data-state": name, onclick: choose },
    h("span", { class: "label" }, name === "" ? "all" : stateText(name)),
    h("strong", {}, count(number)),
    h("span", { class: "sums" }, `${count(cpus)} CPUs${gpus ? `, ${count(gpus)} GPUs` : ""}`),
  );
}

// Loads the number of jobs in each state, for the other filters. The cards choose a state.
async function loadSummary(signal) {
  const { data } = await getJson(path(), { ...filters(), state: "", group_by: "state" }, { signal });
  const none = { count: 0, cpus: 0, gpus: 0 };
  const sums = { ...none };
  for (const group of Object.values(data)) for (const name of Object.keys(sums)) sums[name] += group[name];
  const names = [...new Set([...ALWAYS_SHOWN_STATES, ...Object.keys(data)])];
  const cards = names.map((name) => card(name, data[name] ?? none));
  const focused = document.activeElement?.closest?.("#summary button")?.dataset.state;
  replaceChildren(byId("summary"), card("", sums), cards);
  if (focused !== undefined) byId("summary").querySelector(`[data-state="${focused}"]`)?.focus({ preventScroll: true });
}

function reasonRow([name, group]) {
  const { label } = reason(name);
  const given = Object.entries(filters()).filter(([, value]) => value !== "");
  const link = h("a", { href: page("queue", { ...Object.fromEntries(given), reason: name }) }, name);
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, link),
    h("td", {}, label === name ? "–" : label),
    h("td", { class: "number" }, count(group.count)),
  );
}

async function loadReasons() {
  const { data } = await getJson(path(), { ...filters(), state: state.state || "PD", group_by: "reason" });
  const groups = Object.entries(data).filter(([name]) => name !== "None" && name !== "(null)");
  groups.sort(([, one], [, other]) => other.count - one.count);
  if (groups.length === 0) {
    replaceChildren(byId("why"), notice("empty", "No pending job has a reason", filtersInWords()));
    return;
  }
  const head = (title) => h("th", { scope: "col", class: title === "Jobs" ? "number" : null }, title);
  const heads = ["Reason", "Summary", "Jobs"].map(head);
  const caption = h("caption", {}, "The most common first, with links to their jobs.");
  const body = h("tbody", {}, groups.map(reasonRow));
  const reasons = h("table", {}, caption, h("thead", {}, h("tr", {}, heads)), body);
  const region = { class: "scroll", tabindex: "0", role: "region", "aria-label": "Reasons" };
  replaceChildren(byId("why"), h("div", region, reasons));
}

function showFault(fault) {
  table.idle();
  replaceChildren(byId("fault"), faultNotice(fault));
  byId(`f-${fault.parameter}`)?.setAttribute("aria-invalid", "true");
  if (MORE_FILTERS.includes(fault.parameter)) byId("more").open = true;
  // Rows stay while the server is away. A refused request has no rows.
  if (jobs.length > 0 && fault.status !== 400 && fault.status !== 403) return;
  jobs = [];
  table.clear();
  byId("scroll").hidden = true;
  replaceChildren(byId("blank"));
  setText(byId("found"), "");
}

// Resolves to the keys of jobs that have left the queue. Other jobs that left the page are on another one now.
async function goneAmong(ids, signal) {
  if (ids.length === 0) return new Set();
  const { data } = await getJson(withJobIds("queue", ids.join(" ")), { fields: "job_id" }, { signal });
  return new Set(ids.filter((id) => !Object.hasOwn(data, id)));
}

async function showPage({ data, meta }, signal) {
  const isSame = meta.version === lastMeta?.version && !byId("fault").hasChildNodes();
  if (isSame) return;
  const isUpdate = lastMeta !== null;
  const now = new Set(data.map(({ job_id: id }) => String(id)));
  const left = jobs.map(({ job_id: id }) => String(id)).filter((id) => !now.has(id));
  const gone = isUpdate ? await goneAmong(left.slice(0, MAX_MARKED), signal) : new Set();
  [jobs, lastMeta] = [data, meta];
  replaceChildren(byId("fault"));
  byId("scroll").hidden = false;
  showFound(meta);
  showPager(meta);
  draw(gone);
  if (!isUpdate) return;
  await loadSummary(signal);
  if (byId("why").querySelector("table")) await loadReasons();
}

// Polls the page itself. The changes of all matching jobs are many more: each job's priority changes every few minutes.
function load() {
  current?.abort();
  current = new AbortController();
  const { signal } = current;
  lastMeta = null;
  showFilters();
  table.busy();
  setCurlLine(apiUrl(path(), query()));
  const first = Promise.all([loadSummary(signal), byId("why").querySelector("table") && loadReasons()]);
  // The same fault meets the request for the page, which shows it.
  first.catch(() => null);
  const onAnswer = (answer) => showPage(answer, signal);
  poll(path(), { ...query(), shape: "list" }, { signal, onAnswer, onFault: showFault });
}

function chooseColumns() {
  const chosen = [...byId("choices").querySelectorAll("input:checked")].map((box) => box.value);
  const kept = chosenColumns(state.columns).filter((name) => chosen.includes(name));
  reload({ trail: state.trail, columns: [...new Set([...kept, ...chosen])].join(",") });
}

function columnChoice([name, { title }]) {
  const box = h("input", { type: "checkbox", value: name, onchange: chooseColumns });
  return h("label", { class: "tick" }, box, title);
}

function start() {
  const columns = Object.entries(COLUMNS).filter(([name]) => name !== "job_id");
  replaceChildren(byId("choices"), columns.map(columnChoice));
  byId("filters").addEventListener("submit", (event) => {
    event.preventDefault();
    reload(Object.fromEntries(FILTERS.map((name) => [name, byId(`f-${name}`).value.trim()])));
  });
  byId("filters").addEventListener("focusin", async ({ target }) => {
    if (!COUNTED.includes(target.name)) return;
    (await choices()).offerChoices(target, { path: path(), parameters: { ...filters(), [target.name]: "" } });
  });
  byId("clear").addEventListener("click", () => {
    for (const name of FILTERS) byId(`f-${name}`).value = "";
    reload(NO_FILTERS);
  });
  byId("fold").addEventListener("change", (event) => {
    change({ fold: event.target.checked ? "yes" : "no" });
    draw(new Set());
  });
  byId("limit").addEventListener("change", (event) => reload({ limit: event.target.value }));
  byId("first").addEventListener("click", () => reload({}));
  byId("previous").addEventListener("click", () => reload({ trail: cursors().slice(0, -1).join(".") }));
  byId("next").addEventListener("click", () =>
    reload({ trail: [...cursors(), cursorOf(lastMeta.next)].slice(-MAX_TRAIL).join(".") }),
  );
  byId("explain").addEventListener("click", () =>
    loadReasons().catch((error) => replaceChildren(byId("why"), faultNotice(error))),
  );
  onMove(() => {
    state = readQueue();
    for (const name of FILTERS) byId(`f-${name}`).value = state[name];
    load();
  });
  setInterval(table.tick, 1000);
  load();
}

start();
