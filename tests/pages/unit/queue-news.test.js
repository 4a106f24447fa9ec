// New jobs above the rows of the queue are held back, and the rows below them stay.

import assert from "node:assert/strict";
import test from "node:test";

import { keptRows, newAbove } from "../../../slurm_rest_api/pages/static/queue-news.js";

const jobs = (...ids) => ids.map((id) => ({ job_id: id }));

test("new jobs are those above the first known one", () => {
  assert.equal(newAbove(jobs(5, 4, 3), jobs(7, 6, 5, 4)), 2);
  assert.equal(newAbove(jobs(5, 4, 3), jobs(5, 4, 2, 1)), 0);
  assert.equal(newAbove(jobs(5, 4, 3), jobs(9, 8, 7)), 3);
  assert.equal(newAbove([], []), 0);
});

test("rows stay in their order, with those that were pushed to the next page", () => {
  const shown = jobs(5, 4, 3, 2);
  assert.deepEqual(keptRows(shown, jobs(7, 6, 5, 3), 2, { 2: { job_id: 2 } }), jobs(5, 3, 2));
  assert.deepEqual(keptRows(shown, jobs(6, 5, 4, 3), 1, { 2: { job_id: 2 } }), jobs(5, 4, 3, 2));
});

test("new jobs are shown once less than half a page of rows is left", () => {
  assert.equal(keptRows(jobs(5, 4, 3, 2), jobs(9, 8, 7, 5), 3, {}), null);
  assert.deepEqual(keptRows(jobs(5, 4, 3, 2), jobs(9, 8, 5, 4), 2, {}), jobs(5, 4));
});
