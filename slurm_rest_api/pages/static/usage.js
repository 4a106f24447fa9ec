// The Usage page: hours, jobs, failures and efficiency by account and user in a month or any range of days.

import { ApiError, getJson } from "./api-client.js";
import { byId, faultNotice, foldsOnPhone, h, notice, onDemand, replaceChildren, setText, withCode } from "./dom.js";
import { count, plural } from "./format.js";
import { accountLink, onMove, page, readState, setCurlLine, writeState } from "./frame.js";
import { apiUrl } from "./urls.js";
import { barsOf, csvRows, DEFAULTS, lastDay, monthsUntil, rangeOf, rowsBy, totalOf } from "./usage-figures.js";
import { graphOf } from "./usage-graph.js";
import { cells, totalCards } from "./usage-rows.js";

const MOST = 10_000;
const SUMS = ["jobs", "states", "cpu_hours", "gpu_hours", "cpu_efficiency", "mem_efficiency"];

const form = byId("controls");
const showUnfold = foldsOnPhone(byId("unfold"), byId("filters"));
const FILTERS = ["since", "until", "account", "user"];
const monthName = new Intl.DateTimeFormat(undefined, { month: "long", year: "numeric", timeZone: "UTC" });
const dayName = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "UTC" });
let state = readState(DEFAULTS);
let current = new AbortController();
// The records of the range: usage by account and user (null: not readable), sums of job records (null: the same).
let found = { usage: null, sums: null };

const today = () => {
  const now = new Date();
  const two = (number) => String(number).padStart(2, "0");
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
};
const range = () => rangeOf(state, today());
const inWords = (text) => dayName.format(new Date(`${text}T00:00:00Z`));

// Usage in the range. A cluster that does not count GPUs refuses their name.
async function usageOf(query, signal) {
  const { since, until } = range();
  const parameters = { since, until, limit: MOST, ...query };
  try {
    return await getJson("utilization", { ...parameters, tres: "cpu,gres/gpu" }, { signal });
  } catch (error) {
    if (!(error instanceof ApiError) || error.parameter !== "tres") throw error;
    return getJson("utilization", { ...parameters, tres: "cpu" }, { signal });
  }
}

function sumsOf(query, signal) {
  const { since, until } = range();
  const given = {
    endafter: since,
    endbefore: until,
    sort: "-cpu_hours",
    fields: [...query.group_by, ...SUMS].join(","),
  };
  return getJson("history", { ...given, user: state.user, ...query, group_by: query.group_by.join(",") }, { signal });
}

const byUser = () => ({ group_by: "account,user", step: "total", account: state.account, user: state.user });

function ofBars() {
  const { step } = range();
  if (state.account !== "") return { group_by: "account", account: state.account, user: state.user, step };
  return state.user === "" ? { step } : { group_by: "user", user: state.user, step };
}

// The filters of the History page for the jobs that ended in the range.
function jobsOf(names) {
  const { since, until } = range();
  return { ...names, ...(state.user && { user: state.user }), endafter: since, endbefore: until };
}

function accountRow(row) {
  const isOpen = state.open === row.account;
  const toggle = () => {
    state = { ...state, open: isOpen ? "" : row.account };
    writeState(state, DEFAULTS);
    showRows();
  };
  const button = h(
    "button",
    { type: "button", class: "quiet opens", "aria-expanded": String(isOpen), onclick: toggle },
    row.account ?? "(none)",
  );
  return h(
    "tr",
    { role: "row", "data-account": row.account },
    h("th", { scope: "row", role: "rowheader" }, button),
    cells(row, jobsOf({ account: row.account ?? "" })),
  );
}

// The sums of the jobs of users by account: null while they are loading, undefined before.
const usersOf = new Map();
function loadUsers(account) {
  const { signal } = current;
  const store = (sums) => {
    if (signal.aborted) return;
    usersOf.set(account, sums);
    showRows();
  };
  usersOf.set(account, null);
  sumsOf({ group_by: ["user"], account }, signal).then(
    ({ data }) => store(data),
    (error) => {
      if (!(error instanceof ApiError) && error.name !== "AbortError") throw error;
      // Without them the rows have hours alone.
      store([]);
    },
  );
}

function userRow(account, row) {
  const { user } = row;
  return h(
    "tr",
    { role: "row", class: "of-account", "data-user": user },
    h(
      "th",
      { scope: "row", role: "rowheader" },
      h("a", { href: page("usage", { ...inAddress(), user, account }) }, user),
    ),
    cells(row, jobsOf({ account, user })),
  );
}

// Rows of the users of the account that is open. The sums of their jobs are asked for then.
function userRows(account) {
  if (!usersOf.has(account)) loadUsers(account);
  const sums = usersOf.get(account);
  const note = (content) =>
    h("tr", { role: "row", class: "of-account" }, h("td", { role: "cell", class: "wide", colspan: 7 }, content));
  if (sums === null) return note(h("span", { role: "status" }, "Loading …"));
  const usage = found.usage?.filter((record) => record.account === account) ?? null;
  const text = ["Limits, users and fair share: account ", accountLink(account)];
  const more = account && note(text);
  return [rowsBy("user", usage, sums).map((row) => userRow(account, row)), more];
}

const inAddress = () =>
  Object.fromEntries(
    ["month", "since", "until"].filter((name) => state[name] !== "").map((name) => [name, state[name]]),
  );

// With an account as filter, those below it are in the answer of /utilization and no others.
function accountRows() {
  const rows = rowsBy("account", found.usage, found.sums);
  if (state.account === "") return rows;
  const known = new Set(found.usage?.map(({ account }) => account) ?? []);
  return rows.filter(({ account }) => known.has(account) || account === state.account);
}

