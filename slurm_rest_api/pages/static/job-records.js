// Job records of the accounting database: the query of the History form, and facts about a record. No I/O.

import { withJobIds } from "./urls.js";

export const FILTERS = {
  user: "",
  account: "",
  partition: "",
  jobname: "",
  qos: "",
  associd: "",
  state: "",
  jobid: "",
  node: "",
  submitafter: "",
  submitbefore: "",
  startafter: "",
  startbefore: "",
  endafter: "",
  endbefore: "",
  duplicates: "",
  unended: "",
};
// The states of records of jobs that have ended.
const ENDED = [
  ...["COMPLETED", "CANCELLED", "FAILED", "TIMEOUT", "NODE_FAIL", "PREEMPTED", "BOOT_FAIL", "DEADLINE"],
  ...["OUT_OF_MEMORY", "REQUEUED", "RESIZING", "REVOKED"],
].join(",");
export const FIELDS = [
  "id_record",
  "id_job",
  "job_id_str",
  "job_name",
  "user_name",
  "account",
  "partition",
  "qos",
  "state_name",
  "reason",
  "exit_code",
  "exit_signal",
  "time_submit",
  "time_start",
  "time_end",
  "elapsed",
  "cpu_time",
  "timelimit",
  "tres_alloc",
  "cpus_req",
  "nodes_alloc",
  "nodelist",
  "failed_node",
];
const TIMES = ["submitafter", "submitbefore", "startafter", "startbefore", "endafter", "endbefore"];

/** Returns a date without an offset as epoch seconds of the user's time zone. Other texts are returned as they are. */
export function timeOf(text) {
  if (!/^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2})?)?$/.test(text)) return text;
  const time = new Date(text.length === 10 ? `${text}T00:00` : text.replace(" ", "T")).getTime();
  return Number.isNaN(time) ? text : String(time / 1000);
}

/** Returns true if jobs that have not ended are left out: the user chose neither states nor jobs, nor these. */
export const isOfEnded = ({ state, jobid, unended }) => state === "" && jobid === "" && unended === "";

/** Returns {path, parameters} of the request for a state of the form. */
export function queryOf(state) {
  const parameters = Object.fromEntries(
    Object.keys(FILTERS).map((name) => [name, TIMES.includes(name) ? timeOf(state[name]) : state[name]]),
  );
  if (isOfEnded(state)) parameters.state = ENDED;
  delete parameters.jobid;
  delete parameters.unended;
  return { path: withJobIds("history", state.jobid), parameters };
}

/** Returns the filters that are set: ["user=alice"]. */
export const filtersIn = (state) =>
  Object.keys(FILTERS)
    .filter((name) => state[name] !== "" && name !== "unended")
    .map((name) => `${name}=${state[name]}`);

/** States of failures. A job that was cancelled or preempted did not fail. */
export const FAILED = ["FAILED", "TIMEOUT", "OUT_OF_MEMORY", "NODE_FAIL", "BOOT_FAIL", "DEADLINE"];
const MEANINGS = {
  FAILED: "Its script ended with an exit code other than 0, or by a signal.",
  TIMEOUT: "It reached its time limit.",
  OUT_OF_MEMORY: "It used more memory than it requested.",
  NODE_FAIL: "A node of its allocation failed.",
  BOOT_FAIL: "Its nodes did not start.",
  DEADLINE: "It could not end before its deadline.",
};

/**
 * Returns the failures among the sums of records by state, the most frequent first, and the number of all records.
 *
 * @param {{state: string, jobs: number}[]} sums Those of /history?group_by=state.
 * @returns {{all: number, failures: {state: string, number: number, meaning: string}[]}}
 */
export function failuresIn(sums) {
  const failures = sums
    .filter(({ state }) => FAILED.includes(state))
    .map(({ state, jobs }) => ({ state, number: jobs, meaning: MEANINGS[state] }));
  failures.sort((a, b) => b.number - a.number);
  return { all: sums.reduce((sum, { jobs }) => sum + jobs, 0), failures };
}

/**
 * Returns the parameters of the sums by state for those of a search, and if they are of the last seven days.
 *
 * The API sums the records of a range of time. A search without one gets the last seven days.
 */
export function sumsQuery(parameters) {
  const hasRange = ["submitafter", "startafter", "endafter"].some((name) => parameters[name] !== "");
  const range = hasRange ? {} : { endafter: "now-7days" };
  return { query: { ...parameters, ...range, group_by: "state", fields: "state,jobs" }, isOfWeek: !hasRange };
}

/** Returns the share of its time limit that a job used; null if it has no limit or did not start. */
export function shareOfLimit({ elapsed, timelimit, time_start: start }) {
  return start === null || typeof timelimit !== "number" || timelimit === 0 ? null : elapsed / (60 * timelimit);
}

/** Returns the CPUs that a job held, or requests while it has none. */
export const cpusOf = (record) => record.tres_alloc?.cpu ?? record.cpus_req;

/** Returns the seconds between submission and start; null if the job did not start. */
export const waited = ({ time_submit: submit, time_start: start }) =>
  submit === null || start === null ? null : start - submit;

/**
 * Returns the share of its CPUs that an ended job used, from its record in the accounting database.
 *
 * It is null if the steps of the job recorded no CPU time, or if the job has not ended.
 */
export function efficiencyOf({ cpu_time: used, elapsed, tres_alloc: held, time_end: end }) {
  const cpuSeconds = (held?.cpu ?? 0) * elapsed;
  return used === null || used === undefined || cpuSeconds === 0 || end === null ? null : used / cpuSeconds;
}
