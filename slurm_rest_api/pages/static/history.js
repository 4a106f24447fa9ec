// The History page: a form of filters, records that are added while the user scrolls, failures, and CSV.

import { ApiError, getJson } from "./api-client.js";
import { byId, faultNotice, foldsOnPhone, h, notice, replaceChildren, setShare, setText } from "./dom.js";
import { count, exitOf, formatDateTime, formatDuration, formatLimit, percent, plural, zone } from "./format.js";
import { accountLink, jobLink, onMove, qosLink, readState, setCurlLine, writeState } from "./frame.js";
import { showFailures } from "./history-failures.js";
import {
  cpusOf,
  efficiencyOf,
  FIELDS,
  FILTERS,
  filtersIn,
  isOfEnded,
  queryOf,
  shareOfLimit,
  timeOf,
  waited,
} from "./job-records.js";
import { stateChip } from "./jobs.js";
import { apiUrl, cursorOf, withState } from "./urls.js";

const PAGE = 50;
// Scrolling adds up to this many records. A button adds more, so that the end of the page can be reached.
const BY_SCROLLING = 500;
// Filters whose values the API counts, among the jobs of the last days if the form has no other range.
const COUNTED = ["user", "account", "partition", "qos"];
const COUNTED_SINCE = "now-7days";

let state = readState(FILTERS);
let current = new AbortController();
let records = [];
let cursor = null;
let maxByScrolling = BY_SCROLLING;
let busy = false;

const form = byId("filters");
const more = byId("more");
const showUnfold = foldsOnPhone(byId("unfold"), form);

function change(news) {
  state = { ...state, ...news };
  writeState(state, FILTERS, { push: true });
  start();
}

// On a phone rows are cards, where each value has its label in front.
const cell = (label, kind, ...children) => h("td", { role: "cell", "data-label": label, class: kind }, children);
const detail = (text, kind = "detail") => h("span", { class: kind }, text);
const meter = (share) => setShare(h("div", { class: "meter" }), share);

function elapsedCell(record) {
  const share = shareOfLimit(record);
  const limit =
    typeof record.timelimit === "string"
      ? record.timelimit.toLowerCase().replace("_", " ")
      : formatLimit(record.timelimit);
  const elapsed = record.elapsed > 0 || share !== null ? formatDuration(record.elapsed) : "–";
  if (share === null) return cell("Elapsed", "number", elapsed, detail(`limit ${limit}`));
  return cell("Elapsed", "number", elapsed, detail(`${percent(share)} of ${limit}`), meter(share));
}

function cpuCell(record) {
  const cpus = cpusOf(record);
  const efficiency = efficiencyOf(record);
  const hasRun = record.time_start !== null && record.elapsed > 0;
  const held = hasRun ? `${count((cpus * record.elapsed) / 3600)} CPU h` : "–";
  if (efficiency === null) return cell("CPUs", "number", count(cpus), detail(held));
  return cell("CPUs", "number", count(cpus), detail(`${percent(efficiency)} of ${held}`), meter(efficiency));
}

function stateCell(record) {
  const pending = record.state_name === "PENDING" && record.reason;
  const cause = exitOf(record) || pending || (record.failed_node && `node ${record.failed_node}`);
  return cell(null, "what", stateChip(record.state_name), cause && detail(cause));
}

function row(record) {
  const link = jobLink(record.id_job, record.job_id_str);
  const wait = waited(record) === null ? "not started" : `waited ${formatDuration(waited(record))}`;
  return h(
    "tr",
    { role: "row" },
    h("th", { role: "rowheader", scope: "row" }, link, detail(record.job_name, "detail name")),
    stateCell(record),
    cell("User", null, record.user_name, detail(accountLink(record.account) ?? "–")),
    cell("Partition", null, record.partition ?? "–", detail(qosLink(record.qos) ?? "–")),
    cell("Submitted", "time", formatDateTime(record.time_submit), detail(wait)),
    elapsedCell(record),
    cpuCell(record),
    cell("Nodes", record.nodelist ? null : "none", h("span", { class: "mono" }, record.nodelist ?? "–")),
  );
}

function ranges() {
  const choose = (text, value) => h("button", { type: "button", onclick: () => change({ submitafter: value }) }, text);
  return h(
    "p",
    { class: "choices" },
    choose("Submitted in the last day", "now-1day"),
    choose("Last week", "now-7days"),
    choose("Last month", "now-30days"),
  );
}

function noticeFor(fault) {
  if (fault.status === 404) return notice("off", "No job records here", fault.message);
  if (fault.status !== 504) return faultNotice(fault);
  return notice("fault", "The search took too long", `${fault.message} A time range makes it faster:`, ranges());
}

function showFault(fault) {
  replaceChildren(byId("state"), noticeFor(fault));
  const field = form.elements[fault.parameter];
  if (fault.status !== 400 || !field) return;
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", "state");
  field.closest("details")?.setAttribute("open", "");
}

