// The menu of clusters, and the message of the site. Loaded where a site has them.

import { byId, setText } from "./dom.js";
import { root } from "./urls.js";

const MESSAGE_SECONDS = 60;

/** Returns the address of the page at `href` in the service at `base`: the same path and query. */
export function sameOn(base, href) {
  const target = new URL(base.endsWith("/") ? base : `${base}/`);
  const here = new URL(href);
  target.pathname += here.pathname.slice(root.pathname.length);
  target.search = here.search;
  return target.href;
}

function clusters(menu) {
  const links = [...menu.querySelectorAll("a")];
  const bases = links.map((link) => link.href);
  // The address changes while the page is open.
  menu.addEventListener("toggle", () => {
    links.forEach((link, at) => {
      link.href = sameOn(bases[at], location.href);
    });
  });
}

async function showMessage(place) {
  if (document.hidden) return;
  try {
    const response = await fetch(new URL("pages/message", root), { cache: "no-cache" });
    if (!response.ok) return;
    const text = await response.text();
    setText(place, text);
    place.hidden = text === "";
  } catch {
    // The strip at the bottom says that the server is away. The last message stays.
  }
}

const [menu, message] = [byId("clusters"), byId("message")];
if (menu !== null) clusters(menu);
if (message?.hasAttribute("data-follow")) setInterval(showMessage, 1000 * MESSAGE_SECONDS, message);
