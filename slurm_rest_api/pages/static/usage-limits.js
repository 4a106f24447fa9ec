// The tables of limits on the Usage page. Loaded when they are opened.

import { ApiError, getJson } from "./api-client.js";
import { h, notice } from "./dom.js";
import { accountLink, qosLink } from "./frame.js";
import { limitTable } from "./limit-table.js";
import { byKind, groupLimits, LIMIT_FIELDS, sumsBy, withBelow } from "./limit-use.js";

const GROUP_FIELDS = LIMIT_FIELDS.filter((field) => field.startsWith("grp_"));

// A route that is turned off or private leaves the others usable.
async function optional(path, parameters) {
  try {
    return { data: (await getJson(path, parameters)).data, message: "" };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { data: null, message: error.message };
  }
}

function table(title, caption, holder, limits) {
  if (limits.length === 0) return notice("empty", title, "None has a group limit.");
  return limitTable(title, caption, limits, { holder });
}

async function sumsOf(group) {
  const { data, message } = await optional("queue", sumsBy(group));
  return { ...(data ? byKind(data) : { running: null, pending: null }), message };
}

// The limits of all records. `sums` are those of /queue by name.
function allLimits(records, running, pending, link) {
  const of = (name) => running && pending && { running: running[name] ?? {}, pending: pending[name] ?? {} };
  return records.flatMap((record) =>
    groupLimits(record, of(record.name)).map((limit) => ({
      ...limit,
      key: record.name,
      holder: link(record.name),
    })),
  );
}

/** Loads the group limits of accounts and QOS, and their use, and returns the tables. */
export async function limits() {
  const [accounts, qos, ofAccount, ofQos] = await Promise.all([
    optional("accounts", { fields: ["name", "parent_account", ...GROUP_FIELDS] }),
    optional("qos", { fields: ["name", "flags", ...GROUP_FIELDS] }),
    sumsOf("account"),
    sumsOf("qos"),
  ]);
  const below = (sums) => sums && withBelow(sums, accounts.data ?? []);
  const inAccounts = allLimits(accounts.data ?? [], below(ofAccount.running), below(ofAccount.pending), accountLink);
  const inQos = allLimits(qos.data ?? [], ofQos.running, ofQos.pending, qosLink);
  const lacking = [accounts, qos, ofAccount].map(({ message }) => message).filter(Boolean);
  const ofAccounts = "In use by jobs that you may see, with those of all accounts below.";
  return [
    lacking.length > 0 && h("p", { class: "faint" }, [...new Set(lacking)].join(" ")),
    accounts.data && table("Limits of accounts", ofAccounts, "Account", inAccounts),
    qos.data && table("QOS limits", "In use by running and pending jobs that you may see.", "QOS", inQos),
  ];
}
