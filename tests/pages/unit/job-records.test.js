// The query of the History form, and facts about job records.

import assert from "node:assert/strict";
import test from "node:test";

import {
  cpusOf,
  efficiencyOf,
  FILTERS,
  failuresIn,
  filtersIn,
  queryOf,
  shareOfLimit,
  sumsQuery,
  timeOf,
  waited,
} from "../../../slurm_rest_api/pages/static/job-records.js";

test("a date without an offset is the reader's, and goes to the service as epoch seconds", () => {
  const cases = [
    ["2026-11-24", "1795474800"],
    ["2026-11-24 10:15", "1795511700"],
    ["2026-11-24T10:15:30", "1795511730"],
    ["2026-07-01", "1782856800"],
    ["2026-13-01", "2026-13-01"],
    ["now-7days", "now-7days"],
    ["2026-11-24T10:15Z", "2026-11-24T10:15Z"],
    ["", ""],
  ];
  for (const [text, value] of cases) assert.equal(timeOf(text), value, text);
});

test("each comparison of job ids is a parameter of its own", () => {
  const cases = [
    ["", "history"],
    ["4711", "history?jobid=4711"],
    ["> 5 <10", "history?jobid=%3E5&jobid=%3C10"],
    [">=5,<10", "history?jobid=%3E%3D5&jobid=%3C10"],
  ];
  for (const [jobid, path] of cases) {
    const query = queryOf({ ...FILTERS, jobid, user: "alice" });
    assert.equal(query.path, path);
    assert.equal(query.parameters.user, "alice");
    assert.equal("jobid" in query.parameters, false);
  }
});

test("the filters that are set are named", () => {
  assert.deepEqual(filtersIn(FILTERS), []);
  assert.deepEqual(filtersIn({ ...FILTERS, user: "alice", state: "FAILED" }), ["user=alice", "state=FAILED"]);
});

test("failures are counted among all records, the most frequent first, without cancelled jobs", () => {
  const sums = [
    { state: "COMPLETED", jobs: 70 },
    { state: "FAILED", jobs: 8 },
    { state: "CANCELLED", jobs: 10 },
    { state: "TIMEOUT", jobs: 12 },
  ];
  const { all, failures } = failuresIn(sums);
  assert.equal(all, 100);
  assert.deepEqual(
    failures.map(({ state, number }) => [state, number]),
    [
      ["TIMEOUT", 12],
      ["FAILED", 8],
    ],
  );
  assert.deepEqual(failuresIn([]), { all: 0, failures: [] });
});

test("sums have the range of the search, or the last seven days", () => {
  const { parameters } = queryOf({ ...FILTERS, user: "alice" });
  assert.equal(sumsQuery(parameters).query.endafter, "now-7days");
  assert.equal(sumsQuery(parameters).query.user, "alice");
  assert.equal(sumsQuery(parameters).isOfWeek, true);
  const ranged = sumsQuery(queryOf({ ...FILTERS, startafter: "today" }).parameters);
  assert.deepEqual([ranged.query.endafter, ranged.isOfWeek], ["", false]);
});

test("jobs that have not ended are left out unless the user chose states, jobs or these", () => {
  assert.match(queryOf(FILTERS).parameters.state, /^COMPLETED,.*OUT_OF_MEMORY/);
  assert.doesNotMatch(queryOf(FILTERS).parameters.state, /PENDING|RUNNING/);
  assert.equal(queryOf({ ...FILTERS, state: "PENDING" }).parameters.state, "PENDING");
  assert.equal(queryOf({ ...FILTERS, jobid: "7" }).parameters.state, "");
  assert.equal(queryOf({ ...FILTERS, unended: "yes" }).parameters.state, "");
});

test("the share of the time limit is known where a job started and has a limit", () => {
  const cases = [
    [{ elapsed: 1800, timelimit: 60, time_start: 1 }, 0.5],
    [{ elapsed: 1800, timelimit: "UNLIMITED", time_start: 1 }, null],
    [{ elapsed: 1800, timelimit: null, time_start: 1 }, null],
    [{ elapsed: 1800, timelimit: 0, time_start: 1 }, null],
    [{ elapsed: 0, timelimit: 60, time_start: null }, null],
  ];
  for (const [record, share] of cases) assert.equal(shareOfLimit(record), share);
});

test("CPUs are those that a job held, or asked for; waiting ends with the start", () => {
  assert.equal(cpusOf({ tres_alloc: { cpu: 8 }, cpus_req: 4 }), 8);
  assert.equal(cpusOf({ tres_alloc: null, cpus_req: 4 }), 4);
  assert.equal(waited({ time_submit: 10, time_start: 25 }), 15);
  assert.equal(waited({ time_submit: 10, time_start: null }), null);
});

test("the CPU efficiency is known for an ended job whose steps recorded CPU time", () => {
  const record = { cpu_time: 3600, elapsed: 1800, tres_alloc: { cpu: 4 }, time_end: 1 };
  const cases = [
    [record, 0.5],
    [{ ...record, cpu_time: null }, null],
    [{ ...record, cpu_time: undefined }, null],
    [{ ...record, cpu_time: 0 }, 0],
    [{ ...record, elapsed: 0 }, null],
    [{ ...record, tres_alloc: null }, null],
    [{ ...record, time_end: null }, null],
  ];
  for (const [found, share] of cases) assert.equal(efficiencyOf(found), share);
});
