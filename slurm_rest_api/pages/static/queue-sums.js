// The sums above and below the rows of the queue: its jobs by state, as cards that choose one, and by reason.

import { getJson } from "./api-client.js";
import { byId, h, notice, replaceChildren } from "./dom.js";
import { count, plural } from "./format.js";
import { page } from "./frame.js";
import { reason } from "./job-reasons.js";
import { fullState, stateText } from "./jobs.js";

const ALWAYS_SHOWN_STATES = ["RUNNING", "PENDING"];

function card(name, { count: number, cpus, gpus }, chosen, onChoose) {
  const isChosen = chosen === name;
  const choose = () => onChoose(isChosen ? "" : name);
  return h(
    "button",
    { type: "button", "aria-pressed": String(isChosen), "data-state": name, onclick: choose },
    h("span", { class: "label" }, name === "" ? "all" : stateText(name)),
    h("strong", {}, count(number)),
    h("span", { class: "sums" }, plural(cpus, "CPU")),
    h("span", { class: "sums" }, gpus ? plural(gpus, "GPU") : ""),
  );
}

/**
 * Loads the number of jobs in each state, for the other filters, and shows them as cards.
 *
 * `onChoose(state)` is called for a click on a card, with "" for all states.
 */
export async function showStates(path, filters, { signal, onChoose }) {
  const { data } = await getJson(path, { ...filters, state: "", group_by: "state" }, { signal });
  const none = { count: 0, cpus: 0, gpus: 0 };
  const sums = { ...none };
  for (const group of Object.values(data)) for (const name of Object.keys(sums)) sums[name] += group[name];
  const names = [...new Set([...ALWAYS_SHOWN_STATES, ...Object.keys(data)])];
  const chosen = fullState(filters.state);
  const cards = names.map((name) => card(name, data[name] ?? none, chosen, onChoose));
  const focused = document.activeElement?.closest?.("#summary button")?.dataset.state;
  replaceChildren(byId("summary"), card("", sums, chosen, onChoose), cards);
  if (focused !== undefined) byId("summary").querySelector(`[data-state="${focused}"]`)?.focus({ preventScroll: true });
}

function reasonRow([name, group], filters) {
  const { label } = reason(name);
  const given = Object.entries(filters).filter(([, value]) => value !== "");
  const link = h("a", { href: page("queue", { ...Object.fromEntries(given), reason: name }) }, name);
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, link),
    h("td", {}, label === name ? "–" : label),
    h("td", { class: "number" }, count(group.count)),
  );
}

/** Loads the number of pending jobs for each reason, and shows them as a table. */
export async function showReasons(path, filters) {
  const { data } = await getJson(path, { ...filters, state: filters.state || "PD", group_by: "reason" });
  const groups = Object.entries(data).filter(([name]) => name !== "None" && name !== "(null)");
  groups.sort(([, one], [, other]) => other.count - one.count);
  if (groups.length === 0) {
    replaceChildren(byId("why"), notice("empty", "No pending job has a reason"));
    return;
  }
  const head = (title) => h("th", { scope: "col", class: title === "Jobs" ? "number" : null }, title);
  const heads = ["Reason", "Summary", "Jobs"].map(head);
  const caption = h("caption", {}, "The most common first, with links to their jobs.");
  const body = h(
    "tbody",
    {},
    groups.map((group) => reasonRow(group, filters)),
  );
  const reasons = h("table", {}, caption, h("thead", {}, h("tr", {}, heads)), body);
  const region = { class: "scroll", tabindex: "0", role: "region", "aria-label": "Reasons" };
  replaceChildren(byId("why"), h("div", region, reasons));
}
