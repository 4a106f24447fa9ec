// What the search of the header finds for a text: suggestions from names that are known, with their pages. No I/O.

import { literal } from "./urls.js";

const JOB_ID = /^\d+(?:[_+]\d+)?$/;
const MOST = 10;
const MOST_OF_A_KIND = 4;
const SHORTEST_PART = 2;

const order = new Intl.Collator(undefined, { numeric: true });

/** Returns true for the id of a job, an array task (12_7) or a component (12+1). */
export const isJobId = (text) => JOB_ID.test(text);

// The kinds of names: the page of a name, and its parameters. Accounting has the pages of accounts and QOS.
const KINDS = {
  user: (name) => ["queue", { user: literal(name) }],
  account: (name, hasAccounting) => (hasAccounting ? ["accounts", { name }] : ["queue", { account: literal(name) }]),
  qos: (name, hasAccounting) => (hasAccounting ? ["qos", { name }] : ["queue", { qos: literal(name) }]),
  partition: (name) => ["partitions", { name }],
  node: (name) => ["node", { name }],
  reservation: (name) => ["reservations", { name }],
  "job name": (name) => ["queue", { name: literal(name) }],
};

function suggestion(kind, text, [page, parameters], detail = "") {
  return { kind, text, detail, page, parameters };
}

// The closeness of a name to a text in lower case: 0 equal, 1 its beginning, 2 a part of it, null none of these.
function closeness(name, text) {
  const at = name.toLowerCase().indexOf(text);
  if (at < 0 || (at > 0 && text.length < SHORTEST_PART)) return null;
  return at > 0 ? 2 : Number(name.length > text.length);
}

function matches(kind, names, text, hasAccounting) {
  const found = [];
  for (const name of names) {
    const rank = closeness(name, text);
    if (rank !== null) found.push({ name, rank });
  }
  found.sort((one, other) => one.rank - other.rank || order.compare(one.name, other.name));
  return found.slice(0, MOST_OF_A_KIND).map(({ name, rank }) => ({
    rank,
    ...suggestion(kind === "qos" ? "QOS" : kind, name, KINDS[kind](name, hasAccounting)),
  }));
}

function others(text, hasAccounting) {
  const named = suggestion("search", `Jobs in the queue named ${text}…`, ["queue", { name: `${literal(text)}*` }]);
  const ended = [
    suggestion("search", `Job records named ${text}`, ["history", { jobname: text }]),
    suggestion("search", `Job records of user ${text}`, ["history", { user: text }]),
  ];
  return [named, ...(hasAccounting ? ended : [])];
}

/**
 * Returns at most ten suggestions for a text, the closest first: {kind, text, detail, page, parameters}.
 *
 * @param {Object<string, string[]>} names Known names by kind: user, account, qos, partition, node, reservation,
 *   job name.
 * @param {{hasAccounting: boolean, job: object | null}} options `job` is the job with the id `text`, null if it is
 *   not in the queue.
 */
export function suggestions(text, names, { hasAccounting = false, job = null } = {}) {
  if (text === "") return [];
  if (isJobId(text)) {
    const detail = job === null ? "" : [job.name, job.user_name, (job.job_state ?? "").toLowerCase()].join(", ");
    return [suggestion("job", text, ["job", { id: text }], detail)];
  }
  if (/[[\]]/.test(text)) return [suggestion("nodes", text, ["nodes", { name: text }])];
  const lower = text.toLowerCase();
  const found = Object.keys(KINDS).flatMap((kind) => matches(kind, names[kind] ?? [], lower, hasAccounting));
  const rest = others(text, hasAccounting);
  found.sort((one, other) => one.rank - other.rank);
  return [...found.slice(0, MOST - rest.length).map(({ rank, ...one }) => one), ...rest];
}
