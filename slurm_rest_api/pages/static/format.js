// Numbers and times as people read them. What is unknown is a dash.

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
export function span(seconds) {
  if (!known(seconds)) return NOTHING;
  if (typeof seconds === "string") return seconds.toLowerCase();
  const rest = Math.max(0, Math.floor(seconds));
  const days = Math.floor(rest / 86400);
  const parts = [Math.floor((rest % 86400) / 3600), Math.floor((rest % 3600) / 60), rest % 60];
  return (days > 0 ? `${days}-` : "") + parts.map((part) => String(part).padStart(2, "0")).join(":");
}

// Seconds in words, roughly: "3 min".
export function roughly(seconds) {
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
export const when = (epoch) => (known(epoch) && epoch > 0 ? moment.format(new Date(1000 * epoch)) : NOTHING);
export const clock = (epoch) => (known(epoch) && epoch > 0 ? clockTime.format(new Date(1000 * epoch)) : NOTHING);
export const now = () => Date.now() / 1000;
export const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;
