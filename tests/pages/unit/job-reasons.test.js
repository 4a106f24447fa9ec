// Words for pending reasons. The names are those of job_state_reason.c.

import assert from "node:assert/strict";
import test from "node:test";

import { reason, reasonName } from "../../../slurm_rest_api/pages/static/job-reasons.js";

test("a reason has a label, or is its own label", () => {
  const cases = [
    [null, "", ""],
    ["None", "", ""],
    ["Priority", "Waiting behind higher-priority jobs", ""],
    ["Resources", "Waiting for resources", ""],
    ["Dependency", "Waiting for dependency", ""],
    ["JobArrayTaskLimit", "Array task limit", ""],
    ["ReqNodeNotAvail,_UnavailableNodes:cx001", "Required node not available", "UnavailableNodes:cx001"],
    [
      "Nodes_required_for_job_are_DOWN,_DRAINED_or_reserved_for_jobs_in_higher_priority_partitions",
      "Required nodes not available",
      "",
    ],
    ["SomethingNew", "SomethingNew", ""],
    ["constructor", "constructor", ""],
  ];
  for (const [text, label, details] of cases) {
    const found = reason(text);
    assert.deepEqual([found.label, found.details], [label, details], text);
  }
});

test("a limit is named after its owner, its resource and what it counts", () => {
  const cases = {
    AssocGrpCpuLimit: "Account limit: CPUs",
    AssocGrpCPUMinutesLimit: "Account limit: CPU minutes",
    AssocGrpCPURunMinutesLimit: "Account limit: CPU minutes of running jobs",
    AssocMaxJobsLimit: "Account limit: running jobs",
    AssocMaxWallDurationPerJobLimit: "Account limit: run time per job",
    MaxJobsPerAccount: "QOS limit: running jobs per account",
    QOSGrpGRES: "QOS limit: GPUs and other generic resources",
    QOSMaxCpuPerNode: "QOS limit: CPUs per node",
    QOSMaxJobsPerUserLimit: "QOS limit: running jobs per user",
    QOSMaxMemoryPerJob: "QOS limit: memory per job",
    QOSMaxSubmitJobPerUserLimit: "QOS limit: submitted jobs per user",
    QOSMinCpuNotSatisfied: "QOS minimum: CPUs",
  };
  for (const [name, label] of Object.entries(cases)) assert.equal(reason(name).label, label, name);
});

test("a limit of one job does not promise that the job starts when others end", () => {
  for (const name of [
    "AssocMaxCpuPerJobLimit",
    "AssocMaxNodePerJobLimit",
    "AssocMaxWallDurationPerJobLimit",
    "QOSMaxCpuMinutesPerJobLimit",
    "QOSMaxCpuPerJobLimit",
    "QOSMaxCpuPerNode",
    "QOSMaxGRESPerJob",
    "QOSMaxMemoryPerJob",
    "QOSMaxNodePerJobLimit",
    "QOSMaxWallDurationPerJobLimit",
    "QOSMinMemory",
  ])
    assert.match(reason(name).meaning, /It does not start as it is\.$/, name);
  assert.match(reason("QOSGrpCPUMinutesLimit").meaning, /past, running and future jobs, and it is used up\.$/);
  assert.match(
    reason("QOSMaxJobsPerUserLimit").meaning,
    /^The user's jobs have reached the limit of running jobs per user/,
  );
  assert.match(
    reason("AssocGrpMemLimit").meaning,
    /^All jobs of the account together have reached the limit of memory/,
  );
  assert.match(reason("AssocMaxJobsLimit").meaning, /^The user's jobs in this account have reached the limit/);
});

test("details start at the first comma, colon or bracket", () => {
  const cases = [
    ["ReqNodeNotAvail, May be reserved for other job", "ReqNodeNotAvail"],
    ["ReqNodeNotAvail(n1)", "ReqNodeNotAvail"],
    [undefined, "None"],
  ];
  for (const [text, name] of cases) assert.equal(reasonName(text), name);
});
