// The QOS page: for each QOS its priority, preemption, limits with their use, jobs, and who may use it.

import { ApiError, getJson, poll } from "./api-client.js";
import { byId, facts, faultNotice, h, meterOf, notice, renderIfChanged, replaceKeepingFocus, setText } from "./dom.js";
import { count, formatDuration, plural } from "./format.js";
import { accountLink, onMove, page, qosLink, readState, setCurlLine, setTitle } from "./frame.js";
import { limitTable } from "./limit-table.js";
import { byKind, limitsOf, limitWords, partsOf, shareOf, sumsBy, useOf, useText } from "./limit-use.js";
import { followHidden } from "./private-data.js";
import { accountsOf, flagText, partitionsOf, preemptedBy, preemptionText, sortedQos } from "./qos-facts.js";
import { showRecords } from "./record-table.js";
import { apiUrl, literal } from "./urls.js";

const DEFAULTS = { name: "" };
const QOS_SECONDS = 300;
// More names than this are counted.
const MOST_NAMES = 6;

let records = null;
let fault = null;
let isPrivate = false;
// What the other requests know: null until they have answered, or where the user may not read them.
const answered = new Set();
const known = { jobs: null, accounts: null, partitions: null };
// Sums of the jobs of the QOS that is shown by user and by account: {user: {running, pending}, account: …}.
let largest = {};
let current = new AbortController();

const link = (where, parameters, text) => h("a", { href: page(where, parameters) }, text);
const listed = (items) => items.flatMap((item, at) => [at > 0 && ", ", item]);
const lines = (items) => items.map((item) => h("div", {}, item));
const partitionLink = (name) => link("partitions", { name }, name);

function sumsOf(name) {
  if (isPrivate || known.jobs === null) return null;
  return { running: known.jobs.running[name] ?? {}, pending: known.jobs.pending[name] ?? {} };
}

function limitsWithUse(record) {
  const isRelative = record.flags.includes("Relative");
  return limitsOf(record).map((limit) => {
    const found = { ...limit, isRelative };
    const used = partsOf(limit.name).counted === "group" ? useOf(found, sumsOf(record.name)) : null;
    return { ...found, used, share: shareOf(used, limit.value) };
  });
}

function limitCell(record) {
  const limits = limitsWithUse(record);
  if (limits.length === 0) return "none";
  return limits.map((limit) => h("div", {}, `${limitWords(limit)}: ${useText(limit)}`, meterOf(limit.share)));
}

function jobsCell({ name }) {
  const sums = sumsOf(name);
  const text = (kind) => (sums === null ? kind : `${count(sums[kind].tasks ?? 0)} ${kind}`);
  const toQueue = (state, kind) => h("div", {}, link("queue", { qos: literal(name), state }, text(kind)));
  return [toQueue("RUNNING", "running"), toQueue("PENDING", "pending")];
}

function preemptionCell(record) {
  const byWhom = preemptedBy(record.name, records);
  const mode = preemptionText(record, byWhom);
  const parts = [
    record.preempt.length > 0 && ["preempts ", listed(record.preempt.map(qosLink))],
    byWhom.length > 0 && ["preempted by ", listed(byWhom.map(qosLink))],
    mode && `how: ${mode}`,
    record.grace_time > 0 && `grace time ${formatDuration(record.grace_time)}`,
    record.preempt_exempt_time > 0 && `not in its first ${formatDuration(record.preempt_exempt_time)}`,
  ].filter(Boolean);
  return parts.length > 0 ? lines(parts) : "–";
}

const flagLines = ({ flags }) =>
  flags.length === 0
    ? "–"
    : flags.map((flag) => h("div", {}, flag, h("span", { class: "explanation" }, flagText(flag))));

// Names with links, or their number if there are many.
function namesOrNumber(names, toLink, noun) {
  return names.length > MOST_NAMES ? plural(names.length, noun) : listed(names.map(toLink));
}

function accessLines(record) {
  const found = [];
  if (known.accounts !== null) {
    const { names, isAll } = accountsOf(record.name, known.accounts);
    found.push(
      isAll ? "all accounts" : names.length === 0 ? "no account" : namesOrNumber(names, accountLink, "account"),
    );
  }
  if (known.partitions !== null) {
    const { names, isAll, limits } = partitionsOf(record.name, known.partitions);
    const every = names.length === 0 ? "in no partition" : ["in ", namesOrNumber(names, partitionLink, "partition")];
    found.push(isAll ? "in all partitions" : every);
    if (limits.length > 0) found.push(["limits all jobs of ", listed(limits.map(partitionLink))]);
  }
  return found.length > 0 ? lines(found) : "–";
}

const COLUMNS = [
  {
    title: "QOS",
    cell: ({ name, description }) => [qosLink(name), h("span", { class: "explanation" }, description ?? "")],
  },
  { title: "Priority", cell: ({ priority }) => count(priority), number: true },
  { title: "Usage factor", cell: ({ usage_factor: factor }) => String(factor), number: true },
  { title: "Jobs", cell: jobsCell, number: true },
  { title: "Limits", cell: limitCell, wide: true },
  { title: "Preemption", cell: preemptionCell, wide: true },
  { title: "Who may use it", cell: accessLines, wide: true },
  { title: "Flags", cell: flagLines, wide: true },
];

// The user or account with the largest use of a limit for each of them; null if it is not known.
function largestUse(limit) {
  const { counted } = partsOf(limit.name);
  const sums = isPrivate ? null : largest[counted];
  if (!sums) return null;
  const names = new Set([...Object.keys(sums.running), ...Object.keys(sums.pending)]);
  let most = null;
  for (const name of names) {
    const used = useOf(limit, { running: sums.running[name] ?? {}, pending: sums.pending[name] ?? {} });
    if (used !== null && (most === null || used > most.used)) most = { name, used };
  }
  return most;
}

