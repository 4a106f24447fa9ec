// The home page: problems, what is allocated, jobs by partition, nodes by state, the load of the last hour.

import { poll, subscribe } from "./api-client.js";
import {
  byId,
  debounce,
  faultNotice,
  fitRows,
  h,
  keyed,
  notice,
  replaceChildren,
  setShare,
  setText,
  svg,
} from "./dom.js";
import {
  approximate,
  clock,
  count,
  formatDateTime,
  memory,
  now,
  percent,
  plural,
  ratio,
  roughCount,
  shortDate,
} from "./format.js";
import { nodeLink, page, setCurlLine } from "./frame.js";
import { showMaintenance } from "./maintenance.js";
import { withoutMark } from "./node-facts.js";
import { nodeProblems, partitionProblems, sortedProblems } from "./problems.js";
import { pathsOf } from "./sparkline.js";
import { apiUrl } from "./urls.js";

const FIGURES = {
  fields: [
    ...["total_load", "alloc_cpus", "total_cpus", "alloc_mem", "total_mem", "alloc_gpus", "total_gpus"],
    ...["jobs_running", "jobs_pending", "tasks_pending", "nodes_by_state"],
    ...["priority", "state", "partition_load", "jobs_running", "jobs_pending", "tasks_pending"].map(
      (field) => `partitions.${field}`,
    ),
  ],
};
const PROBLEM_NODES = {
  state: ["DOWN", "DRAIN", "FAIL", "ERROR", "UNKNOWN", "NOT_RESPONDING", "INVALID_REG"],
  fields: ["state_base", "state_flags", "reason", "reason_user", "reason_time"],
};
// More rows are of no use to a reader, and slow.
const MAX_PROBLEMS = 200;
const MAX_HOSTLIST = 120;
// A reader counts fewer names at a glance.
const COUNTED_NODES = 4;
const HOUR = 3600;

// What each request has answered; null until it has.
const known = { usage: null, nodes: null, usageFault: null, nodesFault: null };
// True once the user wants all problems to be shown.
let showsAll = false;

function where(problem) {
  if (problem.partition)
    return ["Partition ", h("a", { href: page("queue", { partition: problem.partition }) }, problem.partition)];
  const { names, hostlist, word } = problem;
  if (names.length === 1) return nodeLink(names[0]);
  const isShort = hostlist.length <= MAX_HOSTLIST;
  const href = page("nodes", isShort ? { name: hostlist } : { state: word });
  const text = isShort ? hostlist : `${hostlist.slice(0, MAX_HOSTLIST)}…`;
  const number = names.length >= COUNTED_NODES && h("span", { class: "explanation" }, plural(names.length, "node"));
  return [h("a", { href }, text), number];
}

function why(problem) {
  if (problem.partition) return "Jobs can be submitted and started only as this state allows.";
  const by = problem.users.length > 0 ? `, by ${problem.users.join(", ")}` : "";
  const hasTime = Number.isFinite(problem.since) && problem.since > 0;
  const origin = hasTime && `since ${shortDate(problem.since)} (${approximate(now() - problem.since)})${by}`;
  return [problem.reason ?? "No reason given.", origin && h("span", { class: "explanation" }, origin)];
}

function fillProblem(row, problem) {
  const [state, place, reason] = row.children;
  const kind = problem.word.startsWith("DRAIN") ? "chip old" : "chip bad";
  const facts = JSON.stringify({ ...problem, age: approximate(now() - problem.since) });
  if (row.facts === facts) return;
  row.facts = facts;
  const meaning = problem.isFirst && problem.meaning && h("span", { class: "explanation" }, problem.meaning);
  replaceChildren(state, h("span", { class: kind }, problem.state ?? problem.word), meaning);
  replaceChildren(place, where(problem));
  replaceChildren(reason, why(problem));
}

function staleNotice({ error }) {
  if (!error) return notice("fault", "Slurm data is out of date");
  const times = `Loading has failed since ${formatDateTime(error.since)}.`;
  const data = `Showing data from ${formatDateTime(error.loaded_at)}.`;
  return notice("fault", "Slurm data is out of date", `${error.detail} ${times} ${data}`);
}

const fault = () => known.usageFault ?? known.nodesFault;
const isLoading = () => !fault() && (known.usage === null || known.nodes === null);

