// The failures among all records that match a search, from the sums of /history by state.

import { ApiError, getJson } from "./api-client.js";
import { byId, h, replaceChildren, setText } from "./dom.js";
import { count, percent, plural } from "./format.js";
import { failuresIn, sumsQuery } from "./job-records.js";
import { stateText } from "./jobs.js";

function row({ state, number, meaning }, all, onChoose) {
  const button = h("button", { type: "button", class: "quiet", onclick: () => onChoose(state) }, stateText(state));
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, button),
    h("td", { class: "number" }, count(number)),
    h("td", { class: "number" }, percent(number / all)),
    h("td", {}, meaning),
  );
}

function show(text, failures, all, onChoose) {
  setText(byId("failures-of"), text);
  replaceChildren(
    byId("failure-rows"),
    failures.map((failure) => row(failure, all, onChoose)),
  );
}

/**
 * Counts the failures of a search and shows them. Resolves without an answer, too.
 *
 * @param {{path: string, parameters: object}} search As `queryOf` returns it.
 * @param {(state: string) => void} onChoose Called for a click on a state.
 */
export async function showFailures({ path, parameters }, { signal, onChoose }) {
  const { query, isOfWeek } = sumsQuery(parameters);
  show("are being counted …", [], 0, onChoose);
  try {
    const { data } = await getJson(path, query, { signal });
    const { all, failures } = failuresIn(data);
    const failed = failures.reduce((sum, { number }) => sum + number, 0);
    const range = isOfWeek ? " that ended in the last 7 days" : "";
    show(`${count(failed)} of all ${plural(all, "record")}${range}`, failures, all, onChoose);
  } catch (error) {
    if (error.name === "AbortError") return;
    if (!(error instanceof ApiError)) throw error;
    // The sum of a long range may take too long, and some filters have no sums.
    show(`are not counted: ${error.message}`, [], 0, onChoose);
  }
}
