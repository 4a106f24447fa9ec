// The states of nodes in sinfo's words, and their GPUs. No I/O, no document.

import { NODE_STATES_OUT, NODE_STATES_WITH_JOBS } from "./slurm-vocabulary.js";

const MEANINGS = {
  ALLOCATED: "all CPUs are allocated",
  MIXED: "some CPUs are allocated, others are free",
  IDLE: "no jobs running",
  DOWN: "out of service",
  DRAINED: "drained: no jobs running",
  DRAINING: "draining: accepts no new jobs, running jobs finish",
  FAIL: "expected to fail, accepts no new jobs",
  ERROR: "in an error state",
  "NOT RESPONDING": "slurmd does not respond",
  MAINTENANCE: "reserved for maintenance",
  INVALID_REG: "registered with less than slurm.conf says",
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

/**
 * Returns what the state of a node means to its readers.
 *
 * @param {{state_base: string, state_flags: string[]}} node
 * @returns {{word: string, meaning: string, out: boolean}} `word` is sinfo's word for base and flags together. `out`
 *   is true where the node accepts no new jobs.
 */
export function nodeState({ state_base: base, state_flags: flags }) {
  const has = (flag) => flags.includes(flag);
  const silent = has("NOT_RESPONDING");
  const running = [base, ...flags].some((word) => NODE_STATES_WITH_JOBS.includes(word));
  let word = base;
  if (has("DRAIN")) word = running ? "DRAINING" : "DRAINED";
  else if (has("FAIL")) word = "FAIL";
  else if (has("INVALID_REG")) word = "INVALID_REG";
  else if (silent && base !== "DOWN") word = "NOT RESPONDING";
  else if (has("MAINTENANCE")) word = "MAINTENANCE";
  const meaning = word === "DOWN" && silent ? "out of service, slurmd does not respond" : (MEANINGS[word] ?? "");
  const leaving = ["DRAINING", "DRAINED", "FAIL", "INVALID_REG"].includes(word);
  return { word, meaning, out: silent || leaving || NODE_STATES_OUT.includes(base) };
}

/** Returns the meaning of a node's state and of its other flags, with commas. */
export function stateInWords(node) {
  const flags = node.state_flags.map((flag) => FLAG_MEANINGS[flag]);
  return [nodeState(node).meaning, ...flags].filter(Boolean).join(", ");
}

/** Returns the colour of a node's state: "bad", "old" (draining) or "good". */
export function stateTone(node) {
  const { out } = nodeState(node);
  const leaves = node.state_flags.includes("DRAIN") && !node.state_flags.includes("NOT_RESPONDING");
  if (leaves && !NODE_STATES_OUT.includes(node.state_base)) return "old";
  return out ? "bad" : "good";
}

/** Returns the number of GPUs in a list of GRES: ["gpu:a100:4(S:0-1)", "shard:8"] has 4. */
export function gpuCount(gres) {
  const numbers = (Array.isArray(gres) ? gres : []).map((text) => /^gpu(?::[^:(]+)?:(\d+)/.exec(text)?.[1]);
  return numbers.reduce((sum, number) => sum + Number(number ?? 0), 0);
}
