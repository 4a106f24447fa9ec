// The page of job records: a form of filters, pages that go on as the reader scrolls, what went wrong, and CSV.

import { ApiError, address, ask, send } from "./api-client.js";
import {
  byId,
  count,
  faultNotice,
  formatDateTime,
  formatDuration,
  h,
  notice,
  now,
  percent,
  replaceChildren,
  setShare,
  setText,
  zone,
} from "./dom.js";
import { jobLink, onMove, readState, setCurlLine, writeState } from "./frame.js";
import {
  cpusOf,
  exitOf,
  FAILED,
  FIELDS,
  FILTERS,
  failuresIn,
  filtersIn,
  questionOf,
  shareOfLimit,
  waited,
} from "./history-records.js";
import { efficiencyOf } from "./jobs.js";

const PAGE = 50;
// So many records come by scrolling alone; then the reader is asked, so that the end of the page can be reached.
const BY_SCROLLING = 500;
const CSV_PAGE = 1000;
const CSV_MOST = 50_000;

let state = readState(FILTERS);
let asking = new AbortController();
let records = [];
let cursor = null;
let mayScroll = BY_SCROLLING;
let busy = false;

const form = byId("filters");
const more = byId("more");

function change(news) {
  state = { ...state, ...news };
  writeState(state, FILTERS, { push: true });
  start();
}

function ranCell(record) {
  const share = shareOfLimit(record);
  const limit =
    typeof record.timelimit === "number"
      ? formatDuration(60 * record.timelimit)
      : (record.timelimit?.toLowerCase().replace("_", " ") ?? "–");
  if (share === null)
    return h(
      "td",
      { class: "number" },
      record.elapsed > 0 ? formatDuration(record.elapsed) : "–",
      h("span", { class: "detail" }, `limit ${limit}`),
    );
  return h(
    "td",
    { class: "number" },
    formatDuration(record.elapsed),
    h("span", { class: "detail" }, `${percent(share)} of ${limit}`),
    setShare(h("div", { class: "meter" }), share),
  );
}

function cpuCell(record) {
  const cpus = cpusOf(record);
  const efficiency = efficiencyOf(record);
  const held =
    record.time_start !== null && record.elapsed > 0 ? `${count((cpus * record.elapsed) / 3600)} CPU h` : "–";
  if (efficiency === null) return h("td", { class: "number" }, count(cpus), h("span", { class: "detail" }, held));
  return h(
    "td",
    { class: "number" },
    count(cpus),
    h("span", { class: "detail" }, `${percent(efficiency)} of ${held}`),
    setShare(h("div", { class: "meter" }), efficiency),
  );
}

function stateCell(record) {
  const wrong = FAILED.includes(record.state_name);
  const kind = wrong ? "bad" : record.state_name === "COMPLETED" ? "good" : "faint";
  const detail =
    exitOf(record) ||
    (record.state_name === "PENDING" && record.reason) ||
    (record.failed_node && `node ${record.failed_node}`);
  return h(
    "td",
    {},
    h("span", { class: `state ${kind}` }, record.state_name),
    detail && h("span", { class: "detail" }, detail),
  );
}

function row(record) {
  return h(
    "tr",
    {},
    h(
      "th",
      { scope: "row" },
      jobLink(record.id_job, record.job_id_str),
      h("span", { class: "detail name" }, record.job_name),
    ),
    stateCell(record),
    h("td", {}, record.user_name, h("span", { class: "detail" }, record.account ?? "–")),
    h("td", {}, record.partition ?? "–", h("span", { class: "detail" }, record.qos ?? "–")),
    h(
      "td",
      { class: "time" },
      formatDateTime(record.time_submit),
      h(
        "span",
        { class: "detail" },
        waited(record) === null ? "not started" : `waited ${formatDuration(waited(record))}`,
      ),
    ),
    ranCell(record),
    cpuCell(record),
    h("td", {}, h("span", { class: "mono" }, record.nodelist ?? "–")),
  );
}

function failures() {
  const found = failuresIn(records);
  byId("failures").hidden = found.length === 0;
  const ended = found.reduce((sum, { number }) => sum + number, 0);
  setText(
    byId("failures-of"),
    `${count(ended)} of the ${count(records.length)} records loaded so far, by state and by how the program ended.`,
  );
  replaceChildren(
    byId("failure-rows"),
    found.map((failure) =>
      h(
        "tr",
        {},
        h(
          "th",
          { scope: "row" },
          h(
            "button",
            { type: "button", class: "quiet", onclick: () => change({ state: failure.state }) },
            failure.state,
          ),
        ),
        h("td", {}, failure.exit || "–"),
        h("td", { class: "number" }, count(failure.number)),
        h("td", { class: "number" }, percent(failure.number / records.length)),
        h("td", {}, failure.meaning),
      ),
    ),
  );
}

