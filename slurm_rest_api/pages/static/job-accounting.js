// Reads the accounting records and the steps of a job, and shows them on the Job page.

import { ApiError, getJson } from "./api-client.js";
import { byId, faultNotice, h, notice, onDemand, replaceChildren, setText } from "./dom.js";
import { rawRecord, setCurlLine, setTitle } from "./frame.js";
import {
  attemptsTable,
  pastDetails,
  pastHeadline,
  siblingsTable,
  stepsTable,
  submissionCard,
  usePart,
} from "./job-past.js";
import { jobName } from "./jobs.js";
import { apiUrl } from "./urls.js";

const MOST_ATTEMPTS = 50;
const MOST_SIBLINGS = 100;
const SIBLING_FIELDS = [
  ...["id_job", "job_id_str", "state_name", "exit_code", "exit_signal"],
  ...["time_start", "elapsed", "nodelist"],
];

// One id is one job here: 12 is the record with this id alone, whatever array it belongs to.
async function attemptsOf(id, signal) {
  const query = { jobid: id, limit: MOST_ATTEMPTS, times: "epoch" };
  return (await getJson("history", query, { signal })).data;
}

// The steps of one attempt; null if they are not read here (404), or if the job never ran.
async function stepsOf(record, signal) {
  if (record.job_id_str.includes("[") || record.time_start === null) return null;
  const path = `history/${encodeURIComponent(record.job_id_str)}/steps`;
  try {
    const { data, meta } = await getJson(path, { times: "epoch", duplicates: false }, { signal });
    const steps = data.filter((step) => step.id_record === record.id_record);
    return { steps, isComplete: meta.next === null };
  } catch (fault) {
    if (fault instanceof ApiError && fault.status === 404) return null;
    throw fault;
  }
}

function siblings(record, signal) {
  const leader = record.array_job_id ?? record.het_job_id;
  if (!leader) return null;
  const what = record.array_job_id ? `Tasks of the array ${leader}` : `Components of the heterogeneous job ${leader}`;
  return onDemand(what, async () => {
    const query = { limit: MOST_SIBLINGS, times: "epoch", fields: SIBLING_FIELDS };
    const { data, meta } = await getJson(`history/${leader}`, query, { signal });
    return siblingsTable(data, meta.next === null);
  });
}

const knownSteps = (read) => (read?.isComplete ? read.steps : null);
const stepsPart = (read) => read !== null && stepsTable(read.steps, read.isComplete);

// The verdict needs the steps. Without them it says less, so a fault of theirs is shown in their place.
async function withSteps(record, signal, show) {
  try {
    const read = await stepsOf(record, signal);
    show(usePart(record, knownSteps(read)), stepsPart(read));
  } catch (fault) {
    if (!(fault instanceof ApiError)) throw fault;
    show(usePart(record, null), faultNotice(fault));
  }
}

async function showRecord(id, records, signal) {
  const [record] = records;
  setText(byId("title"), `Job ${record.job_id_str}`);
  setTitle(`Job ${record.job_id_str}`);
  setCurlLine(apiUrl("history", { jobid: id, times: "epoch" }));
  const [use, steps] = [h("div"), h("div")];
  replaceChildren(byId("content"), pastHeadline(record), use, pastDetails(record), steps);
  replaceChildren(byId("past"), attemptsTable(records), siblings(record, signal));
  rawRecord(byId("raw"), "/history", () => record);
  await withSteps(record, signal, (usePlace, stepsPlace) => {
    replaceChildren(use, usePlace);
    replaceChildren(steps, stepsPlace);
  });
}

const notFound = (id, text) => notice("empty", `No job ${id}`, `Not in the queue. ${text}`);

/** Shows a job that slurmctld does not have, from its records in the accounting database. */
export async function showPast(id, signal) {
  try {
    const records = await attemptsOf(id, signal);
    if (records.length > 0) await showRecord(id, records, signal);
    else replaceChildren(byId("content"), notFound(id, "The accounting database has no record of it either."));
  } catch (fault) {
    if (fault.name === "AbortError") return;
    if (!(fault instanceof ApiError)) throw fault;
    // 404: accounting is off. 400: the text is no job id.
    const off = "Accounting is off, so earlier jobs are not available.";
    replaceChildren(byId("content"), fault.status === 404 ? notFound(id, off) : faultNotice(fault));
  }
}

/** Makes the parts of a job that slurmctld has: its submit line, steps, attempts, and what it used if it has ended. */
export async function accountingOf(job, signal) {
  const records = await attemptsOf(jobName(job).includes("[") ? String(job.job_id) : jobName(job), signal);
  if (records.length === 0)
    return notice("empty", "No accounting record yet", "slurmdbd gets new jobs with some delay.");
  const [record] = records;
  const parts = h("div");
  await withSteps(record, signal, (use, steps) => {
    replaceChildren(parts, submissionCard(record), use, steps, attemptsTable(records), siblings(record, signal));
  });
  return parts;
}