function limitSection(record) {
  const limits = limitsWithUse(record).map((limit) => {
    const most = partsOf(limit.name).counted === "group" ? null : largestUse(limit);
    if (most === null) return { ...limit, by: "–" };
    return { ...limit, ...{ used: most.used, share: shareOf(most.used, limit.value), by: most.name } };
  });
  if (limits.length === 0) return notice("empty", "No limits", "The limits of associations and partitions hold.");
  const caption =
    "In use by jobs from their start until they complete. Of a limit for each user or account it is the largest.";
  return limitTable("Limits", caption, limits, { by: "Most used by" });
}

function oneContent(record) {
  const query = { qos: literal(record.name) };
  const { names, isAll } = accountsOf(record.name, known.accounts ?? []);
  return [
    record.description && h("p", { class: "faint" }, record.description),
    h("p", { class: "links" }, link("queue", query, "Queue"), " · ", link("history", { qos: record.name }, "History")),
    h(
      "div",
      { class: "cards" },
      facts("Priority and usage", [
        ["Priority", count(record.priority)],
        ["Usage factor", String(record.usage_factor)],
        ["Usage threshold", record.usage_threshold],
        ["Limit factor", record.limit_factor],
        ["No resources reserved below priority", record.min_prio_thresh && count(record.min_prio_thresh)],
      ]),
      facts("Preemption", [["Rules", preemptionCell(record)]]),
      facts("Who may use it", [["Rules", accessLines(record)]]),
      facts("Flags", [["Set", flagLines(record)]]),
      facts("Jobs", [["Now", jobsCell(record)]]),
    ),
    limitSection(record),
    known.accounts !== null &&
      !isAll &&
      names.length > MOST_NAMES &&
      h("section", {}, h("h2", {}, "Accounts"), h("p", {}, listed(names.map(accountLink)))),
  ];
}

function blank(shown, name) {
  if (fault?.status === 404) return notice("off", "QOS are not read", fault.message);
  if (fault) return faultNotice(fault);
  // Rows grow with what the other requests answer, so the table waits for them.
  if (records === null || answered.size < Object.keys(known).length) return notice("loading", "Loading …");
  if (shown.length > 0) return null;
  if (name === "") return notice("empty", "No QOS", "The accounting database has none.");
  return notice("empty", `No QOS ${name}`, "The accounting database has no QOS with this name.");
}

function show() {
  const { name } = readState(DEFAULTS);
  const shown = fault !== null || records === null ? [] : records.filter((record) => ["", record.name].includes(name));
  const note = blank(shown, name);
  renderIfChanged(byId("state"), note?.outerHTML ?? "", () => note);
  byId("list").hidden = name !== "" || note !== null;
  byId("one").hidden = name === "" || note !== null;
  byId("all").hidden = name === "";
  setText(byId("title"), name === "" ? "QOS" : `QOS ${name}`);
  setTitle(name === "" ? "QOS" : `QOS ${name}`);
  setCurlLine(apiUrl(name === "" ? "qos" : `qos/${encodeURIComponent(name)}`));
  if (note !== null) return;
  if (name === "") showRecords(byId("qos"), COLUMNS, sortedQos(shown), (record) => record.name);
  else replaceKeepingFocus(byId("one"), oneContent(shown[0]));
}

// The jobs of one QOS by user and by account, for the limits that count each of them.
async function loadLargest() {
  current.abort();
  current = new AbortController();
  largest = {};
  const { name } = readState(DEFAULTS);
  const record = records?.find((one) => one.name === name);
  if (record === undefined) return;
  const { signal } = current;
  const counted = new Set(limitsOf(record).map((limit) => partsOf(limit.name).counted));
  try {
    for (const group of ["user", "account"].filter((one) => counted.has(one)))
      largest[group] = byKind((await getJson("queue", { qos: literal(name), ...sumsBy(group) }, { signal })).data);
  } catch (error) {
    // The limits are shown without it.
    if (!(error instanceof ApiError) && error.name !== "AbortError") throw error;
  }
  show();
}

// Without these the page still has the settings of the QOS.
function learn(name, path, parameters, seconds = null) {
  const onAnswer = ({ data }) => {
    if (name === "jobs") known.jobs = byKind(data);
    else known[name] = Array.isArray(data) ? data : Object.values(data);
    answered.add(name);
    show();
  };
  const onFault = () => {
    answered.add(name);
    show();
  };
  poll(path, parameters, { seconds, onAnswer, onFault });
}

followHidden(
  (hidden) => {
    isPrivate = hidden.has("jobs") || hidden.has("usage");
    show();
  },
  ["accounts", "partitions", "jobs", "usage"],
);
onMove(() => {
  show();
  loadLargest();
});
show();
poll(
  "qos",
  {},
  {
    seconds: QOS_SECONDS,
    onAnswer: ({ data }) => {
      [records, fault] = [data, null];
      show();
      loadLargest();
    },
    onFault: (error) => {
      if (records === null || error.status === 403) fault = error;
      show();
    },
  },
);
learn("jobs", "queue", sumsBy("qos"));
learn("accounts", "accounts", { fields: ["name", "qos"] }, QOS_SECONDS);
learn("partitions", "partitions", { fields: ["name", "allow_qos", "deny_qos", "qos_char"] }, QOS_SECONDS);
