// The frame of every page: colours, how old the data is, logging in, kiosk.

import { root, send, token, Fault } from "./ask.js";
import { byId, h, put, say } from "./dom.js";
import { clock, now, roughly } from "./format.js";

const THEME = "slurm-rest-api theme";
const html = document.documentElement;
const mode = html.dataset.auth;

// Pages of this service, with parameters: page("job", {id: 7}).
export function page(name, parameters = {}) {
  const url = new URL(name === "now" ? "" : `pages/${name}`, root);
  for (const [key, value] of Object.entries(parameters)) url.searchParams.set(key, value);
  if (html.classList.contains("kiosk")) url.searchParams.set("kiosk", "");
  return url.href;
}

export const jobLink = (id, text = id) => h("a", { href: page("job", { id }) }, text);
export const nodeLink = (name, text = name) => h("a", { href: page("node", { name }) }, text);

// The request that the reader could make by hand; pages say which it is, and the frame offers it as a curl line.
export function shows(url) {
  const authorization = token.get() ? ' -H "Authorization: Bearer $TOKEN"' : "";
  say(byId("curl"), `curl${authorization} '${url}'`);
  byId("curl-line").hidden = false;
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

// The newest answer about the live cluster, and when it came.
const seen = { meta: null, age: 0, at: 0 };

function showAge() {
  if (seen.meta === null) return;
  const age = seen.age + now() - seen.at;
  const { error, stale } = seen.meta;
  const place = byId("freshness");
  place.className = stale ? "freshness stale" : "freshness";
  if (!stale) {
    say(place, `State of ${clock(now() - age)}`);
    return;
  }
  const cause = error === null ? "" : ` ${error.detail}`;
  say(place, `Old data: what you see is ${roughly(age)} old.${cause}`);
}

function freshness() {
  document.addEventListener("answered", ({ detail }) => {
    if (detail.age === null || detail.meta.stale === undefined) return;
    Object.assign(seen, { meta: detail.meta, age: detail.age, at: now() });
    showAge();
  });
  setInterval(showAge, 5000);
}

async function tryToken(text, forever) {
  token.keep(text, forever);
  try {
    await send(new URL("partitions?limit=1&fields=name", root));
  } catch (error) {
    // What this token may not see is another matter: it is known.
    if (!(error instanceof Fault) || error.status === 401) token.forget();
    if (error.status === 401 || error.status === 0) throw error;
  }
}

function askForToken() {
  const dialog = byId("login");
  if (!dialog.open) dialog.showModal();
}

function login() {
  if (mode === "none") return;
  document.addEventListener("refused", ({ detail }) => {
    if (mode === "proxy") put(byId("freshness"), `The web server did not say who you are. ${detail.message}`);
    else askForToken();
  });
  if (mode === "proxy") return;
  const forget = byId("logout");
  forget.hidden = token.get() === null;
  forget.addEventListener("click", () => {
    token.forget();
    location.reload();
  });
  byId("login-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      await tryToken(byId("token").value.trim(), byId("remember").checked);
      location.reload();
    } catch (error) {
      say(byId("login-fault"), error.message);
    }
  });
}

function start() {
  const kiosk = new URLSearchParams(location.search).has("kiosk");
  html.classList.toggle("kiosk", kiosk);
  themes();
  freshness();
  login();
  byId("copy-curl").addEventListener("click", async () => {
    await navigator.clipboard.writeText(byId("curl").textContent);
    say(byId("copy-curl"), "Copied");
  });
}

start();
