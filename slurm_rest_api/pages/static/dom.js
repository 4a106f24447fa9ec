// What pages write: elements, and numbers and times as people read them. Whatever comes from Slurm goes in as text: there is
// no way here to put markup in.

// An element with attributes and children. An attribute that is null, undefined or false is left out, true is an empty
// one; `on…` functions are listeners. Children are nodes, texts, numbers, or lists of these; null and false are left out.
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

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

export function replaceChildren(element, ...children) {
  element.replaceChildren(...nodes(children));
}

// Writes a text only where it differs, so that screen readers hear changes alone and a selection stays.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// A width in percent, the only style that scripts set: the policy of the pages forbids style attributes.
export function setShare(element, share) {
  element.style.setProperty("--share", `${(100 * Math.min(1, Math.max(0, share))).toFixed(1)}%`);
  return element;
}

// Makes the children of `parent` those of `items`, in their order. A child stays for as long as its key does, and so does
// whatever the reader does with it: make(item) is called for a new one, update(child, item) for each.
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

// Calls `work` once the last call is `milliseconds` old.
export function debounce(milliseconds, work) {
  let timer = null;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...given), milliseconds);
  };
}

// What stands in place of content: kind is "loading", "empty", "off" or "fault".
export function notice(kind, title, detail = "", ...more) {
  const role = kind === "fault" ? "alert" : "status";
  return h(
    "div",
    { class: `blank ${kind}`, role },
    h("p", { class: "blank-title" }, title),
    detail && h("p", {}, detail),
    ...more,
  );
}

export function faultNotice(fault) {
  const titles = {
    0: "No answer",
    400: "This question is not understood",
    401: "Log in first",
    403: "Not for you to see",
    404: "Not found",
  };
  return notice("fault", titles[fault.status] ?? "It does not work at present", fault.message);
}

const painted = new WeakMap();

// Draws `build()` into `element` only where `seen`, which it is made of, differs from the last time.
export function renderIfChanged(element, seen, build) {
  const text = JSON.stringify(seen);
  if (painted.get(element) === text) return;
  painted.set(element, text);
  replaceChildren(element, build());
}

// A titled list of facts: [term, value] pairs; those without a value are left out.
export function facts(title, pairs) {
  const known = pairs.filter(
    ([, value]) => value !== null && value !== undefined && value !== "" && value !== "–" && value?.length !== 0,
  );
  if (known.length === 0) return null;
  return h(
    "section",
    { class: "card" },
    h("h2", {}, title),
    h(
      "dl",
      { class: "facts" },
      known.map(([term, value]) => [h("dt", {}, term), h("dd", {}, value)]),
    ),
  );
}

export function tableOf(title, caption, heads, rows, numbers = []) {
  const head = heads.map((name, at) => h("th", { scope: "col", class: numbers.includes(at) ? "number" : null }, name));
  const cell = (value, at) =>
    at === 0 ? h("th", { scope: "row" }, value) : h("td", { class: numbers.includes(at) ? "number" : null }, value);
  const body = rows.map((row) => h("tr", {}, row.map(cell)));
  const table = h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, head)), h("tbody", {}, body));
  return h(
    "section",
    {},
    h("h2", {}, title),
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title }, table),
  );
}

// Numbers and times. What is unknown is a dash.

const NOTHING = "–";
const known = (value) => value !== null && value !== undefined && value !== "" && !Number.isNaN(value);

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const share = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 0 });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const clockTime = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });

export const count = (value) => (known(value) ? whole.format(value) : NOTHING);
export const percent = (value) => (known(value) ? share.format(value) : NOTHING);
export const ratio = (part, all) => (all > 0 ? part / all : null);

// MiB, as the API has them.
export function memory(mib) {
  if (!known(mib)) return NOTHING;
  if (typeof mib === "string") return mib.toLowerCase();
  const [value, unit] = mib < 1024 ? [mib, "MiB"] : mib < 1048576 ? [mib / 1024, "GiB"] : [mib / 1048576, "TiB"];
  return `${tenth.format(value)} ${unit}`;
}

export function bytes(value) {
  return value < 1048576 ? `${tenth.format(value / 1024)} KiB` : `${tenth.format(value / 1048576)} MiB`;
}

// Seconds as Slurm writes them: 1-02:03:04.
export function formatDuration(seconds) {
  if (!known(seconds)) return NOTHING;
  if (typeof seconds === "string") return seconds.toLowerCase();
  const rest = Math.max(0, Math.floor(seconds));
  const days = Math.floor(rest / 86400);
  const parts = [Math.floor((rest % 86400) / 3600), Math.floor((rest % 3600) / 60), rest % 60];
  return (days > 0 ? `${days}-` : "") + parts.map((part) => String(part).padStart(2, "0")).join(":");
}

// Seconds in words, roughly: "3 min".
export function approximate(seconds) {
  if (!known(seconds)) return NOTHING;
  const value = Math.max(0, seconds);
  if (value < 120) return `${Math.round(value)} s`;
  if (value < 7200) return `${Math.round(value / 60)} min`;
  return value < 172800 ? `${Math.round(value / 3600)} h` : `${Math.round(value / 86400)} days`;
}

const OUT_OF_SERVICE = ["DOWN", "ERROR", "FUTURE", "UNKNOWN"];
const NODE_WORDS = {
  ALLOCATED: "all CPUs are allocated",
  MIXED: "some CPUs are allocated, others are free",
  IDLE: "nothing runs here",
  DOWN: "out of service",
  DRAINED: "takes no new jobs, and none is left",
  DRAINING: "takes no new jobs; those that are left finish",
  FAIL: "expected to fail, takes no new jobs",
  ERROR: "in an error state",
  "NOT RESPONDING": "slurmd does not answer",
  MAINTENANCE: "reserved for maintenance",
  INVALID_REG: "registered with less than slurm.conf promises",
  UNKNOWN: "not seen since slurmctld started",
};

// A node's state, such as "IDLE*+DRAIN", in one word of sinfo's; what the word means, and whether it takes no jobs.
export function nodeState(state) {
  const [first, ...flags] = state.split("+");
  const silent = first.endsWith("*") || flags.includes("NOT_RESPONDING");
  const base = first.replace("*", "");
  const leaving = ["ALLOCATED", "MIXED"].includes(base) || flags.includes("COMPLETING");
  let word = base;
  if (flags.includes("DRAIN")) word = leaving ? "DRAINING" : "DRAINED";
  else if (flags.includes("FAIL")) word = "FAIL";
  else if (flags.includes("INVALID_REG")) word = "INVALID_REG";
  else if (silent && base !== "DOWN") word = "NOT RESPONDING";
  else if (flags.includes("MAINTENANCE")) word = "MAINTENANCE";
  const meaning = word === "DOWN" && silent ? "out of service; slurmd does not answer" : NODE_WORDS[word];
  const out = silent || OUT_OF_SERVICE.includes(base) || ["DRAINING", "DRAINED", "FAIL", "INVALID_REG"].includes(word);
  return { word, meaning: meaning ?? "", out };
}

// Epoch seconds in the reader's time zone; 0 is "not known" in Slurm.
export const formatDateTime = (epoch) => (known(epoch) && epoch > 0 ? moment.format(new Date(1000 * epoch)) : NOTHING);
export const clock = (epoch) => (known(epoch) && epoch > 0 ? clockTime.format(new Date(1000 * epoch)) : NOTHING);
export const now = () => Date.now() / 1000;
export const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;
