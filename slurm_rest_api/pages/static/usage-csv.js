// Usage as CSV. Loaded when the button is used.

import { h } from "./dom.js";

const CSV = ["account", "user", "cpu_hours", "gpu_hours", "jobs", "failures", "cpu_efficiency", "mem_efficiency"];
const quoted = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** Returns rows with account and user as CSV, by RFC 4180. */
export function csvOf(rows) {
  const cell = (value) => quoted(typeof value === "number" ? String(Number(value.toFixed(4))) : String(value ?? ""));
  return [CSV, ...rows.map((row) => CSV.map((name) => row[name]))]
    .map((row) => `${row.map(cell).join(",")}\r\n`)
    .join("");
}

/** Saves rows as a file. */
export function saveCsv(rows, name) {
  const file = URL.createObjectURL(new Blob([csvOf(rows)], { type: "text/csv" }));
  h("a", { href: file, download: name }).click();
  URL.revokeObjectURL(file);
}
