// The maintenance that a job would not end before.

import assert from "node:assert/strict";
import test from "node:test";

import { crossed, crossingText, limitReached } from "../../../slurm_rest_api/pages/static/job-maintenance.js";

// 2026-10-23 12:00 in Berlin.
const FRIDAY = 1792749600;
const HOUR = 3600;

test("a time limit is counted from now for a pending job, and is the end of one that runs", () => {
  assert.equal(limitReached({ job_state: "PENDING", time_limit: 90 }, FRIDAY), FRIDAY + 5400);
  assert.equal(limitReached({ job_state: "PENDING", time_limit: "UNLIMITED" }, FRIDAY), Infinity);
  assert.equal(limitReached({ job_state: "PENDING", time_limit: "Partition_Limit" }, FRIDAY), null);
  assert.equal(limitReached({ job_state: "RUNNING", time_limit: 90, end_time: FRIDAY + 7 }, FRIDAY), FRIDAY + 7);
  assert.equal(limitReached({ job_state: "COMPLETED", time_limit: 90, end_time: FRIDAY - 7 }, FRIDAY), null);
});

test("a job crosses the first maintenance that begins before its end", () => {
  const one = (name, hours, ...flags) => ({ name, state: "UPCOMING", start_time: FRIDAY + hours * HOUR, flags });
  const given = [
    one("later", 9, "MAINT"),
    one("moving", 1, "MAINT", "TIME_FLOAT"),
    one("course", 2),
    one("own", 3, "MAINT"),
    one("first", 5, "MAINT"),
    one("begun", -1, "MAINT"),
  ];
  const job = { job_state: "PENDING", resv_name: "own" };
  assert.equal(crossed(given, job, FRIDAY, FRIDAY + 10 * HOUR).name, "first");
  assert.equal(crossed(given, job, FRIDAY, FRIDAY + 5 * HOUR), null);
  const planned = { job_state: "PENDING", start_time: FRIDAY + 2 * HOUR };
  assert.equal(crossed([one("first", 5, "MAINT")], planned, FRIDAY, FRIDAY + 10 * HOUR), null);
  assert.equal(crossed([one("first", 1, "MAINT")], planned, FRIDAY, FRIDAY + 10 * HOUR).name, "first");
});

test("the sentence says when a job can start, or that it may be ended", () => {
  const maintenance = { start_time: FRIDAY + 3 * HOUR, end_time: FRIDAY + 7 * HOUR };
  const text = (state, reach) => crossingText({ job_state: state }, maintenance, reach, FRIDAY);
  assert.match(text("RUNNING", "all"), /^Maintenance of its nodes begins in 3 h .* It may be ended then\.$/);
  assert.match(text("PENDING", "all"), /all its nodes .* can start only after .*7:00.*, or earlier with a shorter/);
  assert.match(text("PENDING", "some"), /a part of its nodes .* these can be used only after /);
});
