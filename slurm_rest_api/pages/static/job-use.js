// What an ended job used of what it had, and what that means for the next request. No I/O.
//
// Slurm samples memory, so a suggestion has a margin. It is made only for jobs that ran to their end. TRESUsageInTot of
// a step may be its last sample, and steps may run side by side: the bound of the memory comes from all steps.

import { count, formatDuration, formatLimit, memory, percent, plural, ratio } from "./format.js";

const GIB = 1024;
const HOUR = 3600;
// Slurm samples each 30 s (JobAcctGatherFrequency). A peak between few samples is missed.
const SHORTEST_SECONDS = 120;
const MEMORY_MARGIN = 1.25;
const TIME_MARGIN = 2;
// A suggestion is worth it from here on.
const MOST_OF_MEMORY = 0.75;
const MOST_OF_TIME = 0.5;
// Below a half: a job that asked for one core may have got both of its threads.
const FEW_CPUS = 0.45;

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
const known = (value) => (isNumber(value) && value > 0 ? value : null);

/** Returns true if the record of a job has its end: from then on Slurm changes no value of it. */
export const hasEnded = (record) => known(record.time_end) !== null;

// 128 + n is the exit code of a shell whose command got the signal n.
function ranToItsEnd({ state_name: state, exit_signal: signal, derived_exit_signal: ofStep, derived_exit_code: code }) {
  return state === "COMPLETED" && !signal && !ofStep && !(code > 128);
}

/** Returns "12 of 88 GiB", or "512 MiB of 88 GiB" if the units differ. */
export function memoryOf(used, all) {
  const [part, whole] = [memory(used), memory(all)];
  const unit = whole.slice(whole.lastIndexOf(" "));
  return `${part.endsWith(unit) ? part.slice(0, -unit.length) : part} of ${whole}`;
}

// Two digits of the binary number are kept: 15 becomes 16, 33 becomes 40.
function roundedUp(mib) {
  const step = Math.max(1, 2 ** (Math.floor(Math.log2(mib)) - 2));
  return Math.ceil(mib / step) * step;
}

const sizeOption = (mib) => (mib % GIB === 0 ? `${mib / GIB}G` : `${mib}M`);

/**
 * Returns the most memory that the steps of a job can have used at once, MiB.
 *
 * It is null if a step has no end or no record, or if not all steps are known.
 *
 * @param {object[] | null} steps The steps of one attempt, null if they are not known.
 */
export function memoryBound(steps) {
  if (!steps || steps.length === 0) return null;
  const changes = [];
  for (const step of steps) {
    const [start, end] = [known(step.time_start), known(step.time_end)];
    const ofTasks = isNumber(step.max_rss) ? step.max_rss * Math.max(1, step.tasks ?? 1) : null;
    const most = Math.max(ofTasks ?? 0, step.total_rss ?? 0);
    // slurmd's own step has no tasks of the user, and often no record.
    const isRecorded = most > 0 || step.step_id === "extern";
    if (start === null || end === null || !isRecorded) return null;
    // A step that ends in the second in which another one starts may have run at the same time.
    changes.push([start, 0, most], [end, 1, -most]);
  }
  changes.sort(([time, order], [other, otherOrder]) => time - other || order - otherOrder);
  let now = 0;
  let most = 0;
  for (const [, , change] of changes) {
    now += change;
    most = Math.max(most, now);
  }
  return known(most);
}

/** Returns the most memory that is recorded for a job, MiB: that of its record, or of a task of its steps. */
export function peakOf(record, steps) {
  const peaks = [record.max_rss, ...(steps ?? []).map((step) => step.max_rss)].filter(isNumber);
  return peaks.length === 0 ? null : known(Math.max(...peaks));
}

