// The parts of the Job page for a job that slurmctld knows: the job itself, and why it waits (/queue/{jobid}/explain).

import { facts, h, setShare, tableOf } from "./dom.js";
import {
  approximate,
  count,
  formatDateTime,
  formatDuration,
  formatLimit,
  memory,
  now,
  percent,
  plural,
  ratio,
} from "./format.js";
import { jobLink, nodeLink, page } from "./frame.js";
import { availabilityText, endsWhen, rankText, reason } from "./job-reasons.js";
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
} from "./jobs.js";

const queueLink = (filter, value) => value && h("a", { href: page("queue", { [filter]: value }) }, value);

/** Makes links of the names in a hostlist. A name with brackets stays text. */
export function hosts(text) {
  return splitHosts(text).map((name, at) => [at > 0 ? ", " : "", name.includes("[") ? name : nodeLink(name)]);
}

const dependencies = (text) => splitDependency(text).map((part, at) => (at % 2 === 1 ? jobLink(part) : part));

// The API marks commands and names of fields in a sentence with backticks.
const withCode = (text) => text.split("`").map((part, at) => (at % 2 === 1 ? h("code", {}, part) : part));

function why(job, explanation) {
  const { name, label, details } = reason(job.state_reason);
  if (!label) return null;
  const words = [
    h("strong", {}, label),
    details && ` (${details})`,
    ". ",
    explanation && [withCode(explanation.text), " "],
  ];
  return h("p", { class: "why" }, words, h("span", { class: "faint" }, `Slurm reason: ${name}.`));
}

/**
 * Makes the line under the title: state, name, user, partition, and why the job is pending or failed.
 *
 * `explanation` is from /queue/{jobid}/explain, or null.
 */
