// What the Accounts page shows of one account or one of its users: facts, fair share, limits with their use, links.

import { ApiError, getJson } from "./api-client.js";
import { facts, faultNotice, h, hasPage, notice, withCode } from "./dom.js";
import { count, percent, plural } from "./format.js";
import { page, qosLink } from "./frame.js";
import { limitTable } from "./limit-table.js";
import { limitsOf, partsOf, shareOf, useOf } from "./limit-use.js";
import { recordTable } from "./record-table.js";
import { literal } from "./urls.js";

const FIELDS = [
  ...["name", "parent_account", "description", "organization", "coordinators", "flags", "children", "user_count"],
  ...["shares", "qos", "default_qos", "priority", "comment", "effective_limits"],
];
const SHARE_FIELDS = [
  ...["name", "user", "partition", "raw_shares", "norm_shares", "effective_usage", "fair_share", "level_fs"],
  "tres_run_minutes",
];
const USERS_BELOW = "with all accounts below";

// As many as the list of users has at first.
const MOST_USERS = 200;

// Fair share is off unless the service runs sshare.
async function fairShares(query, signal) {
  try {
    const parameters = { ...query, sort: "name", limit: MOST_USERS + 1, fields: SHARE_FIELDS };
    return { records: Object.values((await getJson("fairshare", parameters, { signal })).data), message: "" };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { records: [], message: error.status === 404 ? "" : error.message };
  }
}

/** Loads what the details of an account need: {record, shares}, or of one of its users: {shares}. */
export async function loadDetails({ name, user }, signal) {
  if (user) return { shares: await fairShares({ account: name, user }, signal) };
  const path = `accounts/${encodeURIComponent(name)}`;
  const [{ data: record }, shares] = await Promise.all([
    getJson(path, { fields: FIELDS }, { signal }),
    fairShares({ account: name }, signal),
  ]);
  return { record, shares };
}

/** Makes the link to an account or a user on this page. The page follows it without loading itself again. */
export function treeLink(name, user = "", text = user || name) {
  const query = user ? { name, user } : { name };
  return h("a", { href: page("accounts", query), "data-name": name, "data-user": user }, text);
}

/** Makes the link back to the tree, for windows that show either. */
export const backLink = () => h("p", { class: "back" }, treeLink("", "", "All accounts"));

const listed = (items) => items.flatMap((item, at) => [at > 0 && ", ", item]);

function linksOf({ name, user }) {
  const query = user ? { account: name, user } : { account: name };
  const filters = Object.fromEntries(Object.entries(query).map(([field, value]) => [field, literal(value)]));
  const links = [
    ["usage", query, "Usage"],
    ["queue", filters, "Queue"],
    ["history", query, "History"],
    ...(user ? [["my-jobs", { user }, "My jobs"]] : []),
  ].filter(([where]) => hasPage(where));
  const made = links.map(([where, parameters, text]) => h("a", { href: page(where, parameters) }, text));
  return h(
    "p",
    { class: "links" },
    made.flatMap((link, at) => [at > 0 && " · ", link]),
  );
}

/** Returns a level of fair share in words. Above 1 an association has used less than its share. */
export function levelText(level) {
  if (level === null) return null;
  const words = level >= 1 ? "has used less than its share" : "has used more than its share";
  return `${level.toFixed(2)}: ${words}`;
}

const sharesText = (shares) => (shares === "parent" ? "those of the account above" : count(shares));

function shareCard(share, message) {
  if (message) return facts("Fair share", [["Not shown", withCode(message)]]);
  if (!share) return null;
  return facts("Fair share", [
    ["Factor", share.fair_share === null ? null : `${share.fair_share.toFixed(3)} of 1`],
    ["Level", levelText(share.level_fs)],
    ["Shares", sharesText(share.raw_shares)],
    ["Part of all shares here", share.norm_shares === null ? null : percent(share.norm_shares)],
    ["Part of all usage here", share.effective_usage === null ? null : percent(share.effective_usage)],
  ]);
}

const jobsText = ({ running, pending }) => `${count(running.tasks ?? 0)} running, ${count(pending.tasks ?? 0)} pending`;

function usersTable(name, users, shares, jobs) {
  if (!users || users.names.length === 0) return users?.note ? notice("loading", users.note) : null;
  const byName = new Map(shares.records.filter(({ user }) => user !== null).map((share) => [share.user, share]));
  const columns = [
    { title: "User", cell: (user) => treeLink(name, user) },
    { title: "Jobs", cell: (user) => (jobs === null ? "–" : jobsText(jobs(user))), number: true },
    shares.records.length > 0 && {
      title: "Fair share",
      cell: (user) => byName.get(user)?.fair_share?.toFixed(3) ?? "–",
      number: true,
    },
    { title: "Default account", cell: (user) => users.byName.get(user)[0].default_account ?? "–" },
  ].filter(Boolean);
  const rest = users.note === "" ? "" : ` These are the first ${count(users.names.length)}. The tree has the others.`;
  return recordTable("Users", `Their jobs under this account.${rest}`, columns, users.names, (user) => user);
}

