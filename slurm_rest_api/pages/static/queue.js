// The queue: a page of it by filters, order and columns that stand in the address, kept up to date by its changes.

import { address, ask, subscribe } from "./api-client.js";
import { byId, count, debounce, faultNotice, h, notice, replaceChildren, setText } from "./dom.js";
import { onMove, page, readState, setCurlLine, writeState } from "./frame.js";
import { reason } from "./jobs.js";
import { arrange, COLUMNS, chosenColumns, DEFAULT_COLUMNS, fieldsOf, makeTable } from "./queue-table.js";

const FILTERS = [
  "user",
  "account",
  "partition",
  "state",
  "name",
  "reason",
  "qos",
  "jobid",
  "array",
  "node",
  "submitafter",
  "submitbefore",
  "startafter",
  "startbefore",
];
const HIDDEN_FILTERS = FILTERS.slice(6);
const DEFAULTS = {
  ...Object.fromEntries(FILTERS.map((name) => [name, ""])),
  sort: "",
  limit: "50",
  trail: "",
  columns: DEFAULT_COLUMNS,
  fold: "yes",
  open: "",
};
const MOST_PAGES_BACK = 30;
const QUICK = ["RUNNING", "PENDING"];
const SHORT = {
  R: "RUNNING",
  PD: "PENDING",
  CG: "COMPLETING",
  CD: "COMPLETED",
  CA: "CANCELLED",
  F: "FAILED",
  TO: "TIMEOUT",
  S: "SUSPENDED",
};

let state = readState(DEFAULTS);
let jobs = [];
let following = null;
let last = null;

const table = makeTable({ onSort: sortBy, onFold: toggleArray });
const cursors = () => state.trail.split(".").filter(Boolean);
const openArrays = () => new Set(state.open.split(",").filter(Boolean));

// Comparisons of job ids are written with their operator, several with blanks between them.
function path() {
  const comparisons = state.jobid
    .split(/[\s&]+/)
    .filter(Boolean)
    .map((text) => `jobid=${encodeURIComponent(text)}`);
  return comparisons.length > 0 ? `queue?${comparisons.join("&")}` : "queue";
}

function filters() {
  return Object.fromEntries(FILTERS.filter((name) => name !== "jobid").map((name) => [name, state[name]]));
}

function question() {
  const fields = fieldsOf(chosenColumns(state.columns));
  return { ...filters(), fields, sort: state.sort, limit: state.limit, cursor: cursors().at(-1) };
}

function change(news, { push = true } = {}) {
  state = { ...state, ...news };
  writeState(state, DEFAULTS, { push });
}

// What the reader asks for anew begins at its first page.
function askAnew(news) {
  change({ trail: "", ...news });
  load();
}

function sortBy(field) {
  const next = { [field]: `-${field}`, [`-${field}`]: "" }[state.sort] ?? field;
  askAnew({ sort: next });
}

function toggleArray(array) {
  const open = openArrays();
  if (!open.delete(array)) open.add(array);
  change({ open: [...open].join(",") }, { push: false });
  draw(new Set());
}

function draw(gone) {
  const folds = state.fold === "yes" && state.array === "";
  table.show(arrange(jobs, folds, openArrays()), gone);
}

function showFilters() {
  for (const name of FILTERS) {
    const input = byId(`f-${name}`);
    if (document.activeElement !== input || input.value === "") input.value = state[name];
    input.removeAttribute("aria-invalid");
  }
  byId("more").open ||= HIDDEN_FILTERS.some((name) => state[name] !== "");
  byId("fold").checked = state.fold === "yes";
  byId("limit").value = state.limit;
  for (const box of byId("choices").querySelectorAll("input"))
    box.checked = chosenColumns(state.columns).includes(box.value);
  const columns = chosenColumns(state.columns);
  table.setHeads(columns, state.sort);
  byId("csv").href = csvAddress();
}

function csvAddress() {
  const fields = chosenColumns(state.columns).flatMap((name) => COLUMNS[name].needs ?? [name]);
  const wanted = { ...filters(), sort: state.sort, fields: [...new Set(fields)].join(",") };
  return address(path().replace("queue", "queue.csv"), wanted).href;
}

