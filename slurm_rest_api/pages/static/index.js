// Asks each route of the table once, one after the other, and writes down how it answered.
"use strict";

const rows = [...document.querySelectorAll("tr[data-path]")];
const button = document.getElementById("check");
const outcome = document.getElementById("outcome");

function size(bytes) {
  if (bytes < 1024) return `${bytes} B`;
  return bytes < 1048576 ? `${(bytes / 1024).toFixed(1)} KiB` : `${(bytes / 1048576).toFixed(1)} MiB`;
}

function duration(seconds) {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

function show(row, name, text, kind) {
  const cell = row.querySelector(`.${name}`);
  cell.textContent = text;
  if (kind) cell.className = `${name} ${kind}`;
}

// The body of a large cluster's queue is not kept: its bytes are counted as they come.
async function count(response) {
  let bytes = 0;
  const reader = response.body.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) bytes += part.value.length;
  return bytes;
}

async function reason(response) {
  try {
    const faults = (await response.json()).errors;
    return faults.map((fault) => fault.detail).join(" ");
  } catch {
    return response.statusText;
  }
}

async function check(row) {
  show(row, "state", "…", "");
  const started = performance.now();
  try {
    const response = await fetch(row.dataset.path, { cache: "no-store" });
    if (!response.ok) {
      // A part of the service that is switched off is no fault.
      const kind = response.status === 404 ? "off" : "bad";
      show(row, "state", `${response.status}: ${await reason(response)}`, kind);
      return false;
    }
    const bytes = await count(response);
    const stale = response.headers.get("X-Slurm-Stale") === "1";
    const age = response.headers.get("Age");
    show(row, "state", stale ? "answers, with old data" : "answers", stale ? "old" : "good");
    show(row, "time", `${Math.round(performance.now() - started)} ms`);
    show(row, "size", size(bytes));
    show(row, "age", age === null ? "asked now" : duration(Number(age)));
    return !stale;
  } catch (error) {
    show(row, "state", `no answer: ${error.message}`, "bad");
    return false;
  }
}

async function checkAll() {
  button.disabled = true;
  outcome.textContent = "Asking each route once …";
  let good = 0;
  for (const row of rows) {
    for (const name of ["state", "time", "size", "age"]) show(row, name, "", "");
    if (await check(row)) good += 1;
  }
  outcome.textContent = `${good} of ${rows.length} routes answer with present data, ${new Date().toLocaleTimeString()}.`;
  button.disabled = false;
}

button.hidden = false;
button.addEventListener("click", checkAll);
checkAll();
