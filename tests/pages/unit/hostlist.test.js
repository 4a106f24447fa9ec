// Hostlists, as `scontrol show hostlist` of Slurm 26.05 writes them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { expandedHostlist, foldedHostlist } from "../../../slurm_rest_api/pages/static/hostlist.js";

const CASES = [
  [["cn0515", "cn0630"], "cn[0515,0630]"],
  [["n3", "n1", "n2", "n10"], "n[1-3,10]"],
  [["n9", "n10", "n11"], "n[9-11]"],
  [["n08", "n09", "n10"], "n[08-10]"],
  [["n099", "n100"], "n[099-100]"],
  [["login", "n1"], "login,n1"],
  [["r1n1-ib", "r1n2-ib", "r2n1-ib"], "r1n[1-2]-ib,r2n1-ib"],
  [["a", "a"], "a"],
  [[], ""],
];

test("names of nodes fold to a hostlist", () => {
  for (const [names, folded] of CASES) assert.equal(foldedHostlist(names), folded);
});

test("a hostlist has the names that `scontrol show hostnames` prints", () => {
  const cases = [
    ["cn[0515,0630]", ["cn0515", "cn0630"]],
    ["n[8-10],login", ["n8", "n9", "n10", "login"]],
    ["n[098-101]", ["n098", "n099", "n100", "n101"]],
    ["r[1-2]n[1,3]-ib", ["r1n1-ib", "r1n3-ib", "r2n1-ib", "r2n3-ib"]],
    ["", []],
    [null, []],
  ];
  for (const [text, names] of cases) assert.deepEqual(expandedHostlist(text), names);
});

test("a hostlist of a program gone wrong is cut at the number of nodes that Slurm can have", () => {
  assert.equal(expandedHostlist("n[1-99999999]").length, 65_536);
  assert.equal(expandedHostlist("n[1-99999]m[1-99],x").length, 65_536);
});
