// The parts of the Job page for a job that slurmctld knows. Why it waits is in job-waiting.js.

import { facts, h, setShare, tableOf } from "./dom.js";
import {
  approximate,
  count,
  exitOf,
  formatDateTime,
  formatDuration,
  formatLimit,
  memory,
  now,
  percent,
  plural,
  ratio,
} from "./format.js";
import { accountLink, jobLink, nodeLink, page, qosLink } from "./frame.js";
import {
  gpus,
  holdsNodes,
  isPending,
  jobName,
  runSeconds,
  splitDependency,
  splitHosts,
  stateChip,
  taskCount,
  tres,
} from "./jobs.js";

const queueLink = (filter, value) => value && h("a", { href: page("queue", { [filter]: value }) }, value);

/** Makes links of the names in a hostlist. A name with brackets stays text. */
export function hosts(text) {
  return splitHosts(text).map((name, at) => [at > 0 ? ", " : "", name.includes("[") ? name : nodeLink(name)]);
}

const dependencies = (text) => splitDependency(text).map((part, at) => (at % 2 === 1 ? jobLink(part) : part));

const MANY_COMPONENTS = 20;

/** Makes links to the components of a heterogeneous job: 12+0, 12+1. `number` is how many there are, if it is known. */
export function componentLinks(leader, number) {
  if (!number || number > MANY_COMPONENTS) return jobLink(String(leader));
  return Array.from({ length: number }, (_, at) => [at > 0 ? ", " : "", jobLink(`${leader}+${at}`)]);
}

function belongsTo(job) {
  const tasks = job.array_task_str && taskCount(job.array_task_str);
  const part = tasks ? `${plural(tasks, "pending array task")} of ` : "Part of array ";
  const members = job.het_job_id_set && taskCount(job.het_job_id_set);
  return [
    job.array_job_id && h("p", {}, part, queueLink("array", String(job.array_job_id))),
    job.het_job_id &&
      h(
        "p",
        {},
        `Component ${job.het_job_offset ?? 0} of a heterogeneous job: `,
        componentLinks(job.het_job_id, members),
      ),
  ];
}

/** Makes the lines under the title: state, name, user, partition, and `why` the job is pending or failed. */
export function headline(job, why) {
  const name = h("strong", {}, job.name ?? "");
  const owner = [" of ", queueLink("user", job.user_name), " in ", queueLink("partition", job.partition)];
  const line = h("p", {}, stateChip(job.job_state), " ", name, owner);
  return h("section", { class: "headline" }, line, why, belongsTo(job));
}

/** Makes the line about a maintenance that a job would not end before, {name, text} or null. */
export function maintenanceLine(crossed) {
  if (crossed === null) return null;
  const { name, text } = crossed;
  return h(
    "p",
    { class: "strip" },
    `${text} `,
    h("a", { href: page("reservations", { name }) }, `Reservation ${name}`),
  );
}

/** Makes the list of known times of a job, [name, epoch seconds], each with the time since the one before. */
export function timeline(times) {
  const known = times.filter(([, epoch]) => epoch > 0);
  const steps = known.map(([name, epoch], at) => {
    const since = at > 0 ? epoch - known[at - 1][1] : 0;
    return h(
      "li",
      {},
      h("span", { class: "faint" }, name),
      h("span", { class: "moment" }, formatDateTime(epoch)),
      h("span", { class: "faint" }, since > 0 ? `${approximate(since)} later` : ""),
    );
  });
  if (steps.length === 0) return null;
  return h("section", { "aria-label": "Times" }, h("h2", {}, "Times"), h("ol", { class: "course" }, steps));
}

// A time to come is known for --begin only: a job with a dependency becomes eligible when that is fulfilled.
function eligibleTime({ eligible_time: time, state_reason: why }) {
  return time > now() && !(why ?? "").startsWith("BeginTime") ? 0 : time;
}

/** Makes the times of a job. */
export function liveTimes(job) {
  return timeline([
    ["Submitted", job.submit_time],
    ["Eligible", eligibleTime(job)],
    [isPending(job) ? "Expected to start" : "Started", job.start_time],
    [holdsNodes(job) ? "Time limit reached at" : "Ended", isPending(job) ? 0 : job.end_time],
  ]);
}

/** Makes the line and the meter of a run time of seconds against a limit of minutes, or one of the API's words. */
export function elapsedBar(seconds, minutes) {
  const limit = typeof minutes === "number" ? 60 * minutes : null;
  const share = ratio(seconds, limit ?? 0);
  const noLimit = minutes === "Partition_Limit" ? ", with the partition's time limit" : ", without a time limit";
  const ofLimit = limit === null ? noLimit : ` of ${formatDuration(limit)} (${percent(share)})`;
  const meter = share !== null && setShare(h("div", { class: "meter", "aria-hidden": "true" }), share);
  return [h("p", { class: "ran" }, `Elapsed ${formatDuration(seconds)}${ofLimit}`), meter];
}

