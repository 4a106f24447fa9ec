// The parts of a pending job's priority, from /queue/{jobid}/explain. No I/O, no document.

import { ratio } from "./format.js";

// In the order of sprio(1). Few clusters use those of `RARE`.
const RARE = ["site", "assoc"];
const TITLES = {
  site: "Site",
  age: "Age",
  assoc: "Association",
  fairshare: "Fair share",
  job_size: "Job size",
  partition: "Partition",
  qos: "QOS",
};

const sum = (numbers) => numbers.reduce((total, number) => total + number, 0);

/**
 * Returns the parts of a priority: {kind, title, points, share, width}.
 *
 * `points` add up to the priority: nice takes points off if it is positive. `share` is that of all points that add to
 * the priority. `width` is the part of a bar with all parts side by side, 0 to 1.
 *
 * @param {object} factors The weighted factors of sprio: {age: 600, tres: {cpu: 5}, nice: 10}. Unknown ones are null.
 */
export function priorityParts({ tres, nice, ...factors }) {
  const known = [
    ...Object.keys(TITLES).map((kind) => ({ kind, title: TITLES[kind], points: factors[kind] ?? null })),
    ...Object.entries(tres ?? {}).map(([name, points]) => ({ kind: "tres", title: `TRES ${name}`, points })),
    { kind: "nice", title: "Nice", points: nice ? -nice : null },
  ].filter(({ kind, points }) => points !== null && !(points === 0 && RARE.includes(kind)));
  const added = sum(known.map(({ points }) => Math.max(0, points)));
  const all = sum(known.map(({ points }) => Math.abs(points)));
  return known.map((part) => ({
    ...part,
    share: ratio(part.points, added),
    width: ratio(Math.abs(part.points), all) ?? 0,
  }));
}
