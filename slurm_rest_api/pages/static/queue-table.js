// The table of the queue: its columns, and rows with keys, changed in place, so that focus, selection and scroll survive
// every refresh. One module, because each more is one more request of the first view.

import { byId, count, formatDuration, h, memory, now, replaceChildren, setText } from "./dom.js";
import { jobLink, nodeLink, page } from "./frame.js";
import { baseState, gpus, holdsNodes, isPending, jobName, reason, runSeconds, stateChip, taskCount } from "./jobs.js";

const text = (field) => ({ text: (job) => job[field] ?? "–" });
const number = (field, write = count) => ({ number: true, text: (job) => write(job[field]) });
const choice = (field, filter) => ({
  ...text(field),
  node: (job) => job[field] && h("a", { href: page("queue", { [filter]: job[field] }) }, job[field]),
});

// A short moment: the time alone within a day, else with the date.
const ofDay = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const ofYear = new Intl.DateTimeFormat(undefined, {
  month: "short",
  day: "numeric",
  hour: "numeric",
  minute: "2-digit",
});

function moment(epoch) {
  if (!epoch) return "–";
  const date = new Date(1000 * epoch);
  return (date.toDateString() === new Date().toDateString() ? ofDay : ofYear).format(date);
}

function start(job) {
  if (!job.start_time) return "–";
  return isPending(job) ? `expected ${moment(job.start_time)}` : moment(job.start_time);
}

function why(job) {
  const { label, details } = reason(job.state_reason);
  return details ? `${label}: ${details}` : label || "–";
}

