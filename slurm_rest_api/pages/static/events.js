// The Events page: what nodes went through, by /events, and their downtime by node and by reason.

import { ApiError, getJson } from "./api-client.js";
import { byId, faultNotice, foldsOnPhone, h, notice, replaceChildren, setShare, setText } from "./dom.js";
import { count, formatDateTime, formatDuration, plural, ratio } from "./format.js";
import { nodeLink, onMove, readState, setCurlLine, writeState } from "./frame.js";
import { timeOf } from "./job-records.js";
import { showRecords } from "./record-table.js";
import { apiUrl, cursorOf } from "./urls.js";

const DEFAULTS = { node: "", state: "", reason: "", since: "now-30days", until: "", open: "" };
const PAGE = 100;
const TOP = 5;

let state = readState(DEFAULTS);
let current = new AbortController();
let events = [];
let cursor = null;

const form = byId("filters");
const showUnfold = foldsOnPhone(byId("unfold"), form);

const query = () => ({ ...state, since: timeOf(state.since), until: timeOf(state.until) });

function change(news) {
  state = { ...state, ...news };
  writeState(state, DEFAULTS, { push: true });
  load();
}

const tone = ({ state_words: words }) => (words.includes("DOWN") || words.includes("FAIL") ? "bad" : "old");

function nodeCell({ event, node }) {
  return event === "Cluster" ? "cluster registered" : nodeLink(node);
}

const COLUMNS = [
  { title: "Node", cell: nodeCell },
  { title: "State", cell: (event) => (event.state ? h("span", { class: `chip ${tone(event)}` }, event.state) : "–") },
  { title: "Reason", cell: ({ reason }) => reason ?? "–", wide: true },
  { title: "User", cell: ({ user, reason_uid: uid }) => user ?? uid ?? "–" },
  { title: "From", cell: ({ start }) => formatDateTime(start) },
  { title: "To", cell: ({ end }) => (end === null ? "ongoing" : formatDateTime(end)) },
  { title: "Duration", cell: ({ duration }) => formatDuration(duration), number: true },
];

const quiet = (text, news) => h("button", { type: "button", class: "quiet", onclick: () => change(news) }, text);
const groupCells = {
  node: ({ group }) => nodeLink(group),
  reason: ({ group }) => (group === null ? "No reason" : quiet(group, { reason: group })),
};

function showSums(by, { data, meta }) {
  const most = data[0]?.seconds ?? 0;
  const downtime = ({ seconds }) => [
    formatDuration(seconds),
    setShare(h("div", { class: "meter", "aria-hidden": "true" }), ratio(seconds, most) ?? 0),
  ];
  const columns = [
    { title: by === "node" ? "Node" : "Reason", cell: groupCells[by] },
    { title: "Events", cell: (sum) => count(sum.events), number: true },
    { title: "Ongoing", cell: (sum) => count(sum.going_on), number: true },
    { title: "Downtime", cell: downtime, number: true },
  ];
  showRecords(byId(`by-${by}`), columns, data, ({ group }) => group ?? "");
  setText(byId(`more-${by}`), meta.truncated ? `The ${TOP} with the longest downtime.` : "");
}

function showFault(fault) {
  const off = "No events here";
  replaceChildren(byId("state"), fault.status === 404 ? notice("off", off, fault.message) : faultNotice(fault));
  const field = form.elements[fault.parameter];
  if (fault.status !== 400 || !field) return;
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", "state");
}

function showEvents() {
  const known = events.length;
  for (const id of ["list", "sums"]) byId(id).hidden = known === 0;
  byId("more").hidden = cursor === null;
  setText(byId("number"), known === 0 ? "" : `${plural(known, "event")}${cursor === null ? "." : ". There are more."}`);
  const text = "No node was down, drained, failing or in maintenance in this time.";
  replaceChildren(byId("state"), known === 0 && notice("empty", "No matching events", text));
  // An event has no id: it has its place in the list.
  const rows = events.map((event, place) => ({ ...event, place }));
  showRecords(byId("events"), COLUMNS, rows, ({ place }) => String(place));
}

// The events are shown when `before` has resolved.
async function nextPage(signal, before = null) {
  try {
    const answer = await getJson("events", { ...query(), limit: PAGE, cursor }, { signal });
    await before;
    if (signal.aborted) return;
    events.push(...answer.data);
    cursor = cursorOf(answer.meta.next);
    showEvents();
  } catch (error) {
    if (error.name === "AbortError") return;
    if (!(error instanceof ApiError)) throw error;
    showFault(error);
  }
}

async function sums(by, signal) {
  try {
    const answer = await getJson("events", { ...query(), group_by: by, limit: TOP }, { signal });
    if (!signal.aborted) showSums(by, answer);
  } catch (error) {
    if (error.name === "AbortError") return;
    if (!(error instanceof ApiError)) throw error;
    setText(byId(`more-${by}`), error.message);
  }
}

function fillForm() {
  showUnfold(Object.keys(DEFAULTS).filter((name) => state[name] !== DEFAULTS[name]).length);
  for (const name of Object.keys(DEFAULTS)) {
    const field = form.elements[name];
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
    if (field.type === "checkbox") field.checked = state[name] === field.value;
    else field.value = state[name];
  }
}

async function load() {
  current.abort();
  current = new AbortController();
  const { signal } = current;
  [events, cursor] = [[], null];
  fillForm();
  for (const id of ["list", "sums", "more"]) byId(id).hidden = true;
  setText(byId("number"), "");
  replaceChildren(byId("state"), notice("loading", "Loading …"));
  setCurlLine(apiUrl("events", { ...query(), limit: PAGE }));
  // The sums are above the events: nothing moves when they come.
  const reading = Promise.all([sums("node", signal), sums("reason", signal)]);
  await nextPage(signal, reading);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const given = new FormData(form);
  change(Object.fromEntries(Object.keys(DEFAULTS).map((name) => [name, (given.get(name) ?? "").trim()])));
});
byId("clear").addEventListener("click", () => change(DEFAULTS));
byId("more").addEventListener("click", () => nextPage(current.signal));
onMove(() => {
  state = readState(DEFAULTS);
  load();
});
load();
