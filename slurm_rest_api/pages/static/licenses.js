// The Licenses page: total, used, free and reserved licenses, and the jobs that wait for them.

import { follow, poll } from "./api-client.js";
import { byId, faultNotice, h, notice, renderIfChanged, setShare, setText } from "./dom.js";
import { count, formatDateTime, plural, ratio } from "./format.js";
import { page, setCurlLine } from "./frame.js";
import { showRecords } from "./record-table.js";
import { apiUrl } from "./urls.js";

// Slurm gives this reason to the jobs that wait for a license.
const WAITING = { state: "PENDING", reason: "Licenses" };
const MOST = 1000;

const view = { records: null, fault: null };
// The number of waiting jobs by license; null if it is not known.
let waiting = null;

function useCell({ used, total }) {
  if (total === null || used === null) return "–";
  return [
    `${count(used)} of ${count(total)}`,
    setShare(h("div", { class: "meter", "aria-hidden": "true" }), ratio(used, total) ?? 0),
  ];
}

function nameCell({ name, remote, last_update: updated }) {
  if (!remote) return name;
  const asked = updated ? `, server asked ${formatDateTime(updated)}` : "";
  return [name, h("span", { class: "explanation" }, `from slurmdbd${asked}`)];
}

function waitingCell({ name }) {
  if (waiting === null) return "–";
  const number = waiting.get(name) ?? 0;
  return number === 0 ? "0" : h("a", { href: page("queue", WAITING) }, count(number));
}

const number = (field) => (record) => count(record[field]);
const COLUMNS = [
  { title: "License", cell: nameCell },
  { title: "Used", cell: useCell, number: true },
  { title: "Free", cell: number("free"), number: true },
  { title: "Reserved", cell: number("reserved"), number: true },
  { title: "Used by others", cell: number("last_deficit"), number: true },
  { title: "Total", cell: number("total"), number: true },
  { title: "Pending jobs", cell: waitingCell, number: true },
];

function blank() {
  const { records, fault } = view;
  if (fault?.status === 404) return notice("off", "Licenses are not read", fault.message);
  if (fault) return faultNotice(fault);
  if (records === null) return notice("loading", "Loading …");
  if (records.size > 0) return null;
  return notice("empty", "No licenses", "Neither slurm.conf nor slurmdbd has licenses of this cluster.");
}

function show() {
  const note = blank();
  renderIfChanged(byId("state"), note?.outerHTML ?? "", () => note);
  byId("list").hidden = note !== null;
  const all = waiting === null ? 0 : [...waiting.values()].reduce((sum, jobs) => sum + jobs, 0);
  setText(byId("more"), all >= MOST ? `Of the ${plural(MOST, "job")} that were submitted first.` : "");
  if (note !== null) return;
  const sorted = [...view.records.values()].sort((a, b) => a.name.localeCompare(b.name));
  showRecords(byId("licenses"), COLUMNS, sorted, ({ name }) => name);
}

function waitingByLicense(jobs) {
  const found = new Map();
  for (const { licenses } of Object.values(jobs)) {
    for (const name of Object.keys(licenses ?? {})) found.set(name, (found.get(name) ?? 0) + 1);
  }
  return found;
}

show();
setCurlLine(apiUrl("licenses"));
follow("licenses", {}, view, { show });
poll(
  "queue",
  { ...WAITING, limit: MOST, fields: ["licenses"] },
  {
    onAnswer: ({ data }) => {
      waiting = waitingByLicense(data);
      show();
    },
    onFault: () => {
      waiting = null;
      show();
    },
  },
);
