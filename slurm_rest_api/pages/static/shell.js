// The frame of every page: colours, how old the data is, the question as a curl line, wall display.

import { root } from "./ask.js";
import { byId, h, say } from "./dom.js";
import { clock, now, roughly } from "./format.js";

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

// The command that asks for `url` in a shell. The token is a variable there: it belongs into no history of commands.
export function curlLine(url) {
  const variable = { token: "TOKEN", jwt: "SLURM_JWT" }[html.dataset.auth];
  const authorization = variable ? ` -H "Authorization: Bearer $${variable}"` : "";
  // Commas and colons mean the same either way, and read better.
  const readable = String(url).replaceAll("%2C", ",").replaceAll("%3A", ":");
  return `curl -s${authorization} '${readable.replaceAll("'", "'\\''")}'`;
}

// The request that the reader could make by hand; pages say which it is, and the frame offers it as a curl line.
export function shows(url) {
  const line = curlLine(url);
  if (byId("curl").textContent === line) return;
  say(byId("curl"), line);
  byId("curl").title = line;
  say(byId("copy-curl"), "Copy");
  byId("curl-line").classList.add("there");
}

// Copies the text of `element`, and tells on `button` that it did. Browsers give their clipboard to safe origins alone; over
// plain HTTP the old command has to do, and at last the reader, for whom the text is selected.
export async function copy(element, button) {
  try {
    await navigator.clipboard.writeText(element.textContent);
  } catch {
    getSelection().selectAllChildren(element);
    if (!document.execCommand("copy")) return say(button, "Press Ctrl+C");
  }
  return say(button, "Copied");
}

function setTheme(theme) {
  if (theme === "auto") delete html.dataset.theme;
  else html.dataset.theme = theme;
  const button = byId("theme");
  say(button, { auto: "Colours: system", light: "Colours: light", dark: "Colours: dark" }[theme]);
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

// The newest answer about the live cluster and when it came, and why there is none since.
const seen = { meta: null, age: 0, at: 0, fault: null };

function trouble(age) {
  const { fault, meta } = seen;
  if (fault !== null && meta !== null) return `${fault.message} What you see is ${roughly(age)} old.`;
  if (!meta?.stale) return "";
  const cause = meta.error ? ` ${meta.error.detail}` : "";
  return `Old data: what you see is ${roughly(age)} old.${cause}`;
}

function showAge() {
  const age = seen.age + now() - seen.at;
  const told = trouble(age);
  say(byId("trouble"), told);
  byId("trouble").hidden = told === "";
  if (seen.meta === null) return;
  byId("freshness").className = told === "" ? "freshness" : "freshness stale";
  say(byId("freshness"), `State of ${clock(now() - age)}`);
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
  say(byId("wall"), on ? "Leave the wall display" : "Wall display");
}

wallDisplay();
themes();
freshness();
byId("copy-curl").addEventListener("click", () => copy(byId("curl"), byId("copy-curl")));
