// Choices of the filters, with counts from the API, and corrections of names that match nothing. Loaded on demand.

import { ApiError, getJson } from "./api-client.js";
import { byId, h, replaceChildren } from "./dom.js";
import { count } from "./format.js";

const MAX_CHOICES = 100;
// The answers are kept this long, in milliseconds: a user moves between the fields.
const KEPT_MS = 60_000;
const answers = new Map();

// True if one text becomes the other by one letter that is added, removed or replaced.
function isOneLetterOff(one, other) {
  const [short, long] = one.length <= other.length ? [one, other] : [other, one];
  if (long.length - short.length > 1) return false;
  let at = 0;
  while (at < short.length && short[at] === long[at]) at += 1;
  return short.slice(at + (short.length === long.length ? 1 : 0)) === long.slice(at + 1);
}

// Returns the name that a user meant by `given`; null if there is none.
function meant(given, names) {
  const lower = given.toLowerCase();
  const tests = [
    (name) => name.toLowerCase() === lower,
    (name) => lower.length > 1 && name.toLowerCase().startsWith(lower),
    (name) => lower.length > 2 && isOneLetterOff(name.toLowerCase(), lower),
  ];
  for (const test of tests) {
    const found = names.find(test);
    if (found !== undefined) return found;
  }
  return null;
}

/**
 * Returns `text`, names with commas or blanks, with each unknown name replaced by the one that was meant.
 *
 * Returns null if nothing has to be replaced, or if a name has no replacement. `names` has the most common ones first.
 */
export function corrected(text, names) {
  const found = text
    .split(/[,\s]+/)
    .filter(Boolean)
    .map((one) => {
      const [mark, name] = one.startsWith("!") ? ["!", one.slice(1)] : ["", one];
      const right = names.includes(name) ? name : meant(name, names);
      return right === null ? null : mark + right;
    });
  if (found.includes(null)) return null;
  const right = found.join(",");
  return right === "" || right === text ? null : right;
}

// Resolves to [name, count] pairs, the most common first. Without an answer there are no choices.
async function countsBy(name, { path, parameters }) {
  const key = JSON.stringify([path, parameters, name]);
  const known = answers.get(key);
  if (known && Date.now() - known.at < KEPT_MS) return known.counts;
  try {
    const { data } = await getJson(path, { ...parameters, group_by: name });
    const pairs = Array.isArray(data)
      ? data.map((group) => [group[name], group.jobs])
      : Object.entries(data).map(([value, group]) => [value, group.count]);
    const counts = pairs.filter(([value]) => value !== null && value !== "").sort(([, a], [, b]) => b - a);
    answers.set(key, { at: Date.now(), counts });
    return counts;
  } catch (error) {
    if (error instanceof ApiError) return [];
    throw error;
  }
}

/**
 * Fills the list of a text field with the values of its filter.
 *
 * `request` has the path and parameters of the jobs to count. Values after a comma are completed, too.
 */
export async function offerChoices(input, request) {
  const counts = await countsBy(input.name, request);
  const fill = () => {
    const before = /^.*[,!]/.exec(input.value)?.[0] ?? "";
    const option = ([name, number]) => h("option", { value: before + name }, `${count(number)} jobs`);
    replaceChildren(byId(input.getAttribute("list")), counts.slice(0, MAX_CHOICES).map(option));
  };
  fill();
  input.oninput = fill;
}

/**
 * Adds a question to a notice without results: did you mean another name? Its link has the corrected filter.
 *
 * @param {Element} place The notice.
 * @param {object} filters The filters that can be corrected: {partition: "Main"}.
 * @param {object} request The path and parameters of all jobs.
 * @param {(changes: object) => string} link Returns the address of the page with changed filters.
 */
export async function suggest(place, filters, request, link) {
  for (const [name, given] of Object.entries(filters).filter(([, value]) => value !== "")) {
    const counts = await countsBy(name, request);
    const right = corrected(
      given,
      counts.map(([value]) => value),
    );
    if (right === null) continue;
    const target = h("a", { href: link({ [name]: right }) }, right);
    place.append(h("p", {}, `0 jobs for ${name} `, h("code", {}, given), "; did you mean ", target, "?"));
  }
}
