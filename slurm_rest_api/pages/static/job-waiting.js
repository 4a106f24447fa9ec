// Why a pending job waits, from /queue/{jobid}/explain.

import { facts, h, setShare, tableOf, withCode } from "./dom.js";
import { count, formatDateTime, percent, plural, ratio } from "./format.js";
import { jobLink, nodeLink, page } from "./frame.js";
import { availabilityText, endsWhen, rankText, reason } from "./job-reasons.js";
import { isPending, stateChip } from "./jobs.js";
import { priorityParts } from "./priority-factors.js";

/** Makes the sentence for the reason of a job. `explanation` is null if there is none. */
export function why(job, explanation) {
  const { label } = reason(job.state_reason);
  if (!label) return null;
  const words = [h("strong", {}, label), ". ", explanation && [withCode(explanation.text), " "]];
  return h("p", { class: "why" }, words, h("span", { class: "faint" }, `Slurm reason: ${job.state_reason}.`));
}

const lines = (items) => (items ?? []).map((item) => h("div", {}, item));

function dependency({ type, job_id: id, state, states, minutes, condition }) {
  const others = Object.entries(states ?? {}).map(([name, number]) => `${count(number)} ${name.toLowerCase()}`);
  const now = state ? stateChip(state) : others.join(", ") || "state not known";
  const other = id === null ? null : [" ", /^[\d_+]+$/.test(id) ? jobLink(id) : id];
  return [
    type,
    other,
    minutes ? ` and ${plural(minutes, "minute")}` : null,
    " ",
    now,
    condition === "failed" && " failed",
  ];
}

function reservation({ name, relation, state, start_time: start, end_time: end }) {
  const link = h("a", { href: page("queue", { reservation: name }) }, name);
  const times = start ? ` (${formatDateTime(start)} to ${formatDateTime(end)})` : "";
  return [relation === "in" ? "In " : "Behind ", link, state && `, ${state.toLowerCase()}`, times];
}

const unavailable = ({ name, state, reason: why }) => [nodeLink(name), ` ${state.toLowerCase()}`, why && `: ${why}`];

function fairShare(share) {
  if (!share) return null;
  const level = share.level_fs === null ? "" : `, level ${share.level_fs.toFixed(2)}`;
  return share.fair_share === null ? null : `${share.fair_share.toFixed(3)} of 1${level} (account ${share.account})`;
}

/** Makes the card of what a pending job waits for. */
export function waiting(job, explanation) {
  if (!isPending(job) || explanation === null) return null;
  const start = explanation.estimated_start;
  return facts("What it waits for", [
    ["Waits until", endsWhen(explanation.ends_by)],
    ["Rank", explanation.rank ? lines(explanation.rank.map(rankText)) : withCode(explanation.no_rank)],
    ["Expected start", start ? `${formatDateTime(start)}, as the scheduler estimates` : "no estimate yet"],
    ["If it were first", lines((explanation.availability ?? []).map(availabilityText))],
    ["Dependencies", lines(explanation.dependencies.map(dependency))],
    ["Reservations", lines((explanation.reservations ?? []).map(reservation))],
    ["Unavailable nodes", lines((explanation.unavailable_nodes ?? []).map(unavailable))],
    ["Fair share", fairShare(explanation.fairshare)],
  ]);
}

function meter(part, all) {
  const share = ratio(part, all);
  return share !== null && setShare(h("div", { class: "meter", "aria-hidden": "true" }), share);
}

/** Makes the table of the limits that keep a job from starting. */
export function limitTable(explanation) {
  const limits = explanation?.limits ?? [];
  if (limits.length === 0) return null;
  const rows = limits.map((limit) => [
    limit.is_reason ? h("strong", {}, limit.name) : limit.name,
    limit.text,
    [limit.used === null ? "–" : `${count(limit.used)} of ${count(limit.limit)}`, meter(limit.used, limit.limit)],
  ]);
  const caption = "The limits that keep it from starting now. Slurm's reason names those in bold.";
  return tableOf("Limits", caption, ["Limit", "Meaning", "Used"], rows, [2]);
}

// The table says the same to screen readers.
function stackedBar(parts) {
  const shown = parts.filter(({ width }) => width > 0);
  const bar = shown.map(({ kind, title, points, width }) =>
    setShare(h("span", { class: `factor ${kind}`, title: `${title}: ${count(points)}` }), width),
  );
  return h("div", { class: "factors", "aria-hidden": "true" }, bar);
}

/** Makes the priority of a job: a bar of its factors, and their points and shares as a table. */
export function priorityOf(explanation) {
  const [first] = explanation?.priority?.partitions ?? [];
  if (!first) return null;
  const parts = priorityParts(first.factors);
  const rows = parts.map(({ kind, title, points, share }) => [
    [h("span", { class: `factor key ${kind}`, "aria-hidden": "true" }), title],
    count(points),
    percent(share),
  ]);
  const where = first.partition === null ? "" : ` in ${first.partition}`;
  const at = formatDateTime(explanation.priority.read_at);
  const caption = `Priority ${count(first.priority)}${where}, read at ${at}.`;
  const section = tableOf("Priority", caption, ["Factor", "Points", "Share"], rows, [1, 2]);
  section.classList.add("priority");
  section.querySelector("h2").after(stackedBar(parts));
  return section;
}
