// A table with a row for each record. Rows are changed in place, and are cards on a phone (`.stacked` in cluster.css).

import { h, keyed, replaceChildren } from "./dom.js";

// A table whose elements are laid out as blocks loses its roles, so they are written out.
function head({ title, number }) {
  return h("th", { scope: "col", role: "columnheader", class: number ? "number" : null }, title);
}

function makeRow(columns) {
  const cells = columns.map(({ title, number, wide }, at) => {
    const kind = [number && "number", wide && "wide"].filter(Boolean).join(" ") || null;
    if (at === 0) return h("th", { scope: "row", role: "rowheader" });
    return h("td", { role: "cell", class: kind, "data-label": title });
  });
  return h("tr", { role: "row" }, cells);
}

// Replaces the content of a cell if it differs, so that focus and selection stay.
function setContent(cell, content) {
  const fresh = cell.cloneNode(false);
  replaceChildren(fresh, content);
  if (!cell.isEqualNode(fresh)) cell.replaceChildren(...fresh.childNodes);
}

/**
 * Shows records as the rows of `table`, which has a caption, an empty head and an empty body in the page.
 *
 * @param {{title: string, cell: (record: object) => any, number?: boolean, wide?: boolean}[]} columns `cell` returns
 *   children as for `h`. A `number` is aligned to the right, a `wide` cell has a line of its own on a phone.
 * @param {(record: object) => string} key Returns the key of a record, which is unique in the table.
 */
export function showRecords(table, columns, records, key) {
  if (table.tHead.rows.length === 0) {
    for (const part of [table, table.tHead, table.tBodies[0]])
      part.setAttribute("role", part === table ? "table" : "rowgroup");
    table.tHead.append(h("tr", { role: "row" }, columns.map(head)));
  }
  const update = (row, record) => {
    for (const [at, { cell }] of columns.entries()) setContent(row.children[at], cell(record));
  };
  keyed(table.tBodies[0], records, { key, make: () => makeRow(columns), update });
}

/** Makes a section with a table of records. Columns and `key` are as for `showRecords`. */
export function recordTable(title, caption, columns, records, key) {
  const head = [h("caption", {}, h("span", {}, caption)), h("thead"), h("tbody")];
  const table = h("table", { class: "stacked" }, head);
  showRecords(table, columns, records, key);
  const scroll = h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title }, table);
  return h("section", {}, h("h2", {}, title), scroll);
}
