// The notice of maintenance on the home page: the next reservation with the flag MAINT.

import { poll } from "./api-client.js";
import { h, renderIfChanged } from "./dom.js";
import { approximate, now, plural, shortDate } from "./format.js";
import { page } from "./frame.js";

const MINUTE = 60;
const DAYS = 7;
const FIELDS = ["name", "state", "start_time", "end_time", "node_cnt"];
const SHOWN = { flag: "MAINT", sort: "start_time", shape: "list", fields: FIELDS };

function noticeOf(reservations, at) {
  const soon = reservations.filter(
    ({ state, start_time: start }) => state === "ACTIVE" || (state === "UPCOMING" && start < at + DAYS * 86400),
  );
  // The next one is news, and the nodes of one that goes on are in this state on all pages.
  const next = soon.find(({ state }) => state === "UPCOMING") ?? soon[0];
  if (next === undefined) return null;
  const isActive = next.state === "ACTIVE";
  const title = isActive ? "Maintenance now" : `Maintenance begins in ${approximate(next.start_time - at)}`;
  const when = isActive ? `until ${shortDate(next.end_time)}` : shortDate(next.start_time);
  const more = soon.length > 1 && [" · ", h("a", { href: page("reservations") }, `${soon.length - 1} more`)];
  const link = h("a", { href: page("reservations", { name: next.name }) }, title);
  return [h("strong", {}, link), h("span", { class: "rest" }, `: ${plural(next.node_cnt, "node")}, ${when}`, more)];
}

/** Shows the next maintenance of the coming seven days, or one that goes on, in `place`, and keeps it up to date. */
export function showMaintenance(place, { signal } = {}) {
  let shown = [];
  const show = () => {
    const at = now();
    const inputs = [shown, Math.floor(at / MINUTE)];
    renderIfChanged(place, inputs, () => noticeOf(shown, at));
  };
  poll("reservations", SHOWN, {
    seconds: MINUTE,
    signal,
    onAnswer: ({ data }) => {
      shown = data;
      show();
    },
    // Without reservations, or without permission to read them, there is no notice.
    onFault: () => {},
  });
}
