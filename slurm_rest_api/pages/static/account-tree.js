// The tree of accounts and their users as the rows of a list: which are open, which a text finds. No I/O, no document.

import { plural } from "./format.js";

/**
 * Returns the tree of accounts: {accounts: Map of records by name, children: Map of names by name, roots: names}.
 *
 * @param {object[]} records Records of /accounts, in its order. An account whose parent is hidden is a root.
 */
export function treeOf(records) {
  const accounts = new Map(records.map((record) => [record.name, record]));
  const children = new Map(records.map(({ name }) => [name, []]));
  const roots = [];
  for (const { name, parent_account: parent } of records) (children.get(parent) ?? roots).push(name);
  return { accounts, children, roots };
}

/** Returns the names of the account and of the accounts above it, the highest first. */
export function pathOf(tree, name) {
  const path = [];
  for (let at = tree.accounts.get(name); at && !path.includes(at.name); at = tree.accounts.get(at.parent_account))
    path.unshift(at.name);
  return path;
}

const TEXTS = ["name", "description", "organization"];

/** Returns the names of the accounts with a text in their name, description, organization or coordinators. */
export function accountsWith(tree, text) {
  const wanted = text.toLowerCase();
  const has = (value) => (value ?? "").toLowerCase().includes(wanted);
  const found = [...tree.accounts.values()].filter(
    (account) => TEXTS.some((field) => has(account[field])) || account.coordinators?.some(has),
  );
  return found.map(({ name }) => name);
}

/** Returns the names of users of associations, each once, with their associations: Map {name → [association]}. */
export function byUser(associations) {
  const found = new Map();
  for (const association of associations) {
    const { user } = association;
    found.set(user, [...(found.get(user) ?? []), association]);
  }
  return found;
}

/**
 * Returns the users with a note for each open account whose users are not read yet: Map {account → {names, note}}.
 *
 * An account that was opened with those above another one has its users on demand.
 */
export function withUnread(tree, open, users) {
  const notes = [...open]
    .map((name) => tree.accounts.get(name))
    .filter((account) => account?.user_count > 0 && !users.has(account.name))
    .map(({ name, user_count: number }) => [name, { names: [], note: `Show ${plural(number, "user")} of ${name}` }]);
  return new Map([...notes, ...users]);
}

export const accountKey = (name) => `account ${name}`;
export const userKey = (account, user) => `user ${account} ${user}`;

/**
 * Returns the rows that are shown: {key, kind, level, size, position, name, account, isOpen}.
 *
 * `kind` is "account", "user", or "note" for the row below the users: more of them, or that they are loading. `isOpen`
 * is null for a row that cannot be opened.
 *
 * @param {Set<string>} open Names of the accounts that are open.
 * @param {Map<string, {names: string[], note: string}>} users The users of open accounts that are known.
 * @param {Set<string> | null} shown Names of the accounts that are shown. Null: all of them.
 */
export function rowsOf(tree, { open, users, shown = null }) {
  const rows = [];
  const childrenOf = (names) => (shown === null ? names : names.filter((name) => shown.has(name)));
  const leaves = (account, level, before) => {
    const { names = [], note = "" } = users.get(account) ?? {};
    const size = before + names.length + (note ? 1 : 0);
    names.forEach((name, at) => {
      const place = { level, size, position: before + at + 1 };
      rows.push({ key: userKey(account, name), kind: "user", name, account, isOpen: null, ...place });
    });
    const place = { level, size, position: size };
    if (note) rows.push({ key: `note ${account}`, kind: "note", name: note, account, isOpen: null, ...place });
    return size;
  };
  const add = (names, level, more) => {
    const size = names.length + more;
    names.forEach((name, at) => {
      const below = childrenOf(tree.children.get(name));
      const canOpen = below.length > 0 || tree.accounts.get(name).user_count > 0;
      const isOpen = canOpen ? open.has(name) : null;
      const place = { level, size, position: at + 1 };
      rows.push({ key: accountKey(name), kind: "account", name, account: name, isOpen, ...place });
      if (!isOpen) return;
      const { names: known = [], note = "" } = users.get(name) ?? {};
      add(below, level + 1, known.length + (note ? 1 : 0));
      leaves(name, level + 1, below.length);
    });
  };
  add(childrenOf(tree.roots), 1, 0);
  return rows;
}

/**
 * Returns the key of the row that an arrow key leads to, and if the row of the focus opens or closes: {key, isOpen}.
 *
 * The keys are those of a tree view: up and down move, right opens or moves to the first row below, left closes or
 * moves to the account above. Null: the key does nothing.
 */
export function moved(rows, current, pressed) {
  const at = Math.max(
    0,
    rows.findIndex(({ key }) => key === current),
  );
  const row = rows[at];
  const to = (place) => (rows[place] ? { key: rows[place].key, isOpen: null } : null);
  if (pressed === "ArrowDown") return to(at + 1);
  if (pressed === "ArrowUp") return to(at - 1);
  if (pressed === "Home") return to(0);
  if (pressed === "End") return to(rows.length - 1);
  if (pressed === "ArrowRight") {
    if (row.isOpen === false) return { key: row.key, isOpen: true };
    return row.isOpen && rows[at + 1]?.level > row.level ? to(at + 1) : null;
  }
  if (pressed !== "ArrowLeft") return null;
  if (row.isOpen) return { key: row.key, isOpen: false };
  const above = rows.slice(0, at).findLastIndex(({ level }) => level < row.level);
  return above < 0 ? null : to(above);
}