function places(job) {
  const names = job.nodes;
  return names && !/[[,]/.test(names) ? nodeLink(names) : null;
}

// A waiting record of an array stands for several tasks.
function idText(job) {
  const tasks = job.array_task_str ? taskCount(job.array_task_str) : 0;
  const waiting = tasks === 0 ? "" : ` (${tasks === null ? "many" : count(tasks)} ${tasks === 1 ? "task" : "tasks"})`;
  return job.array_task_str ? `${job.array_job_id}_[…]${waiting}` : jobName(job);
}

// By the API's name of the column's main field. `sort` says that the API can sort by it, `needs` which fields it reads.
export const COLUMNS = {
  job_id: {
    title: "Job",
    sort: true,
    text: idText,
    node: (job) => jobLink(job.array_task_str ? job.job_id : jobName(job), idText(job)),
  },
  name: { title: "Name", sort: true, long: true, ...text("name") },
  user_name: { title: "User", sort: true, ...choice("user_name", "user") },
  account: { title: "Account", sort: true, ...choice("account", "account") },
  partition: { title: "Partition", sort: true, ...choice("partition", "partition") },
  qos: { title: "QOS", sort: true, ...choice("qos", "qos") },
  job_state: { title: "State", sort: true, text: (job) => job.job_state, node: (job) => stateChip(job.job_state) },
  state_reason: { title: "Why", sort: true, long: true, text: why, hint: (job) => reason(job.state_reason).meaning },
  priority: { title: "Priority", sort: true, ...number("priority") },
  submit_time: { title: "Submitted", sort: true, number: true, text: (job) => moment(job.submit_time) },
  start_time: { title: "Start", sort: true, number: true, text: start },
  run_time: {
    title: "Run time",
    number: true,
    needs: ["start_time", "end_time", "suspend_time", "pre_sus_time"],
    text: (job, at) => formatDuration(runSeconds(job, at)),
    ticks: true,
  },
  time_limit: {
    title: "Limit",
    sort: true,
    ...number("time_limit", (minutes) => formatDuration(typeof minutes === "number" ? 60 * minutes : minutes)),
  },
  end_time: {
    title: "End",
    sort: true,
    number: true,
    needs: ["end_time"],
    text: (job) => (isPending(job) ? "–" : `${holdsNodes(job) ? "at most " : ""}${moment(job.end_time)}`),
  },
  num_nodes: { title: "Nodes", sort: true, ...number("num_nodes") },
  num_cpus: { title: "CPUs", sort: true, ...number("num_cpus") },
  memory: { title: "Memory", sort: true, ...number("memory", memory) },
  gpus: {
    title: "GPUs",
    number: true,
    needs: ["tres_alloc_str", "tres_req_str"],
    text: (job) => (gpus(job) ? count(gpus(job)) : "–"),
  },
  nodes: { title: "On", long: true, ...text("nodes"), node: places },
  dependency: { title: "Depends on", long: true, ...text("dependency") },
};
export const DEFAULT_COLUMNS =
  "job_id,name,user_name,partition,job_state,state_reason,start_time,run_time,time_limit,num_nodes,num_cpus,gpus,nodes";

// Fields that the rows need whatever is shown.
const ALWAYS = [
  "job_id",
  "job_state",
  "array_job_id",
  "array_task_id",
  "array_task_str",
  "het_job_id",
  "het_job_offset",
  "num_cpus",
];

// Those of the names in `chosen` that are columns, the job first; all that are usual where none is.
export function chosenColumns(chosen) {
  const known = chosen.split(",").filter((name) => Object.hasOwn(COLUMNS, name) && name !== "job_id");
  return ["job_id", ...(known.length > 0 ? new Set(known) : DEFAULT_COLUMNS.split(",").slice(1))];
}

export function fieldsOf(columns) {
  return [...new Set([...ALWAYS, ...columns.flatMap((name) => COLUMNS[name].needs ?? [name])])].join(",");
}

const MARK_SECONDS = 12;

// The rows to show, in order: {key, kind: "job" | "group" | "task", job | jobs}. Two and more records of an array on this
// page become one row, at the place of the first; `open` has the arrays whose records follow it.
export function arrange(jobs, folds, open) {
  const arrays = Map.groupBy ? Map.groupBy(jobs, (job) => job.array_job_id ?? null) : groups(jobs);
  const rows = [];
  const seen = new Set();
  for (const job of jobs) {
    const array = job.array_job_id ?? null;
    const members = arrays.get(array);
    if (!folds || array === null || members.length < 2) rows.push({ key: `${job.job_id}`, kind: "job", job });
    else if (!seen.has(array)) {
      seen.add(array);
      rows.push({ key: `array ${array}`, kind: "group", array, jobs: members, isOpen: open.has(String(array)) });
      if (open.has(String(array)))
        rows.push(...members.map((task) => ({ key: `${task.job_id}`, kind: "task", job: task })));
    }
  }
  return rows;
}

function groups(jobs) {
  const found = new Map();
  for (const job of jobs) {
    const array = job.array_job_id ?? null;
    if (!found.has(array)) found.set(array, []);
    found.get(array).push(job);
  }
  return found;
}

// "3 running, 30 pending": the tasks of an array on this page by state.
function tasksByState(jobs) {
  const sums = new Map();
  for (const job of jobs) {
    const state = baseState(job.job_state).toLowerCase().replaceAll("_", " ");
    sums.set(state, (sums.get(state) ?? 0) + (job.array_task_str ? (taskCount(job.array_task_str) ?? 1) : 1));
  }
  return [...sums].map(([state, number]) => `${count(number)} ${state}`).join(", ");
}

export function makeTable({ onSort, onFold }) {
  const [table, heads, body] = ["jobs", "heads", "rows"].map(byId);
  let columns = [];
  let shown = new Map();

  function setHeads(names, sort) {
    if (names.join() !== columns.join()) {
      columns = names;
      shown = new Map();
      replaceChildren(heads, names.map(head));
      replaceChildren(
        body,
        Array.from({ length: 12 }, () => h("tr", { class: "wait" }, h("td", { colspan: names.length }))),
      );
    }
    for (const cell of heads.children) {
      const field = sort.replace(/^-/, "");
      if (cell.dataset.field === field)
        cell.setAttribute("aria-sort", sort.startsWith("-") ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    }
  }

  function head(name) {
    const { title, sort, number } = COLUMNS[name];
    const label = sort
      ? h("button", { type: "button", onclick: () => onSort(name) }, title)
      : h("span", { class: "head" }, title);
    return h("th", { scope: "col", "data-field": name, class: number ? "number" : null }, label);
  }

  function setCell(cell, name, job, at) {
    const column = COLUMNS[name];
    const text = String(column.text(job, at));
    if (cell.dataset.text === text) return;
    cell.dataset.text = text;
    const node = column.node?.(job);
    if (node) replaceChildren(cell, node);
    else setText(cell, text);
    if (column.long) cell.title = column.hint?.(job) ? `${text}. ${column.hint(job)}` : text;
  }

  function makeRow({ key, kind }) {
    const cells = columns.map((name, at) => {
      const { number, long } = COLUMNS[name];
      return at === 0 ? h("th", { scope: "row" }) : h("td", { class: number ? "number" : long ? "long" : null });
    });
    return h("tr", { "data-key": key, class: kind }, cells);
  }

  function fillRow(row, entry, at) {
    row.className = entry.kind;
    if (entry.kind === "group") fillGroup(row, entry);
    else for (const [index, name] of columns.entries()) setCell(row.children[index], name, entry.job, at);
  }

  function fillGroup(row, { array, jobs, isOpen }) {
    const [first] = jobs;
    if (row.querySelector("button") === null) {
      const label = `tasks of array ${array} on this page`;
      replaceChildren(
        row.firstElementChild,
        h("button", { type: "button", class: "fold", "aria-label": label, onclick: () => onFold(String(array)) }),
        " ",
        h("a", { href: page("queue", { array }), title: "All tasks of this array" }, `${array}_[…]`),
      );
    }
    const button = row.querySelector("button");
    button.setAttribute("aria-expanded", String(isOpen));
    setText(button, isOpen ? "−" : "+");
    const said = { job_state: tasksByState(jobs), num_cpus: count(jobs.reduce((sum, job) => sum + job.num_cpus, 0)) };
    columns.slice(1).forEach((name, index) => {
      const cell = row.children[index + 1];
      if (said[name] !== undefined) setText(cell, said[name]);
      else if (jobs.every((job) => COLUMNS[name].text(job, 0) === COLUMNS[name].text(first, 0)))
        setCell(cell, name, first, 0);
      else if (cell.dataset.text !== "") {
        cell.dataset.text = "";
        setText(cell, "");
      }
    });
  }

  // Puts the rows in order by moving as few as possible; whatever had the focus has it afterwards.
  function place(wanted) {
    const focused = document.activeElement;
    let next = body.firstElementChild;
    for (const row of wanted) {
      while (next?.classList.contains("left")) next = next.nextElementSibling;
      if (row === next) next = next.nextElementSibling;
      else body.insertBefore(row, next);
    }
    if (focused !== document.activeElement && body.contains(focused)) focused.focus({ preventScroll: true });
  }

  // A row whose job is gone stays for a moment, struck through; one that only moved to another page goes at once.
  function retire(row, isGone) {
    if (!isGone || row.classList.contains("left")) {
      if (!isGone) row.remove();
      return;
    }
    row.className = "left";
    const state = row.children[columns.indexOf("job_state")] ?? row.firstElementChild;
    state.append(h("span", { class: "chip done" }, "left"));
    setTimeout(() => row.remove(), 1000 * MARK_SECONDS);
  }

  function show(rows, gone) {
    const at = now();
    const before = shown;
    shown = new Map();
    for (const row of body.querySelectorAll("tr.wait")) row.remove();
    for (const entry of rows) {
      const row = before.get(entry.key)?.row ?? makeRow(entry);
      fillRow(row, entry, at);
      shown.set(entry.key, { row, entry });
    }
    for (const [key, { row }] of before) if (!shown.has(key)) retire(row, gone.has(key));
    place([...shown.values()].map(({ row }) => row));
    table.setAttribute("aria-busy", "false");
  }

  // The clock of this page: only what ticks is written.
  function tick() {
    const at = now();
    const ticking = columns.map((name, index) => [name, index]).filter(([name]) => COLUMNS[name].ticks);
    for (const { row, entry } of shown.values()) {
      if (entry.kind !== "group")
        for (const [name, index] of ticking) setCell(row.children[index], name, entry.job, at);
    }
  }

  // No rows are left over from another question.
  function clear() {
    shown = new Map();
    replaceChildren(body);
    table.setAttribute("aria-busy", "false");
  }

  return { setHeads, show, tick, clear, busy: () => table.setAttribute("aria-busy", "true") };
}