function showEnd() {
  const known = records.length;
  more.hidden = cursor === null;
  byId("csv").disabled = known === 0;
  byId("table").hidden = known === 0;
  const onward = cursor === null ? "" : " There are more.";
  const number = plural(known, "record") + (isOfEnded(state) ? " of ended jobs" : "");
  setText(byId("number"), known === 0 ? "" : `${number}, the newest record first.${onward}`);
  replaceChildren(byId("state"));
  if (known > 0) return;
  const filters = filtersIn(state);
  const text = filters.length > 0 ? `Filters: ${filters.join(", ")}.` : "No jobs have ended yet.";
  const empty = notice("empty", "No matching records", text);
  replaceChildren(byId("state"), empty);
  correct(empty);
}

const choices = () => import("./filter-choices.js");
const counted = () => ({ path: "history", parameters: { submitafter: timeOf(state.submitafter) || COUNTED_SINCE } });

function correct(place) {
  const given = Object.fromEntries(COUNTED.map((name) => [name, state[name]]));
  const link = (changes) => withState(location.href, { ...state, ...changes }, FILTERS);
  choices().then(({ suggest }) => suggest(place, given, counted(), link));
}

async function nextPage(signal) {
  if (busy) return;
  busy = true;
  more.setAttribute("aria-busy", "true");
  const { path, parameters } = queryOf(state);
  try {
    const query = { ...parameters, times: "epoch", limit: PAGE, fields: FIELDS.join(","), cursor };
    const answer = await getJson(path, query, { signal });
    if (signal.aborted) return;
    records.push(...answer.data);
    byId("rows").append(...answer.data.map(row));
    cursor = cursorOf(answer.meta.next);
    showEnd();
  } catch (error) {
    if (error.name === "AbortError") return;
    if (!(error instanceof ApiError)) throw error;
    if (records.length > 0) more.hidden = false;
    showFault(error);
  } finally {
    if (!signal.aborted) {
      busy = false;
      more.removeAttribute("aria-busy");
      form.removeAttribute("aria-busy");
      scrolled();
    }
  }
}

// Loads more records while the end of the table is in view.
function scrolled() {
  const isFull = records.length === 0 || records.length >= maxByScrolling;
  if (more.hidden || busy || isFull || byId("state").childElementCount > 0) return;
  if (more.getBoundingClientRect().top < innerHeight + 200) nextPage(current.signal);
}

function fillForm() {
  for (const name of Object.keys(FILTERS)) {
    const field = form.elements[name];
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
    if (field.type === "checkbox") field.checked = state[name] === field.value;
    else field.value = state[name];
  }
  const folded = [...byId("further").querySelectorAll("input")].filter((field) => state[field.name] !== "");
  if (folded.length > 0) byId("further").open = true;
  showUnfold(Object.keys(FILTERS).filter((name) => state[name] !== "").length);
}

function start() {
  current.abort();
  current = new AbortController();
  [records, cursor, busy, maxByScrolling] = [[], null, false, BY_SCROLLING];
  fillForm();
  replaceChildren(byId("rows"));
  more.hidden = true;
  byId("table").hidden = true;
  byId("csv").disabled = true;
  setText(byId("number"), "");
  replaceChildren(byId("state"), notice("loading", "Searching …"));
  const { path, parameters } = queryOf(state);
  setCurlLine(apiUrl(path, { ...parameters, limit: PAGE }));
  nextPage(current.signal);
  const onChoose = (chosen) => change({ state: chosen });
  showFailures(queryOf(state), { signal: current.signal, onChoose });
}

async function download() {
  const { signal } = current;
  const report = (text) => setText(byId("csv-state"), text);
  byId("csv").disabled = true;
  try {
    const { downloadCsv } = await import("./history-csv.js");
    await downloadCsv(queryOf(state), { signal, report });
  } catch (error) {
    if (error.name === "AbortError") return;
    if (!(error instanceof ApiError)) throw error;
    report(error.message);
  } finally {
    byId("csv").disabled = records.length === 0;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const given = new FormData(form);
  change(Object.fromEntries(Object.keys(FILTERS).map((name) => [name, (given.get(name) ?? "").trim()])));
});
form.addEventListener("focusin", async ({ target }) => {
  if (COUNTED.includes(target.name)) (await choices()).offerChoices(target, counted());
});
byId("clear").addEventListener("click", () => change(FILTERS));
byId("csv").addEventListener("click", download);
more.addEventListener("click", () => {
  maxByScrolling = records.length + BY_SCROLLING;
  nextPage(current.signal);
});
addEventListener("scroll", scrolled, { passive: true });
onMove(() => {
  state = readState(FILTERS);
  start();
});
setText(byId("zone"), zone());
start();
