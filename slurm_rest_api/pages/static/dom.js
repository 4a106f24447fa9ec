// Makes and updates elements. Text from Slurm goes in as text: there is no way here to insert markup.

/**
 * Makes an element with attributes and children.
 *
 * An attribute that is null, undefined or false is left out, and true is an empty one. A function is a listener: its
 * name is "on" and the event. Children are nodes, texts, numbers or lists of these. Null and false are left out.
 */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** Makes an SVG element, with arguments as for `h`. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...nodes(children));
  return element;
}

function nodes(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

export const byId = (id) => document.getElementById(id);

/** Returns true if the navigation has a page: some need the accounting database or the archive. */
export const hasPage = (name) => document.querySelector(`header nav a[href$="pages/${name}"]`) !== null;

/** Replaces the children of an element. Children are as for `h`. */
export function replaceChildren(element, ...children) {
  element.replaceChildren(...nodes(children));
}

/** Sets the text of an element if it differs: screen readers then read changes only, and a selection stays. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Sets the share of a meter, 0 to 1. The only style that scripts set: the policy forbids style attributes. */
export function setShare(element, share) {
  element.style.setProperty("--share", `${(100 * Math.min(1, Math.max(0, share))).toFixed(1)}%`);
  return element;
}

/** Makes the meter of a share, 0 to 1; null if the share is not known. A text next to it says the same. */
export const meterOf = (share) =>
  share === null ? null : setShare(h("div", { class: "meter", "aria-hidden": "true" }), share);

/**
 * Makes the children of `parent` those of `items`, in their order.
 *
 * A child stays while its key does, with focus and selection: `make(item)` is called for a new key, `update(child,
 * item)` for each item.
 */
export function keyed(parent, items, { key, make, update }) {
  const known = new Map([...parent.children].map((child) => [child.dataset.key, child]));
  items.forEach((item, place) => {
    const name = String(key(item));
    const child = known.get(name) ?? make(item);
    known.delete(name);
    child.dataset.key = name;
    update(child, item);
    if (parent.children[place] !== child) parent.insertBefore(child, parent.children[place] ?? null);
  });
  for (const child of known.values()) child.remove();
}

/**
 * Lets `button` show and hide a form of filters, or a part of it. CSS hides the button on wide windows.
 *
 * Returns a function that shows the number of filters in use on the button.
 */
export function foldsOnPhone(button, form) {
  const label = button.textContent;
  button.addEventListener("click", () => {
    const isOpen = !form.classList.toggle("folded");
    button.setAttribute("aria-expanded", String(isOpen));
  });
  return (used) => setText(button, used > 0 ? `${label} (${used})` : label);
}

/**
 * Hides the last ones of `rows` if they do not fit into the height of `box`, and returns their number.
 *
 * `rest` is an element at the end of the box for the note about hidden rows.
 */
export function fitRows(box, rows, rest) {
  for (const row of rows) row.hidden = false;
  rest.hidden = true;
  if (rows.length === 0 || box.scrollHeight <= box.clientHeight) return 0;
  rest.hidden = false;
  const bottoms = rows.map((row) => row.getBoundingClientRect().bottom);
  const below = rest.getBoundingClientRect().bottom - bottoms.at(-1);
  const limit = box.getBoundingClientRect().bottom - below;
  const shown = Math.max(1, bottoms.filter((bottom) => bottom <= limit).length);
  for (const row of rows.slice(shown)) row.hidden = true;
  return rows.length - shown;
}

/** Returns a function that calls `work` once its last call is `milliseconds` old. */
export function debounce(milliseconds, work) {
  let timer = null;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...given), milliseconds);
  };
}

/** Replaces the children of an element if they differ. The focus stays on the same link or button of those in it. */
export function replaceKeepingFocus(element, ...children) {
  const fresh = element.cloneNode(false);
  replaceChildren(fresh, ...children);
  if (element.isEqualNode(fresh)) return;
  const places = () => [...element.querySelectorAll("a, button, [tabindex]")];
  const focused = places().indexOf(document.activeElement);
  element.replaceChildren(...fresh.childNodes);
  if (focused >= 0) places()[focused]?.focus();
}

