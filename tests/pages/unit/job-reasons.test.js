// Words for pending reasons. The names are those of job_state_reason.c.

import assert from "node:assert/strict";
import test from "node:test";

import {
  availabilityText,
  endsWhen,
  rankText,
  reason,
  reasonName,
} from "../../../slurm_rest_api/pages/static/job-reasons.js";

test("a reason has a label, or is its own label", () => {
  const cases = [
    [null, "", ""],
    ["None", "", ""],
    ["Priority", "Waiting behind higher-priority jobs", ""],
    ["Resources", "Waiting for resources", ""],
    ["Dependency", "Waiting for dependency", ""],
    ["JobArrayTaskLimit", "Array task limit", ""],
    ["ReqNodeNotAvail,_Reserved_for_maintenance", "Required node not available", "Reserved for maintenance"],
    ["ReqNodeNotAvail,_UnavailableNodes:gpu_[1-3]", "Required node not available", "UnavailableNodes:gpu_[1-3]"],
    ["ReqNodeNotAvail,_UnavailableNodes:cx001", "Required node not available", "UnavailableNodes:cx001"],
    [
      "Nodes_required_for_job_are_DOWN,_DRAINED_or_reserved_for_jobs_in_higher_priority_partitions",
      "Required nodes not available",
      "",
    ],
    ["job_requeued_in_held_state", "Requeued and held", ""],
    ["launch failed requeued held", "Launch failed, held", ""],
    ["MpiPortsBusy", "MPI ports in use", ""],
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
    AssocGrpUnknownRunMinutes: "Account limit: other resources × minutes of running jobs",
    MaxCpuRunMinsPerUser: "QOS limit: CPU minutes of running jobs per user",
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

test("details start at the first comma, colon or bracket", () => {
  const cases = [
    ["ReqNodeNotAvail, May be reserved for other job", "ReqNodeNotAvail"],
    ["ReqNodeNotAvail(n1)", "ReqNodeNotAvail"],
    [undefined, "None"],
  ];
  for (const [text, name] of cases) assert.equal(reasonName(text), name);
});

test("a rank says how much is ahead", () => {
  const nothing = { cpus_ahead: 0, gpus_ahead: 0, jobs_ahead_at_limit: 0 };
  assert.equal(rankText({ partition: "main", place: 1, jobs_ahead: 0, ...nothing }), "First in main.");
  const one = { partition: "main", place: 2, jobs_ahead: 1, cpus_ahead: 1, gpus_ahead: 0, jobs_ahead_at_limit: 0 };
  assert.equal(rankText(one), "Place 2 in main: 1 job ahead with 1 CPU.");
  const many = { partition: "gpu", place: 8, jobs_ahead: 7, cpus_ahead: 56, gpus_ahead: 4, jobs_ahead_at_limit: 3 };
  assert.equal(
    rankText(many),
    "Place 8 in gpu: 7 jobs ahead with 56 CPUs and 4 GPUs. A limit keeps 3 of them from starting.",
  );
});

test("the actors that end a reason are in the order of the API", () => {
  assert.equal(endsWhen(["own_jobs", "other_jobs"]), "other jobs of its user end, or jobs of other users end");
  assert.match(endsWhen(["never"]), /^Never as it is/);
  assert.equal(endsWhen([]), "");
});

test("the availability of a partition has a sentence for each answer", () => {
  const main = { partition: "main", free_nodes: 3, missing_nodes: 0, partition_down: false, short: {}, limits: [] };
  assert.equal(availabilityText({ ...main, answer: "now" }), "At once in main: 3 nodes free.");
  const short = { cpus: 12, memory: 0, gpus: 0, planned: 1 };
  assert.equal(
    availabilityText({ ...main, answer: "later", missing_nodes: 1, short }),
    "Not now in main: 1 node missing. Short: CPUs (12 nodes), planned for other jobs (1 node).",
  );
  assert.match(availabilityText({ ...main, answer: "later", partition_down: true }), /the partition is down\.$/);
  const limits = [{ limit: "MaxTime" }, { limit: "AllowAccounts" }];
  assert.equal(availabilityText({ ...main, answer: "never", limits }), "Never in main: MaxTime, AllowAccounts.");
});
