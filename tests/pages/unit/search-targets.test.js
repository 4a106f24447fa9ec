// Suggestions of the search in the header.

import assert from "node:assert/strict";
import test from "node:test";

import { isJobId, suggestions } from "../../../slurm_rest_api/pages/static/search-targets.js";
import { literal } from "../../../slurm_rest_api/pages/static/urls.js";

const NAMES = {
  user: ["alice", "malice", "bob"],
  account: ["physics"],
  partition: ["alpha"],
  node: ["n10", "n2", "n1", "n3", "n11"],
  "job name": ["align*"],
};
const short = (found) => found.map(({ kind, text }) => `${kind} ${text}`);

test("ids of jobs, tasks and components lead to the job", () => {
  for (const id of ["12", "12_7", "12+1"]) {
    assert.equal(isJobId(id), true);
    const [found, ...others] = suggestions(id, NAMES);
    assert.deepEqual([found.page, found.parameters, others.length], ["job", { id }, 0]);
  }
  for (const text of ["12_", "a12", "12_[3-4]", ""]) assert.equal(isJobId(text), false);
  const job = { name: "train", user_name: "bob", job_state: "RUNNING" };
  assert.equal(suggestions("12", {}, { job })[0].detail, "train, bob, running");
});

test("the equal name comes first, then beginnings, then parts", () => {
  const found = short(suggestions("AL", NAMES));
  assert.deepEqual(found.slice(0, 4), ["user alice", "partition alpha", "job name align*", "user malice"]);
  assert.equal(short(suggestions("alice", NAMES))[0], "user alice");
  assert.deepEqual(short(suggestions("n1", NAMES)).slice(0, 3), ["node n1", "node n10", "node n11"]);
  // One letter is a beginning only, and four of a kind are shown.
  assert.deepEqual(short(suggestions("n", NAMES)).slice(0, 5), [
    ...["node n1", "node n2", "node n3", "node n10"],
    "search Jobs in the queue named n…",
  ]);
});

test("a text without a match leads to the jobs with this name, and to accounting where it is on", () => {
  const found = suggestions("zoë,<b>", NAMES, { hasAccounting: true });
  assert.deepEqual(
    found.map(({ page, parameters }) => [page, parameters]),
    [
      ["queue", { name: "zoë\\,<b>*" }],
      ["history", { jobname: "zoë,<b>" }],
      ["history", { user: "zoë,<b>" }],
    ],
  );
  assert.equal(suggestions("zoë", NAMES).length, 1);
  assert.deepEqual(suggestions("", NAMES), []);
});

test("accounts and QOS lead to their pages, and to their jobs without accounting", () => {
  const names = { account: ["phys,ics"], qos: ["physical"] };
  const found = (hasAccounting) =>
    suggestions("phys", names, { hasAccounting })
      .slice(0, 2)
      .map(({ kind, page, parameters }) => [kind, page, parameters]);
  assert.deepEqual(found(true), [
    ["account", "accounts", { name: "phys,ics" }],
    ["QOS", "qos", { name: "physical" }],
  ]);
  assert.deepEqual(found(false), [
    ["account", "queue", { account: "phys\\,ics" }],
    ["QOS", "queue", { qos: "physical" }],
  ]);
});

test("a hostlist leads to its nodes, and signs of the filters are taken literally", () => {
  const [nodes] = suggestions("n[1-3]", NAMES);
  assert.deepEqual([nodes.page, nodes.parameters], ["nodes", { name: "n[1-3]" }]);
  assert.equal(literal("!a*b,c\\"), "\\!a\\*b\\,c\\\\");
  assert.deepEqual(suggestions("align", NAMES)[0].parameters, { name: "align\\*" });
});
