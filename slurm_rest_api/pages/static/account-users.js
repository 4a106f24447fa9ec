// The users of the open accounts of the Accounts page, and their jobs. They are read when an account is opened.

import { byUser } from "./account-tree.js";
import { ApiError, getJson } from "./api-client.js";
import { count } from "./format.js";
import { byKind, LIMIT_FIELDS, sumsBy } from "./limit-use.js";
import { cursorOf, literal } from "./urls.js";

const FIELDS = [
  ...["user", "partition", "default_account", "shares", "qos", "default_qos"],
  ...LIMIT_FIELDS.filter((field) => /^(grp|max)_/.test(field) && !/_per_(user|account)$/.test(field)),
].filter((field) => !["max_tres_run_mins_per_user", "min_tres_per_job"].includes(field));
const AT_ONCE = 200;

/** Users and their jobs by account. `show` is called after each answer. */
export class AccountUsers {
  #accounts = new Map();
  #jobs = new Map();
  #single = new Map();

  constructor(show) {
    this.show = show;
  }

  /** Reads the users of an account, once. With `user` also this user, who may be far down the list. */
  load(name, user = "") {
    if (!this.#accounts.has(name)) {
      this.#accounts.set(name, { rows: [], cursor: null, isLoading: false, fault: null });
      this.loadMore(name);
    }
    if (user) this.#loadSingle(name, user);
  }

  /** Reads the next users of an account. */
  async loadMore(name) {
    const known = this.#accounts.get(name);
    if (known.isLoading) return;
    Object.assign(known, { isLoading: true, fault: null });
    try {
      const query = { acct: name, limit: AT_ONCE, cursor: known.cursor, fields: FIELDS };
      const { data, meta } = await getJson("users", query);
      known.rows.push(...data);
      known.cursor = cursorOf(meta.next);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      known.fault = error;
    } finally {
      known.isLoading = false;
    }
    this.show();
  }

  /** Reads the jobs of the users of an account. */
  async loadJobs(name) {
    try {
      const { data } = await getJson("queue", { account: literal(name), ...sumsBy("user") });
      this.#jobs.set(name, byKind(data));
    } catch (error) {
      // The users are shown without their jobs.
      if (!(error instanceof ApiError)) throw error;
    }
    this.show();
  }

  async #loadSingle(name, user) {
    const key = JSON.stringify([name, user]);
    if (this.#single.has(key)) return;
    this.#single.set(key, null);
    try {
      this.#single.set(key, (await getJson("users", { acct: name, user, fields: FIELDS })).data);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#single.delete(key);
    }
    this.show();
  }

  /**
   * Returns the users of an account: {names, byName, note, hasMore}; null before they are asked for.
   *
   * `hasMore`: `loadMore` reads others, or tries again after an error.
   */
  of(name) {
    const known = this.#accounts.get(name);
    if (known === undefined) return null;
    const byName = byUser(known.rows);
    let note = "";
    if (known.isLoading) note = "Loading …";
    else if (known.fault) note = `${known.fault.message} Press Enter to try again.`;
    else if (known.cursor) note = `Show the next users: ${count(byName.size)} are shown`;
    return { names: [...byName.keys()], byName, note, hasMore: !known.isLoading && note !== "" };
  }

  /** Returns the users of all accounts that they were read of: a Map of `of`. */
  all() {
    return new Map([...this.#accounts.keys()].map((name) => [name, this.of(name)]));
  }

  /** Returns the associations of a user with an account; null until they are read. */
  associations(name, user) {
    if (user === "") return null;
    return this.#single.get(JSON.stringify([name, user])) ?? null;
  }

  /** Returns a function from a user to the sums of the jobs under an account; null until they are known. */
  jobsOf(name) {
    const jobs = this.#jobs.get(name);
    if (jobs === undefined) return null;
    return (user) => ({ running: jobs.running[user] ?? {}, pending: jobs.pending[user] ?? {} });
  }
}
