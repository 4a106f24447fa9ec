// The wall display: a clock, and the rotation through pages (`?kiosk&rotate=30&pages=now,nodes`).

import { byId, h, setText } from "./dom.js";

const PAGES = "now,nodes,load";
const MIN_SECONDS = 5;

const time = new Intl.DateTimeFormat(undefined, { weekday: "short", hour: "numeric", minute: "2-digit" });

/** Returns the pages of a rotation: those of `wanted` that are in `known`; the default ones if none is. */
export function rotationOf(wanted, known) {
  const among = (names) => names.split(",").filter((name) => known.includes(name));
  const chosen = among(wanted ?? PAGES);
  return chosen.length > 0 ? chosen : among(PAGES);
}

/** Returns the page after `current`, or the first one. */
export const pageAfter = (current, pages) => pages[(pages.indexOf(current) + 1) % pages.length];

function showClock() {
  const clock = h("strong", { id: "clock", class: "clock" });
  byId("freshness").before(clock);
  const show = () => setText(clock, time.format(new Date()));
  show();
  setInterval(show, 1000);
}

// The addresses of the pages in the navigation, by name.
function knownPages() {
  const links = [...document.querySelectorAll("header nav a")].map(({ href }) => new URL(href));
  return new Map(links.map((url) => [/\/pages\/([\w-]+)$/.exec(url.pathname)?.[1] ?? "now", url]));
}

function rotate(seconds, wanted) {
  const known = knownPages();
  const current = /\/pages\/([\w-]+)$/.exec(location.pathname)?.[1] ?? "now";
  const url = known.get(pageAfter(current, rotationOf(wanted, [...known.keys()])));
  if (url === undefined) return;
  url.search = "?kiosk";
  url.searchParams.set("rotate", seconds);
  if (wanted !== null) url.searchParams.set("pages", wanted);
  const go = async () => {
    // A browser cannot come back by itself from the error page of a service that is down.
    const answers = await fetch(url, { cache: "no-cache" }).then(
      ({ ok }) => ok,
      () => false,
    );
    if (answers) location.replace(url);
    else setTimeout(go, 1000 * seconds);
  };
  setTimeout(go, 1000 * seconds);
}

/** Starts the clock, and the rotation if the address has one. */
export function startKiosk() {
  showClock();
  const parameters = new URL(location.href).searchParams;
  const seconds = Number(parameters.get("rotate"));
  if (seconds > 0) rotate(Math.max(MIN_SECONDS, seconds), parameters.get("pages"));
}
