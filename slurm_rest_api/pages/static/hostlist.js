// Hostlists, as `scontrol show hostlist` and `scontrol show hostnames` write and read them. No I/O, no document.

/** A hostlist names at most this many nodes here. Slurm has at most 65,536 nodes. */
const MAX_NAMES = 65_536;

const byNumber = new Intl.Collator("en", { numeric: true });

// The last number of a name, with the texts before and after it. A leading zero makes its width count.
function partsOf(name) {
  const found = /^(.*?)(\d+)(\D*)$/.exec(name);
  if (found === null) return { before: name, digits: null, after: "" };
  return { before: found[1], digits: found[2], after: found[3] };
}

const isPadded = (digits) => digits.length > 1 && digits.startsWith("0");

function follows(last, next) {
  if (Number(next) !== Number(last) + 1) return false;
  return last.length === next.length || !(isPadded(last) || isPadded(next));
}

function rangesOf(numbers) {
  const ranges = [];
  for (const digits of numbers) {
    const range = ranges.at(-1);
    if (range && follows(range.last, digits)) range.last = digits;
    else ranges.push({ first: digits, last: digits });
  }
  return ranges.map(({ first, last }) => (first === last ? first : `${first}-${last}`));
}

/**
 * Returns names as a hostlist: ["n1", "n2", "n4", "login"] is "login,n[1-2,4]".
 *
 * @param {Iterable<string>} names Names of nodes, in any order.
 */
export function foldedHostlist(names) {
  const groups = new Map();
  for (const name of [...new Set(names)].sort(byNumber.compare)) {
    const { before, digits, after } = partsOf(name);
    const key = JSON.stringify([before, digits === null, after]);
    if (!groups.has(key)) groups.set(key, { before, after, numbers: [] });
    if (digits !== null) groups.get(key).numbers.push(digits);
  }
  const written = [...groups.values()].map(({ before, after, numbers }) => {
    if (numbers.length < 2) return `${before}${numbers.join("")}${after}`;
    return `${before}[${rangesOf(numbers).join(",")}]${after}`;
  });
  return written.join(",");
}

function numbersOf(range) {
  const [first, last = first] = range.split("-");
  const width = first.startsWith("0") ? first.length : 0;
  const length = Math.min(MAX_NAMES, Math.max(0, Number(last) - Number(first) + 1));
  return Array.from({ length }, (_, at) => String(Number(first) + at).padStart(width, "0"));
}

/** Returns the names in a hostlist, at most 65,536: "n[08-10]-ib,login" is ["n08-ib", "n09-ib", "n10-ib", "login"]. */
export function expandedHostlist(text) {
  const names = [];
  for (const host of (text ?? "").match(/(?:[^,[]|\[[^\]]*\])+/g) ?? []) {
    let found = [""];
    // The texts outside of brackets are at the even places.
    for (const [at, part] of host.split(/\[([^\]]*)\]/).entries()) {
      const most = Math.ceil(MAX_NAMES / found.length);
      const endings = at % 2 === 0 ? [part] : part.split(",").flatMap(numbersOf).slice(0, most);
      found = found.flatMap((before) => endings.map((ending) => before + ending));
    }
    for (const name of found.slice(0, MAX_NAMES - names.length)) names.push(name);
  }
  return names;
}
