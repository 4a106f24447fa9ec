// Marks of the jobs that would not end before a maintenance of their nodes.

import { ApiError, getJson } from "./api-client.js";
import { approximate, now } from "./format.js";
import { expandedHostlist } from "./hostlist.js";
import { crossed, crossingText, limitReached } from "./job-maintenance.js";
import { isPending } from "./jobs.js";

const KEPT_SECONDS = 60;
const MAINTENANCE = { flag: "MAINT", shape: "list", fields: ["name", "start_time", "end_time", "nodes", "flags"] };

// Returns the part of `names` that is in the Set `reserved`: "all", "some" or "none".
function reachOf(names, reserved) {
  const found = names.filter((name) => reserved.has(name)).length;
  if (found === 0) return "none";
  return found < names.length ? "some" : "all";
}

const isOfAll = ({ flags }) => flags.includes("ALL_NODES");

// Returns `work` with a memory for its results. Many jobs of a page have the same partition.
function memoized(work) {
  const known = new Map();
  return (...given) => {
    const key = JSON.stringify(given);
    if (!known.has(key)) known.set(key, work(...given));
    return known.get(key);
  };
}

/**
 * Returns the first maintenance that each job would not end before: a Map of {name, label, text} by job id.
 *
 * @param {object[]} jobs Records of /queue.
 * @param {object[]} reservations Records of /reservations.
 * @param {object} partitions Records of /partitions by name, with `nodes`. Pending jobs could use these.
 * @param {number} at The current time, in epoch seconds.
 */
export function maintenanceMarks(jobs, reservations, partitions, at) {
  const namesOf = (place, pending) =>
    pending ? place.split(",").flatMap((name) => expandedHostlist(partitions[name]?.nodes)) : expandedHostlist(place);
  const names = memoized(namesOf);
  const reserved = memoized((one) => new Set(expandedHostlist(reservations[one].nodes)));
  const reach = memoized((one, place, pending) =>
    isOfAll(reservations[one]) ? "all" : reachOf(names(place, pending), reserved(one)),
  );
  const marks = new Map();
  for (const job of jobs) {
    const end = limitReached(job, at);
    if (end === null) continue;
    const place = (isPending(job) ? job.partition : job.nodes) ?? "";
    const reachHere = (reservation) => reach(reservations.indexOf(reservation), place, isPending(job));
    const early = reservations.filter(({ start_time: start }) => start < end);
    const first = crossed(
      early.filter((one) => reachHere(one) !== "none"),
      job,
      at,
      end,
    );
    if (first === null) continue;
    const label = `maintenance in ${approximate(first.start_time - at)}`;
    marks.set(job.job_id, { name: first.name, label, text: crossingText(job, first, reachHere(first), at) });
  }
  return marks;
}

let kept = { at: 0, reservations: Promise.resolve([]), partitions: null };

async function reservationsToCome() {
  try {
    const { data } = await getJson("reservations", MAINTENANCE);
    return data.filter(({ start_time: start }) => start > now());
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return [];
  }
}

/**
 * Resolves to the maintenances to come, which are read once a minute.
 *
 * Without permission to read them there are none.
 */
export function readMaintenances() {
  if (now() - kept.at >= KEPT_SECONDS) kept = { at: now(), reservations: reservationsToCome(), partitions: null };
  return kept.reservations;
}

// The nodes of partitions are of use for pending jobs that reach into a maintenance of some nodes only.
function needsPartitions(jobs, reservations) {
  const starts = reservations.filter((one) => !isOfAll(one)).map(({ start_time: start }) => start);
  const first = Math.min(...starts);
  return jobs.some((job) => isPending(job) && limitReached(job, now()) > first);
}

async function readPartitions(signal) {
  try {
    return (await getJson("partitions", { fields: "name,nodes" }, { signal })).data;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return {};
  }
}

/**
 * Resolves to the marks of these jobs, as `maintenanceMarks` returns them.
 *
 * The nodes of partitions are read at most once for the same maintenances.
 */
export async function marksOf(jobs, signal) {
  const reservations = await readMaintenances();
  const read = kept;
  if (read.partitions === null && needsPartitions(jobs, reservations)) read.partitions = await readPartitions(signal);
  return maintenanceMarks(jobs, reservations, read.partitions ?? {}, now());
}
