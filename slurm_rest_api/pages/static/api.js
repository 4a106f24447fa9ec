// The API page: checks each route on request, and shows examples as commands.

import { ApiError, getJson, request } from "./api-client.js";
import { byId, setText } from "./dom.js";
import { approximate, bytes } from "./format.js";
import { copy, curlLine, setCurlLine } from "./frame.js";
import { apiUrl, root } from "./urls.js";

const rows = [...document.querySelectorAll("tr[data-path]")];
const button = byId("check");
const outcome = byId("outcome");

function show(row, name, text, kind = "") {
  const cell = row.querySelector(`.${name}`);
  setText(cell, text);
  cell.classList.remove("good", "old", "bad", "faint");
  if (kind !== "") cell.classList.add(kind);
}

// Counts the bytes of a body as they come: the queue of a large cluster is not kept in memory.
async function sizeOf(response) {
  let received = 0;
  const reader = response.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) received += part.value.length;
  return received;
}

// Returns "good", "bad" or, for a route that is turned off or not permitted, "off".
async function check(row) {
  show(row, "state", "…");
  const started = performance.now();
  try {
    const response = await request(new URL(row.dataset.path, root));
    const received = await sizeOf(response);
    const stale = response.headers.get("X-Slurm-Stale") === "1";
    const age = response.headers.get("Age");
    show(row, "state", stale ? "OK, old data" : "OK", stale ? "old" : "good");
    show(row, "time", `${Math.round(performance.now() - started)} ms`);
    show(row, "size", bytes(received));
    show(row, "age", age === null ? "just read" : approximate(Number(age)));
    return stale ? "bad" : "good";
  } catch (fault) {
    if (!(fault instanceof ApiError)) throw fault;
    const isOff = fault.status === 404 || fault.status === 403;
    show(row, "state", `${fault.status || "No connection"}: ${fault.message}`, isOff ? "faint" : "bad");
    return isOff ? "off" : "bad";
  }
}

function showExamples() {
  for (const example of byId("examples").children) {
    const [line, copyButton] = [example.querySelector("code"), example.querySelector("button")];
    setText(line, curlLine(new URL(example.dataset.query, root)));
    copyButton.addEventListener("click", () => copy(line, copyButton));
  }
}

async function checkAll() {
  button.disabled = true;
  setText(outcome, "Checking each endpoint …");
  const counts = { good: 0, bad: 0, off: 0 };
  for (const row of rows) {
    for (const name of ["state", "time", "size", "age"]) show(row, name, "");
    counts[await check(row)] += 1;
  }
  const asked = counts.good + counts.bad;
  const summary = counts.bad === 0 ? `All ${asked} endpoints OK` : `${counts.good} of ${asked} endpoints OK`;
  const others = counts.off > 0 ? ` (${counts.off} turned off or not permitted)` : "";
  setText(outcome, `${summary}${others}, ${new Date().toLocaleTimeString()}.`);
  button.disabled = false;
}

showExamples();
setCurlLine(apiUrl("openapi/openapi.json"));
button.addEventListener("click", checkAll);
// The frame shows the age of the data and the user by this answer, and its error if it fails.
getJson("partitions", { fields: "name", limit: 1 }).catch(() => null);
