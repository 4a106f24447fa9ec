// The Accounts page: the tree of accounts and their users, with the details of the one that is chosen.

import { accountDetails, backLink, detailsFault, loadDetails, userDetails } from "./account-details.js";
import { focusRow, showRows } from "./account-rows.js";
import { accountKey, accountsWith, moved, pathOf, rowsOf, treeOf, userKey, withUnread } from "./account-tree.js";
import { AccountUsers } from "./account-users.js";
import { ApiError, getJson, poll } from "./api-client.js";
import { byId, debounce, faultNotice, h, notice, renderIfChanged, replaceKeepingFocus, setText } from "./dom.js";
import { count, plural } from "./format.js";
import { onMove, readState, setCurlLine, setTitle, writeState } from "./frame.js";
import { byKind, LIMIT_FIELDS, sumsBy, withBelow } from "./limit-use.js";
import { followHidden } from "./private-data.js";
import { apiUrl } from "./urls.js";

const DEFAULTS = { name: "", user: "", q: "" };
const FIELDS = [
  ...["name", "parent_account", "description", "organization", "coordinators", "user_count"],
  ...LIMIT_FIELDS.filter((field) => field.startsWith("grp_")),
];
const ACCOUNTS_SECONDS = 300;
const PAUSE_MILLISECONDS = 250;

let state = readState(DEFAULTS);
let tree = null;
let fault = null;
let isCut = false;
// Sums of /queue by account, and with those of the accounts below; null until they are known.
let sums = null;
let below = null;
let isAnswered = false;
let isPrivate = false;
// Accounts that are open, the key of the row that has the focus, users that the text of the search has found.
const open = new Set();
let active = null;
let foundUsers = new Map();
let chosen = { details: null, fault: null };
let current = new AbortController();
const users = new AccountUsers(() => show());

const areSumsKnown = () => !isPrivate && below !== null;
const sumsOf = (name) =>
  areSumsKnown() ? { running: below.running[name] ?? {}, pending: below.pending[name] ?? {} } : null;

function addBelow() {
  if (tree === null || sums === null) return;
  const records = [...tree.accounts.values()];
  below = { running: withBelow(sums.running, records), pending: withBelow(sums.pending, records) };
}

// The accounts that the text of the search finds with those above them, and the users: {shown, isOpen, known}.
function searched() {
  const read = withUnread(tree, open, users.all());
  if (state.q === "") return { shown: null, isOpen: open, known: read };
  const names = [...accountsWith(tree, state.q), ...foundUsers.keys()];
  const shown = new Set(names.flatMap((name) => pathOf(tree, name)));
  const above = names.flatMap((name) => pathOf(tree, name).slice(0, -1));
  const found = [...foundUsers].map(([name, list]) => [name, { names: list, note: "" }]);
  const known = new Map([...read, ...found]);
  return { shown, isOpen: new Set([...above, ...foundUsers.keys(), ...open]), known, number: names.length };
}

let rows = [];
function showTree() {
  const { shown, isOpen, known, number } = searched();
  rows = rowsOf(tree, { open: isOpen, users: known, shown });
  if (!rows.some(({ key }) => key === active)) active = rows[0]?.key ?? null;
  const jobs = isPrivate ? null : users.jobsOf(state.name);
  showRows(byId("tree"), rows, { tree, sumsOf, jobs, chosen: state, active });
  const all = isCut ? `The first ${plural(tree.accounts.size, "account")}` : plural(tree.accounts.size, "account");
  setText(byId("about"), number === undefined ? all : `${count(number)} of ${all} found`);
}

function showDetails() {
  const { name, user } = state;
  byId("accounts").classList.toggle("chosen", name !== "");
  if (name === "") {
    renderIfChanged(byId("details"), "", () => h("p", { class: "faint" }, "Choose an account to see its limits."));
    return;
  }
  const title = h("h2", { tabindex: "-1" }, user ? `User ${user}` : `Account ${name}`);
  replaceKeepingFocus(byId("details"), [backLink(), title, detailsContent()]);
}

function detailsContent() {
  const { name, user } = state;
  const jobs = isPrivate ? null : users.jobsOf(name);
  const associations = users.associations(name, user);
  if (chosen.fault) return detailsFault(chosen.fault, state);
  if (chosen.details === null || (user && associations === null)) return notice("loading", "Loading …");
  if (user && associations.length === 0) return detailsFault({ status: 404 }, state);
  if (user) return userDetails(state, associations, chosen.details, jobs);
  const known = { path: pathOf(tree, name), sumsOf, users: users.of(name), jobs };
  return accountDetails(chosen.details, known);
}

function blank() {
  if (fault?.status === 404) return notice("off", "Accounts are not read", fault.message);
  if (fault) return faultNotice(fault);
  // Rows with jobs are higher on a phone, so the tree waits for them.
  if (tree === null || !isAnswered) return notice("loading", "Loading …");
  if (tree.accounts.size > 0) return null;
  return notice("empty", "No accounts", "The cluster has no accounts that you may view.");
}

function show() {
  const note = blank();
  renderIfChanged(byId("state"), note?.outerHTML ?? "", () => note);
  byId("accounts").hidden = note !== null;
  const { name } = state;
  setTitle(name === "" ? "Accounts" : `Account ${name}`);
  setCurlLine(apiUrl(name === "" ? "accounts" : `accounts/${encodeURIComponent(name)}`));
  if (note !== null) return;
  showTree();
  showDetails();
}

