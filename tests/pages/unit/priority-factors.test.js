// The parts of the priority of a pending job.

import assert from "node:assert/strict";
import test from "node:test";

import { priorityParts } from "../../../slurm_rest_api/pages/static/priority-factors.js";

const UNKNOWN = { site: null, assoc: null, job_size: null, partition: null, qos: null, tres: null };

test("points add up to the priority, and shares are those of the points that add to it", () => {
  const parts = priorityParts({ ...UNKNOWN, age: 600, fairshare: 300, tres: { cpu: 100, "gres/gpu": 0 }, nice: 250 });
  assert.deepEqual(
    parts.map(({ title, points, share }) => [title, points, share]),
    [
      ["Age", 600, 0.6],
      ["Fair share", 300, 0.3],
      ["TRES cpu", 100, 0.1],
      ["TRES gres/gpu", 0, 0],
      ["Nice", -250, -0.25],
    ],
  );
  assert.deepEqual(
    parts.map(({ width }) => width),
    [0.48, 0.24, 0.08, 0, 0.2],
  );
});

test("site and association are parts where they have points", () => {
  const titles = (site, assoc) => priorityParts({ ...UNKNOWN, age: 1, site, assoc }).map(({ title }) => title);
  assert.deepEqual(titles(0, 0), ["Age"]);
  assert.deepEqual(titles(5, -5), ["Site", "Age", "Association"]);
});

test("a negative nice adds points, and nice 0 is no part", () => {
  const parts = priorityParts({ ...UNKNOWN, age: 50, fairshare: null, nice: -150 });
  assert.deepEqual(
    parts.map(({ kind, points, share }) => [kind, points, share]),
    [
      ["age", 50, 0.25],
      ["nice", 150, 0.75],
    ],
  );
  assert.deepEqual(priorityParts({ ...UNKNOWN, age: 0, fairshare: null, nice: 0 }), [
    { kind: "age", title: "Age", points: 0, share: null, width: 0 },
  ]);
});
