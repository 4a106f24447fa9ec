// The cells of a row of usage, and the cards of the sums.

import { h, setShare } from "./dom.js";
import { count, percent, ratio } from "./format.js";
import { page } from "./frame.js";
import { FAILED } from "./job-records.js";

// On a phone, where rows are cards, each value has the title of its column in front.
const TITLES = ["CPU hours", "GPU hours", "Jobs ended", "Failed", "CPU used", "Memory used"];

const number = (content) => h("td", { class: "number", role: "cell" }, content);
const hoursText = (value) => (value !== null && value > 0 && value < 10 ? value.toFixed(1) : count(value));

function efficiencyCell(share) {
  if (share === null) return number("–");
  return number([percent(share), setShare(h("div", { class: "meter", "aria-hidden": "true" }), share)]);
}

// A number of jobs, as a link to their records. `query` is null where no link can find them.
function jobsCell(jobs, text, query, more = {}) {
  if (jobs === null) return number("–");
  return number(jobs > 0 && query ? h("a", { href: page("history", { ...query, ...more }) }, text) : text);
}

/**
 * Makes the cells of a row after its name.
 *
 * @param {object | null} query The filters of the History page for the jobs of the row.
 */
export function cells(row, query) {
  const { jobs, failures } = row;
  const failed = failures > 0 ? `${count(failures)} (${percent(ratio(failures, jobs))})` : count(failures);
  const found = [
    number(hoursText(row.cpu_hours)),
    number(hoursText(row.gpu_hours)),
    jobsCell(jobs, count(jobs), query),
    jobsCell(jobs && failures, failed, query, { state: FAILED.join(",") }),
    efficiencyCell(row.cpu_efficiency),
    efficiencyCell(row.mem_efficiency),
  ];
  for (const [at, cell] of found.entries()) cell.dataset.label = TITLES[at];
  return found;
}

function card(title, value, detail) {
  return h(
    "div",
    { class: "card" },
    h("h2", {}, title),
    h("p", { class: "figure" }, value),
    detail && h("p", { class: "faint" }, detail),
  );
}

/** Makes the cards of the sums of all rows. */
export function totalCards(total) {
  const failed = total.jobs > 0 && `${percent(ratio(total.failures, total.jobs))} of the jobs`;
  return [
    card("CPU hours", hoursText(total.cpu_hours)),
    total.gpu_hours > 0 && card("GPU hours", hoursText(total.gpu_hours)),
    total.jobs !== null && card("Jobs ended", count(total.jobs)),
    total.jobs !== null && card("Failed", count(total.failures), failed),
    total.cpu_efficiency !== null && card("CPU used", percent(total.cpu_efficiency), "of the CPU time allocated"),
    total.mem_efficiency !== null && card("Memory used", percent(total.mem_efficiency), "of the memory allocated"),
  ];
}
