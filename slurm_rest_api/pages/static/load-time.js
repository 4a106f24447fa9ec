// Time ranges of the graphs: moves, the step for a range, the marks of the axis. No I/O, no document.
// All times are epoch seconds. Marks and words are in the user's time zone.

export const SPANS = { hour: 3600, day: 86400, week: 604800, month: 2592000, year: 31536000 };
// The steps of the archive's roll-ups in seconds, and the most points of a graph.
const WIDTHS = [600, 3600, 21600, 86400];
const POINTS = 1500;
const SHORTEST = 60;

/** Returns the range of a state: {since, until, follows}. A range that `follows` ends now and moves with the clock. */
export function rangeOf(state, now) {
  const since = Number(state.since);
  const until = Number(state.until);
  if (since > 0 && until > since) return { since, until, follows: false };
  const seconds = SPANS[state.last] ?? SPANS.day;
  return { since: now - seconds, until: now, follows: true };
}

/** Returns the parameter `step` for a range in seconds; null for up to a day, where the API chooses it. */
export function stepFor(seconds) {
  if (seconds <= SPANS.day) return null;
  return WIDTHS.find((width) => seconds / width <= POINTS) ?? WIDTHS.at(-1);
}

/**
 * Returns the range after a move: half a range "earlier" or "later", its middle half for "in", twice as much for "out".
 */
export function moved({ since, until }, move, now) {
  const length = until - since;
  const shift = { earlier: [-0.5, -0.5], later: [0.5, 0.5], in: [0.25, -0.25], out: [-0.5, 0.5] }[move];
  let [from, to] = [Math.round(since + shift[0] * length), Math.round(until + shift[1] * length)];
  if (to > now) [from, to] = [Math.round(move === "out" ? from : from - (to - now)), Math.round(now)];
  if (to - from < SHORTEST) return { since, until };
  return { since: from, until: to };
}

const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const month = new Intl.DateTimeFormat(undefined, { month: "short", year: "numeric" });
const time = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const full = new Intl.DateTimeFormat(undefined, {
  weekday: "short",
  day: "numeric",
  month: "short",
  year: "numeric",
  hour: "numeric",
  minute: "2-digit",
});

/** Returns a time with its weekday and date. */
export const words = (epoch) => full.format(new Date(1000 * epoch));

/** Returns a step in seconds as an adjective: "10-minute", "1-day". */
export function stepText(seconds) {
  const [size, unit] =
    seconds < 60 ? [1, "second"] : seconds < 3600 ? [60, "minute"] : seconds < 86400 ? [3600, "hour"] : [86400, "day"];
  return `${Math.round(seconds / size)}-${unit}`;
}

/** Returns a time as the value of an input of type datetime-local. */
export function wallClock(epoch) {
  const date = new Date(1000 * epoch);
  const two = (value) => String(value).padStart(2, "0");
  const days = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${days}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

const MINUTES = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720];
const DAYS = [1, 2, 7, 14];
const MONTHS = [1, 2, 3, 6, 12];

// Marks are made with the calendar of the user's zone: a day of 23 or 25 hours has them at whole hours, too.
function marks(since, until, { minutes, days, months }) {
  const start = new Date(1000 * since);
  const [year, at, date] = [start.getFullYear(), start.getMonth(), start.getDate()];
  const found = [];
  for (let index = 0; ; index += 1) {
    let mark;
    if (months) mark = new Date(year, Math.floor(at / months) * months + index * months, 1);
    else if (days) mark = new Date(year, at, date + index * days);
    else mark = new Date(year, at, date, 0, index * minutes);
    const epoch = mark.getTime() / 1000;
    if (epoch > until) return found;
    if (epoch >= since && epoch !== found.at(-1)) found.push(epoch);
  }
}

/** Returns at most `most` marks: [{at, text}]. */
export function axisMarks(since, until, most) {
  const least = (until - since) / Math.max(1, most);
  const minutes = MINUTES.find((value) => 60 * value >= least);
  const days = DAYS.find((value) => 86400 * value >= least);
  const months = MONTHS.find((value) => 2629800 * value >= least) ?? MONTHS.at(-1);
  const unit = minutes ? { minutes } : days ? { days } : { months };
  const text = (epoch) => {
    const date = new Date(1000 * epoch);
    if (unit.months) return month.format(date);
    return date.getHours() === 0 && date.getMinutes() === 0 ? day.format(date) : time.format(date);
  };
  return marks(since, until, unit).map((at) => ({ at, text: text(at) }));
}
