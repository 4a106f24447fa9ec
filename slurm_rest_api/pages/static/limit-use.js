// The limits of accounts and QOS, and how much of them running and pending jobs use. No I/O, no document.

const GROUP_LIMITS = [
  ["grp_tres", "resources of running jobs", "running"],
  ["grp_tres_mins", "resource minutes of all jobs", "minutes"],
];
const COUNTS = [
  ["grp_jobs", "running jobs", "running"],
  ["grp_submit_jobs", "running and pending jobs", "submitted"],
];
// Names of TRES, and those of the sums of /queue.
const USED = { cpu: "cpus", mem: "memory", node: "nodes", "gres/gpu": "gpus" };

/** Returns the names of each account and of all accounts above it: Map {child → [child, parent, …]}. */
export function ancestry(accounts) {
  const parents = new Map(accounts.map(({ name, parent_account: parent }) => [name, parent]));
  const above = (name) => {
    const names = [];
    for (let at = name; at !== null && at !== undefined && !names.includes(at); at = parents.get(at)) names.push(at);
    return names;
  };
  return new Map(accounts.map(({ name }) => [name, above(name)]));
}

/** Returns the sums of /queue?group_by=account with those of the accounts below added to each account. */
export function withBelow(sums, accounts) {
  const above = ancestry(accounts);
  const found = {};
  for (const [name, sum] of Object.entries(sums)) {
    for (const account of above.get(name) ?? [name]) {
      found[account] ??= {};
      for (const [key, value] of Object.entries(sum)) found[account][key] = (found[account][key] ?? 0) + (value ?? 0);
    }
  }
  return found;
}

/**
 * Returns the group limits of accounts or QOS with their use: {name, what, tres, limit, used}.
 *
 * `used` is null where it is not known, as for minutes, which only slurmctld counts.
 * `running` and `submitted` are sums of /queue by name; null: not readable.
 */
export function limitRows(records, { running, submitted }) {
  const jobs = { running, submitted };
  const rows = [];
  for (const record of records) {
    const { name } = record;
    for (const [field, what, use] of GROUP_LIMITS) {
      for (const [tres, limit] of Object.entries(record[field] ?? {})) {
        const key = USED[tres];
        const isKnown = use === "running" && running !== null && key;
        rows.push({ name, what, tres, limit, used: isKnown ? (running[name]?.[key] ?? 0) : null });
      }
    }
    for (const [field, what, use] of COUNTS) {
      const limit = record[field] ?? null;
      if (limit === null) continue;
      const used = jobs[use] === null ? null : (jobs[use][name]?.tasks ?? 0);
      rows.push({ name, what, tres: null, limit, used });
    }
  }
  return rows;
}