function setOpen(name, isOpen) {
  if (isOpen) open.add(name);
  else open.delete(name);
  show();
  if (isOpen && tree.accounts.get(name).user_count > 0) readUsers(name);
}

// Reads the users of an account, or the next of them.
function readUsers(name) {
  if (users.of(name) === null) users.load(name);
  else if (users.of(name).hasMore) users.loadMore(name);
  show();
}

async function loadChosen() {
  current.abort();
  current = new AbortController();
  chosen = { details: null, fault: null };
  const { name, user } = state;
  if (name === "") return show();
  for (const one of pathOf(tree, name)) open.add(one);
  active = user ? userKey(name, user) : accountKey(name);
  show();
  document.querySelector("#tree [tabindex='0']")?.scrollIntoView({ block: "nearest" });
  const { signal } = current;
  users.load(name, user);
  users.loadJobs(name);
  try {
    chosen.details = await loadDetails(state, signal);
  } catch (error) {
    if (!(error instanceof ApiError)) {
      if (error.name === "AbortError") return undefined;
      throw error;
    }
    chosen.fault = error;
  }
  return show();
}

function choose(name, user = "") {
  state = { ...state, name, user };
  writeState(state, DEFAULTS, { push: true });
  loadChosen();
  // On a phone the details are in place of the tree.
  if (isTreeHidden()) byId("details").querySelector("h2").focus();
}

function act(row) {
  active = row.key;
  if (row.kind === "note") readUsers(row.account);
  else if (row.kind === "user") choose(row.account, row.name);
  else if (state.name === row.name && state.user === "" && row.isOpen !== null) setOpen(row.name, !row.isOpen);
  else choose(row.name);
}

function pressed(event) {
  const row = rows.find(({ key }) => key === active);
  if (row === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
  const step = moved(rows, active, event.key);
  if (event.key === "Enter" || event.key === " ") act(row);
  else if (step === null) return;
  else if (step.isOpen === null) focusRow(byId("tree"), step.key);
  else setOpen(row.name, step.isOpen);
  event.preventDefault();
}

// Users are found by their full names: there may be too many to read.
const findUser = debounce(PAUSE_MILLISECONDS, async (text) => {
  let found = [];
  try {
    if (text !== "") ({ data: found } = await getJson("users", { user: text, fields: ["user", "acct"] }));
  } catch (error) {
    // The accounts that are found stay.
    if (!(error instanceof ApiError)) throw error;
  }
  if (text !== state.q) return;
  foundUsers = new Map(found.filter(({ acct }) => tree?.accounts.has(acct)).map(({ acct, user }) => [acct, [user]]));
  show();
});

const isTreeHidden = () => byId("tree").offsetParent === null;
function find(text) {
  state = { ...state, q: text, ...(isTreeHidden() && { name: "", user: "" }) };
  foundUsers = new Map();
  findUser(text);
  show();
}

function start({ data, meta }) {
  const isFirst = tree === null;
  [tree, fault, isCut] = [treeOf(data), null, meta.next !== null];
  addBelow();
  if (!isFirst) return show();
  for (const root of tree.roots) open.add(root);
  return loadChosen();
}

function followSums() {
  poll("queue", sumsBy("account"), {
    onAnswer: ({ data }) => {
      // The chosen account's first sums come with its details.
      if (isAnswered && state.name !== "") users.loadJobs(state.name);
      sums = byKind(data);
      isAnswered = true;
      addBelow();
      show();
    },
    // The tree stays without the jobs.
    onFault: () => {
      isAnswered = true;
      show();
    },
  });
}

byId("find").value = state.q;
byId("find").addEventListener("input", ({ target }) => {
  find(target.value.trim());
  writeState(state, DEFAULTS);
});
byId("controls").addEventListener("submit", (event) => event.preventDefault());
byId("tree").addEventListener("keydown", pressed);
byId("tree").addEventListener("focusin", ({ target }) => {
  active = target.dataset.key;
});
byId("tree").addEventListener("click", ({ target }) => {
  const row = rows.find(({ key }) => key === target.closest("li")?.dataset.key);
  if (row === undefined) return;
  if (target.classList.contains("mark") && row.isOpen !== null) setOpen(row.name, !row.isOpen);
  else act(row);
});
byId("details").addEventListener("click", (event) => {
  const link = event.target.closest("a[data-name]");
  if (link === null || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  choose(link.dataset.name, link.dataset.user);
});
followHidden(
  (hidden) => {
    isPrivate = hidden.has("jobs") || hidden.has("usage");
    show();
  },
  ["accounts", "users", "jobs", "usage"],
);
onMove(() => {
  state = readState(DEFAULTS);
  byId("find").value = state.q;
  if (tree !== null) loadChosen();
});
show();
if (state.q !== "") findUser(state.q);
poll(
  "accounts",
  { fields: FIELDS },
  {
    seconds: ACCOUNTS_SECONDS,
    onAnswer: start,
    onFault: (error) => {
      if (tree === null || error.status === 403) fault = error;
      show();
    },
  },
);
followSums();
