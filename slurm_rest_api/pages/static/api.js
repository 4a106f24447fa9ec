// Asks each route of the table once, one after the other, when it is told to, and writes down how it answered; examples as
// commands.

import { address, ask, root, send } from "./api-client.js";
import { approximate, byId, bytes, setText } from "./dom.js";
import { copy, curlLine, setCurlLine } from "./frame.js";

const rows = [...document.querySelectorAll("tr[data-path]")];
const button = byId("check");
const outcome = byId("outcome");

function show(row, name, text, kind = "") {
  const cell = row.querySelector(`.${name}`);
  setText(cell, text);
  cell.classList.remove("good", "old", "bad", "faint");
  if (kind !== "") cell.classList.add(kind);
}

// The body of a large cluster's queue is not kept: its bytes are counted as they come.
async function size(response) {
  let received = 0;
  const reader = response.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) received += part.value.length;
  return received;
}

async function check(row) {
  show(row, "state", "…");
  const started = performance.now();
  try {
    const response = await send(new URL(row.dataset.path, root));
    const received = await size(response);
    const stale = response.headers.get("X-Slurm-Stale") === "1";
    const age = response.headers.get("Age");
    show(row, "state", stale ? "answers, with old data" : "answers", stale ? "old" : "good");
    show(row, "time", `${Math.round(performance.now() - started)} ms`);
    show(row, "size", bytes(received));
    show(row, "age", age === null ? "asked now" : approximate(Number(age)));
    return !stale;
  } catch (fault) {
    if (fault.status === undefined) throw fault;
    // A part of the service that is switched off is no fault, and neither is what is not for everybody.
    const kind = fault.status === 404 || fault.status === 403 ? "faint" : "bad";
    show(row, "state", `${fault.status || "No answer"}: ${fault.message}`, kind);
    return false;
  }
}

function examples() {
  for (const example of byId("examples").children) {
    const [line, button] = [example.querySelector("code"), example.querySelector("button")];
    setText(line, curlLine(new URL(example.dataset.query, root)));
    button.addEventListener("click", () => copy(line, button));
  }
}

async function checkAll() {
  button.disabled = true;
  setText(outcome, "Asking each route once …");
  let good = 0;
  for (const row of rows) {
    for (const name of ["state", "time", "size", "age"]) show(row, name, "");
    if (await check(row)) good += 1;
  }
  setText(outcome, `${good} of ${rows.length} routes answer with present data, ${new Date().toLocaleTimeString()}.`);
  button.disabled = false;
}

examples();
setCurlLine(address("openapi/openapi.json"));
button.addEventListener("click", checkAll);
// The frame tells by it how old the data is and who reads; a fault is told there, too.
ask("partitions", { fields: "name", limit: 1 }).catch(() => null);
