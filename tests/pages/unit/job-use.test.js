// What a job used, and when a smaller request is suggested: of sbatch(1), sacct(1) and seff, with values as in Slurm.

import assert from "node:assert/strict";
import test from "node:test";

import {
  gpusOfTres,
  memoryBound,
  memoryOf,
  peakOf,
  requestedMemory,
  useOf,
} from "../../../slurm_rest_api/pages/static/job-use.js";

const GIB = 1024;
const START = 1_795_000_000;

// A job of four hours with 16 CPUs and 88 GiB on one node that used 12 GiB and all of its CPUs.
const job = (changes = {}) => ({
  state_name: "COMPLETED",
  exit_code: 0,
  exit_signal: 0,
  derived_exit_code: 0,
  derived_exit_signal: 0,
  time_start: START,
  time_end: START + 4 * 3600,
  elapsed: 4 * 3600,
  timelimit: 300,
  cpus_req: 16,
  cpu_time: 16 * 4 * 3600 * 0.95,
  max_rss: 12 * GIB,
  mem_req: 88 * GIB,
  mem_req_per: "node",
  nodes_alloc: 1,
  tres_req: { cpu: 16, mem: 88 * GIB },
  tres_alloc: { cpu: 16, mem: 88 * GIB, node: 1 },
  gpu_util: null,
  gpu_mem: null,
  ...changes,
});
const step = (changes = {}) => ({
  step_id: "0",
  tasks: 1,
  time_start: START,
  time_end: START + 4 * 3600,
  max_rss: 12 * GIB,
  total_rss: 12 * GIB,
  ...changes,
});
const verdict = (changes, steps = [step()]) => useOf(job(changes), steps).verdict;
const row = (name, changes, steps = [step()]) => useOf(job(changes), steps).rows.find((one) => one.name === name);

test("a job that ran to its end and used little memory gets a request with a margin", () => {
  const margin = "would do, with at least a quarter to spare.";
  assert.equal(verdict(), `Used 12 of 88 GiB: \`--mem=16G\` ${margin}`);
  // --mem=0 requests all memory of the node.
  assert.equal(verdict({ mem_req: 0 }), `Used 12 of 88 GiB: \`--mem=16G\` ${margin}`);
  const perCpu = { mem_req: 5632, mem_req_per: "cpu" };
  assert.equal(verdict(perCpu), `Used 12 of 88 GiB: \`--mem-per-cpu=1G\` ${margin}`);
  const small = { max_rss: 200 };
  assert.equal(
    verdict(small, [step({ max_rss: 200, total_rss: 200 })]),
    `Used 200 MiB of 88 GiB: \`--mem=256M\` ${margin}`,
  );
});

test("no smaller request is suggested where the use may be unknown or incomplete", () => {
  const cases = [
    ["it ran out of memory", { state_name: "OUT_OF_MEMORY", exit_signal: 9 }],
    ["its user cancelled it", { state_name: "CANCELLED", exit_signal: 15 }],
    ["it reached its time limit", { state_name: "TIMEOUT" }],
    ["it failed", { state_name: "FAILED", exit_code: 1 }],
    ["its node failed", { state_name: "NODE_FAIL" }],
    ["a job with higher priority took its node", { state_name: "PREEMPTED" }],
    ["a signal ended it", { exit_signal: 9 }],
    ["a signal ended a step", { derived_exit_signal: 9 }],
    ["the shell of a step reports a signal", { derived_exit_code: 137 }],
    ["it was short", { elapsed: 90, cpu_time: 90 * 16 }],
    ["it ran on more than one node", { nodes_alloc: 4 }],
    ["the number of nodes is unknown", { nodes_alloc: null }],
    ["its memory is not recorded", { max_rss: null }, []],
    ["0 MiB is no measurement", { max_rss: 0 }, [step({ max_rss: 0, total_rss: 0 })]],
    ["the memory it had is unknown", { tres_alloc: { cpu: 16 } }],
    ["nothing is known of what it had", { tres_alloc: null }],
    ["its steps are not known", {}, null],
    ["a step has no record", {}, [step(), step({ step_id: "1", max_rss: null, total_rss: null })]],
    ["a step has no end", {}, [step({ time_end: null })]],
    ["it used most of it", { max_rss: 80 * GIB }, [step({ max_rss: 80 * GIB, total_rss: 80 * GIB })]],
    ["it used more than it had", { max_rss: 2 ** 40 }, [step({ max_rss: 2 ** 40, total_rss: 2 ** 40 })]],
    [
      "less than a GiB would be saved",
      { tres_alloc: { cpu: 16, mem: 1500 } },
      [step({ max_rss: 500, total_rss: 500 })],
    ],
  ];
  for (const [why, changes, steps] of cases) {
    assert.doesNotMatch(row("Memory", changes, steps).text, /would do/, why);
    assert.doesNotMatch(verdict(changes, steps), /--mem/, why);
  }
  assert.equal(
    verdict({ state_name: "OUT_OF_MEMORY", exit_signal: 9 }),
    "It needed more memory than its 88 GiB: request more.",
  );
  assert.equal(verdict({ max_rss: null, cpu_time: null }, []), "What it used is not recorded.");
  assert.match(row("Memory", { state_name: "CANCELLED" }).text, /did not run to its end: a complete run may need more/);
});

test("a job that has not ended or did not run has no verdict", () => {
  for (const changes of [{ time_end: null }, { time_end: 0 }, { time_start: null }, { time_start: 0 }])
    assert.equal(useOf(job(changes), [step()]), null);
});

