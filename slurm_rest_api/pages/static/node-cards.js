// The parts of the Node page.

import { facts, h, setShare } from "./dom.js";
import { approximate, count, formatDateTime, gpuCount, memory, now, percent, ratio } from "./format.js";
import { page } from "./frame.js";
import { memoryForJobs, stateInWords, stateTone } from "./node-facts.js";

/** Makes the line under the title: the state in words, the reason, and what a reboot leads to. */
export function headline(node) {
  const since = `, since ${formatDateTime(node.reason_time)} (${approximate(now() - node.reason_time)} ago)`;
  const origin = ` by ${node.reason_user ?? "an unknown user"}${node.reason_time ? since : ""}.`;
  const reason =
    node.reason && h("p", { class: "why" }, h("strong", {}, node.reason), h("span", { class: "faint" }, origin));
  const chip = h("span", { class: `chip ${stateTone(node)}` }, node.state.toLowerCase());
  const next = node.next_state && h("p", {}, `After its reboot: ${node.next_state.toLowerCase()}.`);
  return h("section", { class: "headline" }, h("p", {}, chip, ` ${stateInWords(node)}`), reason, next);
}

function gauge(title, part, all, write) {
  const share = ratio(part, all);
  const text = all > 0 ? `${write(part)} of ${write(all)} (${percent(share)})` : "–";
  const head = h("p", {}, h("strong", {}, title), h("span", {}, text));
  return h(
    "div",
    { class: "card gauge" },
    head,
    setShare(h("div", { class: "meter", "aria-hidden": "true" }), share ?? 0),
  );
}

/** Makes the gauges: what jobs hold, and what is used according to slurmd. */
export function gauges(node) {
  const gpus = gpuCount(node.gres);
  // slurmctld has the load average times 100.
  const load = node.cpu_load === null ? null : node.cpu_load / 100;
  const tenths = (value) => value.toFixed(value === node.cpus ? 0 : 1);
  const used = node.free_mem === null ? null : node.real_memory - node.free_mem;
  return h(
    "section",
    { "aria-label": "In use" },
    h("h2", {}, "In use"),
    h(
      "div",
      { class: "gauges" },
      gauge("CPUs allocated", node.alloc_cpus, node.effective_cpus, count),
      load !== null && gauge("Load average", load, node.cpus, tenths),
      gauge("Memory allocated", node.alloc_mem, memoryForJobs(node), memory),
      used !== null && gauge("Memory used", used, node.real_memory, memory),
      gpus > 0 && gauge("GPUs allocated", gpuCount(node.gres_used), gpus, count),
    ),
  );
}

const listed = (value) => (Array.isArray(value) ? value.join(", ") : (value ?? "").replaceAll(",", ", "));

function partitionLinks(node) {
  const link = (name) => h("a", { href: page("queue", { partition: name }) }, name);
  return node.partitions.map((name, at) => [at > 0 ? ", " : "", link(name)]);
}

/** Makes the cards: scheduling, hardware, system. */
export function cards(node) {
  const active = listed(node.features_active);
  return [
    facts("Scheduling", [
      ["Partitions", partitionLinks(node)],
      ["Features", listed(node.features)],
      ["Active features", active === listed(node.features) ? null : active],
      ["Weight", count(node.weight)],
      ["Owner", node.owner],
      ["Comment", node.comment],
      ["Extra", node.extra],
    ]),
    facts("Hardware", [
      ["CPUs", count(node.cpus)],
      ["Sockets × cores × threads", `${node.sockets} × ${node.cores} × ${node.threads}`],
      ["Memory", memory(node.real_memory)],
      ["Temporary disk", node.tmp_disk ? memory(node.tmp_disk) : null],
      ["Generic resources", listed(node.gres)],
      ["In use", listed(node.gres_used)],
      ["Architecture", node.arch],
    ]),
    facts("System", [
      ["Operating system", node.os],
      ["slurmd", node.version],
      ["Address", node.node_addr === node.name ? null : node.node_addr],
      ["Booted", formatDateTime(node.boot_time)],
      ["slurmd started", formatDateTime(node.slurmd_start_time)],
      ["Last busy", node.alloc_cpus ? null : formatDateTime(node.last_busy)],
      ["Power", node.energy?.current_watts ? `${count(node.energy.current_watts)} W` : null],
    ]),
  ];
}
