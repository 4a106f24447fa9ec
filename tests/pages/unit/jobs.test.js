// Facts about jobs: run time, ids, array tasks, GPUs, dependencies.

import assert from "node:assert/strict";
import test from "node:test";

import {
  arrange,
  baseState,
  cpusOfTasks,
  fullState,
  gpus,
  holdsNodes,
  jobName,
  needsExplanation,
  runSeconds,
  splitDependency,
  splitHosts,
  stateText,
  taskCount,
  tasksByState,
  tres,
} from "../../../slurm_rest_api/pages/static/jobs.js";

const AT = 10_000;

test("a state has a base, a full name and plain words", () => {
  assert.equal(baseState("RUNNING+STOPPED"), "RUNNING");
  assert.equal(baseState(null), "UNKNOWN");
  const names = [
    ["r", "RUNNING"],
    ["PD", "PENDING"],
    ["oom", "OUT_OF_MEMORY"],
    ["RUNNING", "RUNNING"],
    ["", ""],
    ["r,pd", "R,PD"],
  ];
  for (const [text, name] of names) assert.equal(fullState(text), name);
  assert.equal(stateText("OUT_OF_MEMORY"), "out of memory");
  assert.equal(stateText(undefined), "unknown");
});

test("jobs that run, are suspended or complete hold nodes", () => {
  const cases = [
    ["RUNNING", true],
    ["SUSPENDED", true],
    ["COMPLETING", true],
    ["CONFIGURING", true],
    ["PENDING", false],
    ["COMPLETED", false],
    ["FAILED", false],
  ];
  for (const [state, holds] of cases) assert.equal(holdsNodes({ job_state: state }), holds, state);
});

test("the run time is that of slurmctld", () => {
  const job = { job_state: "RUNNING", start_time: 9000, end_time: 20_000, suspend_time: 0, pre_sus_time: 0 };
  const cases = [
    [job, 1000],
    [{ ...job, job_state: "PENDING" }, null],
    [{ ...job, start_time: 0 }, null],
    [{ ...job, start_time: 11_000 }, 0],
    [{ ...job, job_state: "SUSPENDED", suspend_time: 9500, pre_sus_time: 500 }, 500],
    // Resumed at 9,700: suspend_time is the time of the last change.
    [{ ...job, suspend_time: 9700, pre_sus_time: 500 }, 800],
    [{ ...job, job_state: "COMPLETED", end_time: 9600 }, 600],
    [{ ...job, job_state: "COMPLETING", end_time: 9600 }, 600],
  ];
  for (const [given, seconds] of cases) assert.equal(runSeconds(given, AT), seconds, JSON.stringify(given));
});

test("TRES are pairs with commas", () => {
  const cases = [
    [null, {}],
    ["", {}],
    ["cpu=4,mem=8000M,gres/gpu=2", { cpu: "4", mem: "8000M", "gres/gpu": "2" }],
    ["gres/gpu:a100=2,odd", { "gres/gpu:a100": "2" }],
  ];
  for (const [text, found] of cases) assert.deepEqual(tres(text), found);
  assert.equal(gpus({ tres_alloc_str: "cpu=4,gres/gpu=2,gres/gpu:a100=2", tres_req_str: "gres/gpu=1" }), 2);
  assert.equal(gpus({ tres_alloc_str: null, tres_req_str: "cpu=1,gres/gpu=1" }), 1);
  const held = { n1: { "gpu:4090": 1 }, n2: { "gpu:a100": 2, gpu: 2, "shard:a100": 3 } };
  assert.equal(gpus({ gres_allocated: held, tres_alloc_str: "cpu=4,mem=400M", tres_req_str: "cpu=4" }), 3);
  assert.equal(gpus({ tres_req_str: "cpu=1", tres_per_job: "gres/gpu:a100:2,gres/gpu:v100:1" }), 3);
  assert.equal(gpus({ tres_req_str: "cpu=1", tres_per_node: "gres/gpu:4090:2", num_nodes: 3 }), 6);
  assert.equal(gpus({ tres_req_str: "cpu=1", tres_per_node: "gres/gpu:tesla", num_nodes: 1 }), 1);
  assert.equal(gpus({ tres_per_task: "cpu=2,gres/gpu:1", num_tasks: 4 }), 4);
  assert.equal(gpus({ tres_per_socket: "gres/gpu:2", sockets_per_node: 2, num_nodes: 2 }), 8);
  assert.equal(gpus({ tres_alloc_str: null, tres_req_str: null }), 0);
});

