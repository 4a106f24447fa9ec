// One login for all tabs of a browser, and a warning before it expires. Loaded where the service asks for a token.
//
// A token that is not remembered is in the sessionStorage of each tab. A new tab asks the others for it over a
// BroadcastChannel, which reaches the pages of this origin in this browser only.

import { token, tokenExpiry } from "./api-client.js";
import { byId, setText } from "./dom.js";
import { approximate, now } from "./format.js";
import { root } from "./urls.js";

const ANSWER_MILLISECONDS = 250;
const WARNING_SECONDS = 15 * 60;
const CHECK_MILLISECONDS = 20_000;

let channel = null;
let received = () => null;

function heard({ data }) {
  const known = token.get();
  if (data?.ask === true && known !== null) channel.postMessage({ token: known });
  else if (data?.logout === true && known !== null) {
    token.forget();
    location.reload();
  } else if (typeof data?.token === "string") {
    // A remembered token is in the localStorage of all tabs already.
    if (known === null) token.keep(data.token, false);
    received();
    if (byId("login").open) location.reload();
  }
}

function listen() {
  // Two services of one origin differ in their paths.
  channel = new BroadcastChannel(`slurm-rest-api ${root.pathname}`);
  channel.addEventListener("message", heard);
}

/** Resolves once another tab has given its token, or after a moment without one. */
export function tokenOfOtherTabs() {
  return new Promise((resolve) => {
    received = resolve;
    channel.postMessage({ ask: true });
    setTimeout(resolve, ANSWER_MILLISECONDS);
  });
}

/** Gives a new token to the tabs that wait for one. */
export const shareToken = (text) => channel.postMessage({ token: text });

/** Deletes the token in all tabs. */
export function logOut() {
  channel.postMessage({ logout: true });
  token.forget();
}

function showExpiry() {
  const expiry = tokenExpiry(token.get());
  const left = expiry === null ? Infinity : expiry - now();
  const text = left > 0 ? `Login ends in ${approximate(left)}` : "Login has ended";
  setText(byId("expiry"), left > WARNING_SECONDS ? "" : text);
}

/** Begins to share the login with other tabs, and to warn before it expires. */
export function joinTabs() {
  listen();
  // An open channel keeps a page out of the browser's cache of earlier pages.
  addEventListener("pagehide", () => channel.close());
  addEventListener("pageshow", ({ persisted }) => persisted && listen());
  showExpiry();
  setInterval(showExpiry, CHECK_MILLISECONDS);
}