function showRows() {
  const rows = accountRows();
  const focused = document.activeElement?.closest("tr")?.dataset.account;
  replaceChildren(
    byId("rows"),
    rows.map((row) => [accountRow(row), state.open === row.account && userRows(row.account)]),
  );
  if (focused)
    byId("rows")
      .querySelector(`tr[data-account="${CSS.escape(focused)}"] button`)
      ?.focus();
  const total = totalOf(rows);
  replaceChildren(
    byId("sum"),
    h("tr", { role: "row" }, h("th", { scope: "row", role: "rowheader" }, "All"), cells(total, null)),
  );
  byId("table").hidden = rows.length === 0;
  byId("csv").disabled = rows.length === 0;
  replaceChildren(
    byId("accounts"),
    rows.map(({ account }) => h("option", { value: account ?? "" })),
  );
  replaceChildren(byId("totals"), rows.length === 0 ? null : totalCards(total));
  if (rows.length > 0) return;
  const text = "No account has usage in this range, or you may not see it.";
  replaceChildren(byId("state"), notice("empty", "No usage", text));
}

function showGraphs(records) {
  const graphs = [
    graphOf("CPU hours", barsOf(records, "cpu", state.account)),
    graphOf("GPU hours", barsOf(records, "gres/gpu", state.account)),
  ];
  replaceChildren(byId("graphs"), graphs);
}

// Returns data, or null after an error that leaves the other part of the page usable. The error is noted.
async function optional(answer, lacking) {
  try {
    return await answer;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    lacking.push(error);
    return null;
  }
}

async function start() {
  current.abort();
  current = new AbortController();
  const { signal } = current;
  usersOf.clear();
  fillForm();
  for (const name of ["graphs", "totals", "rows", "sum"]) replaceChildren(byId(name));
  byId("table").hidden = true;
  byId("csv").disabled = true;
  setText(byId("lacks"), "");
  replaceChildren(byId("state"), notice("loading", "Adding up usage …"));
  const { since, until } = range();
  setCurlLine(apiUrl("utilization", { since, until, tres: "cpu,gres/gpu", ...byUser() }));
  const lacking = [];
  try {
    const asked = [usageOf(byUser(), signal), sumsOf({ group_by: ["account"] }, signal), usageOf(ofBars(), signal)];
    const [usage, sums, bars] = await Promise.all(asked.map((answer, at) => optional(answer, at < 2 ? lacking : [])));
    if (signal.aborted) return;
    found = { usage: usage?.data ?? null, sums: sums?.data ?? null };
    show(usage, bars, lacking);
  } catch (error) {
    if (error.name !== "AbortError") throw error;
  }
}

function show(usage, bars, lacking) {
  if (lacking.length === 2) {
    const [fault] = lacking;
    const isOff = fault.status === 404;
    replaceChildren(byId("state"), isOff ? notice("off", "No usage here", fault.message) : faultNotice(fault));
    return;
  }
  replaceChildren(byId("state"));
  const lines = lacking.map(({ message }) => message);
  if (found.usage === null) lines.push("The hours are those of jobs that ended in this range.");
  if (usage?.meta.truncated || usage?.meta.next)
    lines.push(`Only the first ${count(MOST)} sums are shown: choose an account.`);
  replaceChildren(byId("lacks"), withCode(lines.join(" ")));
  showRows();
  showGraphs(bars?.data ?? []);
}

function fillForm() {
  const months = monthsUntil(today());
  const isRange = state.since !== "";
  const chosen = state.month || months[0];
  const known = months.includes(chosen) ? months : [...months, chosen];
  const options = known.map((month) =>
    h("option", { value: month }, monthName.format(new Date(`${month}-01T00:00:00Z`))),
  );
  replaceChildren(byId("month"), isRange && h("option", { value: "" }, "Days chosen"), options);
  form.elements.month.value = isRange ? "" : chosen;
  for (const name of FILTERS) form.elements[name].value = state[name];
  showUnfold(FILTERS.filter((name) => state[name] !== "").length);
  const days = range();
  const zone = "days of the cluster's time zone";
  setText(byId("about"), `${inWords(days.since)} to ${inWords(lastDay(days))} (${plural(days.days, "day")}, ${zone})`);
}

function change(news) {
  state = { ...state, ...news };
  writeState(state, DEFAULTS, { push: true });
  start();
}

async function download() {
  byId("csv").disabled = true;
  try {
    const { data } = await sumsOf({ group_by: ["account", "user"], limit: MOST }, current.signal);
    const accounts = accountRows().map(({ account }) => account);
    (await import("./usage-csv.js")).saveCsv(csvRows(accounts, found.usage, data), `usage-${range().since}.csv`);
  } catch (error) {
    if (error.name === "AbortError") return;
    if (!(error instanceof ApiError)) throw error;
    setText(byId("lacks"), error.message);
  } finally {
    byId("csv").disabled = false;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const given = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim()]));
  const month = given.month === monthsUntil(today())[0] ? "" : given.month;
  change({ ...given, month: given.since === "" ? month : "", until: given.since === "" ? "" : given.until, open: "" });
});
// A month replaces chosen days.
byId("month").addEventListener("change", ({ target }) => {
  if (target.value === "") return;
  change({ month: target.value === monthsUntil(today())[0] ? "" : target.value, since: "", until: "", open: "" });
});
byId("clear").addEventListener("click", () => change(DEFAULTS));
byId("csv").addEventListener("click", download);
onMove(() => {
  state = readState(DEFAULTS);
  start();
});
replaceChildren(
  byId("limits"),
  onDemand("Limits of accounts and QOS, and how much of them is in use", async () =>
    (await import("./usage-limits.js")).limits(),
  ),
);
start();