function memoryOption(record, steps) {
  const bound = memoryBound(steps);
  const held = known(record.tres_alloc?.mem);
  // A request is for each node or CPU, and the record has no use of each node.
  if (bound === null || held === null || record.nodes_alloc !== 1 || record.elapsed < SHORTEST_SECONDS) return null;
  const cpus = known(record.tres_alloc?.cpu);
  const perCpu = record.mem_req_per === "cpu";
  if (perCpu && cpus === null) return null;
  const parts = perCpu ? cpus : 1;
  const size = roundedUp((bound * MEMORY_MARGIN) / parts);
  if (size * parts > MOST_OF_MEMORY * held || held - size * parts < GIB) return null;
  return `\`--mem${perCpu ? "-per-cpu" : ""}=${sizeOption(size)}\``;
}

function memoryVerdict(record, steps) {
  const peak = peakOf(record, steps);
  const held = known(record.tres_alloc?.mem);
  if (record.state_name === "OUT_OF_MEMORY") {
    const had = held === null ? "than it had" : `than its ${memory(held)}`;
    return { text: `It needed more memory ${had}: request more.`, weight: 9 };
  }
  if (peak === null) return { text: "" };
  const used = `Used ${held === null ? memory(peak) : memoryOf(peak, held)}`;
  const say = (text, weight, mark = ":") => ({ text, weight, sentence: text ? `${used}${mark} ${text}` : `${used}.` });
  if (!ranToItsEnd(record)) return say("It did not run to its end: a complete run may need more.", 0, ".");
  if (held !== null && peak > held) return say("more than it had requested.", 3, ",");
  if (held !== null && peak > 0.9 * held) return say("little is left.", 1);
  const option = memoryOption(record, steps);
  if (option !== null) return say(`${option} would do, with at least a quarter to spare.`, 6);
  return say(record.elapsed < SHORTEST_SECONDS ? "It ran too short for a measurement to rely on." : "", 0, ".");
}

function cpuVerdict(record) {
  const { cpu_time: used, elapsed } = record;
  const held = known(record.tres_alloc?.cpu);
  if (!isNumber(used) || held === null || !(elapsed > 0)) return { text: "" };
  const busy = used / elapsed;
  const text = `${busy < 10 ? busy.toFixed(1) : count(busy)} of ${plural(held, "CPU")} busy on average`;
  // An exclusive job holds more than it requested.
  const basis = Math.min(held, known(record.cpus_req) ?? held);
  const isLow = basis > 1 && busy < FEW_CPUS * basis && elapsed >= SHORTEST_SECONDS && ranToItsEnd(record);
  return isLow
    ? { text: `${text}: fewer would do, unless it needs them for a part.`, weight: 5 }
    : { text: `${text}.` };
}

/** Returns the number of GPUs of TRES: that without a model, or the sum over the models. */
export function gpusOfTres(tres) {
  const entries = Object.entries(tres ?? {});
  const [, total] = entries.find(([name]) => name === "gres/gpu") ?? [];
  const models = entries.filter(([name]) => name.startsWith("gres/gpu:")).map(([, number]) => number);
  return known(total) ?? known(models.reduce((sum, number) => sum + number, 0));
}

function gpuVerdict(record) {
  const held = gpusOfTres(record.tres_alloc);
  const { gpu_util: util, gpu_mem: mem } = record;
  if (held === null || (!isNumber(util) && !isNumber(mem))) return { text: "" };
  const isUnused = (util ?? 0) === 0 && (mem ?? 0) === 0;
  const all = plural(held, "GPU");
  const isLong = record.elapsed >= SHORTEST_SECONDS && ranToItsEnd(record);
  if (isUnused && isLong) return { text: `No use of its ${all} was recorded: check that it finds them.`, weight: 7 };
  return { text: isNumber(util) ? `${percent(util / 100 / held)} of ${all}, as last sampled.` : "" };
}

