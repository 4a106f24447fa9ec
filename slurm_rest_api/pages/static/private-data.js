// What `auth.private_data` hides from the user, for the pages that would be misleading without it.

import { byId, setText } from "./dom.js";

const MISSING = {
  accounts: "accounts that you neither run under nor coordinate",
  users: "other users",
  partitions: "partitions, and which of them allow a QOS",
  jobs: "the jobs of others, and how much of a limit they use",
  usage: "the usage of others, and how much of a limit they use",
};

/** Returns the sentence about what a page lacks, of the words of `auth.private_data` that concern it; "" for none. */
export function hiddenText(hidden, concerns) {
  const words = concerns.filter((word) => hidden.has(word));
  if (words.length === 0) return "";
  const missing = [...new Set(words.map((word) => MISSING[word]))];
  return `Not shown to you: ${missing.join("; ")} (auth.private_data: ${words.join(", ")}).`;
}

/**
 * Shows in the element "hidden" what is hidden from the user, and calls `changed` with the words if they change.
 *
 * Answers name them once the service knows the user.
 */
export function followHidden(changed, concerns) {
  let known = "";
  document.addEventListener("known", ({ detail: { hidden } }) => {
    if (hidden === known) return;
    known = hidden;
    const words = new Set(hidden.split(", ").filter(Boolean));
    const text = hiddenText(words, concerns);
    setText(byId("hidden"), text);
    byId("hidden").hidden = text === "";
    changed(words);
  });
}