// Says which filters hold, for a page that has nothing to show.
const inWords = () =>
  FILTERS.filter((name) => state[name] !== "")
    .map((name) => `${name}=${state[name]}`)
    .join("  ");

function showFound({ total }) {
  const here = jobs.length < total ? `, ${count(jobs.length)} of them on this page` : "";
  setText(
    byId("found"),
    `${count(total)} ${total === 1 ? "job" : "jobs"}${inWords() ? ` with ${inWords()}` : ""}${here}`,
  );
  const blank = byId("blank");
  if (jobs.length > 0) replaceChildren(blank);
  else if (inWords()) replaceChildren(blank, notice("empty", "No job matches", `The filters are: ${inWords()}.`));
  else
    replaceChildren(
      blank,
      notice(
        "empty",
        cursors().length > 0 ? "Nothing on this page any more" : "The queue is empty",
        "Jobs appear here as they are submitted.",
      ),
    );
  byId("scroll").hidden = jobs.length === 0;
}

function showPager({ next }) {
  const at = cursors().length;
  byId("first").disabled = at === 0;
  byId("previous").disabled = at === 0;
  byId("next").disabled = !next;
  setText(byId("place"), `Page ${at + 1}${at >= MOST_PAGES_BACK ? " or later" : ""}`);
}

function card(name, { count: number, cpus, gpus }) {
  const asked = state.state.toUpperCase();
  const chosen = (SHORT[asked] ?? asked) === name;
  const label = name === "" ? "all" : name.toLowerCase().replaceAll("_", " ");
  return h(
    "button",
    {
      type: "button",
      "aria-pressed": String(chosen),
      "data-state": name,
      onclick: () => askAnew({ state: chosen && name !== "" ? "" : name }),
    },
    h("span", { class: "label" }, label),
    h("strong", {}, count(number)),
    h("span", { class: "sums" }, `${count(cpus)} CPUs${gpus ? `, ${count(gpus)} GPUs` : ""}`),
  );
}

// How many there are in each state, whatever state is chosen: the cards choose it.
async function loadSummary(signal) {
  const { data } = await ask(path(), { ...filters(), state: "", group_by: "state" }, { signal });
  const sums = { count: 0, cpus: 0, gpus: 0 };
  for (const group of Object.values(data)) for (const name of Object.keys(sums)) sums[name] += group[name];
  const names = [...new Set([...QUICK, ...Object.keys(data)])];
  const focused = document.activeElement?.closest?.("#summary button")?.dataset.state;
  replaceChildren(
    byId("summary"),
    card("", sums),
    names.map((name) => card(name, data[name] ?? { count: 0, cpus: 0, gpus: 0 })),
  );
  if (focused !== undefined) byId("summary").querySelector(`[data-state="${focused}"]`)?.focus({ preventScroll: true });
}

async function loadReasons() {
  const { data } = await ask(path(), { ...filters(), state: state.state || "PD", group_by: "reason" });
  const rows = Object.entries(data)
    .filter(([name]) => name !== "None" && name !== "(null)")
    .sort(([, one], [, other]) => other.count - one.count);
  const heads = ["Reason", "In a few words", "Jobs", "What it means"];
  const body = rows.map(([name, group]) => {
    const { label, meaning } = reason(name);
    const link = h("a", { href: page("queue", { ...onlyGiven(filters()), reason: name }) }, name);
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, link),
      h("td", {}, label === name ? "–" : label),
      h("td", { class: "number" }, count(group.count)),
      h("td", {}, meaning),
    );
  });
  if (body.length === 0) replaceChildren(byId("why"), notice("empty", "No job waits for a reason", inWords()));
  else
    replaceChildren(
      byId("why"),
      h(
        "div",
        { class: "scroll", tabindex: "0", role: "region", "aria-label": "Reasons" },
        h(
          "table",
          {},
          h("caption", {}, "The most common first. Each leads to its jobs."),
          h(
            "thead",
            {},
            h(
              "tr",
              {},
              heads.map((title) => h("th", { scope: "col", class: title === "Jobs" ? "number" : null }, title)),
            ),
          ),
          h("tbody", {}, body),
        ),
      ),
    );
}

const onlyGiven = (parameters) => Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== ""));

