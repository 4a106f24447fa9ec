// The line of the load of the last hour, as SVG path data. No I/O, no document.

const WIDTH = 1000;
const HEIGHT = 100;
const GAP_FACTOR = 2.2;

/**
 * Splits samples where the cluster was not sampled for a while.
 *
 * A gap is a pause of more than 2.2 times the longer one of the pauses before and after it.
 */
export function stretchesOf(samples) {
  const pause = (index) => (index > 0 && index < samples.length ? samples[index].time - samples[index - 1].time : 0);
  const found = [];
  samples.forEach((sample, index) => {
    const usual = Math.max(pause(index - 1), pause(index + 1));
    if (index === 0 || (usual > 0 && pause(index) > GAP_FACTOR * usual)) found.push([]);
    found.at(-1).push(sample);
  });
  return found;
}

/**
 * Returns the path data of each stretch, in a box of 1000 × 100.
 *
 * @param {{time: number, total_load: number}[]} samples `time` in epoch seconds.
 * @param {{since: number, until: number, top: number}} axes The times at both sides, and the load at the upper side.
 */
export function pathsOf(samples, { since, until, top }) {
  const point = ({ time, total_load: load }) =>
    `${((WIDTH * (time - since)) / (until - since)).toFixed(1)} ${(HEIGHT - (HEIGHT * load) / top).toFixed(2)}`;
  // A line of no length makes a single sample visible.
  return stretchesOf(samples).map((stretch) => `M${stretch.map(point).join("L")}${stretch.length === 1 ? "h0" : ""}`);
}
