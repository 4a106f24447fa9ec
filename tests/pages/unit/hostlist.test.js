// Hostlists, as `scontrol show hostlist` of Slurm 26.05 writes them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { foldedHostlist } from "../../../slurm_rest_api/pages/static/format.js";

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
