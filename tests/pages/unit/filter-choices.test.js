// Corrections of names in filters.

import assert from "node:assert/strict";
import { test } from "node:test";
import { corrected } from "../../../slurm_rest_api/pages/static/filter-choices.js";

const NAMES = ["main", "alice", "bob", "alina"];

test("a name in another case, with one letter wrong or cut short is corrected", () => {
  assert.equal(corrected("Main", NAMES), "main");
  assert.equal(corrected("mian", ["main"]), null);
  assert.equal(corrected("mai", NAMES), "main");
  assert.equal(corrected("maim", NAMES), "main");
  assert.equal(corrected("alicee", NAMES), "alice");
  assert.equal(corrected("ali", NAMES), "alice");
  assert.equal(corrected("!Main", NAMES), "!main");
});

test("names with blanks between them are separated by commas", () => {
  assert.equal(corrected("alice bob", NAMES), "alice,bob");
  assert.equal(corrected("Alice,bob", NAMES), "alice,bob");
});

test("a known name and a name that resembles none are no corrections", () => {
  assert.equal(corrected("main", NAMES), null);
  assert.equal(corrected("main,zebra", NAMES), null);
  assert.equal(corrected("", NAMES), null);
});
