// A job as slurmctld knows it, in parts.

import {
  approximate,
  count,
  facts,
  formatDateTime,
  formatDuration,
  h,
  memory,
  now,
  percent,
  ratio,
  setShare,
  tableOf,
} from "./dom.js";
import { jobLink, nodeLink, page } from "./frame.js";
import { gpus, holdsNodes, isPending, jobName, reason, runSeconds, stateChip, taskCount } from "./jobs.js";

const queueLink = (filter, value) => value && h("a", { href: page("queue", { [filter]: value }) }, value);

// A hostlist as links where it is short enough to be written out: names, and what is in brackets as text.
function splitHosts(text) {
  return (text ?? "").match(/[^,[]+(?:\[[^\]]*\][^,[]*)*/g) ?? [];
}

export function hosts(text) {
  return splitHosts(text).map((name, at) => [at > 0 ? ", " : "", name.includes("[") ? name : nodeLink(name)]);
}

// `afterok:12(unfulfilled),singleton`: the job ids in it as links.
export function dependencies(text) {
  return (text ?? "").split(/(\d+(?:[_+]\d+)?(?=[:(,?]|$))/).map((part, at) => (at % 2 === 1 ? jobLink(part) : part));
}

export function headline(job) {
  const { label, meaning, details } = reason(job.state_reason);
  const why =
    label &&
    h(
      "p",
      { class: "why" },
      h("strong", {}, label),
      details && ` (${details})`,
      meaning && `. ${meaning}`,
      " ",
      h("span", { class: "faint" }, `Slurm's word: ${reason(job.state_reason).name}.`),
    );
  const tasks = job.array_task_str && taskCount(job.array_task_str);
  const array =
    job.array_job_id &&
    h(
      "p",
      {},
      tasks ? `Stands for ${count(tasks)} tasks of the array that wait. ` : "A part of array ",
      queueLink("array", String(job.array_job_id)),
    );
  const het = job.het_job_id && h("p", {}, "A component of the heterogeneous job ", jobLink(job.het_job_id));
  return h(
    "section",
    { class: "headline" },
    h(
      "p",
      {},
      stateChip(job.job_state),
      " ",
      h("strong", {}, job.name ?? ""),
      ` of `,
      queueLink("user", job.user_name),
      ` in `,
      queueLink("partition", job.partition),
    ),
    why,
    array,
    het,
  );
}

// The course of a job: each moment that is known, and how long it took to the next.
export function timeline(moments) {
  const known = moments.filter(([, epoch]) => epoch > 0);
  const steps = known.map(([name, epoch, note], at) => {
    const since = at > 0 ? epoch - known[at - 1][1] : 0;
    return h(
      "li",
      {},
      h("span", { class: "faint" }, name),
      h("span", { class: "moment" }, formatDateTime(epoch)),
      h("span", { class: "faint" }, note ?? (since > 0 ? `${approximate(since)} later` : "")),
    );
  });
  return (
    steps.length > 0 &&
    h("section", { "aria-label": "Times" }, h("h2", {}, "Times"), h("ol", { class: "course" }, steps))
  );
}

export function liveTimes(job) {
  const holds = holdsNodes(job);
  return timeline([
    ["Submitted", job.submit_time],
    ["Eligible", job.eligible_time],
    [isPending(job) ? "Expected to start" : "Started", job.start_time],
    [holds ? "Ends at the latest" : "Ended", isPending(job) ? 0 : job.end_time],
  ]);
}

// How much of its time limit a job has used, by this page's clock.
export function progress(job) {
  const ran = runSeconds(job);
  if (ran === null) return null;
  const limit = typeof job.time_limit === "number" ? 60 * job.time_limit : null;
  const share = ratio(ran, limit ?? 0);
  const text =
    limit === null
      ? `Has run ${formatDuration(ran)}, without a time limit`
      : `${holdsNodes(job) ? "Has run" : "Ran"} ${formatDuration(ran)} of ${formatDuration(limit)} (${percent(share)})`;
  return [
    h("p", { class: "ran" }, text),
    share !== null && setShare(h("div", { class: "meter", "aria-hidden": "true" }), share),
  ];
}

export function resources(job) {
  const limit = typeof job.time_limit === "number" ? formatDuration(60 * job.time_limit) : job.time_limit;
  return [
    facts("Asked for", [
      ["Nodes", count(job.num_nodes)],
      ["CPUs", count(job.num_cpus)],
      ["Tasks", count(job.num_tasks)],
      ["Memory", memory(job.memory)],
      ["GPUs", gpus(job) ? count(gpus(job)) : null],
      ["Time limit", limit],
      ["TRES", job.tres_req_str],
      ["Features", job.features?.join(", ")],
      ["Nodes wanted", job.req_nodes?.join(",")],
      ["Nodes avoided", job.exc_nodes?.join(",")],
      [
        "Licenses",
        Object.entries(job.licenses ?? {})
          .map(([name, number]) => `${name}: ${number}`)
          .join(", "),
      ],
      ["Reservation", job.resv_name],
    ]),
    facts("Whose", [
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
    ]),
    facts("Files", [
      ["Command", job.command],
      ["Directory", job.work_dir],
      ["Output", job.std_out],
      ["Errors", job.std_err === job.std_out ? null : job.std_err],
      ["Input", job.std_in],
      ["Submitted on", job.alloc_node],
      ["Comment", job.comment],
      ["Administrator's comment", job.admin_comment],
    ]),
  ];
}

export function held(job) {
  const names = Object.keys(job.cpus_allocated ?? {});
  if (names.length === 0)
    return job.nodes ? h("section", {}, h("h2", {}, "Nodes"), h("p", {}, hosts(job.nodes))) : null;
  const gres = (name) =>
    Object.entries(job.gres_allocated?.[name] ?? {})
      .map(([what, number]) => `${what} × ${number}`)
      .join(", ") || "–";
  const rows = names.map((name) => [
    nodeLink(name),
    count(job.cpus_allocated[name]),
    memory(job.mem_allocated?.[name]),
    gres(name),
  ]);
  return tableOf(
    "Held now, by node",
    `${count(names.length)} ${names.length === 1 ? "node" : "nodes"}.`,
    ["Node", "CPUs", "Memory", "GPUs and other resources"],
    rows,
    [1, 2],
  );
}

export const titleOf = (job) => `Job ${jobName(job)}`;
export const changing = (job) => ({
  ...job,
  run_time: 0,
  run_time_str: "",
  run_time_remaining: 0,
  elapsed_cpu_time: 0,
  day: Math.floor(now() / 86400),
});
