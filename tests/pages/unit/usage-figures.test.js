// Ranges, sums and CSV of the Usage page.

import assert from "node:assert/strict";
import test from "node:test";

import { csvOf } from "../../../slurm_rest_api/pages/static/usage-csv.js";
import {
  barsOf,
  csvRows,
  DEFAULTS,
  lastDay,
  monthsUntil,
  rangeOf,
  rowsBy,
  totalOf,
} from "../../../slurm_rest_api/pages/static/usage-figures.js";
import { topOf } from "../../../slurm_rest_api/pages/static/usage-graph.js";

const TODAY = "2026-01-15";
const usage = (account, user, tres, allocated) => ({ account, user, tres, allocated });
const sum = (names, states, more = {}) => ({
  ...{ ...names, states, jobs: Object.values(states).reduce((all, one) => all + one, 0) },
  ...{ cpu_hours: 7, gpu_hours: 1, cpu_efficiency: null, mem_efficiency: null, ...more },
});

test("a range has the days of a month, or chosen days with the last one", () => {
  const range = (state) => rangeOf({ ...DEFAULTS, ...state }, TODAY);
  assert.deepEqual(range({}), { since: "2026-01-01", until: "2026-02-01", days: 31, step: "day" });
  assert.deepEqual(range({ month: "2024-02" }), { since: "2024-02-01", until: "2024-03-01", days: 29, step: "day" });
  assert.equal(range({ month: "2025-13" }).since, "2026-01-01");
  const days = range({ since: "2025-12-30", until: "2026-01-02" });
  assert.deepEqual([days.until, days.days, lastDay(days)], ["2026-01-03", 4, "2026-01-02"]);
  assert.equal(range({ since: "2025-01-01", until: "2025-12-31" }).step, "month");
  // An end before the start is left out.
  assert.equal(range({ since: "2026-01-10", until: "2026-01-02" }).until, "2026-01-16");
  assert.equal(range({ since: "yesterday" }).since, "2026-01-01");
  assert.deepEqual(monthsUntil(TODAY).slice(0, 3), ["2026-01", "2025-12", "2025-11"]);
});

test("hours are those of /utilization, and jobs those of /history", () => {
  const records = [
    usage("physics", "alice", "cpu", 7200),
    usage("physics", "bob", "cpu", "36000000000000000000"),
    usage("physics", "bob", "gres/gpu", 1800),
    usage("chem", "eve", "cpu", 3600),
  ];
  const sums = [
    sum({ account: "physics" }, { COMPLETED: 5, FAILED: 1, TIMEOUT: 2, CANCELLED: 9 }, { cpu_efficiency: 0.5 }),
    sum({ account: "idle" }, { CANCELLED: 1 }),
  ];
  const rows = rowsBy("account", records, sums);
  assert.deepEqual(
    rows.map((row) => [row.account, row.cpu_hours, row.gpu_hours, row.jobs, row.failures]),
    [
      ["physics", 1e16 + 2, 0.5, 17, 3],
      ["chem", 1, null, null, null],
      ["idle", null, null, 1, 0],
    ],
  );
  const total = totalOf(rows);
  assert.deepEqual([total.jobs, total.failures, total.gpu_hours, total.cpu_efficiency], [18, 3, 0.5, 0.5]);
  assert.equal(total.mem_efficiency, null);
});

test("without usage the hours are those of job records", () => {
  const [row] = rowsBy("account", null, [sum({ account: "physics" }, { COMPLETED: 1 })]);
  assert.deepEqual([row.cpu_hours, row.gpu_hours], [7, 1]);
  assert.equal(rowsBy("account", [usage("physics", "alice", "cpu", 3600)], null)[0].jobs, null);
});

test("CSV has account and user, and quotes what needs it", () => {
  const rows = csvRows(["physics"], [usage("physics", 'o"neil', "cpu", 4000), usage("chem", "eve", "cpu", 1)], null);
  assert.equal(
    csvOf(rows),
    "account,user,cpu_hours,gpu_hours,jobs,failures,cpu_efficiency,mem_efficiency\r\n" +
      'physics,"o""neil",1.1111,,,,,\r\n',
  );
});

test("bars are those of one account, or of the cluster with its capacity", () => {
  const at = (start, account, allocated, more = {}) => ({
    start,
    end: start + 86400,
    tres: "cpu",
    account,
    allocated,
    ...more,
  });
  const found = barsOf([at(200, "a", 3600), at(100, "a", 7200), at(100, "below", 3600)], "cpu", "a");
  assert.deepEqual(
    found.map(({ start, value, all }) => [start, value, all]),
    [
      [100, 2, null],
      [200, 1, null],
    ],
  );
  assert.equal(barsOf([at(100, undefined, 3600, { reported: 7200 })], "cpu")[0].all, 2);
  assert.deepEqual([0, 1, 1.2, 4, 80, 130000].map(topOf), [1, 1, 1.5, 5, 100, 150000]);
});