/** Makes the line and the meter of the run time and the time limit, by the browser's clock. */
export function progress(job) {
  const ran = runSeconds(job);
  return ran === null ? null : elapsedBar(ran, job.time_limit);
}

function requested(job) {
  const licenses = Object.entries(job.licenses ?? {}).map(([name, number]) => `${name}: ${number}`);
  return facts("Requested", [
    ["Nodes", count(job.num_nodes)],
    ["CPUs", count(job.num_cpus)],
    ["Tasks", count(job.num_tasks)],
    ["Memory", memory(job.memory)],
    ["GPUs", gpus(job) ? count(gpus(job)) : null],
    ["Time limit", formatLimit(job.time_limit)],
    ["TRES", job.tres_req_str],
    ["Features", job.features?.join(", ")],
    ["Required nodes", job.req_nodes?.join(",")],
    ["Excluded nodes", job.exc_nodes?.join(",")],
    ["Licenses", licenses.join(", ")],
    ["Reservation", job.resv_name],
  ]);
}

// What a job has in all. Its memory may differ from what it requested: memory per CPU is that of whole cores.
function held(job) {
  if (!holdsNodes(job)) return null;
  const { cpu, node, billing } = tres(job.tres_alloc_str);
  const sum = (byNode) => Object.values(byNode ?? {}).reduce((all, number) => all + number, 0);
  return facts("Allocated", [
    ["Nodes", node],
    ["CPUs", count(cpu ?? (sum(job.cpus_allocated) || null))],
    ["Memory", sum(job.mem_allocated) ? memory(sum(job.mem_allocated)) : null],
    ["GPUs", gpus(job) ? count(gpus(job)) : null],
    ["Billing", billing],
    ["Used", "Slurm records what steps use when they end."],
  ]);
}

// "1:0" is exit code 1, "0:9" is signal 9.
function exitText(text) {
  const [code, signal] = (text ?? "").split(":").map(Number);
  return exitOf({ exit_code: code, exit_signal: signal }) || "0";
}

function submittedBy(job) {
  return facts("Submitted by", [
    ["User", queueLink("user", job.user_name)],
    ["Account", accountLink(job.account)],
    ["Partition", queueLink("partition", job.partition)],
    ["QOS", qosLink(job.qos)],
    ["Priority", job.priority === 0 ? "0 (held)" : count(job.priority)],
    ["Nice", job.nice || null],
    ["Restarts", job.restart_cnt || null],
    ["Depends on", job.dependency && dependencies(job.dependency)],
    ["Exit", isPending(job) || holdsNodes(job) ? null : exitText(job.exit_code)],
    ["Failed node", job.failed_node && nodeLink(job.failed_node)],
  ]);
}

function files(job) {
  return facts("Files", [
    ["Command", job.command],
    ["Directory", job.work_dir],
    ["Output", job.std_out],
    ["Errors", job.std_err === job.std_out ? null : job.std_err],
    ["Input", job.std_in],
    ["Submitted on", job.alloc_node],
    ["Comment", job.comment],
    ["Administrator's comment", job.admin_comment],
  ]);
}

/** Makes the cards of a job: its request, its allocation, its user, its files. */
export const cards = (job) => [requested(job), held(job), submittedBy(job), files(job)];

/** Makes the table of what a job holds on each node. */
export function allocated(job) {
  const names = Object.keys(job.cpus_allocated ?? {});
  if (names.length === 0)
    return job.nodes ? h("section", {}, h("h2", {}, "Nodes"), h("p", {}, hosts(job.nodes))) : null;
  const gres = (name) => {
    const held = Object.entries(job.gres_allocated?.[name] ?? {});
    return held.map(([what, number]) => `${what} × ${number}`).join(", ") || "–";
  };
  const cpus = (name) => count(job.cpus_allocated[name]);
  const rows = names.map((name) => [nodeLink(name), cpus(name), memory(job.mem_allocated?.[name]), gres(name)]);
  const heads = ["Node", "CPUs", "Memory", "GPUs and other resources"];
  return tableOf("Allocated resources", `${plural(names.length, "node")}.`, heads, rows, [1, 2]);
}

export const titleOf = (job) => `Job ${jobName(job)}`;

/** Returns the facts of a job without those that change every second, and the day, which relative dates depend on. */
export const stable = (job) => ({
  ...job,
  run_time: 0,
  run_time_str: "",
  run_time_remaining: 0,
  elapsed_cpu_time: 0,
  day: Math.floor(now() / 86400),
});
