// The tree of accounts: its rows, the search, and the keys of a tree view.

import assert from "node:assert/strict";
import test from "node:test";

import {
  accountsWith,
  moved,
  pathOf,
  rowsOf,
  treeOf,
  withUnread,
} from "../../../slurm_rest_api/pages/static/account-tree.js";

const account = (name, parent, more = {}) => ({ name, parent_account: parent, user_count: 0, ...more });
const TREE = treeOf([
  account("root", null),
  account("biology", "root", { user_count: 2, coordinators: ["Ada"] }),
  account("science", "root", { description: "All of it" }),
  account("physics", "science", { organization: "Uni" }),
  account("orphan", "hidden"),
]);
const USERS = new Map([["biology", { names: ["ada", "bob"], note: "more" }]]);
const short = (rows) => rows.map(({ level, kind, name, isOpen }) => [level, kind, name, isOpen]);

test("an open account has the accounts below it and its users, each with its place", () => {
  const rows = rowsOf(TREE, { open: new Set(["root", "biology"]), users: USERS });
  assert.deepEqual(short(rows), [
    [1, "account", "root", true],
    [2, "account", "biology", true],
    [3, "user", "ada", null],
    [3, "user", "bob", null],
    [3, "note", "more", null],
    [2, "account", "science", false],
    [1, "account", "orphan", null],
  ]);
  assert.deepEqual(
    rows.map(({ position, size }) => [position, size]),
    [
      [1, 2],
      [1, 2],
      [1, 3],
      [2, 3],
      [3, 3],
      [2, 2],
      [2, 2],
    ],
  );
});

test("an account with users and accounts below counts both", () => {
  const tree = treeOf([account("top", null, { user_count: 1 }), account("sub", "top")]);
  const rows = rowsOf(tree, { open: new Set(["top"]), users: new Map([["top", { names: ["eve"], note: "" }]]) });
  assert.deepEqual(
    rows.map(({ name, position, size }) => [name, position, size]),
    [
      ["top", 1, 1],
      ["sub", 1, 2],
      ["eve", 2, 2],
    ],
  );
});

test("an open account whose users are not read has a note in their place", () => {
  const notes = withUnread(TREE, new Set(["root", "biology", "gone"]), new Map());
  assert.deepEqual([...notes], [["biology", { names: [], note: "Show 2 users of biology" }]]);
  assert.equal(withUnread(TREE, new Set(["biology"]), USERS).get("biology").names.length, 2);
});

test("a text finds accounts, and they are shown with those above them", () => {
  assert.deepEqual(accountsWith(TREE, "uni"), ["physics"]);
  assert.deepEqual(accountsWith(TREE, "ada"), ["biology"]);
  assert.deepEqual(accountsWith(TREE, "ALL OF"), ["science"]);
  assert.deepEqual(pathOf(TREE, "physics"), ["root", "science", "physics"]);
  assert.deepEqual(pathOf(TREE, "nosuch"), []);
  const shown = new Set(pathOf(TREE, "physics"));
  const rows = rowsOf(TREE, { open: new Set(["root", "science"]), users: USERS, shown });
  assert.deepEqual(
    rows.map(({ name }) => name),
    ["root", "science", "physics"],
  );
});

test("a cycle of accounts ends", () => {
  const tree = treeOf([account("one", "two"), account("two", "one")]);
  assert.deepEqual(pathOf(tree, "one"), ["two", "one"]);
});

test("arrow keys move, open and close", () => {
  const rows = rowsOf(TREE, { open: new Set(["root", "biology"]), users: USERS });
  const [root, biology, ada] = rows.map(({ key }) => key);
  const last = rows.at(-1).key;
  assert.deepEqual(moved(rows, root, "ArrowDown"), { key: biology, isOpen: null });
  assert.equal(moved(rows, root, "ArrowUp"), null);
  assert.deepEqual(moved(rows, root, "End"), { key: last, isOpen: null });
  assert.deepEqual(moved(rows, last, "Home"), { key: root, isOpen: null });
  assert.deepEqual(moved(rows, biology, "ArrowRight"), { key: ada, isOpen: null });
  assert.deepEqual(moved(rows, biology, "ArrowLeft"), { key: biology, isOpen: false });
  assert.deepEqual(moved(rows, ada, "ArrowLeft"), { key: biology, isOpen: null });
  assert.equal(moved(rows, ada, "ArrowRight"), null);
  assert.deepEqual(moved(rows, rows[5].key, "ArrowRight"), { key: rows[5].key, isOpen: true });
  assert.equal(moved(rows, root, "x"), null);
});

test("1,000 accounts are one row each until one is opened", () => {
  const many = treeOf([account("root", null), ...Array.from({ length: 999 }, (_, at) => account(`a${at}`, "root"))]);
  assert.equal(rowsOf(many, { open: new Set(), users: new Map() }).length, 1);
  assert.equal(rowsOf(many, { open: new Set(["root"]), users: new Map() }).length, 1000);
});