function notices(problems) {
  if (fault()) return [faultNotice(fault())];
  const { usage } = known;
  if (isLoading()) return [notice("loading", "Loading …")];
  if (usage.meta.stale) return [staleNotice(usage.meta)];
  if (problems.length > 0) return [];
  return [notice("fine", "✓ No problems", "All nodes respond and accept jobs, and all partitions are up.")];
}

// Problems of one kind wait for those of the other, because rows that arrive later would move them.
function knownProblems() {
  const { usage, nodes } = known;
  if (isLoading()) return [];
  const ofPartitions = usage ? partitionProblems(usage.data.partitions) : [];
  return sortedProblems([...(nodes ? nodeProblems(nodes) : []), ...ofPartitions]);
}

const problemCell = (kind) => h("td", { role: "cell", class: kind });

// Nothing scrolls in a box: problems that do not fit are counted, and a button shows them.
function fitProblems(number) {
  const [box, rest] = ["problem-list", "all-problems"].map(byId);
  box.classList.toggle("all", showsAll);
  const rows = [...byId("problems").tBodies[0].rows];
  const left = fitRows(box, rows, rest) + number - rows.length;
  rest.hidden = left === 0;
  const isWall = document.documentElement.classList.contains("kiosk");
  setText(rest, isWall ? `and ${count(left)} more` : `Show all ${plural(number, "problem")}`);
}

// A wall display has no scroll bar for partitions, either.
function fitPartitions() {
  const rest = byId("more-partitions");
  const left = fitRows(byId("job-list"), [...byId("jobs").tBodies[0].rows], rest);
  setText(rest, `and ${plural(left, "more partition")}`);
}

function fitAll() {
  fitPartitions();
  fitProblems(knownProblems().length);
}

let shownNotices = "";
function showProblems() {
  const problems = knownProblems();
  const table = byId("problems");
  table.hidden = problems.length === 0;
  const make = () => h("tr", { role: "row" }, ["state", "where", "why"].map(problemCell));
  keyed(table.tBodies[0], problems.slice(0, MAX_PROBLEMS), {
    key: (problem) => problem.key,
    make,
    update: fillProblem,
  });
  const blanks = notices(problems);
  const text = blanks.map((blank) => blank.textContent).join();
  if (text !== shownNotices || byId("notices").childElementCount !== blanks.length)
    replaceChildren(byId("notices"), blanks);
  shownNotices = text;
  fitProblems(problems.length);
  const { nodes } = known;
  setText(byId("problems-title"), nodes?.size ? `Problems (${plural(nodes.size, "node")})` : "Problems");
}

function showBar(name, share, text) {
  const [, big, meter, faint] = byId(name).children;
  setText(big, percent(share));
  setShare(meter, share ?? 0);
  setText(faint, text);
}

function showBars(data) {
  const nodes = Object.values(data.nodes_by_state).reduce((sum, number) => sum + number, 0);
  const allocated = (part, all, write = count) => `${write(part)} of ${write(all)} allocated`;
  showBar("load", data.total_load, `average of ${plural(nodes, "node")}`);
  showBar("cpu", ratio(data.alloc_cpus, data.total_cpus), allocated(data.alloc_cpus, data.total_cpus));
  showBar("mem", ratio(data.alloc_mem, data.total_mem), allocated(data.alloc_mem, data.total_mem, memory));
  const gpus = data.total_gpus > 0 ? allocated(data.alloc_gpus, data.total_gpus) : "No GPUs";
  showBar("gpu", ratio(data.alloc_gpus, data.total_gpus), gpus);
}

// The pending tasks of an array are one job.
const pendingText = (jobs, tasks) => (tasks > jobs ? `${count(jobs)} (${roughCount(tasks)} tasks)` : count(jobs));

function fillJobs(row, { jobs_running: running, jobs_pending: pending, tasks_pending: tasks }, load) {
  setText(row.children[1], count(running));
  setText(row.children[2], pendingText(pending, tasks));
  setText(row.children[3], percent(load));
  setShare(row.children[4].firstChild, load);
}

function jobRow([name]) {
  const link = h("a", { href: page("queue", { partition: name }) }, name);
  const numbers = [1, 2, 3].map(() => h("td", { class: "number" }));
  return h("tr", {}, h("th", { scope: "row" }, link), numbers, h("td", {}, h("div", { class: "meter" })));
}

