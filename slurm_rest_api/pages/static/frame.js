// The frame of every page: links, the state in its address, the curl command, colours, the age of the data, the user.

import { token } from "./api-client.js";
import { byId, h, hasPage, replaceChildren, setText } from "./dom.js";
import { followAge } from "./freshness.js";
import { curlCommand, literal, pageUrl, root, stateOf, withState } from "./urls.js";

const THEME = "slurm-rest-api theme";
const html = document.documentElement;
// The words of auth.private_data. The others have no owners.
const PRIVATE = {
  jobs: "jobs of other users",
  usage: "usage of other users",
  users: "other users",
  accounts: "other accounts",
  reservations: "reservations of others",
};

/** Returns the address of a page: page("job", {id: 7}). On a wall display links stay on it. */
export function page(name, parameters = {}) {
  const kiosk = html.classList.contains("kiosk") ? { kiosk: "" } : {};
  return pageUrl(name, { ...parameters, ...kiosk }).href;
}

/** Sets the title of the tab. */
export function setTitle(title) {
  document.title = `${title} · ${html.dataset.site}`;
}

export const jobLink = (id, text = id) => h("a", { href: page("job", { id }) }, text);
export const nodeLink = (name, text = name) => h("a", { href: page("node", { name }) }, text);

// A service without the accounting database has neither accounts nor QOS: their jobs are linked then.
function jobsOrPage(where, filter, name) {
  const href = hasPage(where) ? page(where, { name }) : page("queue", { [filter]: literal(name) });
  return h("a", { href }, name);
}

/** Makes the link to an account, and to a QOS. */
export const accountLink = (name) => name && jobsOrPage("accounts", "account", name);
export const qosLink = (name) => name && jobsOrPage("qos", "qos", name);

/** Reads the state of the page from its address: the same link shows the same page. */
export const readState = (defaults) => stateOf(location.search, defaults);

/** Writes the state into the address. With `push` the back button leads to the state before. */
export function writeState(state, defaults, { push = false } = {}) {
  const href = withState(location.href, state, defaults);
  if (href === location.href) return;
  if (push) history.pushState(null, "", href);
  else history.replaceState(null, "", href);
}

/** Calls `show` when the user goes back or forward. */
export function onMove(show) {
  addEventListener("popstate", () => show());
}

/** Returns the curl command for a URL of this service. */
export const curlLine = (url) => curlCommand(url, html.dataset.auth);

/** Shows the curl command of the request that answers what the page shows. */
export function setCurlLine(url) {
  const line = curlLine(url);
  if (byId("curl").textContent === line) return;
  setText(byId("curl"), line);
  byId("curl").title = line;
  setText(byId("copy-curl"), "Copy");
  byId("curl-line").classList.add("there");
}

/**
 * Copies the text of an element and reports that on `button`.
 *
 * Browsers give the clipboard to secure origins only. Over plain HTTP the old command is tried, then the text is
 * selected for the user to copy.
 */
export async function copy(element, button) {
  try {
    await navigator.clipboard.writeText(element.textContent);
  } catch {
    getSelection().selectAllChildren(element);
    if (!document.execCommand("copy")) return setText(button, "Press Ctrl+C");
  }
  return setText(button, "Copied");
}

/**
 * Puts the whole record of a job or node into `place`, closed.
 *
 * The module that shows it is loaded when it is opened. `record()` returns the current record.
 */
export function rawRecord(place, route, record) {
  const body = h("div");
  const open = async ({ target }) => target.open && (await import("./raw-record.js")).showRecord(body, route, record());
  const summary = h("summary", {}, `The whole record of ${route.split("{")[0].replace(/\/$/, "")}`);
  replaceChildren(place, h("details", { class: "raw", ontoggle: open }, summary, body));
}

function setTheme(theme) {
  if (theme === "auto") delete html.dataset.theme;
  else html.dataset.theme = theme;
  const button = byId("theme");
  setText(button, { auto: "Theme: system", light: "Theme: light", dark: "Theme: dark" }[theme]);
  button.dataset.theme = theme;
}

function themes() {
  const order = ["auto", "light", "dark"];
  const stored = localStorage.getItem(THEME);
  setTheme(order.includes(stored) ? stored : "auto");
  byId("theme").addEventListener("click", () => {
    const next = order[(order.indexOf(byId("theme").dataset.theme) + 1) % order.length];
    localStorage.setItem(THEME, next);
    setTheme(next);
    document.dispatchEvent(new CustomEvent("theme"));
  });
}

