// Numbers, sizes, times and GPUs as readers see them. npm sets locale and time zone: en_US, Europe/Berlin.

import assert from "node:assert/strict";
import test from "node:test";

import {
  approximate,
  bytes,
  clock,
  count,
  exitOf,
  formatDateTime,
  formatDuration,
  formatLimit,
  gpuCount,
  memory,
  percent,
  plural,
  ratio,
  roughCount,
  shortDate,
} from "../../../slurm_rest_api/pages/static/format.js";

// 24 November 2026, 10:15:30 in Berlin.
const TIME = Date.parse("2026-11-24T09:15:30Z") / 1000;

function check(format, cases) {
  // ICU writes a narrow no-break space before AM and PM.
  const plain = (text) => text?.replace?.(/\u202f/g, " ") ?? text;
  for (const [value, text] of cases) assert.equal(plain(format(value)), text, `${format.name}(${value})`);
}

test("large numbers have three digits", () => {
  check(roughCount, [
    [99_999, "99,999"],
    [1_623_723, "1.62M"],
    [495_396, "495K"],
    [null, "–"],
  ]);
});

test("an unknown value is a dash", () => {
  for (const format of [
    count,
    percent,
    memory,
    formatDuration,
    formatLimit,
    approximate,
    formatDateTime,
    clock,
    shortDate,
  ])
    check(format, [
      [null, "–"],
      [undefined, "–"],
      [Number.NaN, "–"],
    ]);
});

test("numbers have separators and no decimals", () => {
  check(count, [
    [0, "0"],
    [999.6, "1,000"],
    [1234567, "1,234,567"],
  ]);
  check(percent, [
    [0, "0%"],
    [0.254, "25%"],
    [1.5, "150%"],
  ]);
  check(
    (number) => plural(number, "node"),
    [
      [0, "0 nodes"],
      [1, "1 node"],
      [1000, "1,000 nodes"],
    ],
  );
});

test("a ratio needs something to divide by", () => {
  assert.equal(ratio(1, 4), 0.25);
  assert.equal(ratio(1, 0), null);
  assert.equal(ratio(1, null), null);
});

test("memory is MiB in the largest unit below 1,024", () => {
  check(memory, [
    [0, "0 MiB"],
    [1023, "1,023 MiB"],
    [1024, "1 GiB"],
    [1536, "1.5 GiB"],
    [1048576, "1 TiB"],
    [3.5 * 1048576, "3.5 TiB"],
    [2339.5 * 1048576, "2.3 PiB"],
    [5000 * 1024 ** 3, "5,000 PiB"],
    ["UNLIMITED", "unlimited"],
  ]);
  check(bytes, [
    [512, "0.5 KiB"],
    [1048575, "1,024 KiB"],
    [1572864, "1.5 MiB"],
  ]);
});

test("a duration is written as by sacct", () => {
  check(formatDuration, [
    [0, "00:00:00"],
    [-5, "00:00:00"],
    [59.9, "00:00:59"],
    [3600, "01:00:00"],
    [86399, "23:59:59"],
    [86400, "1-00:00:00"],
    [93784, "1-02:03:04"],
    ["UNLIMITED", "unlimited"],
  ]);
  check(formatLimit, [
    [90, "01:30:00"],
    ["UNLIMITED", "unlimited"],
    ["Partition_Limit", "partition_limit"],
  ]);
});

test("an age has one unit", () => {
  check(approximate, [
    [-1, "0 s"],
    [119, "119 s"],
    [120, "2 min"],
    [7199, "120 min"],
    [7200, "2 h"],
    [172799, "48 h"],
    [172800, "2 days"],
  ]);
});

test("times are in the user's time zone, and 0 is unknown", () => {
  check(formatDateTime, [
    [TIME, "Nov 24, 2026, 10:15 AM"],
    [0, "–"],
  ]);
  check(clock, [
    [TIME, "10:15:30 AM"],
    [0, "–"],
  ]);
});

test("a short date has the time only on the same day", () => {
  check(
    (epoch) => shortDate(epoch, TIME),
    [
      [TIME - 3600, "9:15 AM"],
      [TIME - 86400, "Nov 23, 10:15 AM"],
      [TIME + 13 * 3600, "11:15 PM"],
      [TIME + 14 * 3600, "Nov 25, 12:15 AM"],
      [0, "–"],
    ],
  );
});

test("GPUs are counted in lists of GRES", () => {
  const cases = [
    [null, 0],
    [[], 0],
    [["gpu:4"], 4],
    [["gpu:a100:4(S:0-1)", "shard:8"], 4],
    [["gpu:a100:2(IDX:0-1)", "gpu:h100:1"], 3],
    [["gpu:a100:0(IDX:N/A)"], 0],
    [["gpu:4090:2"], 2],
    [["gpu:tesla"], 1],
    [["gpu:4", "gpu:a100:4"], 4],
    [["gpu_mem:80"], 0],
  ];
  for (const [gres, gpus] of cases) assert.equal(gpuCount(gres), gpus, JSON.stringify(gres));
});

test("an exit is a signal with its name, a code, or nothing for success", () => {
  const cases = [
    [{ exit_code: 0, exit_signal: 0 }, ""],
    [{ exit_code: 3, exit_signal: 0 }, "exit 3"],
    [{ exit_code: 0, exit_signal: 9 }, "signal 9 (KILL)"],
    [{ exit_code: 1, exit_signal: 64 }, "signal 64"],
    [{ exit_code: null, exit_signal: null }, ""],
  ];
  for (const [record, text] of cases) assert.equal(exitOf(record), text);
});
