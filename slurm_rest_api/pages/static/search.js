// The search of the header: a combobox with suggestions. Loaded when the search is used.
// The names are loaded once, when it gets the focus. A pause in typing sends one request: the job or the job names.

import { getJson } from "./api-client.js";
import { byId, debounce, h, hasPage, replaceChildren, setText } from "./dom.js";
import { count } from "./format.js";
import { isJobId, suggestions } from "./search-targets.js";
import { literal, pageUrl } from "./urls.js";

const PAUSE_MILLISECONDS = 250;
const JOB_NAMES = 20;

const form = byId("search");
const input = byId("search-text");
const list = byId("search-list");
const names = {};
const hasAccounting = hasPage("accounts");
const LISTS = {
  partition: ["partitions", { fields: "name" }],
  user: ["queue", { group_by: "user" }],
  account: hasAccounting ? ["accounts", { fields: "name" }] : ["queue", { group_by: "account" }],
  qos: hasAccounting ? ["qos", { fields: "name" }] : ["queue", { group_by: "qos" }],
  node: ["nodes", { fields: "name" }],
  reservation: ["reservations", { fields: "name" }],
};

let found = [];
let active = -1;
let job = null;
let current = new AbortController();
let loading = null;

const text = () => input.value.trim();

async function loadList([kind, [path, parameters]]) {
  try {
    const { data } = await getJson(path, parameters);
    names[kind] = Array.isArray(data) ? data.map(({ name }) => name) : Object.keys(data);
  } catch {
    // The user may not read it, it is off, or there is no connection, which the strip reports.
    names[kind] = [];
  }
}

function load() {
  const wanted = Object.entries(LISTS).filter(([kind]) => kind !== "reservation" || hasPage("reservations"));
  loading ??= Promise.all(wanted.map(loadList)).then(show);
  return loading;
}

function go(one) {
  if (one === undefined) return;
  close();
  location.assign(pageUrl(one.page, one.parameters));
}

function option(one, at) {
  const detail = one.detail && h("span", { class: "faint" }, one.detail);
  const kind = h("span", { class: "kind" }, one.kind);
  const parts = [kind, h("span", { class: "name" }, one.text), detail];
  return h("li", { id: `search-${at}`, role: "option", "aria-selected": "false", onclick: () => go(one) }, parts);
}

function open(isOpen) {
  list.hidden = !isOpen;
  input.setAttribute("aria-expanded", String(isOpen));
}

function close() {
  choose(-1);
  open(false);
}

function choose(at) {
  list.children[active]?.setAttribute("aria-selected", "false");
  active = at;
  const chosen = list.children[at];
  if (chosen === undefined) input.removeAttribute("aria-activedescendant");
  else {
    chosen.setAttribute("aria-selected", "true");
    chosen.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", chosen.id);
  }
}

function show() {
  const chosen = JSON.stringify(found[active]);
  found = suggestions(text(), names, { hasAccounting, job });
  replaceChildren(list, found.map(option));
  active = -1;
  choose(found.findIndex((one) => JSON.stringify(one) === chosen));
  open(found.length > 0 && document.activeElement === input);
  setText(byId("search-said"), found.length > 0 ? `${count(found.length)} suggestions` : "");
}

async function ask(signal) {
  const wanted = text();
  try {
    if (isJobId(wanted)) {
      const fields = "name,user_name,job_state";
      job = (await getJson(`queue/${encodeURIComponent(wanted)}`, { fields }, { signal })).data;
    } else {
      const query = { name: `${literal(wanted)}*`, fields: "name", shape: "list", limit: JOB_NAMES };
      const { data } = await getJson("queue", query, { signal });
      names["job name"] = [...new Set(data.map(({ name }) => name).filter(Boolean))];
    }
  } catch {
    // No such job, or no answer. The suggestions from the known names stay.
    return;
  }
  if (!signal.aborted) show();
}

const askLater = debounce(PAUSE_MILLISECONDS, (signal) => {
  if (!signal.aborted && (isJobId(text()) || text().length > 1)) ask(signal);
});

function typed() {
  current.abort();
  current = new AbortController();
  job = null;
  names["job name"] = [];
  load();
  show();
  askLater(current.signal);
}

function pressed(event) {
  const { key } = event;
  if (key === "Escape") {
    if (list.hidden) input.value = "";
    else close();
  } else if (key === "ArrowDown" || key === "ArrowUp") {
    if (list.hidden) show();
    const step = key === "ArrowDown" ? 1 : -1;
    const places = found.length + 1;
    // The place before the first suggestion is the text itself.
    choose(((active + 1 + step + places) % places) - 1);
  } else return;
  event.preventDefault();
}

async function submitted() {
  if (active >= 0) go(found[active]);
  else if (isJobId(text())) go(suggestions(text(), names)[0]);
  else {
    const wanted = text();
    await load();
    if (wanted === text()) go(suggestions(wanted, names, { hasAccounting })[0]);
  }
}

input.addEventListener("input", typed);
input.addEventListener("keydown", pressed);
input.addEventListener("focus", load);
input.addEventListener("blur", close);
// The input keeps the focus while a suggestion is clicked.
list.addEventListener("pointerdown", (event) => event.preventDefault());
list.addEventListener("mousedown", (event) => event.preventDefault());
form.addEventListener("submit", (event) => {
  event.preventDefault();
  submitted();
});

load();
if (text() !== "") typed();
