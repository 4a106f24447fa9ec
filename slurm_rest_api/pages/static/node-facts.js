// The states of nodes in sinfo's words, and their GPUs. No I/O, no document.

import { NODE_MARKS, NODE_STATES_OUT, NODE_STATES_WITH_JOBS, WORDS_FOR_IDLE } from "./slurm-vocabulary.js";

const MEANINGS = {
  ALLOCATED: "all CPUs are allocated",
  MIXED: "some CPUs are allocated, others are free",
  IDLE: "no jobs running",
  DOWN: "out of service",
  DRAINED: "drained: no jobs running",
  DRAINING: "draining: accepts no new jobs, running jobs finish",
  FAIL: "expected to fail, accepts no new jobs",
  FAILING: "expected to fail, accepts no new jobs, running jobs finish",
  ERROR: "in an error state",
  MAINT: "reserved for maintenance",
  INVAL: "registered with less than slurm.conf says",
  UNKNOWN: "not seen since slurmctld started",
  FUTURE: "defined for later use",
};

const FLAG_MEANINGS = {
  CLOUD: "a cloud node",
  COMPLETING: "cleaning up after a job",
  PLANNED: "planned for a job",
  POWERED_DOWN: "powered down to save energy",
  POWERING_DOWN: "powering down",
  POWERING_UP: "powering up",
  REBOOT_ISSUED: "rebooting",
  REBOOT_REQUESTED: "to be rebooted",
  RESERVED: "in a reservation",
};

/** States and flags of the filter of nodes, with their texts. */
export const STATE_FILTERS = [
  ["", "all"],
  ["AVAILABLE", "available for jobs"],
  ["IDLE", "idle"],
  ["MIXED", "mixed"],
  ["ALLOCATED", "allocated"],
  ["DOWN", "down"],
  ["NOT_RESPONDING", "not responding"],
  ["DRAIN", "draining or drained"],
  ["FAIL", "failing"],
  ["COMPLETING", "completing"],
  ["MAINTENANCE", "maintenance"],
  ["RESERVED", "reserved"],
  ["PLANNED", "planned"],
  ["POWERED_DOWN", "powered down"],
];

/** Returns the number of nodes by partition, and by state or flag: {partition: Map, state: Map}. */
export function filterCounts(nodes) {
  const counts = { partition: new Map(), state: new Map() };
  const add = (kind) => (word) => counts[kind].set(word, (counts[kind].get(word) ?? 0) + 1);
  for (const { partitions, state_base: base, state_flags: flags } of nodes) {
    partitions.forEach(add("partition"));
    new Set([base, ...flags]).forEach(add("state"));
  }
  return counts;
}

const isBusy = (base) => base === "ALLOCATED" || base === "MIXED";

function wordOfBase(base, mark, has) {
  if (base === "ALLOCATED" && mark === "" && has("COMPLETING")) return "ALLOCATED+";
  if (base !== "ALLOCATED" && base !== "DOWN" && has("COMPLETING")) return `COMPLETING${mark}`;
  if (base === "UNKNOWN") return mark === "*" ? "UNKNOWN*" : base;
  if (base === "IDLE" && mark === "") return WORDS_FOR_IDLE.find(has) ?? base;
  if (base === "MIXED" && mark === "" && has("PLANNED")) return "MIXED-";
  return base + mark;
}

/** Returns sinfo's word (`%T`) for a node in capital letters: "DRAINING*", "MAINT", "IDLE~". */
export function nodeWord({ state_base: base, state_flags: flags }) {
  const has = (flag) => flags.includes(flag);
  const running = [base, ...flags].some((word) => NODE_STATES_WITH_JOBS.includes(word));
  const mark = NODE_MARKS[Object.keys(NODE_MARKS).find(has)] ?? "";
  const star = has("NOT_RESPONDING") ? "*" : "";
  if (has("INVALID_REG")) return "INVAL";
  if (has("MAINTENANCE") && !has("DRAIN") && !isBusy(base) && base !== "DOWN") return `MAINT${star}`;
  if (has("REBOOT_ISSUED") && !isBusy(base)) return "REBOOT^";
  if (has("REBOOT_REQUESTED") && !isBusy(base)) return `REBOOT${star}`;
  if (has("DRAIN")) return (running ? "DRAINING" : "DRAINED") + mark;
  if (has("FAIL")) return (running ? "FAILING" : "FAIL") + star;
  return wordOfBase(base, mark, has);
}

/** Returns a word of sinfo without its mark: "DOWN*" is DOWN. */
export const withoutMark = (word) => word.replace(/[*~#!%$@^+-]$/, "");

/**
 * Returns what the state of a node means to its readers.
 *
 * @param {{state_base: string, state_flags: string[]}} node
 * @returns {{word: string, meaning: string, out: boolean}} `word` is sinfo's word for base and flags together. `out`
 *   is true where the node accepts no new jobs.
 */
export function nodeState(node) {
  const { state_base: base, state_flags: flags } = node;
  const silent = flags.includes("NOT_RESPONDING");
  const word = nodeWord(node);
  const bare = withoutMark(word);
  const meaning = MEANINGS[bare] ?? MEANINGS[base] ?? "";
  const leaving = ["DRAINING", "DRAINED", "FAIL", "FAILING", "INVAL"].includes(bare) || flags.includes("MAINTENANCE");
  return {
    word,
    meaning: silent ? [meaning, "slurmd does not respond"].filter(Boolean).join(", ") : meaning,
    out: silent || leaving || NODE_STATES_OUT.includes(base),
  };
}

/** Returns the meaning of a node's state and of its other flags, with commas. */
export function stateInWords(node) {
  const flags = node.state_flags.map((flag) => FLAG_MEANINGS[flag]);
  return [nodeState(node).meaning, ...flags].filter(Boolean).join(", ");
}

/** Returns the colour of a node's state: "bad", "old" (draining, in maintenance) or "good". */
export function stateTone(node) {
  const { state_flags: flags } = node;
  const { out } = nodeState(node);
  const leaves = (flags.includes("DRAIN") || flags.includes("MAINTENANCE")) && !flags.includes("NOT_RESPONDING");
  if (leaves && !NODE_STATES_OUT.includes(node.state_base)) return "old";
  return out ? "bad" : "good";
}

/** Returns the memory in MiB that jobs can have on a node. */
export const memoryForJobs = (node) => node.real_memory - (node.mem_spec_limit ?? 0);
