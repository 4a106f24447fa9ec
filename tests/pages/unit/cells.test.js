// The cells of the map: kinds, looks, bands and texts.

import assert from "node:assert/strict";
import test from "node:test";

import {
  bands,
  cell,
  code,
  facts,
  KINDS,
  LEVELS,
  sorted,
  summary,
} from "../../../slurm_rest_api/pages/static/cells.js";

const IDLE = {
  state: "IDLE",
  state_base: "IDLE",
  state_flags: [],
  cpus: 8,
  alloc_cpus: 0,
  real_memory: 1000,
  alloc_mem: 0,
  gres: ["gpu:a100:4"],
  gres_used: ["gpu:a100:1(IDX:0)"],
  partitions: ["main"],
  reason: null,
};
const BUSY = { ...IDLE, state: "MIXED", state_base: "MIXED", alloc_cpus: 4, alloc_mem: 100 };
const DRAINED = { ...IDLE, state: "IDLE+DRAIN", state_flags: ["DRAIN"], reason: "disk" };
const DOWN = { ...IDLE, state: "DOWN*", state_base: "DOWN", state_flags: ["NOT_RESPONDING"] };
const HELD = { running_jobs: 1, cpus_allocated: 2, mem_allocated: 500 };

test("a cell has a kind, and the larger one of CPU and memory as its load", () => {
  const cases = [
    [IDLE, undefined, "free", 0],
    [BUSY, HELD, "own", 0.5],
    [BUSY, undefined, "other", 0.5],
    [{ ...BUSY, effective_cpus: 4 }, undefined, "other", 1],
    [{ ...BUSY, alloc_cpus: 0, alloc_mem: 500, mem_spec_limit: 500 }, undefined, "free", 1],
    [DRAINED, undefined, "leaving", 0],
    [{ ...IDLE, state: "IDLE+MAINTENANCE", state_flags: ["MAINTENANCE"] }, undefined, "leaving", 0],
    [DOWN, undefined, "down", 0],
  ];
  for (const [node, held, kind, load] of cases) {
    const found = cell("n1", node, held);
    assert.deepEqual([found.kind, found.load], [kind, load]);
  }
});

test("every kind and level has a number of its own", () => {
  assert.equal(code({ kind: "free", load: 0 }), 0);
  assert.equal(code({ kind: "own", load: 0.01 }), LEVELS + 2);
  assert.equal(code({ kind: "own", load: 1 }), code({ kind: "own", load: 1.5 }));
  assert.equal(code({ kind: "down", load: 0.5 }), KINDS.indexOf("down") * (LEVELS + 1));
});

test("names are sorted by the numbers in them", () => {
  assert.deepEqual(sorted(["n10", "n2", "m1", "n1"]), ["m1", "n1", "n2", "n10"]);
});

test("bands follow the priority tiers, and may be aligned", () => {
  const records = new Map([
    ["n1", BUSY],
    ["n2", { ...IDLE, partitions: ["long"] }],
  ]);
  const partition = { priority: 1, state: "UP", partition_load: 0.5, nodes: { n1: HELD } };
  const partitions = { main: partition, long: { ...partition, priority: 9 }, empty: partition };
  const names = (aligned) =>
    bands(["n1", "n2"], records, partitions, aligned).map((band) => [band.name, band.cells.map((one) => one.kind)]);
  assert.deepEqual(names(false), [
    ["long", ["free"]],
    ["main", ["own"]],
  ]);
  assert.deepEqual(names(true), [
    ["long", ["outside", "free"]],
    ["main", ["own", "outside"]],
  ]);
});

test("a band is summed up by kind", () => {
  const cells = [cell("a", BUSY, HELD), cell("b", BUSY), cell("c", IDLE), cell("d", DRAINED), cell("e", DOWN)];
  assert.equal(
    summary({ cells }),
    "5 nodes: 1 running its jobs, 1 used by other partitions, 1 free, 1 draining, drained or in maintenance, 1 down",
  );
  assert.equal(summary({ cells: cells.slice(0, 1) }), "1 node: 1 running its jobs");
});

test("the facts of a node are texts", () => {
  const own = facts(cell("n1", BUSY, { ...HELD, mem_allocated: 0 }), { name: "main" });
  assert.equal(own.load, "25% by this partition, 50% in total");
  assert.equal(own.cpus, "4 of 8");
  assert.equal(own.gpus, "1 of 4");
  assert.equal(own.state, "MIXED: some CPUs are allocated, others are free");
  const outside = facts({ ...cell("n1", DRAINED), kind: "outside" }, { name: "main" });
  assert.deepEqual([outside.partition, outside.jobs, outside.reason], ["not in main", "–", "disk"]);
  assert.equal(outside.state, "DRAINED (IDLE+DRAIN): drained: no jobs running");
});
