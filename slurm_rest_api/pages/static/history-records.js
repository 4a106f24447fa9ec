// What a filled form asks, and what a job record tells. Pure.

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
};
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
const MOMENTS = ["submitafter", "submitbefore", "startafter", "startbefore", "endafter", "endbefore"];

// A date without an offset means the reader's wall clock; the service would take it for its own.
export function moment(text) {
  if (!/^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2})?)?$/.test(text)) return text;
  const time = new Date(text.length === 10 ? `${text}T00:00` : text.replace(" ", "T")).getTime();
  return Number.isNaN(time) ? text : String(time / 1000);
}

// {path, parameters} of a state of the form. Comparisons of job ids may be several, each a parameter of its own.
export function questionOf(state) {
  const parameters = Object.fromEntries(
    Object.keys(FILTERS).map((name) => [name, MOMENTS.includes(name) ? moment(state[name]) : state[name]]),
  );
  const comparisons = state.jobid
    .replaceAll(/([<>=])\s+/g, "$1")
    .split(/[\s,&]+/)
    .filter(Boolean);
  delete parameters.jobid;
  const path =
    comparisons.length === 0 ? "history" : `history?${new URLSearchParams(comparisons.map((text) => ["jobid", text]))}`;
  return { path, parameters };
}

// The filters of a state in words, for "nothing matches …".
export const filtersIn = (state) =>
  Object.keys(FILTERS)
    .filter((name) => state[name] !== "")
    .map((name) => `${name}=${state[name]}`);

const SIGNALS = {
  1: "HUP",
  2: "INT",
  3: "QUIT",
  4: "ILL",
  6: "ABRT",
  7: "BUS",
  8: "FPE",
  9: "KILL",
  11: "SEGV",
  13: "PIPE",
  15: "TERM",
  24: "XCPU",
  25: "XFSZ",
};

// How it ended, as sacct's code:signal, the signal by its name: "exit 1", "signal 9 (KILL)"; "" for success.
export function exitOf({ exit_code: code, exit_signal: signal }) {
  if (signal > 0) return SIGNALS[signal] ? `signal ${signal} (${SIGNALS[signal]})` : `signal ${signal}`;
  return code > 0 ? `exit ${code}` : "";
}

export const FAILED = [
  "FAILED",
  "TIMEOUT",
  "OUT_OF_MEMORY",
  "NODE_FAIL",
  "BOOT_FAIL",
  "DEADLINE",
  "PREEMPTED",
  "CANCELLED",
];
const MEANINGS = {
  FAILED: "Its program ended with an exit code other than 0, or by a signal.",
  TIMEOUT: "It reached its time limit.",
  OUT_OF_MEMORY: "It used more memory than it had asked for.",
  NODE_FAIL: "A node of its allocation failed.",
  BOOT_FAIL: "Its nodes did not start.",
  DEADLINE: "It could not end before its deadline.",
  PREEMPTED: "It had to make room for a job with precedence.",
  CANCELLED: "Its user or an administrator cancelled it.",
};

// What went wrong in these records: [{state, exit, number, meaning}], the most frequent first.
export function failuresIn(records) {
  const found = new Map();
  for (const record of records.filter(({ state_name: name }) => FAILED.includes(name))) {
    const exit = exitOf(record);
    const key = `${record.state_name} ${exit}`;
    const known = found.get(key) ?? { state: record.state_name, exit, number: 0, meaning: MEANINGS[record.state_name] };
    found.set(key, { ...known, number: known.number + 1 });
  }
  return [...found.values()].sort((a, b) => b.number - a.number);
}

// The share of its time limit that a job used; null where it has none or did not start.
export function shareOfLimit({ elapsed, timelimit, time_start: start }) {
  return start === null || typeof timelimit !== "number" || timelimit === 0 ? null : elapsed / (60 * timelimit);
}

// CPUs that it held, or asks for while it has none.
export const cpusOf = (record) => record.tres_alloc?.cpu ?? record.cpus_req;

// Seconds between submission and start; null where it did not start.
export const waited = ({ time_submit: submit, time_start: start }) =>
  submit === null || start === null ? null : start - submit;
