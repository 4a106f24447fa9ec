// Ranges, steps and axis marks of the Load page. npm sets the time zone: Europe/Berlin, with days of 23 and 25 hours.

import assert from "node:assert/strict";
import test from "node:test";

import {
  axisMarks,
  moved,
  rangeOf,
  stepFor,
  stepText,
  wallClock,
} from "../../../slurm_rest_api/pages/static/load-time.js";

const NOW = 1_795_000_000;
const HOUR = 3600;
const DAY = 24 * HOUR;

test("a range ends now and follows the clock, unless two times are given in order", () => {
  const cases = [
    [
      { last: "hour", since: "", until: "" },
      { since: NOW - HOUR, until: NOW, follows: true },
    ],
    [
      { last: "no such", since: "", until: "" },
      { since: NOW - DAY, until: NOW, follows: true },
    ],
    [
      { last: "day", since: "1000", until: "2000" },
      { since: 1000, until: 2000, follows: false },
    ],
    [
      { last: "day", since: "2000", until: "1000" },
      { since: NOW - DAY, until: NOW, follows: true },
    ],
    [
      { last: "day", since: "x", until: "2000" },
      { since: NOW - DAY, until: NOW, follows: true },
    ],
  ];
  for (const [state, range] of cases) assert.deepEqual(rangeOf(state, NOW), range);
});

test("a day or less has no step, a longer range the narrowest one with at most 1,500 points", () => {
  const cases = [
    [HOUR, null],
    [DAY, null],
    [DAY + 1, 600],
    [7 * DAY, 600],
    [30 * DAY, 3600],
    [365 * DAY, 21600],
    [10 * 365 * DAY, 86400],
  ];
  for (const [seconds, step] of cases) assert.equal(stepFor(seconds), step, `${seconds} s`);
});

test("a move keeps the range before the current time and at least a minute long", () => {
  const range = { since: NOW - 2000, until: NOW - 1000 };
  const cases = [
    [range, "earlier", { since: NOW - 2500, until: NOW - 1500 }],
    [range, "later", { since: NOW - 1500, until: NOW - 500 }],
    [range, "in", { since: NOW - 1750, until: NOW - 1250 }],
    [range, "out", { since: NOW - 2500, until: NOW - 500 }],
    [{ since: NOW - 1000, until: NOW }, "later", { since: NOW - 1000, until: NOW }],
    [{ since: NOW - 1000, until: NOW }, "out", { since: NOW - 1500, until: NOW }],
    [{ since: NOW - 100, until: NOW }, "in", { since: NOW - 100, until: NOW }],
  ];
  for (const [from, move, to] of cases) assert.deepEqual(moved(from, move, NOW), to, move);
});

test("a step is written in its largest unit", () => {
  const cases = [
    [30, "30-second"],
    [60, "1-minute"],
    [600, "10-minute"],
    [HOUR, "1-hour"],
    [6 * HOUR, "6-hour"],
    [DAY, "1-day"],
  ];
  for (const [seconds, text] of cases) assert.equal(stepText(seconds), text);
});

test("a form field has the reader's wall clock", () => {
  const cases = [
    ["2026-01-05T08:09:30Z", "2026-01-05T09:09"],
    ["2026-07-31T22:30:00Z", "2026-08-01T00:30"],
  ];
  for (const [iso, text] of cases) assert.equal(wallClock(Date.parse(iso) / 1000), text);
});

test("marks are at whole hours on a day of 23 hours and on one of 25", () => {
  for (const [iso, hours] of [
    ["2026-03-28T23:00:00Z", 23],
    ["2026-10-24T22:00:00Z", 25],
  ]) {
    const since = Date.parse(iso) / 1000;
    const marks = axisMarks(since, since + hours * HOUR, 8);
    assert.ok(marks.length >= 4 && marks.length <= 9, `${marks.length} marks`);
    for (const { at } of marks) assert.equal(new Date(1000 * at).getMinutes(), 0);
    assert.match(marks.at(0).text, /^\w{3} \d+$/);
    assert.match(marks.at(1).text, /^\d\d?:00 [AP]M$/);
  }
});

test("a year is marked by months, a month by days, an hour by minutes", () => {
  const cases = [
    [365 * DAY, 12, /^[A-Z][a-z]{2} \d{4}$/],
    [30 * DAY, 8, /^[A-Z][a-z]{2} \d{1,2}$/],
    [HOUR, 6, /^\d\d?:\d\d [AP]M$/],
  ];
  for (const [seconds, most, text] of cases) {
    const marks = axisMarks(NOW - seconds, NOW, most);
    assert.ok(marks.length > 1 && marks.length <= most + 1, `${seconds} s: ${marks.length} marks`);
    for (const mark of marks) assert.match(mark.text, text);
  }
});
