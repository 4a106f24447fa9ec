// Flags and users of reservations in words, their order, and their places on the time line.

import assert from "node:assert/strict";
import test from "node:test";

import {
  barsOf,
  crossed,
  crossingText,
  daysOf,
  flagWords,
  limitReached,
  placeOf,
  sortedReservations,
  usersOf,
} from "../../../slurm_rest_api/pages/static/reservation-facts.js";

// 2026-10-23 12:00 in Berlin. On the 25th clocks go back.
const FRIDAY = 1792749600;
const HOUR = 3600;

test("maintenance comes first, and an unknown flag stays as Slurm writes it", () => {
  assert.deepEqual(flagWords(["SPEC_NODES", "MAINT", "NEW_FLAG"]), ["maintenance", "named nodes", "NEW_FLAG"]);
  assert.deepEqual(flagWords([]), []);
});

test("names with a minus sign are excluded", () => {
  const none = { users: null, groups: null, accounts: null, qos: null, allowed_partitions: null };
  assert.deepEqual(usersOf(none), []);
  assert.deepEqual(usersOf({ ...none, users: ["alice", "-bob"], accounts: ["-guests"] }), [
    "users alice",
    "not users bob",
    "not accounts guests",
  ]);
});

test("active reservations come first, each state by start", () => {
  const one = (name, state, start_time) => ({ name, state, start_time });
  const given = [one("a", "PAST", 1), one("b", "UPCOMING", 9), one("c", "UPCOMING", 5), one("d", "ACTIVE", 7)];
  assert.deepEqual(
    sortedReservations(given).map(({ name }) => name),
    ["d", "c", "b", "a"],
  );
});

test("the time line has twelve hours before now and seven days after it", () => {
  assert.equal(placeOf(FRIDAY - 12 * HOUR, FRIDAY), 0);
  assert.equal(placeOf(FRIDAY + 168 * HOUR, FRIDAY), 100);
  assert.equal(placeOf(FRIDAY + 33 * HOUR, FRIDAY), 25);
  const one = (start, end) => ({ start_time: FRIDAY + start * HOUR, end_time: FRIDAY + end * HOUR });
  const given = [one(-48, -24), one(-24, 33), one(33, 400), one(200, 201), { start_time: null, end_time: null }];
  assert.deepEqual(
    barsOf(given, FRIDAY).map(({ begin, end }) => [begin, end]),
    [
      [0, 25],
      [25, 100],
    ],
  );
});

test("days begin at midnight of the reader, also after a day of 25 hours", () => {
  const days = daysOf(FRIDAY);
  assert.equal(days.length, 7);
  assert.deepEqual(
    days.map((epoch) => new Date(1000 * epoch).getHours()),
    [0, 0, 0, 0, 0, 0, 0],
  );
  assert.equal(days[2] - days[1], 25 * HOUR);
});

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
  const job = { resv_name: "own" };
  assert.equal(crossed(given, job, FRIDAY, FRIDAY + 10 * HOUR).name, "first");
  assert.equal(crossed(given, job, FRIDAY, FRIDAY + 5 * HOUR), null);
});

test("the sentence says when a job can start, or that it may be ended", () => {
  const maintenance = { start_time: FRIDAY + 3 * HOUR, end_time: FRIDAY + 7 * HOUR };
  const text = (state, reach) => crossingText({ job_state: state }, maintenance, reach, FRIDAY);
  assert.match(text("RUNNING", "all"), /^Maintenance of its nodes begins in 3 h .* It may be ended then\.$/);
  assert.match(text("PENDING", "all"), /all its nodes .* can start only after .*7:00.*, or earlier with a shorter/);
  assert.match(text("PENDING", "some"), /a part of its nodes .* these can be used only after /);
});
