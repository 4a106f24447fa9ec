// The rows of the tree of accounts, with the roles of a tree view (WAI-ARIA).

import { h, keyed, meterOf, renderIfChanged } from "./dom.js";
import { count, percent, plural } from "./format.js";
import { fullest, groupLimits, limitWords } from "./limit-use.js";

// The fullest limit is shown from this share on.
const MUCH = 0.5;

const span = (kind, text) => (text ? h("span", { class: kind }, text) : null);

function jobsText(jobs) {
  if (jobs === null) return [];
  const { running, pending } = jobs;
  return [running.tasks && `${count(running.tasks)} running`, pending.tasks && `${count(pending.tasks)} pending`];
}

const joined = (parts) => parts.filter(Boolean).join(", ");

// The texts of a row: {about, figures, use, share}.
function textsOf(row, { tree, sumsOf, chosen, jobs }) {
  if (row.kind === "account") {
    const account = tree.accounts.get(row.name);
    const sums = sumsOf(row.name);
    const most = fullest(groupLimits(account, sums));
    const users = account.user_count > 0 && plural(account.user_count, "user");
    const figures = joined([users, ...jobsText(sums)]);
    if (most === null || most.share < MUCH) return { about: account.description, figures };
    const use = `${percent(most.share)} of: ${limitWords(most, "with all accounts below")}`;
    return { about: account.description, figures, use, share: most.share };
  }
  const ofUser = row.kind === "user" && row.account === chosen.name && jobs;
  return { figures: ofUser ? joined(jobsText(ofUser(row.name))) : "" };
}

function content({ kind, name, level, isOpen }, { about, figures, use, share }) {
  const indent = Array.from({ length: level - 1 }, () => h("span", { class: "indent", "aria-hidden": "true" }));
  const mark = h("span", { class: "mark", "aria-hidden": "true" }, { true: "▾", false: "▸" }[isOpen] ?? "");
  return [
    ...[indent, mark, span(kind === "user" ? "member" : kind, name), span("faint", about)],
    span("faint figures", figures),
    use && h("span", { class: "use" }, meterOf(share), span("faint", use)),
  ];
}

function isChosen({ kind, name, account }, chosen) {
  return kind !== "note" && account === chosen.name && (kind === "user" ? name : "") === chosen.user;
}

function update(item, row, known) {
  const attributes = {
    "aria-level": row.level,
    "aria-setsize": row.size,
    "aria-posinset": row.position,
    "aria-expanded": row.isOpen,
    "aria-selected": isChosen(row, known.chosen),
    tabindex: row.key === known.active ? 0 : -1,
  };
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null) item.removeAttribute(name);
    else item.setAttribute(name, value);
  }
  const texts = textsOf(row, known);
  renderIfChanged(item, [row.name, row.level, row.isOpen, texts], () => content(row, texts));
}

/**
 * Shows rows (of account-tree.js) in the list of a tree.
 *
 * @param {object} known `tree`; `sumsOf(name)`: sums of an account for limits, null: not known; `chosen`: {name, user};
 *   `jobs`: the function from a user of the chosen account to sums, null: not known; `active`: key of the row with the
 *   focus.
 */
export function showRows(list, rows, known) {
  const make = () => h("li", { role: "treeitem" });
  keyed(list, rows, { key: ({ key }) => key, make, update: (item, row) => update(item, row, known) });
}

/** Moves the focus to a row. The others stay as they are: there may be a thousand. */
export function focusRow(list, key) {
  for (const item of list.querySelectorAll("[tabindex='0']")) item.tabIndex = -1;
  const item = [...list.children].find(({ dataset }) => dataset.key === key);
  item.tabIndex = 0;
  item.focus();
}