const rendered = new WeakMap();

/** Renders `build()` into an element if `inputs` differ from those of the last call. */
export function renderIfChanged(element, inputs, build) {
  const text = JSON.stringify(inputs);
  if (rendered.get(element) === text) return;
  rendered.set(element, text);
  replaceChildren(element, build());
}

/** Makes a notice in place of content. `kind` is "loading", "empty", "off", "fine" or "fault". */
export function notice(kind, title, detail = "", ...more) {
  const role = kind === "fault" ? "alert" : "status";
  const titled = h("p", { class: "blank-title" }, title);
  return h("div", { class: `blank ${kind}`, role }, titled, detail && h("p", {}, withCode(detail)), ...more);
}

/** Makes the notice for an ApiError. */
export function faultNotice(fault) {
  const titles = {
    0: "No connection",
    400: fault.parameter ? "Invalid filter" : "Invalid request",
    401: "Log in first",
    403: "You don't have permission to view this",
    404: "Not found",
  };
  return notice("fault", titles[fault.status] ?? "Temporarily unavailable", fault.message);
}

/** Makes a card with a list of facts: [term, value] pairs. Pairs without a value are left out. */
export function facts(title, pairs) {
  const isEmpty = (value) => [null, undefined, "", "–"].includes(value) || value?.length === 0;
  const known = pairs.filter(([, value]) => !isEmpty(value));
  if (known.length === 0) return null;
  const list = known.map(([term, value]) => [h("dt", {}, term), h("dd", {}, value)]);
  return h("section", { class: "card" }, h("h2", {}, title), h("dl", { class: "facts" }, list));
}

const MOST_COLUMNS_OF_PHONES = 5;

// On a phone the rows of a wide table are cards (pages.css): roles keep the table, and values have labels.
function wideTable(table, heads) {
  table.className = "carded";
  const roles = { table: "table", thead: "rowgroup", tbody: "rowgroup", tr: "row", td: "cell" };
  for (const [tag, role] of Object.entries(roles))
    for (const element of [table, ...table.querySelectorAll("*")])
      if (element.localName === tag) element.setAttribute("role", role);
  for (const cell of table.querySelectorAll("th"))
    cell.setAttribute("role", cell.scope === "col" ? "columnheader" : "rowheader");
  for (const row of table.tBodies[0].rows) {
    for (const [at, cell] of [...row.cells].entries()) {
      cell.dataset.label = heads[at];
      cell.classList.toggle("what", heads[at] === "State");
      cell.classList.toggle("none", cell.textContent === "–");
    }
  }
}

/** Makes a section with a table. `numbers` has the indexes of columns that are aligned to the right. */
export function tableOf(title, caption, heads, rows, numbers = []) {
  const kind = (at) => (numbers.includes(at) ? "number" : null);
  const head = heads.map((name, at) => h("th", { scope: "col", class: kind(at) }, name));
  const cell = (value, at) => (at === 0 ? h("th", { scope: "row" }, value) : h("td", { class: kind(at) }, value));
  const body = rows.map((row) => h("tr", {}, row.map(cell)));
  const table = h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, head)), h("tbody", {}, body));
  if (heads.length > MOST_COLUMNS_OF_PHONES) wideTable(table, heads);
  const scroll = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title }, table);
  return h("section", {}, h("h2", {}, title), scroll);
}

/** Returns the parts of a sentence of the API or of the pages, in which backticks are around commands and names. */
export const withCode = (text) => text.split("`").map((part, at) => (at % 2 === 1 ? h("code", {}, part) : part));

/** Makes closed details whose content `load()` resolves to, when they are opened first. */
export function onDemand(summary, load) {
  const body = h("div");
  let isLoaded = false;
  const open = async ({ target }) => {
    if (!target.open || isLoaded) return;
    isLoaded = true;
    replaceChildren(body, notice("loading", "Loading …"));
    try {
      replaceChildren(body, await load());
    } catch (fault) {
      if (fault.name === "AbortError") return;
      isLoaded = false;
      replaceChildren(body, faultNotice(fault));
    }
  };
  return h("details", { class: "raw", ontoggle: open }, h("summary", {}, summary), body);
}
