// New jobs above the rows of the queue: they are counted, and the rows stay where they are. No I/O, no document.

/** Returns the number of jobs of `answer` above the first one that is in `shown`; all of them if none is. */
export function newAbove(shown, answer) {
  const known = new Set(shown.map(({ job_id: id }) => id));
  const at = answer.findIndex(({ job_id: id }) => known.has(id));
  return at === -1 ? answer.length : at;
}

/**
 * Returns the rows that stay while `number` new jobs above them are held back; null if too few of them are left.
 *
 * The new jobs push as many of the shown ones to the next page. `remaining` has those that still match, by job id.
 */
export function keptRows(shown, answer, number, remaining) {
  const pushed = shown.map(({ job_id: id }) => remaining[id]).filter(Boolean);
  const rows = [...answer.slice(number), ...pushed].slice(0, answer.length);
  return rows.length * 2 < answer.length ? null : rows;
}
