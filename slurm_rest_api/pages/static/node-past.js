// The jobs that ended on a node lately, from the accounting database.

import { getJson } from "./api-client.js";
import { byId, faultNotice, h, notice, replaceChildren, tableOf } from "./dom.js";
import { count, formatDateTime, formatDuration, plural } from "./format.js";
import { jobLink, page } from "./frame.js";
import { stateChip } from "./jobs.js";

const DAYS = 7;
const SHOWN = 25;
// Records come in the order in which slurmdbd wrote them. The page sorts up to this many by their end.
const MOST = 500;
const FIELDS = [
  ...["id_job", "job_id_str", "job_name", "user_name", "state_name", "time_start", "time_end", "elapsed"],
  ...["nodes_alloc", "tres_alloc"],
];

// slurmdbd has the CPUs of a job, not those on each of its nodes.
function cpusText({ nodes_alloc: nodes, tres_alloc: tres }) {
  return nodes > 1 ? `${count(tres?.cpu)} on ${plural(nodes, "node")}` : count(tres?.cpu);
}

function row(record) {
  return [
    jobLink(record.job_id_str.includes("[") ? record.id_job : record.job_id_str),
    record.job_name,
    record.user_name,
    stateChip(record.state_name),
    formatDateTime(record.time_start),
    formatDateTime(record.time_end),
    formatDuration(record.elapsed),
    cpusText(record),
  ];
}

function captionOf(number, hasMore) {
  if (hasMore) return `The last to end among the newest ${count(MOST)} records of the last ${DAYS} days.`;
  if (number > SHOWN) return `The last ${SHOWN} to end of ${count(number)} that ended here in the last ${DAYS} days.`;
  return `${plural(number, "job")} ended here in the last ${DAYS} days.`;
}

function section(records, hasMore) {
  const title = "Recent jobs";
  if (records.length === 0)
    return h("section", {}, h("h2", {}, title), notice("empty", `No jobs ended here in the last ${DAYS} days`));
  const last = [...records].sort((one, other) => other.time_end - one.time_end).slice(0, SHOWN);
  const heads = ["Job", "Name", "User", "State", "Started", "Ended", "Elapsed", "CPUs"];
  return tableOf(title, captionOf(records.length, hasMore), heads, last.map(row), [6, 7]);
}

/** Shows the jobs that ended on a node in the last seven days, the last one first, in the part of the page for them. */
export async function showPast(name, signal) {
  const range = { node: name, endafter: `now-${DAYS}days` };
  try {
    const { data, meta } = await getJson(
      "history",
      { ...range, limit: MOST, times: "epoch", fields: FIELDS },
      { signal },
    );
    const all = h("a", { href: page("history", range) }, "All of them in History");
    const events = h("a", { href: page("events", { node: name, since: "now-365days" }) }, "Events of this node");
    replaceChildren(byId("past"), section(data, meta.next !== null), h("p", {}, all, " · ", events));
  } catch (error) {
    // 404: accounting is switched off.
    if (error.name === "AbortError" || error.status === 404) return;
    replaceChildren(byId("past"), h("section", {}, h("h2", {}, "Recent jobs"), faultNotice(error)));
  }
}
