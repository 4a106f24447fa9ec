// The Partitions page: for each partition its state, what is free, its jobs, its limits and who may use it.

import { follow, poll, subscribe } from "./api-client.js";
import { byId, facts, faultNotice, h, notice, replaceChildren, setShare, setText } from "./dom.js";
import { count, formatDuration, memory, plural, ratio } from "./format.js";
import { onMove, page, qosLink, readState, setCurlLine, setTitle } from "./frame.js";
import { accessRules, gpusByPartition, idleNodes, limitsOf, sortedPartitions } from "./partition-facts.js";
import { showRecords } from "./record-table.js";
import { apiUrl } from "./urls.js";

const DEFAULTS = { name: "" };
const USAGE = {
  fields: [
    ...["nodes_by_state", "total_cpus", "real_mem", "total_gpus", "jobs_running", "jobs_pending", "tasks_pending"],
  ].map((field) => `partitions.${field}`),
};
const FREE = { group_by: "partition", state: "AVAILABLE" };
const GPU_NODES = { gpus: ">0", fields: ["partitions", "gpus", "state_base", "state_flags"] };
const TONES = { UP: "good", DRAIN: "old" };

// What each request has answered; null until it has. A request that was refused has {}.
const known = { usage: null, free: null, gpus: null };
const view = { records: null, fault: null };
let refusal = "";

const chip = (text, tone) => h("span", { class: `chip ${tone}` }, text);
const link = (where, parameters, text) => h("a", { href: page(where, parameters) }, text);
const ofAll = (part, all, write = count) => `${write(part)} of ${write(all)}`;

// One record of the table: the partition with what the other requests know of it.
function joined(partition) {
  const { name } = partition;
  const usage = known.usage[name] ?? null;
  // A partition all of whose nodes are out of service is in no group.
  const free = known.free[name] ?? (usage === null || known.free.isRefused ? null : { idle_cpus: 0, idle_mem: 0 });
  return { ...partition, usage, free, gpus: known.gpus.get(name) ?? new Map() };
}

function nodesCell({ name, total_nodes: total, usage }) {
  return link("nodes", { partition: name }, usage ? ofAll(idleNodes(usage.nodes_by_state), total) : count(total));
}

function cpusCell({ free, usage, total_cpus: total }) {
  if (!free || !usage) return count(total);
  const meter = setShare(h("div", { class: "meter", "aria-hidden": "true" }), ratio(free.idle_cpus, total) ?? 0);
  return [ofAll(free.idle_cpus, total), meter];
}

const memoryCell = ({ free, usage }) => (free && usage ? ofAll(free.idle_mem, usage.real_mem, memory) : "–");

function gpuLines({ gpus }) {
  const models = [...gpus].sort(([one], [other]) => one.localeCompare(other));
  if (models.length === 0) return "–";
  return models.map(([model, { free, total }]) => h("div", {}, `${model}: ${ofAll(free, total)}`));
}

function jobsCell({ name, usage }) {
  if (!usage) return link("queue", { partition: name }, "Queue");
  const { jobs_running: running, jobs_pending: pending, tasks_pending: tasks } = usage;
  const ofTasks = tasks > pending && h("span", { class: "explanation" }, plural(tasks, "task"));
  return [
    h("div", {}, link("queue", { partition: name, state: "RUNNING" }, `${count(running)} running`)),
    h("div", {}, link("queue", { partition: name, state: "PENDING" }, `${count(pending)} pending`), ofTasks),
  ];
}

const users = (partition) => accessRules(partition).map((rule) => h("div", {}, rule));
const access = (partition) => (accessRules(partition).length > 0 ? users(partition) : "Everyone");
const state = ({ state: word }) => chip(word, TONES[word] ?? "bad");

function limitLines(partition) {
  const { default_time: usual, max_time: most } = partition;
  const more = limitsOf(partition).slice(2);
  const lines = more.filter(([name, text]) => text !== null && !name.startsWith("Default"));
  const ofDefault = usual !== "NONE" && usual !== most && `default ${formatDuration(usual)}`;
  return [
    h("div", { class: "duration" }, formatDuration(most), ofDefault && h("span", { class: "explanation" }, ofDefault)),
    lines.map(([name, text]) => h("span", { class: "explanation" }, `${name}: ${text}`)),
  ];
}

const COLUMNS = [
  {
    title: "Partition",
    cell: ({ name, flags }) => [
      link("partitions", { name }, name),
      flags.Default ? [" ", chip("default", "done")] : null,
    ],
  },
  { title: "State", cell: state },
  { title: "Idle nodes", cell: nodesCell, number: true },
  { title: "Free CPUs", cell: cpusCell, number: true },
  { title: "Free memory", cell: memoryCell, number: true },
  { title: "Free GPUs", cell: gpuLines, number: true },
  { title: "Jobs", cell: jobsCell, number: true },
  { title: "Time limit", cell: limitLines },
  { title: "Who may use it", cell: access, wide: true },
  { title: "Priority tier", cell: ({ priority_tier: tier }) => count(tier), number: true },
];

