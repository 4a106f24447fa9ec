// The table of the queue. Rows have keys and are changed in place, so that focus, selection and scroll stay.

import { byId, h, replaceChildren, setText } from "./dom.js";
import { count, now } from "./format.js";
import { page } from "./frame.js";
import { cpusOfTasks, tasksByState } from "./jobs.js";
import { COLUMNS } from "./queue-columns.js";

const MARK_SECONDS = 12;

/**
 * Makes the table.
 *
 * `onSort(column)` is called for a click on a header, `onFold(array)` for one on the button of a job array.
 */
export function makeTable({ onSort, onFold }) {
  const [table, heads, body] = ["jobs", "heads", "rows"].map(byId);
  let columns = [];
  let shown = new Map();
  const setBusy = (isBusy) => table.setAttribute("aria-busy", String(isBusy));

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
    const kind = number ? "number" : null;
    return h("th", { role: "columnheader", scope: "col", "data-field": name, class: kind }, label);
  }

  function setCell(cell, name, job, at) {
    const column = COLUMNS[name];
    const text = String(column.text(job, at));
    if (cell.dataset.text === text) return;
    cell.dataset.text = text;
    const node = column.node?.(job, at);
    if (column.ticks && cell.firstElementChild) setText(cell.firstElementChild, text);
    else if (node) replaceChildren(cell, node);
    else setText(cell, text);
    if (column.long) cell.title = text;
  }

  function makeRow({ key, kind }) {
    const cells = columns.map((name, at) => {
      const { number, long, wraps, title } = COLUMNS[name];
      if (at === 0) return h("th", { role: "rowheader", scope: "row" });
      // On a phone rows are cards, where each value has its label in front.
      const field = { role: "cell", "data-field": name, "data-label": title };
      const kinds = [number && "number", long && "long", wraps && "wraps"].filter(Boolean);
      return h("td", { ...field, class: kinds.join(" ") || null });
    });
    return h("tr", { role: "row", "data-key": key, class: kind }, cells);
  }

  function fillRow(row, entry, at) {
    row.className = entry.kind;
    if (entry.kind === "group") fillGroup(row, entry);
    else for (const [index, name] of columns.entries()) setCell(row.children[index], name, entry.job, at);
  }

  function fillGroup(row, { array, jobs, isOpen }) {
    const [first] = jobs;
    if (row.querySelector("button") === null) {
      const label = `Tasks of array ${array} on this page`;
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
    const sums = { job_state: tasksByState(jobs), num_cpus: count(cpusOfTasks(jobs)) };
    const textOf = (name, job) => (COLUMNS[name].ticks ? job.job_id : COLUMNS[name].text(job, 0));
    const isSame = (name) => jobs.every((job) => textOf(name, job) === textOf(name, first));
    columns.slice(1).forEach((name, index) => {
      const cell = row.children[index + 1];
      if (sums[name] !== undefined) setText(cell, sums[name]);
      else if (isSame(name)) setCell(cell, name, first, 0);
      else if (cell.dataset.text !== "") {
        cell.dataset.text = "";
        setText(cell, "");
      }
    });
  }

  // Puts the rows in order with as few moves as possible, and restores the focus.
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

  // A row whose job is gone stays for some seconds, struck through. One that moved to another page goes at once.
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
    setBusy(false);
  }

  // Updates the cells that change every second, in the rows that are in view.
  function tick() {
    const at = now();
    const inView = ({ top, bottom }) => bottom > 0 && top < innerHeight;
    const ticking = columns.map((name, index) => [name, index]).filter(([name]) => COLUMNS[name].ticks);
    for (const { row, entry } of shown.values()) {
      if (entry.kind !== "group" && inView(row.getBoundingClientRect()))
        for (const [name, index] of ticking) setCell(row.children[index], name, entry.job, at);
    }
  }

  // Removes the rows of other filters.
  function clear() {
    shown = new Map();
    replaceChildren(body);
    setBusy(false);
  }

  return { setHeads, show, tick, clear, busy: () => setBusy(true), idle: () => setBusy(false) };
}
