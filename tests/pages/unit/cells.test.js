// The cells of the map: kinds, looks, bands and texts.

import assert from "node:assert/strict";
import test from "node:test";

import {
  bands,
  cell,
  code,
  facts,
  heldByJobs,
  KINDS,
  LEVELS,
  rackOf,
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

test("a cell has a kind, and the largest share of CPUs, memory and GPUs as its load", () => {
  const cases = [
    [IDLE, undefined, "free", 0.25],
    [{ ...IDLE, gres_used: [] }, undefined, "free", 0],
    [BUSY, { ...HELD, gpus_allocated: 3 }, "own", 0.75],
    [BUSY, HELD, "own", 0.5],
    [BUSY, undefined, "other", 0.5],
    [{ ...BUSY, effective_cpus: 4 }, undefined, "other", 1],
    [{ ...BUSY, alloc_cpus: 0, alloc_mem: 500, mem_spec_limit: 500 }, undefined, "free", 1],
    [DRAINED, undefined, "leaving", 0.25],
    [{ ...IDLE, state: "IDLE+MAINTENANCE", state_flags: ["MAINTENANCE"] }, undefined, "leaving", 0.25],
    [DOWN, undefined, "down", 0.25],
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
    bands(["n1", "n2"], records, partitions, { aligned }).map((band) => [band.name, band.cells.map((one) => one.kind)]);
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

test("what is reserved for the system is not offered to jobs", () => {
  const node = { ...BUSY, effective_cpus: 6, mem_spec_limit: 200 };
  const { cpus, memory } = facts(cell("n1", node, HELD), { name: "main" });
  assert.deepEqual([cpus, memory], ["4 of 6", "100 MiB of 800 MiB"]);
});

test("a view shows its own share", () => {
  const held = { ...HELD, gpus_allocated: 3 };
  const node = { ...BUSY, cpu_load: 600 };
  const loads = ["", "cpu", "memory", "gpu", "average", "state"].map((view) => cell("n1", node, held, view).load);
  assert.deepEqual(loads, [0.75, 0.25, 0.5, 0.75, 0.75, 0.5]);
  const withoutGpus = cell("n1", { ...BUSY, gres: [], gres_used: [] }, HELD, "gpu");
  assert.equal(code(withoutGpus), code({ kind: "outside", load: 0 }));
  assert.equal(cell("n1", { ...IDLE, cpu_load: 0 }, undefined, "average").kind, "free");
});

test("racks are in the names of nodes", () => {
  const names = ["r01n05", "cn069", "r1n1-ib", "login", "rack2-gpu10"];
  assert.deepEqual(names.map(rackOf), ["r01", "cn", "r1", "login", "rack2"]);
  const records = new Map([
    ["r1n1", BUSY],
    ["r1n2", { ...IDLE, gres_used: [] }],
    ["r2n1", DOWN],
  ]);
  const found = bands([...records.keys()], records, {}, { byRack: true });
  assert.deepEqual(
    found.map(({ name, load, cells }) => [name, load, cells.map(({ kind }) => kind)]),
    [
      ["r1", 0.25, ["own", "free"]],
      ["r2", 0.25, ["down"]],
    ],
  );
  assert.equal(facts(found[0].cells[0], found[0]).partition, "main");
  const sites = [
    ["west", ["r2n1", "gone"]],
    ["empty", ["gone"]],
    ["east", ["r1n2"]],
  ];
  const ofSite = bands([...records.keys()], records, {}, { byRack: true, sites });
  assert.deepEqual(
    ofSite.map(({ name, cells }) => [name, cells.length]),
    [
      ["west", 1],
      ["east", 1],
      ["other nodes", 1],
    ],
  );
});

test("the map highlights what one user holds", () => {
  const jobs = [
    {
      cpus_allocated: { n1: 2 },
      mem_allocated: { n1: 10 },
      gres_allocated: { n1: { "gpu:a100": 1, "shard:a100": 4 } },
    },
    { cpus_allocated: { n1: 1, n2: 4 }, mem_allocated: {}, gres_allocated: {} },
  ];
  const held = heldByJobs(jobs);
  assert.deepEqual(held.n1, { running_jobs: 2, cpus_allocated: 3, mem_allocated: 10, gpus_allocated: 1 });
  const records = new Map([["n1", BUSY]]);
  const partitions = { main: { priority: 1, state: "UP", partition_load: 0, nodes: {} } };
  const [band] = bands(["n1"], records, partitions, { held });
  assert.equal(band.cells[0].load, 0.375);
  assert.equal(summary(band), "1 node: 1 running jobs of the user");
});
