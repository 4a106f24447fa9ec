// The Job page: what slurmctld knows of a job. Why it waits, and what the accounting database has, is loaded on demand.

import { ApiError, getJson, poll } from "./api-client.js";
import { byId, faultNotice, h, notice, onDemand, renderIfChanged, replaceChildren, setText } from "./dom.js";
import { onMove, rawRecord, readState, setCurlLine, setTitle, writeState } from "./frame.js";
import { allocated, cards, headline, liveTimes, maintenanceLine, progress, stable, titleOf } from "./job-live.js";
import { holdsNodes, isPending, needsExplanation } from "./jobs.js";
import { apiUrl } from "./urls.js";

const DEFAULTS = { id: "" };
const PARTS = ["head", "maintenance", "waiting", "limits", "priority", "ran", "times", "cards", "nodes"];

let current = null;

const accounting = () => import("./job-accounting.js");

function part(name) {
  return byId("content").querySelector(`[data-part="${name}"]`);
}

// The parts for a job that waits, or whose reason says how it ended.
async function showReason(job, inputs, explanation) {
  const { limitTable, priorityOf, waiting, why } = await import("./job-waiting.js");
  renderIfChanged(part("head"), { inputs, explanation }, () => headline(job, why(job, explanation)));
  renderIfChanged(part("waiting"), { inputs, explanation }, () => waiting(job, explanation));
  renderIfChanged(part("limits"), explanation, () => limitTable(explanation));
  renderIfChanged(part("priority"), explanation, () => priorityOf(explanation));
}

async function showLive(job, explanation, crossed) {
  if (part("head") === null) {
    const isCards = (name) => name === "cards" || name === "waiting";
    const makePart = (name) => h("div", { "data-part": name, class: isCards(name) ? "cards" : null });
    replaceChildren(byId("content"), PARTS.map(makePart));
  }
  const inputs = stable(job);
  setText(byId("title"), titleOf(job));
  setTitle(titleOf(job));
  if (needsExplanation(job)) await showReason(job, inputs, explanation);
  else {
    renderIfChanged(part("head"), inputs, () => headline(job, null));
    for (const name of ["waiting", "limits", "priority"]) renderIfChanged(part(name), null, () => null);
  }
  renderIfChanged(part("maintenance"), crossed, () => maintenanceLine(crossed));
  renderIfChanged(part("times"), inputs, () => liveTimes(job));
  renderIfChanged(part("cards"), inputs, () => cards(job));
  renderIfChanged(part("nodes"), inputs, () => allocated(job));
  replaceChildren(part("ran"), progress(job));
}

function show() {
  current?.abort();
  current = new AbortController();
  const { id } = readState(DEFAULTS);
  byId("id").value = id;
  for (const name of ["past", "raw"]) replaceChildren(byId(name));
  if (id === "") {
    const forms = "Enter its id above: 123, 123_7 for an array task, or 123+1 for a component of a heterogeneous job.";
    replaceChildren(byId("content"), notice("empty", "Which job?", forms));
    return;
  }
  setText(byId("title"), `Job ${id}`);
  replaceChildren(byId("content"), notice("loading", "Loading …"));
  pollJob(id, current.signal);
}

const hasEnded = (job) => !isPending(job) && !holdsNodes(job);

// The records are read when the user opens them. They are open for a job that has ended, or that was requeued.
function showAccounting(job, signal) {
  const load = async () => (await accounting()).accountingOf(job, signal);
  const details = onDemand("Submit line, steps and attempts, from accounting", load);
  details.open = hasEnded(job) || job.restart_cnt > 0;
  replaceChildren(byId("past"), details);
}

/** Resolves to the explanation of a job, or to null if there is nothing to explain or no answer. */
async function explanationOf(id, job, signal) {
  if (!needsExplanation(job)) return null;
  try {
    return (await getJson(`queue/${encodeURIComponent(id)}/explain`, {}, { signal })).data;
  } catch (error) {
    // The job may have left the queue since, and the page shows the rest without an explanation.
    if (error instanceof ApiError) return null;
    throw error;
  }
}

/** Resolves to the maintenance that a job would not end before, or to null. */
async function crossedBy(job, signal) {
  return hasEnded(job) ? null : (await import("./job-maintenance.js")).maintenanceOfJob(job, signal);
}

function pollJob(id, signal) {
  const path = `queue/${encodeURIComponent(id)}`;
  let job = null;
  let isGone = false;
  setCurlLine(apiUrl(path));
  const clock = setInterval(() => {
    if (signal.aborted) clearInterval(clock);
    else if (job !== null && part("ran") !== null) replaceChildren(part("ran"), progress(job));
  }, 1000);
  const onAnswer = async ({ data }) => {
    const isNew = job?.job_state !== data.job_state || job?.restart_cnt !== data.restart_cnt;
    const isFirst = job === null;
    job = data;
    isGone = false;
    const [explanation, crossed] = await Promise.all([explanationOf(id, job, signal), crossedBy(job, signal)]);
    if (signal.aborted) return;
    await showLive(job, explanation, crossed);
    if (isNew) showAccounting(job, signal);
    if (isFirst) rawRecord(byId("raw"), "/queue/{jobid}", () => job);
  };
  const onFault = async (fault) => {
    if (fault.status === 404 && !isGone) {
      job = null;
      isGone = true;
      (await accounting()).showPast(id, signal);
    } else if (fault.status === 400) {
      replaceChildren(byId("content"), notice("fault", "Not a valid job ID", fault.message));
    } else if (fault.status !== 404 && job === null) replaceChildren(byId("content"), faultNotice(fault));
  };
  poll(path, {}, { signal, onAnswer, onFault });
}

byId("find").addEventListener("submit", (event) => {
  event.preventDefault();
  writeState({ id: byId("id").value.trim() }, DEFAULTS, { push: true });
  show();
});
onMove(show);
show();
