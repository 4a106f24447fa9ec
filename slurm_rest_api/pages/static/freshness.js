// The age of the data in the header, and the strip at the bottom of the page while something is wrong with it.

import { byId, setText } from "./dom.js";
import { approximate, clock, now } from "./format.js";

const REFRESH_SECONDS = Number(document.documentElement.dataset.refresh);
// Data that is older than this many refresh intervals is marked, also where a large cluster takes longer to load.
const OLD_INTERVALS = 3;

// The newest answer about the live cluster, when it came, and the error of a later request.
const latest = { meta: null, age: 0, at: 0, fault: null };
// The routes that have answered with live data. An error of another route says nothing about its age.
const livePaths = new Set();

function trouble(age) {
  const { fault, meta } = latest;
  if (meta === null || (fault === null && !meta.stale)) return "";
  const data = `Showing data from ${clock(now() - age)} (${approximate(age)} ago).`;
  if (fault !== null) return `${fault.message} Retrying … ${data}`;
  return meta.error ? `${data} ${meta.error.detail}` : data;
}

const ageOfData = () => latest.age + now() - latest.at;

function showAge() {
  if (latest.meta === null) return;
  const age = ageOfData();
  setText(byId("freshness"), `Updated ${approximate(age)} ago`);
  const isAway = latest.meta.error !== null && latest.meta.error !== undefined;
  const isOld = age > OLD_INTERVALS * REFRESH_SECONDS || latest.meta.stale || latest.fault !== null;
  byId("freshness").classList.toggle("away", isAway);
  byId("freshness").classList.toggle("stale", isOld && !isAway);
}

// Screen readers read each new text of the strip: its age is not updated every second.
function showTrouble() {
  const text = trouble(ageOfData());
  setText(byId("trouble"), text);
  byId("trouble").hidden = text === "";
  showAge();
}

/** Shows the age of the newest live data and its faults, from the events of `api-client.js`. */
export function followAge() {
  document.addEventListener("answered", ({ detail: { path, meta, age } }) => {
    if (age === null || meta.stale === undefined) return;
    livePaths.add(path);
    Object.assign(latest, { meta, age, at: now(), fault: null });
    showTrouble();
  });
  document.addEventListener("unanswered", ({ detail: { path, fault } }) => {
    if (fault.status !== 0 && (fault.status < 502 || !livePaths.has(path))) return;
    latest.fault = fault;
    showTrouble();
  });
  setInterval(showAge, 1000);
  setInterval(showTrouble, 30_000);
}