function showJobs(data) {
  const partitions = Object.entries(data.partitions);
  partitions.sort(([one, a], [other, b]) => (b.priority ?? 0) - (a.priority ?? 0) || one.localeCompare(other));
  const update = (row, [, partition]) => fillJobs(row, partition, partition.partition_load);
  keyed(byId("jobs").tBodies[0], partitions, { key: ([name]) => name, make: jobRow, update });
  fillJobs(byId("jobs").tFoot.rows[0], data, data.total_load);
  fitPartitions();
}

// A node that does not respond looks like one that is down.
const stateClass = (word) => `part ${word.endsWith("*") ? "down" : withoutMark(word).toLowerCase()}`;

function stateItem([state]) {
  const link = h("a", { href: page("nodes", { state }) }, state);
  const part = h("span", { class: stateClass(state), "aria-hidden": "true" });
  return h("li", {}, part, link, " ", h("span", { class: "tally" }));
}

function showStates(data) {
  const states = Object.entries(data.nodes_by_state).sort(([, one], [, other]) => other - one);
  const all = states.reduce((sum, [, number]) => sum + number, 0);
  const key = ([state]) => state;
  keyed(byId("states-bar"), states, {
    key,
    make: ([state]) => h("span", { class: stateClass(state) }),
    update: (part, [, number]) => setShare(part, ratio(number, all) ?? 0),
  });
  const update = (item, [, number]) => setText(item.lastChild, count(number));
  keyed(byId("states"), states, { key, make: stateItem, update });
}

function showHour({ data }) {
  const [plot, ends, caption] = byId("hour").children;
  const until = now();
  const loads = data.map((sample) => sample.total_load);
  const top = Math.max(1, ...loads);
  const lines = pathsOf(data, { since: until - HOUR, until, top }).map((d) => svg("path", { d }));
  const picture = svg("svg", { viewBox: "0 0 1000 100", preserveAspectRatio: "none", "aria-hidden": "true" }, lines);
  plot.querySelector("svg")?.remove();
  plot.append(picture);
  const marks = [...plot.querySelectorAll("span")];
  for (const [index, mark] of marks.entries()) setText(mark, percent(top * (1 - index / 2)));
  setText(ends.firstChild, clock(until - HOUR));
  const range = `${percent(Math.min(...loads))} to ${percent(Math.max(...loads))}, last ${percent(loads.at(-1))}.`;
  setText(caption, data.length > 0 ? range : "The archive has no samples of the last hour.");
}

// The notice says who hides the sums of a cluster. Its gauges and tables would have no numbers.
function showSums(isAllowed) {
  for (const part of document.querySelectorAll(".bars, .jobs, .aside")) part.hidden = !isAllowed;
}

function start() {
  setCurlLine(apiUrl("usage", FIGURES));
  showProblems();
  const showAll = () => {
    showsAll = true;
    fitAll();
  };
  byId("all-problems").addEventListener("click", showAll);
  addEventListener("beforeprint", showAll);
  const sizes = new ResizeObserver(debounce(50, fitAll));
  for (const id of ["problem-list", "job-list"]) sizes.observe(byId(id));
  const update = (changes) => {
    Object.assign(known, changes);
    showProblems();
  };
  poll("usage", FIGURES, {
    onAnswer: (usage) => {
      update({ usage, usageFault: null });
      showSums(true);
      for (const show of [showBars, showJobs, showStates]) show(usage.data);
    },
    onFault: (usageFault) => {
      update({ usageFault });
      if (usageFault.status === 403) showSums(false);
    },
  });
  subscribe("nodes", PROBLEM_NODES, {
    onChange: (nodes) => update({ nodes, nodesFault: null }),
    onSame: () => update({ nodesFault: null }),
    onFault: (nodesFault) => update({ nodesFault }),
  });
  showMaintenance(byId("maintenance"));
  if (byId("hour") === null) return;
  poll(
    "load",
    { time: HOUR, fields: ["time", "total_load"] },
    {
      seconds: 60,
      onAnswer: showHour,
      onFault: (fault) => setText(byId("hour").lastElementChild, fault.message),
    },
  );
}

start();
