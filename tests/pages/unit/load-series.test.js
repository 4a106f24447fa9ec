// Samples of /load as lines, gaps and sums, and the line of the home page.

import assert from "node:assert/strict";
import test from "node:test";

import {
  fieldsOf,
  gapsIn,
  graphOfPartitions,
  graphsOf,
  hasValues,
  pointsOf,
  summaryOf,
} from "../../../slurm_rest_api/pages/static/load-series.js";
import { pathsOf, stretchesOf } from "../../../slurm_rest_api/pages/static/sparkline.js";

const jobs = graphsOf("").find((graph) => graph.id === "jobs");
const [running] = jobs.lines;

test("the graphs ask for the fields of the cluster, or of one partition", () => {
  assert.deepEqual(fieldsOf([jobs]), ["time", "jobs_running", "jobs_pending"]);
  assert.deepEqual(fieldsOf([graphsOf("gpu")[0]]), ["time", "partitions.partition_load"]);
  const sample = { partitions: { gpu: { partition_load: 0.5, partition_load_max: 0.7 } } };
  const [line] = graphOfPartitions(["gpu"]).lines;
  assert.deepEqual([line.get(sample, ""), line.get(sample, "_max"), line.get({}, "")], [0.5, 0.7, undefined]);
});

test("a gap is a pause of more than 2.5 times the usual one", () => {
  const cases = [
    [[0, 60, 120], 0, []],
    [[0, 60, 120, 600, 660], 0, [3]],
    [[0, 600, 1200], 600, []],
    [[0, 600, 2400], 600, [2]],
    // The interval of the samples changes: no gap.
    [[0, 60, 120, 180, 240, 300, 900, 1500, 2100, 2700, 3300], 0, [6]],
    [[], 0, []],
    [[5], 0, []],
  ];
  for (const [times, step, gaps] of cases) assert.deepEqual([...gapsIn(times, step)], gaps, times.join());
});

test("a line is interrupted at gaps and at missing values", () => {
  const samples = [1, 2, null, 4].map((value, index) => ({ time: index, jobs_running: value }));
  assert.deepEqual(pointsOf(running, samples, new Set([1])), {
    x: [0, 1, 1, 2, 3],
    y: [1, null, 2, null, 4],
    parts: [],
  });
});

test("averages have a band between gaps", () => {
  const samples = [1, 2, 3].map((value, index) => ({
    time: index,
    jobs_running: value,
    jobs_running_min: value - 1,
    jobs_running_max: value + 1,
  }));
  assert.deepEqual(pointsOf(running, samples, new Set([2])).parts, [
    { x: [0, 1], low: [0, 1], high: [2, 3] },
    { x: [2], low: [2], high: [4] },
  ]);
});

test("a line is summed up with the bounds of its averages", () => {
  const samples = [{ jobs_running: 2, jobs_running_min: 0, jobs_running_max: 9 }, { jobs_running: 4 }, {}];
  assert.deepEqual(summaryOf(running, samples), { lowest: 0, mean: 3, highest: 9, last: 4 });
  assert.deepEqual(summaryOf(running, []), { lowest: null, mean: null, highest: null, last: null });
});

test("a cluster without GPUs has no graph of GPUs, and private jobs have no graph of jobs", () => {
  const gpus = graphsOf("").find((graph) => graph.id === "gpus");
  const load = graphsOf("").find((graph) => graph.id === "load");
  assert.equal(hasValues(gpus, [{ alloc_gpus: 0, total_gpus: 0 }]), false);
  assert.equal(hasValues(gpus, [{ alloc_gpus: 0, total_gpus: 4 }]), true);
  assert.equal(hasValues(jobs, [{ jobs_running: null }]), false);
  assert.equal(hasValues(jobs, [{ jobs_running: 0 }]), true);
  assert.equal(hasValues(load, []), true);
});

test("the line of the home page is split where the cluster was not sampled", () => {
  const cases = [
    [[0, 60, 120, 180], [4]],
    [
      [0, 60, 120, 600, 660, 720],
      [3, 3],
    ],
    [[0, 600, 1200, 1260, 1320], [5]],
    [
      [0, 60, 120, 900],
      [3, 1],
    ],
    [[30], [1]],
    [[], []],
  ];
  for (const [times, lengths] of cases)
    assert.deepEqual(
      stretchesOf(times.map((time) => ({ time }))).map((stretch) => stretch.length),
      lengths,
    );
});

test("a path fills a box of 1000 by 100", () => {
  const axes = { since: 0, until: 3600, top: 1 };
  const samples = [
    { time: 0, total_load: 0 },
    { time: 1800, total_load: 0.5 },
    { time: 3600, total_load: 1 },
  ];
  assert.deepEqual(pathsOf(samples, axes), ["M0.0 100.00L500.0 50.00L1000.0 0.00"]);
  assert.deepEqual(pathsOf(samples.slice(1, 2), axes), ["M500.0 50.00h0"]);
});