/** Calls `redraw` when the colours of the page change. */
export function onColours(redraw) {
  document.addEventListener("theme", redraw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}

// Paper is white and narrow, whatever the window is: scripts redraw their canvases and graphs for it.
function paper() {
  const draw = (on, theme) => {
    html.classList.toggle("paper", on);
    setTheme(theme);
    document.dispatchEvent(new CustomEvent("theme"));
  };
  let chosen = null;
  addEventListener("beforeprint", () => {
    chosen ??= byId("theme").dataset.theme;
    draw(true, "light");
  });
  addEventListener("afterprint", () => {
    draw(false, chosen);
    chosen = null;
  });
}

// A menu of the navigation closes with Escape, and when the focus or a click goes elsewhere.
function menus() {
  for (const menu of document.querySelectorAll("header details")) {
    menu.addEventListener("keydown", ({ key }) => {
      if (key !== "Escape" || !menu.open) return;
      menu.open = false;
      menu.querySelector("summary").focus();
    });
    menu.addEventListener("focusout", ({ relatedTarget }) => {
      if (relatedTarget !== null && !menu.contains(relatedTarget)) menu.open = false;
    });
    document.addEventListener("click", ({ target }) => {
      if (!menu.contains(target)) menu.open = false;
    });
  }
}

// The module of the search is loaded when the search gets the focus, or by the key "/".
function search() {
  const [form, input] = [byId("search"), byId("search-text")];
  input.addEventListener("focus", () => import("./search.js"), { once: true });
  // Until the module is loaded, Enter must not load the page again.
  form.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest?.("input, textarea, select, dialog, [contenteditable]");
    if (event.key !== "/" || event.ctrlKey || event.altKey || event.metaKey || isTyping) return;
    event.preventDefault();
    input.focus();
    input.select();
  });
}

function wallDisplay() {
  const on = new URL(location.href).searchParams.has("kiosk");
  html.classList.toggle("kiosk", on);
  if (on) document.querySelector("a.brand").search = "?kiosk";
  if (on) import("./kiosk.js").then(({ startKiosk }) => startKiosk());
  byId("wall").addEventListener("click", () => {
    const url = new URL(location.href);
    if (on) for (const name of ["kiosk", "rotate", "pages"]) url.searchParams.delete(name);
    else url.searchParams.set("kiosk", "");
    location.assign(url);
  });
  setText(byId("wall"), on ? "Exit kiosk" : "Kiosk mode");
}

// The user's name, and the buttons to log in and out. The dialog and links that need the token are loaded on demand.
function user() {
  document.addEventListener("known", ({ detail: { name, hidden } }) => {
    setText(byId("user"), name);
    byId("user").hidden = false;
    const words = hidden.split(", ").map((word) => PRIVATE[word] ?? word);
    const origin = `(auth.private_data: ${hidden})`;
    setText(byId("private"), `Hidden from you by the administrators of this service: ${words.join(", ")} ${origin}.`);
    byId("private").hidden = hidden === "";
  });
  if (byId("login") === null) return;
  const login = () => import("./login.js");
  const showButtons = () => {
    byId("logout").hidden = token.get() === null;
    byId("log-in").hidden = token.get() !== null;
  };
  showButtons();
  const tabs = import("./login-tabs.js").then((module) => {
    module.joinTabs();
    return module;
  });
  if (token.get() === null) token.ready = tabs.then(({ tokenOfOtherTabs }) => tokenOfOtherTabs()).then(showButtons);
  byId("log-in").addEventListener("click", async () => (await login()).askForToken());
  byId("logout").addEventListener("click", async () => {
    (await tabs).logOut();
    location.reload();
  });
  let hasAsked = false;
  document.addEventListener("refused", async ({ detail: { fault, known } }) => {
    // The user may have logged in since this request was sent, or closed the dialog while others had no answer yet.
    if (known !== token.get() || (known === null && hasAsked)) return;
    hasAsked = true;
    token.forget();
    showButtons();
    (await login()).askForToken(known === null ? "" : fault.message);
  });
  // A browser's own request for a link has no token.
  document.addEventListener("click", async (event) => {
    const link = event.target.closest?.("a[download], a[data-answer]");
    if (!link || token.get() === null || !link.href.startsWith(root.href)) return;
    event.preventDefault();
    (await login()).openWithToken(link);
  });
}

menus();
search();
if (byId("clusters") !== null || byId("message") !== null) import("./site.js");
wallDisplay();
themes();
paper();
followAge();
user();
byId("copy-curl").addEventListener("click", () => copy(byId("curl"), byId("copy-curl")));
