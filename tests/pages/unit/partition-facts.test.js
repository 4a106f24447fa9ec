// Who may use a partition, its limits, and what is free in it.

import assert from "node:assert/strict";
import test from "node:test";

import {
  accessRules,
  gpusByPartition,
  idleNodes,
  limitsOf,
  sortedPartitions,
} from "../../../slurm_rest_api/pages/static/partition-facts.js";

const open = {
  ...{ allow_accounts: "ALL", deny_accounts: null, allow_qos: "ALL", deny_qos: null, allow_groups: "ALL" },
  ...{ allow_alloc_nodes: "ALL", requires_reservation: false, flags: { RootOnly: 0 } },
};

test("only rules that exclude users are listed", () => {
  assert.deepEqual(accessRules(open), []);
  const closed = { ...open, allow_accounts: ["physics", "chem"], deny_qos: ["low"], allow_groups: ["staff"] };
  assert.deepEqual(accessRules(closed), ["accounts physics, chem", "not QOS low", "groups staff"]);
  const rest = { ...open, allow_accounts: null, deny_accounts: ["guests"], requires_reservation: true };
  assert.deepEqual(accessRules({ ...rest, flags: { RootOnly: 1 } }), [
    "not accounts guests",
    "root only",
    "only within a reservation",
  ]);
});

test("a limit that slurmctld writes as 0 or UNLIMITED is none", () => {
  const partition = {
    ...{ default_time: "NONE", max_time: 172800, max_nodes: "UNLIMITED", min_nodes: 1, max_cpus_per_node: 0 },
    ...{ max_mem_per_cpu: 4096, max_mem_per_node: null, def_mem_per_cpu: 2048, def_mem_per_node: "UNLIMITED" },
    ...{ def_mem_per_gpu: null, def_cpus_per_gpu: 8, max_cpus_per_socket: null },
  };
  const set = limitsOf(partition).filter(([, text]) => text !== null);
  assert.deepEqual(set, [
    ["Maximum time", "2-00:00:00"],
    ["Default time", "2-00:00:00"],
    ["Maximum memory per CPU", "4 GiB"],
    ["Default memory per CPU", "2 GiB"],
    ["Default CPUs per GPU", "8"],
  ]);
  assert.deepEqual(limitsOf({ ...partition, max_time: "UNLIMITED" })[0], ["Maximum time", "unlimited"]);
});

test("nodes that Slurm can start are idle, and silent, planned or reserved ones are not", () => {
  assert.equal(idleNodes({ IDLE: 3, "IDLE~": 2, "IDLE*": 5, PLANNED: 1, RESERVED: 1, MIXED: 7, "MIXED-": 1 }), 5);
});

test("GPUs are summed by model, and those of a drained node are not free", () => {
  const node = (flags, gpus) => ({ partitions: ["gpu", "all"], gpus, state_base: "MIXED", state_flags: flags });
  const nodes = [
    node([], { a100: { total: 4, free: 1 } }),
    node(["DRAIN"], { a100: { total: 4, free: 4 }, v100: { total: 2, free: 2 } }),
  ];
  const found = gpusByPartition(nodes);
  assert.deepEqual([...found.keys()], ["gpu", "all"]);
  assert.deepEqual(Object.fromEntries(found.get("all")), { a100: { total: 8, free: 1 }, v100: { total: 2, free: 0 } });
});

test("the highest tier comes first", () => {
  const partitions = [
    { name: "b", priority_tier: 1 },
    { name: "c", priority_tier: 5 },
    { name: "a", priority_tier: 1 },
  ];
  assert.deepEqual(
    sortedPartitions(partitions).map(({ name }) => name),
    ["c", "a", "b"],
  );
});
