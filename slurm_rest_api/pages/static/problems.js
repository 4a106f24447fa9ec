// Problems of the cluster: nodes that accept no jobs and partitions that are not UP. No I/O, no document.

import { foldedHostlist } from "./hostlist.js";
import { nodeState, withoutMark } from "./node-facts.js";

// The worst first.
const ORDER = ["DOWN", "ERROR", "*", "FAIL", "FAILING", "INVAL", "UNKNOWN", "PARTITION", "DRAINED", "DRAINING"];
const placeOf = (word) => (ORDER.includes(withoutMark(word)) ? withoutMark(word) : word.slice(-1));
const rank = (word) => (ORDER.includes(placeOf(word)) ? ORDER.indexOf(placeOf(word)) : ORDER.length);

/**
 * Groups nodes by state and reason.
 *
 * @param {Map<string, object>} records Nodes with `state_base`, `state_flags`, `reason`, `reason_user`, `reason_time`.
 * @returns {object[]} {key, word, meaning, reason, users, since, names, hostlist}: `users` gave the reason. `since` is
 *   the earliest time, in epoch seconds.
 */
export function nodeProblems(records) {
  const problems = new Map();
  for (const [name, node] of records) {
    const { reason, reason_user: user, reason_time: since } = node;
    const { word, meaning } = nodeState(node);
    const key = JSON.stringify([word, meaning, reason]);
    const problem = problems.get(key) ?? { key, word, meaning, reason, users: [], since, names: [] };
    problem.names.push(name);
    if (user && !problem.users.includes(user)) problem.users.push(user);
    problem.since = Math.min(problem.since ?? Infinity, since ?? Infinity);
    problems.set(key, problem);
  }
  return [...problems.values()].map((problem) => ({ ...problem, hostlist: foldedHostlist(problem.names) }));
}

/** Returns a problem for each partition of /usage that is not UP: {key, word, partition, state}. */
export function partitionProblems(partitions) {
  return Object.entries(partitions)
    .filter(([, { state }]) => state !== null && state !== "UP")
    .map(([name, { state }]) => ({ key: `partition ${name}`, word: "PARTITION", partition: name, state }));
}

/** Sorts problems: the worst state first, then the newest. `isFirst` is true for the first one of a state. */
export function sortedProblems(problems) {
  const sorted = [...problems].sort((a, b) => rank(a.word) - rank(b.word) || (b.since ?? 0) - (a.since ?? 0));
  return sorted.map((problem, at) => {
    const { word, meaning } = sorted[at - 1] ?? {};
    return { ...problem, isFirst: word !== problem.word || meaning !== problem.meaning };
  });
}
