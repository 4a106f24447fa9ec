// Flags and users of reservations in words, their order, and their places on the time line.

import assert from "node:assert/strict";
import test from "node:test";

import {
  barsOf,
  daysOf,
  flagWords,
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
