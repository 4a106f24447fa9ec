// Facts about QOS: order, access, preemption. What is hidden from a user.

import assert from "node:assert/strict";
import test from "node:test";

import { hiddenText } from "../../../slurm_rest_api/pages/static/private-data.js";
import {
  accountsOf,
  flagText,
  partitionsOf,
  preemptedBy,
  preemptionText,
  sortedQos,
} from "../../../slurm_rest_api/pages/static/qos-facts.js";

const QOS = [
  { name: "normal", priority: 10, preempt: [], preempt_mode: null },
  { name: "low", priority: 0, preempt: [], preempt_mode: "WITHIN,REQUEUE" },
  { name: "high", priority: 10, preempt: ["low", "normal"], preempt_mode: null },
];
const names = (records) => records.map(({ name }) => name);

test("the highest priority is first, and preemption is seen from both sides", () => {
  assert.deepEqual(names(sortedQos(QOS)), ["high", "normal", "low"]);
  assert.deepEqual(preemptedBy("low", QOS), ["high"]);
  assert.equal(preemptionText(QOS[1], ["high"]), "within, requeue");
  assert.equal(preemptionText(QOS[0], ["high"]), "as PreemptMode of the cluster says");
  assert.equal(preemptionText(QOS[2], []), "");
  assert.match(flagText("DenyOnLimit"), /refused/);
  assert.equal(flagText("Unheard"), "");
});

test("accounts with the QOS, and partitions that allow it, may use it", () => {
  const accounts = [
    { name: "root", qos: ["normal", "low"] },
    { name: "physics", qos: ["normal"] },
  ];
  assert.deepEqual(accountsOf("normal", accounts), { names: ["root", "physics"], isAll: true });
  assert.deepEqual(accountsOf("low", accounts), { names: ["root"], isAll: false });
  const partitions = [
    { name: "main", allow_qos: "ALL", deny_qos: null, qos_char: null },
    { name: "gpu", allow_qos: ["high"], deny_qos: null, qos_char: "low" },
    { name: "debug", allow_qos: "ALL", deny_qos: ["low"], qos_char: null },
  ];
  assert.deepEqual(partitionsOf("low", partitions), { names: ["main"], isAll: false, limits: ["gpu"] });
  assert.deepEqual(partitionsOf("high", partitions).isAll, true);
});

test("a page names what is hidden and by which words", () => {
  const concerns = ["accounts", "jobs", "usage"];
  assert.equal(hiddenText(new Set(["reservations"]), concerns), "");
  assert.equal(
    hiddenText(new Set(["accounts", "nodes"]), concerns),
    "Not shown to you: accounts that you neither run under nor coordinate (auth.private_data: accounts).",
  );
});