function timeOption({ elapsed, timelimit }) {
  const seconds = elapsed * TIME_MARGIN;
  const step = seconds < HOUR ? 600 : seconds < 12 * HOUR ? 1800 : HOUR;
  const option = Math.ceil(seconds / step) * step;
  return option > MOST_OF_TIME * 60 * timelimit || 60 * timelimit - option < HOUR ? null : formatDuration(option);
}

function timeVerdict(record) {
  const { elapsed, timelimit, state_name: state } = record;
  if (state === "TIMEOUT") return { text: "It reached its time limit: request more time.", weight: 8 };
  if (known(timelimit) === null || known(elapsed) === null || !ranToItsEnd(record)) return { text: "" };
  const option = timeOption(record);
  if (option === null) return { text: "" };
  return { text: `\`--time=${option}\` would do, twice what it took. A shorter job may start earlier.`, weight: 2 };
}

/**
 * Returns what an ended job requested, had and used: a row for time, CPUs, memory and GPUs, and the verdict.
 *
 * @param {object | null} steps The steps of this attempt if all of them are known, else null.
 * @returns {{rows: {name: string, requested: string, allocated: string, used: string, share: number | null,
 *   text: string}[], verdict: string} | null} null for a job that has not ended, or did not run. Backticks in a text
 *   are around commands.
 */
export function useOf(record, steps) {
  if (!hasEnded(record) || known(record.time_start) === null) return null;
  const [time, cpu, mem, gpu] = [
    timeVerdict(record),
    cpuVerdict(record),
    memoryVerdict(record, steps),
    gpuVerdict(record),
  ];
  const { tres_alloc: held, tres_req: asked } = record;
  const peak = peakOf(record, steps);
  const cpuSeconds = (known(held?.cpu) ?? 0) * record.elapsed;
  const gpus = gpusOfTres(held);
  const rows = [
    {
      name: "Time",
      requested: formatLimit(record.timelimit),
      allocated: "",
      used: formatDuration(record.elapsed),
      share: known(record.timelimit) && ratio(record.elapsed, 60 * record.timelimit),
      text: time.text,
    },
    {
      name: "CPUs",
      requested: count(record.cpus_req),
      allocated: count(held?.cpu),
      used: isNumber(record.cpu_time) ? `${formatDuration(record.cpu_time)} CPU time` : "not recorded",
      share: isNumber(record.cpu_time) ? ratio(record.cpu_time, cpuSeconds) : null,
      text: cpu.text,
    },
    {
      name: "Memory",
      requested: requestedMemory(record),
      allocated: memory(held?.mem),
      used: peak === null ? "not recorded" : memory(peak),
      share: peak === null ? null : ratio(peak, held?.mem),
      text: mem.text,
    },
  ];
  if (gpus !== null || gpusOfTres(asked) !== null) {
    const { gpu_util: util, gpu_mem: gpuMemory } = record;
    const used = [
      isNumber(util) && `${count(util)} % of one GPU`,
      isNumber(gpuMemory) && `${memory(gpuMemory)} memory`,
    ];
    rows.push({
      name: "GPUs",
      requested: count(gpusOfTres(asked)),
      allocated: count(gpus),
      used: used.filter(Boolean).join(", ") || "not recorded",
      share: isNumber(util) ? ratio(util / 100, gpus) : null,
      text: gpu.text,
    });
  }
  return { rows, verdict: verdictOf([time, cpu, mem, gpu], mem) };
}

function verdictOf(verdicts, ofMemory) {
  const weightiest = verdicts.reduce((one, other) => ((other.weight ?? 0) > (one.weight ?? 0) ? other : one));
  const { sentence, text } = weightiest.weight ? weightiest : ofMemory;
  return sentence || text || "What it used is not recorded.";
}

/** Returns the memory that a job requested: "88 GiB per node". */
export function requestedMemory({ mem_req: mib, mem_req_per: per }) {
  if (!isNumber(mib)) return "–";
  return mib === 0 ? "all of the node" : `${memory(mib)} per ${per === "cpu" ? "CPU" : "node"}`;
}