function ranges() {
  const choose = (text, value) => h("button", { type: "button", onclick: () => change({ submitafter: value }) }, text);
  return h(
    "p",
    { class: "choices" },
    choose("Submitted in the last day", "now-1day"),
    choose("in the last week", "now-7days"),
    choose("in the last month", "now-30days"),
  );
}

function showFault(fault) {
  if (fault.status === 404)
    replaceChildren(byId("state"), notice("off", "There are no job records here", fault.message));
  else if (fault.status === 504)
    replaceChildren(
      byId("state"),
      notice("fault", "The search took too long", `${fault.message} A time window makes it fast:`, ranges()),
    );
  else replaceChildren(byId("state"), faultNotice(fault));
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
  setText(
    byId("number"),
    known === 0
      ? ""
      : `${count(known)} records${cursor === null ? ", that is all" : ", newest first; there are more"}.`,
  );
  if (known > 0) replaceChildren(byId("state"));
  else {
    const filters = filtersIn(state);
    const detail = filters.length > 0 ? `Filters: ${filters.join(", ")}.` : "No job was recorded yet.";
    replaceChildren(byId("state"), notice("empty", "No record matches", detail));
  }
}

async function nextPage(signal) {
  if (busy) return;
  busy = true;
  more.setAttribute("aria-busy", "true");
  const { path, parameters } = questionOf(state);
  try {
    const answer = await ask(
      path,
      { ...parameters, times: "epoch", limit: PAGE, fields: FIELDS.join(","), cursor },
      { signal },
    );
    if (signal.aborted) return;
    records.push(...answer.data);
    byId("rows").append(...answer.data.map(row));
    cursor = answer.meta.next === null ? null : new URL(answer.meta.next, location.href).searchParams.get("cursor");
    showEnd();
    failures();
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
      look();
    }
  }
}

// Goes on while the end of the table is in sight.
function look() {
  if (more.hidden || busy || records.length === 0 || records.length >= mayScroll || byId("state").childElementCount > 0)
    return;
  if (more.getBoundingClientRect().top < innerHeight + 200) nextPage(asking.signal);
}

function fill() {
  for (const name of Object.keys(FILTERS)) {
    const field = form.elements[name];
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
    if (field.type === "checkbox") field.checked = state[name] === field.value;
    else field.value = state[name];
  }
  const hidden = [...byId("further").querySelectorAll("input")].filter((field) => state[field.name] !== "");
  if (hidden.length > 0) byId("further").open = true;
}

function start() {
  asking.abort();
  asking = new AbortController();
  [records, cursor, busy, mayScroll] = [[], null, false, BY_SCROLLING];
  fill();
  replaceChildren(byId("rows"));
  more.hidden = true;
  byId("table").hidden = true;
  byId("failures").hidden = true;
  byId("csv").disabled = true;
  setText(byId("number"), "");
  replaceChildren(byId("state"), notice("loading", "Looking for records …"));
  const { path, parameters } = questionOf(state);
  setCurlLine(address(path, { ...parameters, limit: PAGE }));
  nextPage(asking.signal);
}

// A table for spreadsheets, fetched page by page: a token in a header is not sent with a plain link.
async function csv() {
  const { path, parameters } = questionOf(state);
  const { signal } = asking;
  const parts = [];
  let [onward, known] = [null, 0];
  byId("csv").disabled = true;
  try {
    do {
      const response = await send(
        address(path, { ...parameters, times: "iso", format: "csv", limit: CSV_PAGE, cursor: onward }),
        { signal },
      );
      const text = await response.text();
      parts.push(parts.length === 0 ? text : text.slice(text.indexOf("\n") + 1));
      known += CSV_PAGE;
      onward = decodeURIComponent(/[?&]cursor=([^&>]+)/.exec(response.headers.get("Link") ?? "")?.[1] ?? "");
      setText(byId("csv-state"), onward ? `${count(known)} records so far …` : "");
    } while (onward && known < CSV_MOST);
    const file = URL.createObjectURL(new Blob(parts, { type: "text/csv" }));
    h("a", { href: file, download: `history-${new Date(1000 * now()).toISOString().slice(0, 10)}.csv` }).click();
    URL.revokeObjectURL(file);
    setText(
      byId("csv-state"),
      onward ? `The newest ${count(known)} records are in the file; there are more. A time window gets the rest.` : "",
    );
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    setText(byId("csv-state"), error.message);
  } finally {
    byId("csv").disabled = records.length === 0;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const given = new FormData(form);
  change(Object.fromEntries(Object.keys(FILTERS).map((name) => [name, (given.get(name) ?? "").trim()])));
});
byId("clear").addEventListener("click", () => change(FILTERS));
byId("csv").addEventListener("click", () =>
  csv().catch((error) => error.name === "AbortError" || Promise.reject(error)),
);
more.addEventListener("click", () => {
  mayScroll = records.length + BY_SCROLLING;
  nextPage(asking.signal);
});
addEventListener("scroll", look, { passive: true });
onMove(() => {
  state = readState(FILTERS);
  start();
});
setText(byId("zone"), zone());
start();
