// The pace of polling, and the records that are kept up to date by their changes.

import assert from "node:assert/strict";
import test from "node:test";

import {
  applyChanges,
  retrySeconds,
  secondsToNextSnapshot,
  tokenExpiry,
} from "../../../slurm_rest_api/pages/static/api-client.js";

test("the next request is sent when the next snapshot is due", () => {
  const cases = [
    [{ "Cache-Control": "public, max-age=10", Age: "3" }, 7.5],
    [{ "Cache-Control": "public, max-age=10", Age: "0" }, 10.5],
    [{ "Cache-Control": "public, max-age=1", Age: "0" }, 1.5],
    // An overdue snapshot is polled once an interval.
    [{ "Cache-Control": "public, max-age=10", Age: "10" }, 10.5],
    [{ "Cache-Control": "public, max-age=10", Age: "900" }, 10.5],
    [{ "Cache-Control": "public, max-age=600", Age: "0" }, 60],
    [{ "Cache-Control": "no-store" }, 10.5],
    [{}, 10.5],
  ];
  for (const [headers, seconds] of cases)
    assert.equal(secondsToNextSnapshot(new Headers(headers), 0), seconds, JSON.stringify(headers));
});

test("requests of many tabs are spread over half a second", () => {
  const headers = new Headers({ "Cache-Control": "max-age=10", Age: "4" });
  for (let turn = 0; turn < 100; turn += 1) {
    const seconds = secondsToNextSnapshot(headers);
    assert.ok(seconds >= 6.5 && seconds < 7, String(seconds));
  }
});

test("failures are repeated after 5, 10, 20, … 60 seconds, or when the server says", () => {
  assert.deepEqual(
    [1, 2, 3, 4, 5, 50].map((failures) => retrySeconds(failures, null)),
    [5, 10, 20, 40, 60, 60],
  );
  assert.equal(retrySeconds(1, 30), 30);
  assert.equal(retrySeconds(5, 30), 60);
});

test("a full answer replaces the records", () => {
  const records = new Map([
    ["a", { state: "IDLE" }],
    ["b", { state: "DOWN" }],
  ]);
  const changes = applyChanges(records, { data: { b: { state: "IDLE" }, c: { state: "IDLE" } }, meta: {} });
  assert.deepEqual([...records.keys()].sort(), ["b", "c"]);
  assert.deepEqual(changes, { changed: new Set(["b", "c"]), gone: new Set(["a"]), full: true });
});

test("an answer to since changes and removes single records", () => {
  const records = new Map([
    ["a", { state: "IDLE", cpus: 8 }],
    ["b", { state: "DOWN", cpus: 8 }],
  ]);
  const answer = { data: { a: { state: "MIXED" } }, meta: { full: false, gone: ["b"] } };
  assert.deepEqual(applyChanges(records, answer), { changed: new Set(["a"]), gone: new Set(["b"]), full: false });
  assert.deepEqual([...records], [["a", { state: "MIXED", cpus: 8 }]]);
});

test("the expiry of a JWT is its claim exp, and other tokens have none", () => {
  const jwt = (claims) => `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.c2ln`;
  assert.equal(tokenExpiry(jwt({ exp: 1_800_000_000, sun: "zoë?>" })), 1_800_000_000);
  for (const text of [null, "", "sra_abc", "a.b.c", jwt({ sun: "alice" }), jwt({ exp: "soon" })]) {
    assert.equal(tokenExpiry(text), null, text);
  }
});