/**
 * Makes the details of an account.
 *
 * @param {object} known `path`: names of the account and those above it. `sumsOf(name)`: sums of an account for
 *   `useOf`. `users` and `jobs` are those of the tree; null until they are known.
 */
export function accountDetails({ record, shares }, { path, sumsOf, users, jobs }) {
  const { name } = record;
  const own = shares.records.find(({ user }) => user === null) ?? null;
  const limits = record.effective_limits.map(({ limit, account, ...more }) => {
    const found = { ...more, name: limit, group: USERS_BELOW, key: account };
    const isGroup = partsOf(limit).counted === "group" && account !== null;
    const runMinutes = account === name ? own?.tres_run_minutes : null;
    const used = isGroup ? useOf(found, sumsOf(account), runMinutes) : null;
    const by = account === null ? "an account that is hidden from you" : treeLink(account);
    return { ...found, used, share: shareOf(used, found.value), by };
  });
  const above = path.slice(0, -1).map((one) => treeLink(one));
  return [
    above.length > 0 && h("p", { class: "faint" }, "Below ", listed(above)),
    linksOf({ name }),
    h(
      "div",
      { class: "cards" },
      facts("Account", [
        ["Description", record.description],
        ["Organization", record.organization],
        ["Coordinators", record.coordinators && (record.coordinators.join(", ") || "none")],
        ["Its users coordinate it", record.flags.includes("UsersAreCoords") ? "yes" : null],
        ["Accounts below", listed(record.children.map((child) => treeLink(child)))],
        ["Users", plural(record.user_count, "user")],
        ["QOS", listed(record.qos.map((qos) => qosLink(qos)))],
        ["Default QOS", record.default_qos && qosLink(record.default_qos)],
        ["Shares", own ? null : sharesText(record.shares)],
        ["Added priority", record.priority ? count(record.priority) : null],
        ["Comment", record.comment],
      ]),
      shareCard(own, shares.message),
    ),
    limits.length === 0
      ? notice("empty", "No limits", "Neither the account nor one above it has a limit. A QOS may have some.")
      : limitTable(
          "Limits",
          "A job has to meet all of them, and those of its user and QOS. Jobs count from start until they complete.",
          limits,
          { by: "Set by" },
        ),
    usersTable(name, users, shares, jobs),
  ];
}

/** Makes the details of a user in an account. `associations` are the user's, one for each partition or for all. */
export function userDetails({ name, user }, associations, { shares }, jobs) {
  const isOnly = associations.length === 1 && associations[0].partition === null;
  const limits = associations.flatMap((association) =>
    limitsOf(association).map((limit) => {
      const found = { ...limit, group: "of this user here", key: association.partition ?? "" };
      const used = isOnly ? useOf(found, jobs === null ? null : jobs(user)) : null;
      const by = association.partition ?? "all";
      return { ...found, used, share: shareOf(used, found.value), by };
    }),
  );
  const [first] = associations;
  const [own] = shares.records;
  return [
    h("p", { class: "faint" }, "User of account ", treeLink(name)),
    linksOf({ name, user }),
    h(
      "div",
      { class: "cards" },
      facts("User", [
        ["Jobs under this account", jobs && jobsText(jobs(user))],
        ["Default account", first.default_account && treeLink(first.default_account)],
        ["Partitions", isOnly ? "all" : associations.map(({ partition }) => partition ?? "all others").join(", ")],
        ["QOS", listed(first.qos.map((qos) => qosLink(qos)))],
        ["Default QOS", first.default_qos && qosLink(first.default_qos)],
        ["Shares", own ? null : sharesText(first.shares)],
      ]),
      shareCard(own, shares.message),
    ),
    limits.length === 0
      ? notice("empty", "No limits", "The user has no limit here. The group limits of the account hold.")
      : limitTable("Limits", "The group limits of the account and those above it hold, too.", limits, {
          by: isOnly ? null : "Partition",
        }),
  ];
}

/** Makes the notice in place of details. */
export function detailsFault(fault, { name, user }) {
  if (fault.status !== 404) return faultNotice(fault);
  const what = user ? `user ${user} in account ${name}` : `account ${name}`;
  return notice("empty", `No ${what}`, "The accounting database has none, or it is hidden from you.");
}
