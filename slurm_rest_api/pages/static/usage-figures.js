// Usage by account and user: ranges of days, sums of /utilization and /history, CSV. No I/O, no document.

import { ratio } from "./format.js";
import { FAILED } from "./job-records.js";

export const DEFAULTS = { month: "", since: "", until: "", account: "", user: "", open: "" };
const MOST_DAYS_OF_BARS = 92;
const MONTHS = 24;
const DAY_MS = 86_400_000;
const RESOURCES = { cpu: "cpu_hours", "gres/gpu": "gpu_hours" };

const textOf = (date) => date.toISOString().slice(0, 10);
const dateOf = (text) => new Date(`${text}T00:00:00Z`);
const isDate = (text) => /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(dateOf(text).getTime());

/** Returns the months until `today` ("2026-11-27"), the latest first: ["2026-11", "2026-10", …]. */
export function monthsUntil(today) {
  const [year, month] = today.split("-").map(Number);
  return Array.from({ length: MONTHS }, (_, back) => textOf(new Date(Date.UTC(year, month - 1 - back, 1))).slice(0, 7));
}

/**
 * Returns the days of a state of the page: {since, until, days, step}. `until` is the day after the last one.
 *
 * The days have no UTC offset, so that the service takes those of its own time zone, as slurmdbd does.
 */
export function rangeOf(state, today) {
  let since = dateOf(`${/^\d{4}-(0[1-9]|1[0-2])$/.test(state.month) ? state.month : today.slice(0, 7)}-01`);
  let until = new Date(Date.UTC(since.getUTCFullYear(), since.getUTCMonth() + 1, 1));
  if (isDate(state.since)) {
    since = dateOf(state.since);
    const last = isDate(state.until) && state.until >= state.since ? state.until : today;
    until = new Date(Math.max(dateOf(last).getTime(), since.getTime()) + DAY_MS);
  }
  const days = Math.round((until - since) / DAY_MS);
  return { since: textOf(since), until: textOf(until), days, step: days > MOST_DAYS_OF_BARS ? "month" : "day" };
}

/** Returns the last day of a range. */
export const lastDay = ({ until }) => textOf(new Date(dateOf(until).getTime() - DAY_MS));

const failuresOf = (states) => FAILED.reduce((sum, state) => sum + (states[state] ?? 0), 0);

const hours = (seconds) => Number(seconds) / 3600;

function emptyRow(names) {
  return {
    ...names,
    cpu_hours: null,
    gpu_hours: null,
    jobs: null,
    failures: null,
    cpu_efficiency: null,
    mem_efficiency: null,
  };
}

/**
 * Returns rows by `key` ("account" or "user"): hours of /utilization, and jobs of the sums of /history.
 *
 * Without `usage` (null: the service does not read slurmdbd's usage) the hours are those of the job records, which
 * count in the range in which they ended. Without `sums` there are hours alone.
 */
export function rowsBy(key, usage, sums) {
  const rows = new Map();
  const rowOf = (name) => {
    if (!rows.has(name)) rows.set(name, emptyRow({ [key]: name }));
    return rows.get(name);
  };
  for (const record of usage ?? []) {
    const row = rowOf(record[key]);
    const field = RESOURCES[record.tres];
    if (field) row[field] = (row[field] ?? 0) + hours(record.allocated);
  }
  for (const sum of sums ?? []) {
    const row = rowOf(sum[key]);
    row.jobs = sum.jobs;
    row.failures = failuresOf(sum.states);
    row.cpu_efficiency = sum.cpu_efficiency;
    row.mem_efficiency = sum.mem_efficiency;
    if (usage === null) Object.assign(row, { cpu_hours: sum.cpu_hours, gpu_hours: sum.gpu_hours });
  }
  const byHours = (one, other) => (other.cpu_hours ?? 0) - (one.cpu_hours ?? 0);
  return [...rows.values()].sort(
    (one, other) => byHours(one, other) || String(one[key]).localeCompare(String(other[key])),
  );
}

/** Returns the sums of rows. Efficiency weighs by CPU hours. An unknown value of all rows is null. */
export function totalOf(rows) {
  const total = emptyRow({});
  for (const field of ["cpu_hours", "gpu_hours", "jobs", "failures"]) {
    const known = rows.filter((row) => row[field] !== null);
    if (known.length > 0) total[field] = known.reduce((sum, row) => sum + row[field], 0);
  }
  for (const field of ["cpu_efficiency", "mem_efficiency"]) {
    const known = rows.filter((row) => row[field] !== null && row.cpu_hours > 0);
    const weight = known.reduce((sum, row) => sum + row.cpu_hours, 0);
    total[field] = ratio(
      known.reduce((sum, row) => sum + row[field] * row.cpu_hours, 0),
      weight,
    );
  }
  return total;
}

/** Returns the bars of a graph for one TRES: {start, end, value, all} in hours; `all` is null unless it is known. */
export function barsOf(records, tres, account = "") {
  const bars = new Map();
  for (const record of records) {
    // The usage of an account includes that of the accounts below it.
    if (record.tres !== tres || (account !== "" && record.account !== account)) continue;
    const bar = bars.get(record.start) ?? { start: record.start, end: record.end, value: 0, all: null };
    bar.value += hours(record.allocated);
    if (record.reported !== undefined) bar.all = (bar.all ?? 0) + hours(record.reported);
    bars.set(record.start, bar);
  }
  return [...bars.values()].sort((one, other) => one.start - other.start);
}

/** Returns the rows of the users of these accounts, for CSV. `usage` is null as for `rowsBy`. */
export function csvRows(accounts, usage, sums) {
  return accounts.flatMap((account) => {
    const own = (records) => records?.filter((record) => record.account === account) ?? null;
    return rowsBy("user", own(usage), own(sums)).map((row) => ({ account, ...row }));
  });
}
