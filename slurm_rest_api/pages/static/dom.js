// Makes elements. Whatever comes from Slurm goes in as text: there is no way here to put markup in.

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

export function put(element, ...children) {
  element.replaceChildren(...nodes(children));
}

// Writes a text only where it differs, so that screen readers hear changes alone and a selection stays.
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// A width in percent, the only style that scripts set: the policy of the pages forbids style attributes.
export function widen(element, share) {
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
export function calm(milliseconds, work) {
  let timer = null;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...given), milliseconds);
  };
}

// What stands in place of content: kind is "loading", "empty", "off" or "fault".
export function notice(kind, title, detail = "", ...more) {
  const role = kind === "fault" ? "alert" : "status";
  return h("div", { class: `blank ${kind}`, role }, h("p", { class: "blank-title" }, title), detail && h("p", {}, detail), ...more);
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