export function headline(job, explanation) {
  const tasks = job.array_task_str && taskCount(job.array_task_str);
  const part = tasks ? `${plural(tasks, "pending array task")} of ` : "Part of array ";
  const array = job.array_job_id && h("p", {}, part, queueLink("array", String(job.array_job_id)));
  const het = job.het_job_id && h("p", {}, "A component of the heterogeneous job ", jobLink(job.het_job_id));
  const name = h("strong", {}, job.name ?? "");
  const owner = [" of ", queueLink("user", job.user_name), " in ", queueLink("partition", job.partition)];
  return h(
    "section",
    { class: "headline" },
    h("p", {}, stateChip(job.job_state), " ", name, owner),
    why(job, explanation),
    array,
    het,
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

/** Makes the times of a job. */
export function liveTimes(job) {
  return timeline([
    ["Submitted", job.submit_time],
    ["Eligible", job.eligible_time],
    [isPending(job) ? "Expected to start" : "Started", job.start_time],
    [holdsNodes(job) ? "Time limit reached at" : "Ended", isPending(job) ? 0 : job.end_time],
  ]);
}

/** Makes the line and the meter of the run time and the time limit, by the browser's clock. */
export function progress(job) {
  const ran = runSeconds(job);
  if (ran === null) return null;
  const limit = typeof job.time_limit === "number" ? 60 * job.time_limit : null;
  const share = ratio(ran, limit ?? 0);
  const noLimit = job.time_limit === "Partition_Limit" ? ", with the partition's time limit" : ", without a time limit";
  const ofLimit = limit === null ? noLimit : ` of ${formatDuration(limit)} (${percent(share)})`;
  const meter = share !== null && setShare(h("div", { class: "meter", "aria-hidden": "true" }), share);
  return [h("p", { class: "ran" }, `Elapsed ${formatDuration(ran)}${ofLimit}`), meter];
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

function submittedBy(job) {
  return facts("Submitted by", [
    ["User", queueLink("user", job.user_name)],
    ["Account", queueLink("account", job.account)],
    ["Partition", queueLink("partition", job.partition)],
    ["QOS", queueLink("qos", job.qos)],
    ["Priority", job.priority === 0 ? "0 (held)" : count(job.priority)],
    ["Nice", job.nice || null],
    ["Restarts", job.restart_cnt || null],
    ["Depends on", job.dependency && dependencies(job.dependency)],
    ["Exit code", isPending(job) || holdsNodes(job) ? null : job.exit_code],
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

/** Makes the cards of a job: its request, its user, its files. */
export const cards = (job) => [requested(job), submittedBy(job), files(job)];

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

const FACTORS = {
  age: "Age",
  fairshare: "Fair share",
  job_size: "Job size",
  partition: "Partition",
  qos: "QOS",
  assoc: "Association",
  site: "Site",
};

const lines = (items) => (items ?? []).map((item) => h("div", {}, item));

function dependency({ type, job_id: id, state, states, minutes, condition }) {
  const others = Object.entries(states ?? {}).map(([name, number]) => `${count(number)} ${name.toLowerCase()}`);
  const now = state ? stateChip(state) : others.join(", ") || "state not known";
  const other = id === null ? null : [" ", /^[\d_+]+$/.test(id) ? jobLink(id) : id];
  return [
    type,
    other,
    minutes ? ` and ${plural(minutes, "minute")}` : null,
    " ",
    now,
    condition === "failed" && " failed",
  ];
}

function reservation({ name, relation, state, start_time: start, end_time: end }) {
  const link = h("a", { href: page("queue", { reservation: name }) }, name);
  const times = start ? ` (${formatDateTime(start)} to ${formatDateTime(end)})` : "";
  return [relation === "in" ? "In " : "Behind ", link, state && `, ${state.toLowerCase()}`, times];
}

const unavailable = ({ name, state, reason: why }) => [nodeLink(name), ` ${state.toLowerCase()}`, why && `: ${why}`];

function fairShare(share) {
  if (!share) return null;
  const level = share.level_fs === null ? "" : `, level ${share.level_fs.toFixed(2)}`;
  return share.fair_share === null ? null : `${share.fair_share.toFixed(3)} of 1${level} (account ${share.account})`;
}

/** Makes the card of what a pending job waits for. */
export function waiting(job, explanation) {
  if (!isPending(job) || explanation === null) return null;
  const start = explanation.estimated_start;
  return facts("What it waits for", [
    ["Ends when", endsWhen(explanation.ends_by)],
    ["Rank", explanation.rank ? lines(explanation.rank.map(rankText)) : withCode(explanation.no_rank)],
    ["Expected start", start ? `${formatDateTime(start)}, as the scheduler estimates` : "no estimate yet"],
    ["If it were first", lines((explanation.availability ?? []).map(availabilityText))],
    ["Dependencies", lines(explanation.dependencies.map(dependency))],
    ["Reservations", lines((explanation.reservations ?? []).map(reservation))],
    ["Unavailable nodes", lines((explanation.unavailable_nodes ?? []).map(unavailable))],
    ["Fair share", fairShare(explanation.fairshare)],
  ]);
}

function meter(part, all) {
  const share = ratio(part, all);
  return share !== null && setShare(h("div", { class: "meter", "aria-hidden": "true" }), share);
}

/** Makes the table of the limits that keep a job from starting. */
export function limitTable(explanation) {
  const limits = explanation?.limits ?? [];
  if (limits.length === 0) return null;
  const rows = limits.map((limit) => [
    limit.is_reason ? h("strong", {}, limit.name) : limit.name,
    limit.text,
    [limit.used === null ? "–" : `${count(limit.used)} of ${count(limit.limit)}`, meter(limit.used, limit.limit)],
  ]);
  const caption = "The limits that keep it from starting now. Slurm's reason names those in bold.";
  return tableOf("Limits", caption, ["Limit", "Meaning", "Used"], rows, [2]);
}

/** Makes the table of the priority factors of a job, with a bar for the share of each. */
export function priorityTable(explanation) {
  const [first] = explanation?.priority?.partitions ?? [];
  if (!first) return null;
  const { nice, tres, ...factors } = first.factors;
  const known = Object.entries(factors).filter(([, value]) => value !== null);
  const named = known.map(([name, value]) => [FACTORS[name] ?? name, value]);
  const all = [...named, ...Object.entries(tres ?? {}).map(([name, value]) => [`TRES ${name}`, value])];
  const total = all.reduce((sum, [, value]) => sum + Math.max(0, value), 0);
  const rows = all.map(([name, value]) => [name, count(value), meter(Math.max(0, value), total) || ""]);
  if (nice) rows.push(["Nice", count(-nice), ""]);
  const where = first.partition === null ? "" : ` in ${first.partition}`;
  const at = formatDateTime(explanation.priority.read_at);
  const caption = `Priority ${count(first.priority)}${where}, as read at ${at}.`;
  return tableOf("Priority", caption, ["Factor", "Points", "Share"], rows, [1]);
}
