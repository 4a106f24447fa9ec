// The My jobs page: the running, waiting and recently ended jobs of one user.

import { ApiError, getJson, poll } from "./api-client.js";
import { byId, faultNotice, h, keyed, notice, renderIfChanged, replaceChildren, setShare, setText } from "./dom.js";
import { count, exitOf, formatDuration, formatLimit, memory, now, percent, plural, shortDate } from "./format.js";
import { jobLink, nodeLink, onMove, page, readState, setCurlLine, setTitle, writeState } from "./frame.js";
import { rankText, reason } from "./job-reasons.js";
import { gpus, isFailure, jobName, runSeconds, stateChip, taskCount } from "./jobs.js";
import { JOB_STATES_WITH_NODES } from "./slurm-vocabulary.js";
import { apiUrl } from "./urls.js";

const DEFAULTS = { user: "" };
const CHOSEN = "slurm-rest-api user";
const SHOWN = 25;
// More are read than are shown: failures come first.
const READ_ENDED = 100;
const ENDED_SECONDS = 60;
const FIELDS = [
  ...["job_id", "name", "partition", "job_state", "state_reason", "start_time", "end_time", "time_limit"],
  ...["array_job_id", "array_task_id", "array_task_str", "het_job_id", "het_job_offset", "nodes", "num_nodes"],
  ...["num_cpus", "num_tasks", "memory", "suspend_time", "pre_sus_time", "gres_allocated", "tres_alloc_str"],
  ...["tres_req_str", "tres_per_job", "tres_per_node", "tres_per_socket", "tres_per_task", "sockets_per_node"],
];
const RECORD_FIELDS = [
  ...["id_record", "id_job", "job_id_str", "job_name", "state_name", "exit_code", "exit_signal", "time_end"],
  ...["time_start", "elapsed", "timelimit", "time_efficiency", "tres_alloc", "cpu_efficiency", "mem_efficiency"],
  ...["max_rss", "gpu_util", "failed_node"],
];

let current = new AbortController();
// The name of the user who has logged in, null if the service does not say it.
let login = null;
// What each request has answered: {data, total, hasMore} or {fault}; null until it has.
let known = { running: null, waiting: null, ended: null };

const cell = (label, ...children) => h("td", { role: "cell", "data-label": label }, children);
const detail = (text) => h("span", { class: "explanation" }, text);
const meter = (share) => share !== null && setShare(h("div", { class: "meter", "aria-hidden": "true" }), share);

const title = (link, name) => h("th", { role: "rowheader", scope: "row" }, link, detail(name ?? ""));

function link(job) {
  if (!job.array_task_str) return jobLink(jobName(job));
  const tasks = taskCount(job.array_task_str);
  return jobLink(job.job_id, `${job.array_job_id}_[…] (${tasks === null ? "many tasks" : plural(tasks, "task")})`);
}

function resources(job) {
  const parts = [plural(job.num_cpus, "CPU"), memory(job.memory), gpus(job) > 0 && plural(gpus(job), "GPU")];
  const nodes = job.num_nodes > 1 ? [plural(job.num_nodes, "node")] : [];
  return [...nodes, ...parts.filter((part) => part && part !== "–")].join(", ");
}

function elapsed(job) {
  const ran = runSeconds(job);
  const limit = typeof job.time_limit === "number" ? 60 * job.time_limit : null;
  const share = limit ? (ran ?? 0) / limit : null;
  const ofLimit = share === null ? detail("no limit") : detail(`${percent(share)} of ${formatDuration(limit)}`);
  return [formatDuration(ran), ofLimit, meter(share)];
}

