// Maintenance that a job would not end before: upcoming reservations with the flag MAINT.

import { ApiError, getJson } from "./api-client.js";
import { approximate, formatDateTime, now } from "./format.js";
import { holdsNodes, isPending } from "./jobs.js";

const KEPT_SECONDS = 60;
const FIELDS = ["name", "start_time", "end_time", "nodes", "flags"];

/**
 * Returns the epoch second at which the time limit of a job is reached, Infinity without a limit; null if unknown.
 *
 * @param {object} job A record of /queue. A pending one is taken to start at `at`.
 */
export function limitReached(job, at) {
  if (!isPending(job)) return holdsNodes(job) && job.end_time ? job.end_time : null;
  if (job.time_limit === "UNLIMITED") return Infinity;
  return typeof job.time_limit === "number" ? at + 60 * job.time_limit : null;
}

/**
 * Returns the first upcoming maintenance that begins before `end`, of reservations in any order; null without one.
 *
 * Left out are one that the job runs in, one whose start moves on with the time, and one before which Slurm itself
 * expects a pending job to start.
 */
export function crossed(reservations, job, at, end) {
  const found = reservations.filter(
    (one) =>
      one.flags.includes("MAINT") &&
      one.start_time > at &&
      one.start_time < end &&
      one.name !== job.resv_name &&
      !(isPending(job) && job.start_time > 0 && job.start_time < one.start_time) &&
      !one.flags.includes("TIME_FLOAT"),
  );
  return found.sort((a, b) => a.start_time - b.start_time)[0] ?? null;
}

/**
 * Returns a sentence about a maintenance that a job would not end before.
 *
 * @param {"all" | "some"} reach The part of the nodes that a pending job could use.
 */
export function crossingText(job, { start_time: start, end_time: end }, reach, at) {
  const begin = `begins in ${approximate(start - at)} (${formatDateTime(start)})`;
  if (!isPending(job))
    return `Maintenance of its nodes ${begin}, before its time limit is reached. It may be ended then.`;
  const later = `after ${formatDateTime(end)}`;
  if (reach === "some")
    return `Maintenance of a part of its nodes ${begin}. It would not end in time, so these can be used only ${later}.`;
  const shorter = "or earlier with a shorter time limit";
  return `Maintenance of all its nodes ${begin}. It would not end in time, so it can start only ${later}, ${shorter}.`;
}

// Returns the part of the nodes of a pending job's partitions that a reservation has.
async function reachOf(job, { nodes }, signal) {
  const count = { partition: job.partition, count: true };
  const [all, reserved] = await Promise.all([
    getJson("nodes", count, { signal }),
    getJson("nodes", { ...count, name: nodes }, { signal }),
  ]);
  return reserved.data.count < all.data.count ? "some" : "all";
}

async function find(job, signal) {
  const at = now();
  const end = limitReached(job, at);
  if (end === null) return null;
  const where = isPending(job) ? { partition: job.partition } : { node: job.nodes };
  const before = Number.isFinite(end) ? { startbefore: Math.ceil(end) } : {};
  const { data } = await getJson(
    "reservations",
    { flag: "MAINT", active: false, fields: FIELDS, ...where, ...before },
    { signal },
  );
  const reservation = crossed(Object.values(data), job, at, end);
  if (reservation === null) return null;
  const reach = isPending(job) ? await reachOf(job, reservation, signal) : "all";
  return { name: reservation.name, text: crossingText(job, reservation, reach, at) };
}

let last = { key: "", at: 0, found: null };

/**
 * Resolves to {name, text} for the first maintenance that a job would not end before.
 *
 * Resolves to null without one or without answer.
 *
 * The answer is kept for a minute.
 */
export async function maintenanceOfJob(job, signal) {
  const key = JSON.stringify([job.job_id, job.job_state, job.time_limit, job.nodes, job.partition]);
  if (key === last.key && now() - last.at < KEPT_SECONDS) return last.found;
  try {
    const found = await find(job, signal);
    last = { key, at: now(), found };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    last = { key, at: now(), found: null };
  }
  return last.found;
}
