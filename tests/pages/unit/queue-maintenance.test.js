// Marks of the jobs of a page that would not end before a maintenance of their nodes.

import assert from "node:assert/strict";
import test from "node:test";

import { maintenanceMarks } from "../../../slurm_rest_api/pages/static/queue-maintenance.js";

const NOW = 1792749600;
const HOUR = 3600;
const MAINTENANCE = {
  name: "update",
  nodes: "n[2-3]",
  start_time: NOW + 3 * HOUR,
  end_time: NOW + 7 * HOUR,
  flags: ["MAINT"],
};
const PARTITIONS = { main: { nodes: "n[1-4]" }, small: { nodes: "n[2-3]" }, other: { nodes: "n[5-6]" } };

const marksOf = (jobs) => maintenanceMarks(jobs, [MAINTENANCE], PARTITIONS, NOW);
const running = (id, nodes, hours) => ({ job_id: id, job_state: "RUNNING", nodes, end_time: NOW + hours * HOUR });
const pending = (id, partition, hours) => ({ job_id: id, job_state: "PENDING", partition, time_limit: 60 * hours });

test("jobs on reserved nodes whose limit is reached later are marked", () => {
  const marks = marksOf([running(1, "n[1-2]", 5), running(2, "n1", 5), running(3, "n2", 2), running(4, "n2", 3)]);
  assert.deepEqual([...marks.keys()], [1]);
  assert.equal(marks.get(1).name, "update");
  assert.equal(marks.get(1).label, "maintenance in 3 h");
  assert.match(marks.get(1).text, /^Maintenance of its nodes begins in 3 h/);
});

test("a pending job could use the nodes of its partitions", () => {
  const jobs = [pending(1, "main", 4), pending(2, "small", 4), pending(3, "other", 4), pending(4, "main", 2)];
  const marks = marksOf([...jobs, pending(5, "other,small", 4), pending(6, "hidden", 4)]);
  assert.deepEqual([...marks.keys()], [1, 2, 5]);
  assert.match(marks.get(1).text, /of a part of its nodes/);
  assert.match(marks.get(2).text, /of all its nodes/);
  assert.match(marks.get(5).text, /of a part of its nodes/);
});

test("an earlier maintenance of other nodes marks no job", () => {
  const other = { ...MAINTENANCE, name: "other", nodes: "n9", start_time: NOW + HOUR };
  const marks = maintenanceMarks([running(1, "n2", 5)], [other, MAINTENANCE], PARTITIONS, NOW);
  assert.equal(marks.get(1).name, "update");
});

test("a maintenance of all nodes has those of every partition", () => {
  const all = { ...MAINTENANCE, flags: ["MAINT", "ALL_NODES"] };
  const marks = maintenanceMarks([pending(1, "main", 4), running(2, "n9", 5)], [all], {}, NOW);
  assert.deepEqual([...marks.keys()], [1, 2]);
  assert.match(marks.get(1).text, /of all its nodes/);
});
