// The Queue page: a page of jobs by the filters, order and columns in the address, kept up to date by its changes.

import { getJson, poll } from "./api-client.js";
import { byId, faultNotice, foldsOnPhone, h, notice, replaceChildren, setText } from "./dom.js";
import { count, plural } from "./format.js";
import { onMove, readState, setCurlLine, writeState } from "./frame.js";
import { arrange } from "./jobs.js";
import { COLUMNS, chosenColumns, csvFieldsOf, fieldsOf } from "./queue-columns.js";
import { marksOf, readMaintenances } from "./queue-maintenance.js";
import { keptRows, newAbove } from "./queue-news.js";
import { showReasons, showStates } from "./queue-sums.js";
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
  // The newest job first.
  sort: "-job_id",
  limit: "50",
  trail: "",
  // Those that suit the states of the jobs.
  columns: "",
  fold: "yes",
  open: "",
};
const MAX_TRAIL = 30;
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
// The jobs of the last answer, while the new ones among them are held back; null if all are shown.
let held = null;

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
  const fields = fieldsOf(chosenColumns(state));
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
  const next = { [field]: `-${field}`, [`-${field}`]: DEFAULTS.sort }[state.sort] ?? field;
  reload({ sort: next === state.sort ? field : next });
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
  const columns = chosenColumns(state);
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

// Resolves to the jobs with these ids that are still in the queue, by id.
async function remainingOf(ids, parameters, signal) {
  if (ids.length === 0) return {};
  return (await getJson(withJobIds("queue", ids.join(" ")), parameters, { signal })).data;
}

// New jobs of the first page push its rows down. A wall display has no reader who would lose the place.
const holdsNews = () =>
  state.sort === DEFAULTS.sort && state.jobid === "" && cursors().length === 0 && !document.querySelector(".kiosk");

function showNews(number) {
  const isFirst = byId("news").hidden && number > 0;
  byId("news").hidden = number === 0;
  if (number > 0) setText(byId("news"), `${plural(number, "new job")}: show`);
  // Said once: the number changes with each refresh.
  if (isFirst || number === 0) setText(byId("newsworthy"), isFirst ? "There are new jobs above these." : "");
}

// Sets the rows for an answer, and resolves to the ids of those that are gone. Other jobs that left the page are on
// another one now.
async function takeAnswer(data, isUpdate, signal) {
  const now = new Set(data.map(({ job_id: id }) => String(id)));
  const left = jobs.map(({ job_id: id }) => String(id)).filter((id) => !now.has(id));
  const number = isUpdate && jobs.length > 0 && holdsNews() ? newAbove(jobs, data) : 0;
  const parameters = number > 0 ? { ...filters(), fields: query().fields } : { fields: "job_id" };
  const remaining = isUpdate ? await remainingOf(left.slice(0, MAX_MARKED), parameters, signal) : {};
  const rows = number > 0 ? keptRows(jobs, data, number, remaining) : null;
  [jobs, held] = rows === null ? [data, null] : [rows, data];
  showNews(rows === null ? 0 : number);
  return new Set(isUpdate ? left.slice(0, MAX_MARKED).filter((id) => !Object.hasOwn(remaining, id)) : []);
}

function showHeld() {
  if (held === null) return;
  [jobs, held] = [held, null];
  showNews(0);
  draw(new Set());
  byId("scroll").focus({ preventScroll: true });
  byId("found").scrollIntoView({ block: "nearest" });
}

const loadReasons = () => showReasons(path(), filters());

async function loadSums(signal) {
  const states = showStates(path(), filters(), { signal, onChoose: (chosen) => reload({ state: chosen }) });
  await Promise.all([states, byId("why").querySelector("table") && loadReasons()]);
}

// Marks the jobs that would not end before a maintenance. Resolves to true if there are any.
async function markMaintenance(signal) {
  const marks = await marksOf(jobs, signal);
  for (const job of jobs) job.maintenance = marks.get(job.job_id);
  return marks.size > 0;
}

async function showPage({ data, meta }, signal) {
  const isSame = meta.version === lastMeta?.version && !byId("fault").hasChildNodes();
  if (isSame) {
    if (await markMaintenance(signal)) draw(new Set());
    return;
  }
  const isUpdate = lastMeta !== null;
  const gone = await takeAnswer(data, isUpdate, signal);
  lastMeta = meta;
  replaceChildren(byId("fault"));
  byId("scroll").hidden = false;
  showFound(meta);
  showPager(meta);
  // A mark makes its column wider, so rows that are drawn before it would move.
  await markMaintenance(signal);
  draw(gone);
  if (isUpdate) await loadSums(signal);
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
  readMaintenances();
  // The same fault meets the request for the page, which shows it.
  loadSums(signal).catch(() => null);
  const onAnswer = (answer) => showPage(answer, signal);
  poll(path(), { ...query(), shape: "list" }, { signal, onAnswer, onFault: showFault });
}

function chooseColumns() {
  const chosen = [...byId("choices").querySelectorAll("input:checked")].map((box) => box.value);
  const kept = chosenColumns(state).filter((name) => chosen.includes(name));
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
  // The buttons are below the rows: another page begins with its first row.
  const turn = (trail) => {
    reload({ trail: trail.slice(-MAX_TRAIL).join(".") });
    if (byId("scroll").getBoundingClientRect().top < 0) byId("scroll").scrollIntoView();
  };
  byId("first").addEventListener("click", () => turn([]));
  byId("previous").addEventListener("click", () => turn(cursors().slice(0, -1)));
  byId("next").addEventListener("click", () => turn([...cursors(), cursorOf(lastMeta.next)]));
  byId("news").addEventListener("click", showHeld);
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
