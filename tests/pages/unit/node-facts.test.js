// The states of nodes in sinfo's words, and the problems that the home page shows.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { nodeState, nodeWord, stateInWords, stateTone } from "../../../slurm_rest_api/pages/static/node-facts.js";
import { nodeProblems, partitionProblems, sortedProblems } from "../../../slurm_rest_api/pages/static/problems.js";

const node = (state_base, ...state_flags) => ({ state_base, state_flags });

test("base and flags have one word, and a node that accepts no jobs is out", () => {
  const cases = [
    [node("IDLE"), "IDLE", false, "good"],
    [node("MIXED"), "MIXED", false, "good"],
    [node("ALLOCATED", "COMPLETING"), "ALLOCATED+", false, "good"],
    [node("IDLE", "PLANNED"), "PLANNED", false, "good"],
    [node("IDLE", "RESERVED"), "RESERVED", false, "good"],
    [node("IDLE", "POWERED_DOWN"), "IDLE~", false, "good"],
    [node("IDLE", "DRAIN"), "DRAINED", true, "old"],
    [node("MIXED", "DRAIN"), "DRAINING", true, "old"],
    [node("IDLE", "DRAIN", "COMPLETING"), "DRAINING", true, "old"],
    [node("DOWN"), "DOWN", true, "bad"],
    [node("DOWN", "NOT_RESPONDING"), "DOWN*", true, "bad"],
    [node("DOWN", "DRAIN"), "DRAINED", true, "bad"],
    [node("IDLE", "NOT_RESPONDING"), "IDLE*", true, "bad"],
    [node("IDLE", "NOT_RESPONDING", "DRAIN"), "DRAINED*", true, "bad"],
    [node("IDLE", "FAIL"), "FAIL", true, "bad"],
    [node("MIXED", "FAIL"), "FAILING", true, "bad"],
    [node("IDLE", "INVALID_REG"), "INVAL", true, "bad"],
    [node("IDLE", "MAINTENANCE"), "MAINT", true, "old"],
    [node("MIXED", "MAINTENANCE"), "MIXED$", true, "old"],
    [node("ERROR"), "ERROR", true, "bad"],
    [node("UNKNOWN"), "UNKNOWN", true, "bad"],
    [node("FUTURE"), "FUTURE", true, "bad"],
  ];
  for (const [given, word, out, tone] of cases) {
    const found = nodeState(given);
    assert.deepEqual([found.word, found.out, stateTone(given)], [word, out, tone], JSON.stringify(given));
    assert.notEqual(found.meaning, "", word);
  }
});

test("the word of a node is the one that Slurm's library returns", () => {
  // A node without a base state is none of a running cluster.
  const words = JSON.parse(readFileSync(new URL("../../slurm/node_words.json", import.meta.url)));
  for (const [text, word] of Object.entries(words).filter(([key]) => !key.startsWith("UNKNOWN")))
    assert.equal(nodeWord(node(...text.split("+"))), word, text);
});

test("the state in words has the other flags, too", () => {
  assert.equal(stateInWords(node("DOWN", "NOT_RESPONDING")), "out of service, slurmd does not respond");
  assert.equal(stateInWords(node("IDLE", "PLANNED")), "no jobs running, planned for a job");
  assert.equal(stateInWords(node("IDLE", "NEW_FLAG")), "no jobs running");
});

test("nodes with the same state and reason are one problem", () => {
  const drained = { ...node("IDLE", "DRAIN"), reason: "disk", reason_user: "root", reason_time: 200 };
  const records = new Map([
    ["n1", drained],
    ["n2", { ...drained, reason_time: 100 }],
    ["n3", { ...drained, reason_user: "amy" }],
    ["n4", { ...node("DOWN", "NOT_RESPONDING"), reason: null, reason_user: null, reason_time: null }],
    ["n5", { ...node("IDLE", "NOT_RESPONDING"), reason: null, reason_user: null, reason_time: null }],
    ["n6", { ...node("IDLE", "FAIL"), reason: null, reason_user: null, reason_time: null }],
  ]);
  const found = sortedProblems([
    ...nodeProblems(records),
    ...partitionProblems({ a: { state: "UP" }, b: { state: "DOWN" } }),
  ]);
  const short = found.map(({ word, names, partition, since }) => [word, names ?? partition, since]);
  assert.deepEqual(short, [
    ["DOWN*", ["n4"], Infinity],
    ["IDLE*", ["n5"], Infinity],
    ["FAIL", ["n6"], Infinity],
    ["PARTITION", "b", undefined],
    ["DRAINED", ["n1", "n2", "n3"], 100],
  ]);
  assert.deepEqual(partitionProblems({ a: { state: null } }), []);
});
