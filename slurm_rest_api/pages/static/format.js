// Formats numbers, sizes, times, GPUs and names of nodes for readers. No I/O, no document. An unknown value is a dash.

const UNKNOWN = "–";
const MEMORY_UNITS = ["MiB", "GiB", "TiB", "PiB"];
const isKnown = (value) => value !== null && value !== undefined && value !== "" && !Number.isNaN(value);

const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const compact = new Intl.NumberFormat(undefined, { notation: "compact", maximumSignificantDigits: 3 });
const tenth = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const share = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 0 });
const dateTime = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const timeOfDay = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const shortTime = new Intl.DateTimeFormat(undefined, { timeStyle: "short" });
const shortDateTime = new Intl.DateTimeFormat(undefined, {
  month: "short",
  day: "numeric",
  hour: "numeric",
  minute: "2-digit",
});

/** Returns a number with thousands separators and no decimals. */
export const count = (value) => (isKnown(value) ? whole.format(value) : UNKNOWN);

/** Returns a number from 100,000 on with three digits ("1.62M"), smaller ones as `count`. */
export const roughCount = (value) => (isKnown(value) && value >= 100_000 ? compact.format(value) : count(value));

/** Returns a share between 0 and 1 as percent. */
export const percent = (value) => (isKnown(value) ? share.format(value) : UNKNOWN);

/** Returns part / all; null where `all` is not above 0. */
export const ratio = (part, all) => (all > 0 ? part / all : null);

/** Returns "1 job", "2 jobs", "1,000 jobs". */
export const plural = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;

/** Returns MiB as MiB, GiB, TiB or PiB. The API's words, such as "UNLIMITED", are returned in lower case. */
export function memory(mib) {
  if (!isKnown(mib)) return UNKNOWN;
  if (typeof mib === "string") return mib.toLowerCase();
  const power = Math.min(MEMORY_UNITS.length - 1, mib < 1024 ? 0 : Math.floor(Math.log2(mib) / 10));
  return `${tenth.format(mib / 1024 ** power)} ${MEMORY_UNITS[power]}`;
}

/** Returns bytes as KiB or MiB. */
export function bytes(value) {
  return value < 1048576 ? `${tenth.format(value / 1024)} KiB` : `${tenth.format(value / 1048576)} MiB`;
}

/** Returns seconds as sacct writes them: 1-02:03:04. The API's words are returned in lower case. */
export function formatDuration(seconds) {
  if (!isKnown(seconds)) return UNKNOWN;
  if (typeof seconds === "string") return seconds.toLowerCase();
  const rest = Math.max(0, Math.floor(seconds));
  const days = Math.floor(rest / 86400);
  const parts = [Math.floor((rest % 86400) / 3600), Math.floor((rest % 3600) / 60), rest % 60];
  return (days > 0 ? `${days}-` : "") + parts.map((part) => String(part).padStart(2, "0")).join(":");
}

/** Returns seconds in one rounded unit: "3 min". */
export function approximate(seconds) {
  if (!isKnown(seconds)) return UNKNOWN;
  const value = Math.max(0, seconds);
  if (value < 120) return `${Math.round(value)} s`;
  if (value < 7200) return `${Math.round(value / 60)} min`;
  return value < 172800 ? `${Math.round(value / 3600)} h` : `${Math.round(value / 86400)} days`;
}

/** Returns a time limit of the API (minutes, or a word such as "UNLIMITED") as a duration. */
export const formatLimit = (minutes) => formatDuration(typeof minutes === "number" ? 60 * minutes : minutes);

// Slurm writes 0 for a time that is not known.
const format = (formatter, epoch) => (isKnown(epoch) && epoch > 0 ? formatter.format(new Date(1000 * epoch)) : UNKNOWN);

/** Returns epoch seconds as date and time in the reader's time zone. */
export const formatDateTime = (epoch) => format(dateTime, epoch);

/** Returns epoch seconds as the time of day, with seconds. */
export const clock = (epoch) => format(timeOfDay, epoch);

/** Returns epoch seconds as the time of day, with the date where that is not today. */
export function shortDate(epoch, at = now()) {
  const day = (seconds) => new Date(1000 * seconds).toDateString();
  return format(isKnown(epoch) && day(epoch) === day(at) ? shortTime : shortDateTime, epoch);
}

/** Returns the current time in epoch seconds. */
export const now = () => Date.now() / 1000;

/** Returns the name of the reader's time zone. */
export const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

/**
 * Returns the number of GPUs in a list of GRES: ["gpu:a100:4(S:0-1)", "shard:8"] has 4.
 *
 * An entry without a type includes the GPUs of those with one. A count that is left out is 1.
 */
export function gpuCount(gres) {
  const sums = { typed: 0, untyped: 0 };
  for (const text of Array.isArray(gres) ? gres : []) {
    const [name, ...parts] = text.split("(")[0].split(":");
    if (name !== "gpu") continue;
    const counted = /^\d+$/.test(parts.at(-1) ?? "");
    const typed = parts.length > (counted ? 1 : 0);
    sums[typed ? "typed" : "untyped"] += counted ? Number(parts.at(-1)) : 1;
  }
  return Math.max(sums.typed, sums.untyped);
}

const SIGNALS = {
  1: "HUP",
  2: "INT",
  3: "QUIT",
  4: "ILL",
  6: "ABRT",
  7: "BUS",
  8: "FPE",
  9: "KILL",
  11: "SEGV",
  13: "PIPE",
  15: "TERM",
  24: "XCPU",
  25: "XFSZ",
};

/** Returns how a job or step ended: "exit 1", "signal 9 (KILL)", or "" for success. */
export function exitOf({ exit_code: code, exit_signal: signal }) {
  if (signal > 0) return SIGNALS[signal] ? `signal ${signal} (${SIGNALS[signal]})` : `signal ${signal}`;
  return code > 0 ? `exit ${code}` : "";
}