test("array tasks are counted in Slurm's notation", () => {
  const cases = [
    ["7", 1],
    ["2-9", 8],
    ["2-9%4", 8],
    ["[1,3,10-20:2]", 8],
    ["0-10:5", 3],
    ["1,3,5,...", null],
  ];
  for (const [text, tasks] of cases) assert.equal(taskCount(text), tasks, text);
});

test("a job has the id that squeue prints", () => {
  const cases = [
    [{ job_id: 12 }, "12"],
    [{ job_id: 14, array_job_id: 12, array_task_id: 0 }, "12_0"],
    [{ job_id: 12, array_job_id: 12, array_task_str: "4-9" }, "12_[4-9]"],
    [{ job_id: 12, array_job_id: 12, array_task_id: null }, "12"],
    [{ job_id: 13, het_job_id: 12, het_job_offset: 1 }, "12+1"],
  ];
  for (const [job, name] of cases) assert.equal(jobName(job), name);
});

test("a hostlist is split outside of its brackets", () => {
  const cases = [
    [null, []],
    ["n1", ["n1"]],
    ["n1,n2", ["n1", "n2"]],
    ["n[1-3,7],m1", ["n[1-3,7]", "m1"]],
    ["r[1-2]n[1-2],x", ["r[1-2]n[1-2]", "x"]],
  ];
  for (const [text, hosts] of cases) assert.deepEqual(splitHosts(text), hosts);
});

test("the job ids of a dependency are at the odd places", () => {
  const cases = [
    [null, [""]],
    ["singleton", ["singleton"]],
    ["afterok:12(unfulfilled),singleton", ["afterok:", "12", "(unfulfilled),singleton"]],
    ["afterany:12_3:14", ["afterany:", "12_3", ":", "14", ""]],
  ];
  for (const [text, parts] of cases) assert.deepEqual(splitDependency(text), parts);
});

test("two or more records of an array are one row until it is opened", () => {
  const jobs = [
    { job_id: 1 },
    { job_id: 8, array_job_id: 7 },
    { job_id: 9, array_job_id: 7 },
    { job_id: 5, array_job_id: 5 },
  ];
  const keys = (grouped, open = []) => arrange(jobs, grouped, new Set(open)).map(({ key }) => key);
  assert.deepEqual(keys(false), ["1", "8", "9", "5"]);
  assert.deepEqual(keys(true), ["1", "array 7", "5"]);
  assert.deepEqual(keys(true, ["7"]), ["1", "array 7", "8", "9", "5"]);
});

test("the tasks of an array are counted by state", () => {
  const jobs = [
    { job_state: "RUNNING" },
    { job_state: "RUNNING" },
    { job_state: "PENDING", array_task_str: "4-9%2" },
    { job_state: "PENDING", array_task_str: "1,..." },
  ];
  assert.equal(tasksByState(jobs), "2 running, 7 pending");
});

test("the CPUs of an array are those of all its tasks", () => {
  const jobs = [{ num_cpus: 4 }, { num_cpus: 2, array_task_str: "4-9%2" }, { num_cpus: 3, array_task_str: null }];
  assert.equal(cpusOfTasks(jobs), 4 + 6 * 2 + 3);
});

test("jobs that are pending or have a reason need an explanation", () => {
  assert.equal(needsExplanation({ job_state: "PENDING", state_reason: "None" }), true);
  assert.equal(needsExplanation({ job_state: "FAILED", state_reason: "NonZeroExitCode" }), true);
  assert.equal(needsExplanation({ job_state: "RUNNING", state_reason: "None" }), false);
  assert.equal(needsExplanation({ job_state: "RUNNING", state_reason: null }), false);
});
