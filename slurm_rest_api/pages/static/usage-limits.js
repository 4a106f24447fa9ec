// The tables of limits on the Usage page. Loaded when they are opened.

import { ApiError, getJson } from "./api-client.js";
import { h, notice, setShare, tableOf } from "./dom.js";
import { count, memory, percent, ratio } from "./format.js";
import { limitRows, withBelow } from "./limit-use.js";

const GROUP_LIMITS = ["grp_tres", "grp_tres_mins", "grp_jobs", "grp_submit_jobs"];

// A route that is turned off or private leaves the others usable.
async function optional(path, parameters) {
  try {
    return { data: (await getJson(path, parameters)).data, message: "" };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { data: null, message: error.message };
  }
}

const amount = (value, tres) => (tres === "mem" ? memory(value) : count(value));

function row({ name, what, tres, limit, used }) {
  const share = used === null ? null : (ratio(used, limit) ?? (used > 0 ? 1 : 0));
  const meter = share !== null && setShare(h("div", { class: "meter", "aria-hidden": "true" }), share);
  const unit = what.includes("minutes") ? `${tres} minutes` : (tres ?? "jobs");
  return [
    name,
    `${unit}: ${what}`,
    amount(limit, tres),
    used === null ? "–" : amount(used, tres),
    share === null ? "–" : [percent(share), meter],
  ];
}

function table(title, caption, rows) {
  if (rows.length === 0) return notice("empty", title, "None has a group limit.");
  const first = title.startsWith("QOS") ? "QOS" : "Account";
  const heads = [first, "What is limited", "Limit", "In use", "Share"];
  return tableOf(title, caption, heads, rows.map(row), [2, 3, 4]);
}

const queue = (name, state) => optional("queue", { group_by: name, state });

/** Loads the group limits of accounts and QOS, and their use, and returns the tables. */
export async function limits() {
  const [accounts, qos, ...sums] = await Promise.all([
    optional("accounts", { fields: ["name", "parent_account", ...GROUP_LIMITS].join(",") }),
    optional("qos", { fields: ["name", ...GROUP_LIMITS].join(",") }),
    queue("account", "RUNNING"),
    queue("account", "PENDING,RUNNING,SUSPENDED"),
    queue("qos", "RUNNING"),
    queue("qos", "PENDING,RUNNING,SUSPENDED"),
  ]);
  const below = ({ data }) => data && withBelow(data, accounts.data ?? []);
  const [ofAccount, allOfAccount, ofQos, allOfQos] = sums;
  const inAccounts = limitRows(accounts.data ?? [], {
    running: below(ofAccount),
    submitted: below(allOfAccount),
  });
  const inQos = limitRows(qos.data ?? [], { running: ofQos.data, submitted: allOfQos.data });
  const lacking = [accounts, qos, ...sums.slice(0, 1)].map(({ message }) => message).filter(Boolean);
  return [
    lacking.length > 0 && h("p", { class: "faint" }, [...new Set(lacking)].join(" ")),
    accounts.data &&
      table("Limits of accounts", "In use by jobs that you may see, with those of all accounts below..", inAccounts),
    qos.data && table("QOS limits", "In use by running and pending jobs that you may see.", inQos),
  ];
}