function runningRow(job) {
  const nodes = job.nodes ?? "–";
  const time = cell("Elapsed");
  time.dataset.clock = "";
  return [
    title(link(job), job.name),
    h("td", { role: "cell", class: "what" }, stateChip(job.job_state)),
    time,
    cell("Ends by", shortDate(job.end_time)),
    cell("Resources", resources(job), detail(job.partition)),
    cell("On", /[[,]/.test(nodes) ? nodes : nodeLink(nodes)),
  ];
}

// Asks for the place in the queue of one job: for all jobs that would be as many requests.
function placeButton(job) {
  const place = h("div");
  const ask = async () => {
    replaceChildren(place, "…");
    try {
      const { data } = await getJson(
        `queue/${job.job_id}/explain`,
        { fields: "rank,no_rank" },
        { signal: current.signal },
      );
      replaceChildren(place, data.rank?.map((rank) => h("div", {}, rankText(rank))) ?? data.no_rank ?? "–");
    } catch (fault) {
      if (fault.name === "AbortError") return;
      replaceChildren(place, fault.message);
    }
  };
  const name = `Place of job ${jobName(job)}`;
  replaceChildren(
    place,
    h("button", { type: "button", class: "quiet", onclick: ask, "aria-label": name }, "Show place"),
  );
  return place;
}

function waitingRow(job) {
  const { label, details } = reason(job.state_reason);
  return [
    title(link(job), job.name),
    h("td", { role: "cell", "data-field": "state_reason" }, label || "No reason yet", details && detail(details)),
    cell("Expected start", job.start_time > 0 ? shortDate(job.start_time) : "no estimate yet"),
    cell("Requested", resources(job), detail(job.partition)),
    cell("Limit", formatLimit(job.time_limit)),
    cell("Place", placeButton(job)),
  ];
}

function shareCell(label, share, text) {
  if (share === null || share === undefined) return cell(label, h("span", { class: "faint" }, "not recorded"));
  return cell(label, percent(share), text && detail(text), meter(share));
}

function endedRow(record) {
  const id = record.job_id_str.includes("[") ? record.id_job : record.job_id_str;
  const { cpu, mem, "gres/gpu": gpu } = record.tres_alloc ?? {};
  const cause = exitOf(record) || (record.failed_node && `node ${record.failed_node}`);
  const hasRun = record.time_start !== null;
  const ofLimit = record.time_efficiency === null ? null : `${percent(record.time_efficiency)} of the limit`;
  const gpuShare = gpu > 0 && typeof record.gpu_util === "number" ? record.gpu_util / 100 / gpu : null;
  const used = mem > 0 ? `${memory(record.max_rss)} of ${memory(mem)}` : memory(record.max_rss);
  return [
    title(jobLink(id), record.job_name),
    h("td", { role: "cell", class: "what" }, stateChip(record.state_name), cause && detail(cause)),
    cell("Ended", shortDate(record.time_end)),
    cell("Elapsed", hasRun ? formatDuration(record.elapsed) : "did not start", hasRun && ofLimit && detail(ofLimit)),
    shareCell("CPUs used", record.cpu_efficiency, cpu && `of ${plural(cpu, "CPU")}`),
    shareCell("Memory used", record.mem_efficiency, used),
    gpu > 0
      ? shareCell("GPUs used", gpuShare, `of ${plural(gpu, "GPU")}`)
      : h("td", { role: "cell", class: "none" }, "–"),
  ];
}

// Failures come first, and the newest first among each.
const byFailure = ({ state_name: one, time_end: end }, { state_name: other, time_end: otherEnd }) =>
  Number(isFailure(other)) - Number(isFailure(one)) || otherEnd - end;

const ENDED_NONE = "No jobs ended in the last 24 hours";
const EMPTY = { running: "Nothing is running", waiting: "Nothing is waiting", ended: ENDED_NONE };

function sumOf(name, { data, total, hasMore }, user) {
  if (data.length === 0) return [];
  if (name === "ended") {
    const failed = data.filter((record) => isFailure(record.state_name)).length;
    const shown = data.length > SHOWN ? ` ${count(SHOWN)} of them are here, failures first.` : "";
    const all = `${hasMore ? "The newest " : ""}${plural(data.length, "job")}, ${count(failed)} failed.${shown} `;
    return [all, h("a", { href: page("history", { user, endafter: "now-1day" }) }, "All in History")];
  }
  const state = name === "waiting" ? "PENDING" : JOB_STATES_WITH_NODES.join(",");
  const more = total > data.length ? `, the first ${count(data.length)} of them here` : "";
  return [`${plural(total, "job")}${more}. `, h("a", { href: page("queue", { user, state }) }, "All in the queue")];
}

function showPart(name, user, rowOf, keyOf) {
  const section = byId(name);
  const [sum, blank, scroll] = [...section.children].slice(1);
  section.hidden = false;
  const answer = known[name];
  const data = answer?.data ?? [];
  scroll.hidden = data.length === 0;
  renderIfChanged(sum, [answer?.total, answer?.hasMore, data.map(({ state_name: state }) => state)], () =>
    answer?.data ? sumOf(name, answer, user) : null,
  );
  renderIfChanged(blank, [answer === null, data.length, answer?.fault?.message], () => {
    if (answer === null) return notice("loading", "Loading …");
    if (answer.fault?.status === 404) return notice("off", "Accounting is off", "Ended jobs are not available.");
    if (answer.fault) return faultNotice(answer.fault);
    return data.length === 0 ? notice("empty", EMPTY[name]) : null;
  });
  keyed(section.querySelector("tbody"), data.slice(0, SHOWN), {
    key: keyOf,
    make: () => h("tr", { role: "row" }),
    update: (row, item) => renderIfChanged(row, [item, Math.floor(now() / 86400)], () => rowOf(item)),
  });
}

function tick() {
  for (const row of byId("running").querySelectorAll("tbody tr")) {
    const job = known.running?.data?.find(({ job_id: id }) => String(id) === row.dataset.key);
    if (job) replaceChildren(row.querySelector("[data-clock]"), elapsed(job));
  }
}

const showState = (inputs, build) => renderIfChanged(byId("state"), inputs, build);

// The parts come from the top down, so that nothing moves a part that is there.
function show(user) {
  const { running, waiting, ended } = known;
  if (running === null || waiting === null) return;
  const fault = running.fault && waiting.fault;
  const notes = Object.values(known).map((answer) => answer?.data?.length);
  showState([user, login, notes, fault?.message], () => (fault ? faultNotice(fault) : othersNotice(user)));
  byId("ended").hidden = true;
  if (!fault) {
    showPart("running", user, runningRow, (job) => job.job_id);
    tick();
    showPart("waiting", user, waitingRow, (job) => job.job_id);
  }
  if (!fault || ended?.data) showPart("ended", user, endedRow, (record) => record.id_record);
}

function othersNotice(user) {
  const isEmpty = Object.values(known).every((answer) => answer !== null && answer.data?.length === 0);
  if (!isEmpty) return null;
  if (login !== null && login !== user)
    return notice("empty", `No jobs of ${user} that you may view`, "Jobs of other users may be private (PrivateData).");
  return notice("empty", `No jobs of ${user}`, "User names are case-sensitive.");
}

function follow(user, signal) {
  const keep = (name, answer) => {
    if (signal.aborted) return;
    known = { ...known, [name]: answer };
    show(user);
  };
  // A section that has shown data keeps it: the frame reports that it is old.
  const onFault = (name) => (fault) => keep(name, known[name]?.data && fault.status !== 403 ? known[name] : { fault });
  const queue = (name, parameters) =>
    poll(
      "queue",
      { user, ...parameters, shape: "list", limit: SHOWN, fields: FIELDS },
      { signal, onAnswer: ({ data, meta }) => keep(name, { data, total: meta.total }), onFault: onFault(name) },
    );
  queue("running", { state: JOB_STATES_WITH_NODES, sort: "end_time" });
  queue("waiting", { state: "PENDING", sort: "-priority" });
  const ended = { user, endafter: "now-24hours", times: "epoch", limit: READ_ENDED, fields: RECORD_FIELDS };
  poll("history", ended, {
    seconds: ENDED_SECONDS,
    signal,
    onAnswer: ({ data, meta }) => keep("ended", { data: data.sort(byFailure), hasMore: meta.next !== null }),
    onFault: onFault("ended"),
  });
}

// Resolves once an answer has named the user who has logged in.
async function findLogin(signal) {
  if (document.documentElement.dataset.auth === "none" || login !== null) return;
  await getJson("queue", { limit: 1, fields: "job_id" }, { signal });
}

async function start() {
  current.abort();
  current = new AbortController();
  const { signal } = current;
  known = { running: null, waiting: null, ended: null };
  for (const name of Object.keys(known)) byId(name).hidden = true;
  showState("loading", () => notice("loading", "Loading …"));
  try {
    await findLogin(signal);
  } catch (fault) {
    if (fault.name === "AbortError") return;
    if (!(fault instanceof ApiError)) throw fault;
    showState(fault.message, () => faultNotice(fault));
    return;
  }
  const user = readState(DEFAULTS).user || login || localStorage.getItem(CHOSEN) || "";
  byId("user-name").value = user;
  byId("forget").hidden = localStorage.getItem(CHOSEN) === null;
  const isOwn = user === "" || user === (login ?? localStorage.getItem(CHOSEN));
  const name = isOwn ? "My jobs" : `Jobs of ${user}`;
  setText(byId("title"), name);
  setTitle(name);
  setCurlLine(apiUrl("queue", { user }));
  if (user !== "") return follow(user, signal);
  const text = "Enter your name on the cluster above. This browser remembers it.";
  showState(text, () => notice("empty", "Whose jobs?", text));
}

// The names of the users with jobs, as suggestions. Without them the field works all the same.
async function suggest() {
  const { data } = await getJson("queue", { group_by: "user" });
  const options = Object.keys(data).map((name) => h("option", { value: name }));
  replaceChildren(byId("users"), options);
}

byId("user-name").addEventListener("focus", () => suggest().catch(() => {}), { once: true });
byId("choose").addEventListener("submit", (event) => {
  event.preventDefault();
  const user = byId("user-name").value.trim();
  if (login === null && user !== "") localStorage.setItem(CHOSEN, user);
  writeState({ user }, DEFAULTS, { push: true });
  start();
});
byId("forget").addEventListener("click", () => {
  localStorage.removeItem(CHOSEN);
  writeState({ user: "" }, DEFAULTS, { push: true });
  start();
});
document.addEventListener("known", ({ detail: { name } }) => {
  login = name;
});
setInterval(tick, 1000);
onMove(start);
start();
