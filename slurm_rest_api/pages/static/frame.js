// The frame of every page: its address and links, the question as a curl line, colours, how old the data is, who reads it.

import { root, token } from "./api-client.js";
import { approximate, byId, clock, h, now, replaceChildren, setText } from "./dom.js";

const THEME = "slurm-rest-api theme";
const html = document.documentElement;

// Pages of this service, with parameters: page("job", {id: 7}).
export function page(name, parameters = {}) {
  const url = new URL(name === "now" ? "" : `pages/${name}`, root);
  for (const [key, value] of Object.entries(parameters)) url.searchParams.set(key, value);
  if (html.classList.contains("kiosk")) url.searchParams.set("kiosk", "");
  return url.href;
}

export const jobLink = (id, text = id) => h("a", { href: page("job", { id }) }, text);
export const nodeLink = (name, text = name) => h("a", { href: page("node", { name }) }, text);

// What a page shows stands in its address, so that a link shows the same.

// The parameters in the address, of those in `defaults`; what is not there has its default.
export function readState(defaults) {
  const given = new URLSearchParams(location.search);
  return Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, given.get(name) ?? value]));
}

// Puts `state` in the address. What has its default is left out, what is not in `defaults` stays (kiosk).
// With `push` the back button leads to what was before.
export function writeState(state, defaults, { push = false } = {}) {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(defaults)) {
    const text = String(state[name] ?? "");
    if (text === String(value ?? "")) url.searchParams.delete(name);
    else url.searchParams.set(name, text);
  }
  if (url.href === location.href) return;
  if (push) history.pushState(null, "", url);
  else history.replaceState(null, "", url);
}

// Calls `show` when the reader goes back or forward.
export function onMove(show) {
  addEventListener("popstate", () => show());
}

// The command that asks for `url` in a shell. The token is a variable there: it belongs into no history of commands.
export function curlLine(url) {
  const variable = { token: "TOKEN", jwt: "SLURM_JWT" }[html.dataset.auth];
  const authorization = variable ? ` -H "Authorization: Bearer $${variable}"` : "";
  // Commas and colons mean the same either way, and read better.
  const readable = String(url).replaceAll("%2C", ",").replaceAll("%3A", ":");
  return `curl -s${authorization} '${readable.replaceAll("'", "'\\''")}'`;
}

// The request that the reader could make by hand; pages say which it is, and the frame offers it as a curl line.
export function setCurlLine(url) {
  const line = curlLine(url);
  if (byId("curl").textContent === line) return;
  setText(byId("curl"), line);
  byId("curl").title = line;
  setText(byId("copy-curl"), "Copy");
  byId("curl-line").classList.add("there");
}

// Copies the text of `element`, and tells on `button` that it did. Browsers give their clipboard to safe origins alone; over
// plain HTTP the old command has to do, and at last the reader, for whom the text is selected.
export async function copy(element, button) {
  try {
    await navigator.clipboard.writeText(element.textContent);
  } catch {
    getSelection().selectAllChildren(element);
    if (!document.execCommand("copy")) return setText(button, "Press Ctrl+C");
  }
  return setText(button, "Copied");
}

// The whole record that `record()` gives, closed at first: what shows it is loaded when somebody opens it.
export function rawRecord(place, route, record) {
  const body = h("div");
  const open = async ({ target }) => target.open && (await import("./raw-record.js")).showRecord(body, route, record());
  replaceChildren(
    place,
    h(
      "details",
      { class: "raw", ontoggle: open },
      h("summary", {}, `The whole record of ${route.split("{")[0].replace(/\/$/, "")}`),
      body,
    ),
  );
}

function setTheme(theme) {
  if (theme === "auto") delete html.dataset.theme;
  else html.dataset.theme = theme;
  const button = byId("theme");
  setText(button, { auto: "Colours: system", light: "Colours: light", dark: "Colours: dark" }[theme]);
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

// Paper is white and narrow, whatever the window is: what scripts have drawn they draw again for it.
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

// The newest answer about the live cluster and when it came, and why there is none since.
const seen = { meta: null, age: 0, at: 0, fault: null };

function trouble(age) {
  const { fault, meta } = seen;
  if (fault !== null && meta !== null) return `${fault.message} What you see is ${approximate(age)} old.`;
  if (!meta?.stale) return "";
  const cause = meta.error ? ` ${meta.error.detail}` : "";
  return `Old data: what you see is ${approximate(age)} old.${cause}`;
}

function showAge() {
  const age = seen.age + now() - seen.at;
  const told = trouble(age);
  setText(byId("trouble"), told);
  byId("trouble").hidden = told === "";
  if (seen.meta === null) return;
  byId("freshness").className = told === "" ? "freshness" : "freshness stale";
  setText(byId("freshness"), `State of ${clock(now() - age)}`);
}

function freshness() {
  document.addEventListener("answered", ({ detail }) => {
    if (detail.age === null || detail.meta.stale === undefined) return;
    Object.assign(seen, { meta: detail.meta, age: detail.age, at: now(), fault: null });
    showAge();
  });
  document.addEventListener("unanswered", ({ detail: { fault } }) => {
    if (fault.status !== 0 && fault.status < 502) return;
    seen.fault = fault;
    showAge();
  });
  setInterval(showAge, 5000);
}

function wallDisplay() {
  const url = new URL(location.href);
  const on = url.searchParams.has("kiosk");
  html.classList.toggle("kiosk", on);
  if (on) document.querySelector("a.brand").search = "?kiosk";
  byId("wall").addEventListener("click", () => {
    const there = new URL(location.href);
    if (on) there.searchParams.delete("kiosk");
    else there.searchParams.set("kiosk", "");
    location.assign(there);
  });
  setText(byId("wall"), on ? "Leave the wall display" : "Wall display");
}

// Who reads the page. The dialog for a token, and links that have to bring it along, are loaded when they are wanted.
function reader() {
  document.addEventListener("known", ({ detail }) => {
    setText(byId("user"), detail);
    byId("user").hidden = false;
  });
  if (byId("login") === null) return;
  const login = () => import("./login.js");
  const showButtons = () => {
    byId("logout").hidden = token.get() === null;
    byId("log-in").hidden = token.get() !== null;
  };
  showButtons();
  byId("log-in").addEventListener("click", async () => (await login()).askForToken());
  byId("logout").addEventListener("click", () => {
    token.forget();
    location.reload();
  });
  document.addEventListener("refused", async ({ detail: { fault, known } }) => {
    // A request may have been under way while somebody logged in.
    if (known !== token.get()) return;
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

wallDisplay();
themes();
paper();
freshness();
reader();
byId("copy-curl").addEventListener("click", () => copy(byId("curl"), byId("copy-curl")));