function showFault(fault) {
  byId("rows").parentElement.setAttribute("aria-busy", "false");
  const known = jobs.length > 0 && fault.status !== 400 && fault.status !== 403;
  replaceChildren(byId("fault"), faultNotice(fault));
  byId(`f-${fault.parameter}`)?.setAttribute("aria-invalid", "true");
  if (HIDDEN_FILTERS.includes(fault.parameter)) byId("more").open = true;
  if (known) return;
  jobs = [];
  table.clear();
  byId("scroll").hidden = true;
  replaceChildren(byId("blank"));
  setText(byId("found"), "");
}

async function loadPage(signal, gone = new Set()) {
  const answer = await ask(path(), { ...question(), shape: "list" }, { signal });
  jobs = answer.data;
  last = answer.meta;
  replaceChildren(byId("fault"));
  byId("scroll").hidden = false;
  showFound(last);
  showPager(last);
  draw(gone);
  return last.version;
}

// Changes among all jobs that match make the page be asked again: what is on it may have moved.
async function keepUp(version, signal) {
  const refresh = debounce(200, async (gone) => {
    try {
      await loadPage(signal, gone);
      await loadSummary(signal);
    } catch (error) {
      if (error.name !== "AbortError") showFault(error);
    }
  });
  const onChange = (_records, { gone }) => refresh(gone);
  const onSame = () => byId("fault").hasChildNodes() && refresh(new Set());
  await subscribe(
    path(),
    { ...filters(), fields: "job_id" },
    { from: version, signal, onChange, onSame, onFault: showFault },
  );
}

async function load() {
  following?.abort();
  following = new AbortController();
  const { signal } = following;
  showFilters();
  table.busy();
  setCurlLine(address(path(), question()));
  try {
    const [version] = await Promise.all([loadPage(signal), loadSummary(signal)]);
    if (byId("why").querySelector("table")) await loadReasons();
    await keepUp(version, signal);
  } catch (error) {
    if (error.name === "AbortError") return;
    showFault(error);
    if (error.status === 0 || error.status >= 500)
      setTimeout(() => signal.aborted || load(), 1000 * (error.retryAfter ?? 10));
  }
}

function chooseColumns() {
  const chosen = [...byId("choices").querySelectorAll("input:checked")].map((box) => box.value);
  const kept = chosenColumns(state.columns).filter((name) => chosen.includes(name));
  askAnew({ trail: state.trail, columns: [...new Set([...kept, ...chosen])].join(",") });
}

function start() {
  const boxes = Object.entries(COLUMNS).filter(([name]) => name !== "job_id");
  replaceChildren(
    byId("choices"),
    boxes.map(([name, { title }]) =>
      h("label", { class: "tick" }, h("input", { type: "checkbox", value: name, onchange: chooseColumns }), title),
    ),
  );
  byId("filters").addEventListener("submit", (event) => {
    event.preventDefault();
    askAnew(Object.fromEntries(FILTERS.map((name) => [name, byId(`f-${name}`).value.trim()])));
  });
  byId("clear").addEventListener("click", () => {
    for (const name of FILTERS) byId(`f-${name}`).value = "";
    askAnew(Object.fromEntries(FILTERS.map((name) => [name, ""])));
  });
  byId("fold").addEventListener("change", (event) => {
    change({ fold: event.target.checked ? "yes" : "no" });
    draw(new Set());
  });
  byId("limit").addEventListener("change", (event) => askAnew({ limit: event.target.value }));
  byId("first").addEventListener("click", () => askAnew({}));
  byId("previous").addEventListener("click", () => askAnew({ trail: cursors().slice(0, -1).join(".") }));
  byId("next").addEventListener("click", () => {
    const cursor = new URL(last.next, location.href).searchParams.get("cursor");
    askAnew({ trail: [...cursors(), cursor].slice(-MOST_PAGES_BACK).join(".") });
  });
  byId("explain").addEventListener("click", () =>
    loadReasons().catch((error) => replaceChildren(byId("why"), faultNotice(error))),
  );
  onMove(() => {
    state = readState(DEFAULTS);
    for (const name of FILTERS) byId(`f-${name}`).value = state[name];
    load();
  });
  setInterval(table.tick, 1000);
  load();
}

start();
