// The table of limits with what is used of each.

import { h, meterOf } from "./dom.js";
import { percent } from "./format.js";
import { amountText, limitName, limitWords, usedText } from "./limit-use.js";
import { recordTable } from "./record-table.js";

function usedCell(limit) {
  return limit.used === null ? "–" : [`${usedText(limit)} (${percent(limit.share)})`, meterOf(limit.share)];
}

/**
 * Makes the table of limits: {name, tres, value, used, share, isRelative?, group?, by?} each.
 *
 * @param {string | null} holder The head of the first column, which has `holder` of each limit; null for none.
 * @param {string | null} by The head of the last column, which has `by` of each limit; null for none.
 */
export function limitTable(title, caption, limits, { holder = null, by = null } = {}) {
  const words = (limit) => [limitWords(limit, limit.group), h("span", { class: "explanation" }, limitName(limit))];
  const columns = [
    holder && { title: holder, cell: (limit) => limit.holder },
    { title: "What is limited", cell: words },
    { title: "Limit", cell: (limit) => amountText(limit, limit.value), number: true },
    { title: "In use", cell: usedCell, number: true },
    by && { title: by, cell: (limit) => limit.by },
  ].filter(Boolean);
  return recordTable(title, caption, columns, limits, (limit) => `${limit.key ?? ""} ${limitName(limit)}`);
}