test("steps that ran side by side need their memory at once", () => {
  const half = START + 7200;
  const after = [step({ time_end: half - 1 }), step({ time_start: half })];
  assert.equal(memoryBound(after), 12 * GIB);
  assert.equal(memoryBound([step({ time_end: half }), step({ time_start: half })]), 24 * GIB);
  assert.equal(memoryBound([step(), step(), step()]), 36 * GIB);
  // The total of the tasks is the last sample, which may be lower than the peaks.
  assert.equal(memoryBound([step({ tasks: 4, max_rss: 4 * GIB, total_rss: 2 * GIB })]), 16 * GIB);
  assert.equal(memoryBound([step(), step({ step_id: "extern", max_rss: null, total_rss: null })]), 12 * GIB);
  for (const unknown of [null, [], [step({ max_rss: null, total_rss: null })]])
    assert.equal(memoryBound(unknown), null);
  const parallel = Array.from({ length: 6 }, () => step());
  assert.doesNotMatch(verdict({}, parallel), /would do/);
});

test("the largest recorded peak is shown", () => {
  assert.equal(peakOf(job({ max_rss: 10 }), [step({ max_rss: 20 }), step({ max_rss: null })]), 20);
  assert.equal(peakOf(job({ max_rss: null }), null), null);
  assert.equal(peakOf(job({ max_rss: Number.NaN }), []), null);
  assert.equal(memoryOf(2 ** 40, 88 * GIB), "1,024 PiB of 88 GiB");
});

test("few busy CPUs are reported, and those of one core are not", () => {
  const busy = (cpus, changes = {}) => row("CPUs", { cpu_time: cpus * 4 * 3600, ...changes }).text;
  assert.equal(busy(1.1), "1.1 of 16 CPUs busy on average: fewer would do, unless it needs them for a part.");
  assert.equal(busy(15), "15 of 16 CPUs busy on average.");
  assert.equal(busy(0), "0.0 of 16 CPUs busy on average: fewer would do, unless it needs them for a part.");
  assert.equal(busy(0.99, { cpus_req: 1, tres_alloc: { cpu: 2 } }), "1.0 of 2 CPUs busy on average.");
  assert.equal(busy(1, { cpus_req: 2, tres_alloc: { cpu: 2 } }), "1.0 of 2 CPUs busy on average.");
  assert.equal(busy(4, { cpus_req: 4, tres_alloc: { cpu: 64 } }), "4.0 of 64 CPUs busy on average.");
  assert.equal(busy(1, { state_name: "CANCELLED" }), "1.0 of 16 CPUs busy on average.");
  for (const changes of [{ cpu_time: null }, { elapsed: 0 }, { tres_alloc: null }])
    assert.equal(row("CPUs", changes).text, "");
  assert.equal(row("CPUs", { cpu_time: null }).used, "not recorded");
});

test("GPUs are those of all models once, and unused ones are reported only if they were measured", () => {
  assert.equal(gpusOfTres({ "gres/gpu": 4, "gres/gpu:a100": 4 }), 4);
  assert.equal(gpusOfTres({ "gres/gpu:a100": 2, "gres/gpu:v100": 1 }), 3);
  assert.equal(gpusOfTres({ cpu: 2, "gres/gpumem": 100 }), null);
  const gpu = (changes) => ({ tres_alloc: { cpu: 16, mem: 88 * GIB, "gres/gpu": 4 }, max_rss: null, ...changes });
  assert.equal(
    verdict(gpu({ gpu_util: 0, gpu_mem: 0 }), null),
    "No use of its 4 GPUs was recorded: check that it finds them.",
  );
  assert.equal(row("GPUs", gpu({ gpu_util: 0, gpu_mem: 512 })).text, "0% of 4 GPUs, as last sampled.");
  assert.equal(row("GPUs", gpu({ gpu_util: 150, gpu_mem: 20480 })).used, "150 % of one GPU, 20 GiB memory");
  assert.equal(row("GPUs", gpu({ gpu_util: 150, gpu_mem: 20480 })).share, 0.375);
  assert.equal(row("GPUs", gpu()).used, "not recorded");
  assert.doesNotMatch(row("GPUs", gpu({ gpu_util: 0, state_name: "FAILED" })).text, /No use/);
  assert.equal(row("GPUs"), undefined);
});

test("a shorter time limit is suggested for a job that took a small part of a long one", () => {
  const time = (hours, limit, changes = {}) =>
    row("Time", { elapsed: hours * 3600, timelimit: limit, ...changes }).text;
  assert.match(time(1, 1440), /^`--time=02:00:00` would do, twice what it took/);
  assert.match(time(20, 10080), /^`--time=1-16:00:00` would do/);
  assert.match(time(0.1, 1440), /^`--time=00:20:00`/);
  for (const text of [time(4, 300), time(1, 200), time(0.1, 60), time(1, "UNLIMITED"), time(1, "Partition_Limit")])
    assert.equal(text, "");
  assert.equal(time(1, 1440, { state_name: "FAILED" }), "");
  assert.equal(time(1, null), "");
  assert.equal(verdict({ state_name: "TIMEOUT" }), "It reached its time limit: request more time.");
});

test("a request of memory names its unit", () => {
  assert.equal(requestedMemory({ mem_req: 2048, mem_req_per: "cpu" }), "2 GiB per CPU");
  assert.equal(requestedMemory({ mem_req: 0, mem_req_per: "node" }), "all of the node");
  assert.equal(requestedMemory({ mem_req: null, mem_req_per: null }), "–");
});
