// The limits of accounts and QOS in words, and how much of them is used.

import assert from "node:assert/strict";
import test from "node:test";

import {
  amountText,
  byKind,
  fullest,
  groupLimits,
  limitName,
  limitsOf,
  limitWords,
  useOf,
  useText,
  withBelow,
} from "../../../slurm_rest_api/pages/static/limit-use.js";

const ACCOUNTS = [
  { name: "root", parent_account: null },
  { name: "science", parent_account: "root", grp_tres: { cpu: 100, "fs/disk": 5 }, grp_submit_jobs: 50, max_jobs: 3 },
  { name: "chem", parent_account: "science", grp_jobs: 0, grp_tres_mins: { cpu: 900 }, grp_wall: 2880 },
];

test("group limits include the jobs of accounts below, and what only slurmctld adds up is not known", () => {
  const running = withBelow({ science: { cpus: 10, tasks: 1 }, chem: { cpus: 30, tasks: 2 } }, ACCOUNTS);
  const pending = withBelow({ chem: { cpus: 8, tasks: 40 } }, ACCOUNTS);
  const used = (name) =>
    groupLimits(
      ACCOUNTS.find((account) => account.name === name),
      { running: running[name], pending: pending[name] },
    ).map((limit) => [limitName(limit), limit.value, limit.used, limit.share]);
  assert.deepEqual(used("science"), [
    ["GrpSubmitJobs", 50, 43, 0.86],
    ["GrpTRES=cpu", 100, 40, 0.4],
    ["GrpTRES=fs/disk", 5, null, null],
  ]);
  assert.deepEqual(used("chem"), [
    ["GrpJobs", 0, 2, 1],
    ["GrpTRESMins=cpu", 900, null, null],
    ["GrpWall", 2880, null, null],
  ]);
  assert.equal(fullest(groupLimits(ACCOUNTS[1], { running: running.science, pending: {} })).name, "GrpTRES");
  assert.equal(fullest(groupLimits(ACCOUNTS[1], null)), null);
});

test("minutes of running jobs are those of sshare, percentages and jobs by themselves have no use", () => {
  const sums = { running: { cpus: 4, tasks: 1 }, pending: {} };
  assert.equal(useOf({ name: "GrpTRESRunMins", tres: "cpu" }, sums, { cpu: 600 }), 600);
  assert.equal(useOf({ name: "GrpTRESRunMins", tres: "cpu" }, sums), null);
  assert.equal(useOf({ name: "GrpTRES", tres: "cpu", isRelative: true }, sums), null);
  assert.equal(useOf({ name: "MaxTRESPerJob", tres: "cpu" }, sums), null);
  assert.equal(useOf({ name: "MaxTRESPerUser", tres: "cpu" }, sums), 4);
  assert.equal(useOf({ name: "MaxJobs", tres: null }, null), null);
});

test("a limit says what is limited and for what", () => {
  const words = (name, tres = null) => limitWords({ name, tres });
  assert.deepEqual(
    [
      words("GrpTRES", "cpu"),
      limitWords({ name: "GrpJobs", tres: null }, "with all accounts below"),
      words("MaxTRESPerNode", "gres/gpu:a100"),
      words("MaxWall"),
      words("MaxJobs"),
      words("MaxSubmitJobsPerAccount"),
      words("MaxTRESMinsPerJob", "cpu"),
      words("MinTRESPerJob", "gres/gpu"),
      words("GrpTRESMins", "license/ansys"),
      words("NewLimit"),
    ],
    [
      "CPUs of all running jobs",
      "All running jobs, with all accounts below",
      "GPUs (a100) of each job on each node",
      "Time limit of each job",
      "Running jobs of each user",
      "Pending and running jobs of each account",
      "CPU minutes up to the time limit of each job",
      "GPUs of each job, at least",
      "License/ansys minutes of all past and running jobs",
      "NewLimit",
    ],
  );
});

test("amounts have the units of what is limited", () => {
  assert.equal(amountText({ name: "GrpTRES", tres: "mem" }, 2048), "2 GiB");
  assert.equal(amountText({ name: "MaxWall", tres: null }, 2880), "2-00:00:00");
  assert.equal(amountText({ name: "GrpTRES", tres: "cpu", isRelative: true }, 25), "25 %");
  assert.equal(amountText({ name: "GrpJobs", tres: null, isRelative: true }, 25), "25");
  assert.equal(useText({ name: "GrpTRES", tres: "node", value: 8, used: 2, share: 0.25 }), "up to 2 of 8 (25%)");
  assert.equal(useText({ name: "GrpWall", tres: null, value: 60, used: null, share: null }), "01:00:00");
});

test("limits that are not set are left out, and 0 is one", () => {
  const record = { max_wall: null, max_jobs_per_user: 0, max_tres_per_job: {}, min_tres_per_job: { cpu: 2 } };
  assert.deepEqual(limitsOf(record).map(limitName), ["MaxJobsPerUser", "MinTRESPerJob=cpu"]);
});

test("sums by state are those of running and of pending jobs", () => {
  const divided = {
    chem: { PENDING: { tasks: 7, cpus: 8 }, RUNNING: { tasks: 2, cpus: 4 }, SUSPENDED: { tasks: 1, cpus: 1 } },
    math: { RUNNING: { tasks: 5, cpus: 5 } },
  };
  assert.deepEqual(byKind(divided), {
    running: { chem: { tasks: 3, cpus: 5 }, math: { tasks: 5, cpus: 5 } },
    pending: { chem: { tasks: 7, cpus: 8 } },
  });
});
