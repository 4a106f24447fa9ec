// The Reservations page: a time line of the next seven days, and a table of all reservations.

import { follow } from "./api-client.js";
import { byId, faultNotice, h, notice, renderIfChanged, replaceChildren, setText, svg } from "./dom.js";
import { approximate, formatDateTime, formatDuration, now, plural } from "./format.js";
import { onMove, page, readState, setCurlLine, writeState } from "./frame.js";
import { showRecords } from "./record-table.js";
import { barsOf, daysOf, flagWords, isMaintenance, placeOf, sortedReservations, usersOf } from "./reservation-facts.js";
import { apiUrl } from "./urls.js";

const DEFAULTS = { name: "", partition: "" };
const TONES = { ACTIVE: "good", UPCOMING: "waiting", PAST: "done" };
const weekday = new Intl.DateTimeFormat(undefined, { weekday: "short" });
const dayOfMonth = new Intl.DateTimeFormat(undefined, { day: "numeric" });

// Heights of the time line in its own em, so that it grows with the text.
const HEAD = 2;
const ROW = 2.7;

let view = { records: null, fault: null };
let current = new AbortController();

function line(epoch, at, height, kind) {
  const x = `${placeOf(epoch, at).toFixed(2)}%`;
  return svg("line", { x1: x, x2: x, y1: "1.4em", y2: `${height}em`, class: kind });
}

function day(epoch, at, height) {
  const text = svg("text", { x: `${placeOf(epoch, at).toFixed(2)}%`, y: "1em", class: "day" });
  const date = new Date(1000 * epoch);
  text.append(svg("tspan", { class: "weekday" }, `${weekday.format(date)} `), dayOfMonth.format(date));
  return [line(epoch, at, height, "mark"), text];
}

function bar({ reservation, begin, end }, row) {
  const top = HEAD + row * ROW;
  // The name of a bar near the right edge ends where the bar ends.
  const isLate = begin > 60;
  const place = { x: `${(isLate ? end : begin).toFixed(2)}%`, y: `${top + 0.9}em` };
  const label = svg("text", { ...place, class: "name", "text-anchor": isLate ? "end" : "start" });
  label.append(reservation.name);
  const kind = isMaintenance(reservation) ? "bar maintenance" : "bar";
  const width = `${Math.max(0.4, end - begin).toFixed(2)}%`;
  return [label, svg("rect", { x: `${begin.toFixed(2)}%`, y: `${top + 1.2}em`, width, height: "1em", class: kind })];
}

function timeLine(reservations) {
  const at = now();
  const bars = barsOf(reservations, at);
  const height = HEAD + Math.max(1, bars.length) * ROW;
  const label = `Time line of the next 7 days: ${plural(bars.length, "reservation")}. The table below has their times.`;
  return svg(
    "svg",
    { class: "timeline", width: "100%", height: `${height}em`, role: "img", "aria-label": label },
    daysOf(at).map((epoch) => day(epoch, at, height)),
    bars.map(bar),
    line(at, at, height, "now"),
  );
}

const link = (where, parameters, text) => h("a", { href: page(where, parameters) }, text);
const lines = (texts) => texts.map((text) => h("div", {}, text));

function stateCell({ state, start_time: start, end_time: end }) {
  const seconds = state === "UPCOMING" ? start - now() : end - now();
  const words = { UPCOMING: "begins in", ACTIVE: "ends in" }[state];
  const isDue = words && seconds > 0;
  const when = isDue && h("span", { class: "explanation" }, `${words} ${approximate(seconds)}`);
  return [h("span", { class: `chip ${TONES[state]}` }, state.toLowerCase()), when];
}

function nodesCell({ nodes, node_cnt: number, core_ids: cores, licenses }) {
  const others = Object.entries(licenses).map(([name, count]) => `license ${name}: ${count}`);
  if (!nodes) return others.length > 0 ? lines(others) : "–";
  const isPart = Object.keys(cores).length > 0;
  const size = h(
    "div",
    { class: "explanation" },
    isPart ? `cores of ${plural(number, "node")}` : plural(number, "node"),
  );
  return [link("nodes", { name: nodes }, h("span", { class: "mono" }, nodes)), size, lines(others)];
}

function usersCell(reservation) {
  const found = usersOf(reservation);
  return found.length > 0 ? lines(found) : "No rule";
}

const COLUMNS = [
  { title: "Reservation", cell: ({ name }) => link("reservations", { name }, name) },
  { title: "State", cell: stateCell },
  { title: "From", cell: ({ start_time: start }) => formatDateTime(start) },
  { title: "To", cell: ({ end_time: end }) => formatDateTime(end) },
  { title: "Duration", cell: ({ duration }) => formatDuration(duration), number: true },
  { title: "Nodes", cell: nodesCell, wide: true },
  { title: "Who may use it", cell: usersCell },
  { title: "What", cell: ({ flags }) => flagWords(flags).join(", ") || "–", wide: true },
  { title: "Comment", cell: ({ comment }) => comment ?? "–", wide: true },
];

function blank({ name, partition }) {
  const { records, fault } = view;
  if (fault?.status === 404) return notice("off", "Reservations are not read", fault.message);
  if (fault) return faultNotice(fault);
  if (records === null) return notice("loading", "Loading …");
  if (records.size > 0) return null;
  if (name) return notice("empty", `No reservation ${name}`, "It has ended, or you may not see it.");
  if (partition) return notice("empty", `No reservations in partition ${partition}`);
  return notice("empty", "No reservations", "No nodes, cores or licenses are reserved, or you may not see it.");
}

function show() {
  const state = readState(DEFAULTS);
  const note = blank(state);
  renderIfChanged(byId("state"), note?.outerHTML ?? "", () => note);
  const isEmpty = note !== null;
  for (const id of ["line", "list"]) byId(id).hidden = isEmpty;
  const chosen = Object.entries(state).filter(([, value]) => value !== "");
  byId("chosen").hidden = chosen.length === 0;
  setText(byId("filter"), chosen.map(([field, value]) => `${field} ${value}`).join(", "));
  if (isEmpty) return;
  const reservations = sortedReservations(view.records.values());
  replaceChildren(byId("line"), timeLine(reservations));
  showRecords(byId("reservations"), COLUMNS, reservations, ({ name }) => name);
}

function load() {
  current.abort();
  current = new AbortController();
  view = { records: null, fault: null };
  show();
  const query = readState(DEFAULTS);
  setCurlLine(apiUrl("reservations", query));
  follow("reservations", query, view, { signal: current.signal, show });
}

byId("all").addEventListener("click", () => {
  writeState(DEFAULTS, DEFAULTS, { push: true });
  load();
});
onMove(load);
load();