function sizeOf({ total_nodes: nodes, total_cpus: cpus, usage }) {
  const parts = [plural(nodes, "node"), plural(cpus, "CPU"), usage && memory(usage.real_mem)];
  return parts.filter(Boolean).join(", ");
}

function settings(partition) {
  const { flags } = partition;
  const scheduling = [
    ["Priority tier", count(partition.priority_tier)],
    ["Job priority factor", count(partition.priority_job_factor)],
    ["Preemption", partition.preempt_mode === "OFF" ? null : partition.preempt_mode],
    ["Grace time", partition.grace_time ? formatDuration(partition.grace_time) : null],
    ["Sharing of nodes", flags.Shared === "NO" ? null : flags.Shared],
    ["Least loaded nodes first", flags.LLN ? "yes" : null],
    ["One user per node", flags.ExclusiveUser ? "yes" : null],
    ["QOS of the partition", qosLink(partition.qos_char)],
    [
      "Instead, while it is down",
      partition.alternate && link("partitions", { name: partition.alternate }, partition.alternate),
    ],
    ["Billing weights", partition.billing_weights_str],
  ];
  const { usage, free } = partition;
  const isFree = [
    ["Idle nodes", usage && ofAll(idleNodes(usage.nodes_by_state), partition.total_nodes)],
    ["CPUs", usage && free && ofAll(free.idle_cpus, partition.total_cpus)],
    ["Memory", usage && free && ofAll(free.idle_mem, usage.real_mem, memory)],
    ["GPUs", partition.gpus.size > 0 && gpuLines(partition)],
  ];
  return [
    facts(
      "Free now",
      isFree.map(([term, value]) => [term, value || null]),
    ),
    facts("Limits for a job", limitsOf(partition)),
    facts("Who may use it", [["Access", access(partition)]]),
    facts("Scheduling", scheduling),
    facts("Nodes", [
      ["All", sizeOf(partition)],
      ["Names", h("span", { class: "mono" }, partition.nodes ?? "")],
    ]),
  ];
}

function showOne(partition) {
  const { name } = partition;
  const links = [
    link("nodes", { partition: name }, "Nodes"),
    link("queue", { partition: name }, "Queue"),
    link("reservations", { partition: name }, "Reservations"),
  ];
  replaceChildren(
    byId("one"),
    h("p", {}, state(partition), partition.flags.Default ? [" ", chip("default", "done")] : null),
    h(
      "p",
      { class: "links" },
      links.flatMap((one, at) => [at > 0 && " · ", one]),
    ),
    h("div", { class: "cards" }, settings(partition)),
  );
}

const isKnown = () => view.records !== null && !Object.values(known).includes(null);

function blank(records, name) {
  if (view.fault) return faultNotice(view.fault);
  if (!isKnown()) return notice("loading", "Loading …");
  if (records.length > 0) return null;
  if (name === "") return notice("empty", "No partitions", "The cluster has no partitions that you may view.");
  return notice("empty", `No partition ${name}`, "slurmctld has no partition with this name, or it is hidden.");
}

let shown = "";
function show() {
  const { name } = readState(DEFAULTS);
  const isShown = view.fault === null && isKnown();
  const all = isShown ? sortedPartitions(view.records.values()).map(joined) : [];
  const records = name === "" ? all : all.filter((partition) => partition.name === name);
  const note = blank(records, name);
  const text = note?.textContent ?? "";
  if (text !== shown) replaceChildren(byId("state"), note);
  shown = text;
  byId("list").hidden = name !== "" || records.length === 0;
  byId("one").hidden = name === "" || records.length === 0;
  byId("all").hidden = name === "";
  setText(byId("title"), name === "" ? "Partitions" : `Partition ${name}`);
  setTitle(name === "" ? "Partitions" : `Partition ${name}`);
  setText(byId("refused"), refusal && `What is free is not shown. ${refusal}`);
  setCurlLine(apiUrl(name === "" ? "partitions" : `partitions/${encodeURIComponent(name)}`));
  if (records.length === 0) return;
  if (name === "") showRecords(byId("partitions"), COLUMNS, records, (partition) => partition.name);
  else if (byId("one").record !== JSON.stringify([records[0], [...records[0].gpus]])) {
    byId("one").record = JSON.stringify([records[0], [...records[0].gpus]]);
    showOne(records[0]);
  }
}

// Without these the page still shows the settings of partitions.
function lacks(name, nothing) {
  return (error) => {
    if (error.status === 403) refusal = error.message;
    known[name] ??= nothing;
    show();
  };
}

function start() {
  show();
  const learn = (news) => {
    Object.assign(known, news);
    show();
  };
  follow("partitions", {}, view, { show });
  poll("usage", USAGE, {
    onAnswer: ({ data }) => learn({ usage: data.partitions }),
    onFault: lacks("usage", {}),
  });
  poll("nodes", FREE, { onAnswer: ({ data }) => learn({ free: data }), onFault: lacks("free", { isRefused: true }) });
  subscribe("nodes", GPU_NODES, {
    onChange: (nodes) => learn({ gpus: gpusByPartition(nodes.values()) }),
    onFault: lacks("gpus", new Map()),
  });
  onMove(show);
}

start();
