// Draws graphs with plotly. Plotly reads markup in texts: names of partitions are escaped.

import { h } from "./dom.js";
import { pointsOf } from "./load-series.js";
import { axisMarks, words } from "./load-time.js";

const WIDTH_OF_A_MARK = 75;
// The id that plotly 7.1 looks for. With another release the browser tests fail and name the new id.
const STYLE_OF_MAPS = "9f215cf04c5486422605d13261cb87401f4e7763b6296af81e98efbc0130da53";
const DASHES = ["solid", "dash", "dot", "dashdot"];
let loading = null;

/** Loads plotly once, and resolves to it. Rejects if the script cannot be loaded. */
export function plotly(source) {
  loading ??= new Promise((resolve, reject) => {
    // With these elements plotly adds no styles, which the policy of the pages forbids. pages.css has the few rules
    // that graphs need.
    const found = [
      h("meta", { id: "plotly.js-style-global", class: "no-inline-styles" }),
      h("meta", { id: STYLE_OF_MAPS }),
    ];
    document.head.append(...found);
    const script = document.createElement("script");
    script.src = source;
    script.addEventListener("load", () => resolve(window.Plotly));
    script.addEventListener("error", () => reject(new Error("The chart library could not be loaded.")));
    document.head.append(script);
  });
  return loading;
}

/** Returns the look of the line at an index: six colours, then the same colours with another dash. */
export const look = (index, limit = false) =>
  limit
    ? { variable: "--series-6", dash: "dash" }
    : { variable: `--series-${(index % 6) + 1}`, dash: DASHES[Math.floor(index / 6) % DASHES.length] };

const colour = (variable) => getComputedStyle(document.documentElement).getPropertyValue(variable).trim();
const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

function tracesOf(graph, samples, gaps) {
  const lines = graph.lines.map((line, index) => ({
    line,
    points: pointsOf(line, samples, gaps),
    style: look(index, line.limit),
  }));
  const bands = lines.flatMap(({ line, points, style }) =>
    line.limit
      ? []
      : points.parts.map((part) => ({
          x: [...part.x, ...part.x.toReversed()],
          y: [...part.high, ...part.low.toReversed()],
          type: "scatter",
          mode: "lines",
          fill: "toself",
          fillcolor: `${colour(style.variable)}2e`,
          line: { width: 0 },
          hoverinfo: "skip",
          showlegend: false,
        })),
  );
  // A sample with gaps on both sides is drawn as a point.
  const alone = samples.length < 60;
  const drawn = lines.map(({ line, points, style }) => ({
    x: points.x,
    y: points.y,
    name: escaped(line.name),
    type: "scatter",
    mode: alone ? "lines+markers" : "lines",
    connectgaps: false,
    hoverinfo: "none",
    line: { color: colour(style.variable), width: 2, dash: style.dash },
    marker: { size: 4 },
  }));
  return [...bands, ...drawn];
}

function valueAxis(graph, top) {
  const axis = {
    rangemode: "tozero",
    fixedrange: true,
    gridcolor: colour("--line"),
    zeroline: false,
    automargin: false,
    nticks: 5,
  };
  if (graph.share) return { ...axis, tickformat: ".0%", range: [0, Math.max(1, top) * 1.04] };
  if (graph.id !== "memory") return { ...axis, range: [0, Math.max(1, top) * 1.06], tickformat: "~s" };
  // Binary units have round marks of their own.
  const size = 2 ** (10 * Math.floor(Math.log2(Math.max(1, top)) / 10));
  const unit = 2 ** Math.floor(Math.log2(top / size / 2 || 1)) * size;
  const values = Array.from({ length: Math.floor(top / unit) + 1 }, (_, index) => index * unit);
  return { ...axis, range: [0, Math.max(1, top) * 1.06], tickvals: values, ticktext: values.map(graph.format) };
}

function layoutOf(graph, samples, range, { width, height }) {
  const values = samples.flatMap((sample) =>
    graph.lines.map((line) => line.get(sample, "_max") ?? line.get(sample, "") ?? 0),
  );
  const marks = axisMarks(range.since, range.until, Math.max(2, Math.floor((width - 70) / WIDTH_OF_A_MARK)));
  const spike = {
    showspikes: true,
    spikemode: "across",
    spikesnap: "data",
    spikethickness: 1,
    spikedash: "solid",
    spikecolor: colour("--faint"),
  };
  return {
    width,
    height,
    margin: { l: 64, r: 14, t: 8, b: 28 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { family: "system-ui, sans-serif", size: 12, color: colour("--faint") },
    showlegend: false,
    hovermode: "x",
    dragmode: "zoom",
    xaxis: {
      type: "linear",
      range: [range.since, range.until],
      tickvals: marks.map((mark) => mark.at),
      ticktext: marks.map((mark) => mark.text),
      gridcolor: colour("--line"),
      zeroline: false,
      ...spike,
    },
    yaxis: valueAxis(
      graph,
      values.reduce((a, b) => Math.max(a, b), 0),
    ),
  };
}

// Plotly's own measure leaves a part of the element empty.
const sizeOf = (place) => ({ width: place.clientWidth, height: place.clientHeight });

/**
 * Draws a graph, or redraws it in place.
 *
 * `onZoom(since, until)` is called for a range that the user drags, `onPoint(epoch)` for the time under the pointer,
 * with null when the pointer leaves.
 */
export async function draw(Plotly, place, { graph, samples, gaps, range }, { onZoom, onPoint }) {
  const layout = layoutOf(graph, samples, range, sizeOf(place));
  const first = place.layout === undefined;
  await Plotly.react(place, tracesOf(graph, samples, gaps), layout, {
    displayModeBar: false,
    doubleClick: false,
    showTips: false,
  });
  if (!first) return;
  // A removed figure has no width, and plotly cannot draw that.
  new ResizeObserver(() => place.clientWidth > 0 && Plotly.relayout(place, sizeOf(place))).observe(place);
  place.on("plotly_relayout", (change) => {
    if (change["xaxis.range[0]"] !== undefined)
      onZoom(Math.floor(change["xaxis.range[0]"]), Math.ceil(change["xaxis.range[1]"]));
  });
  place.on("plotly_hover", ({ points }) => onPoint(points[0].x));
  place.on("plotly_unhover", () => onPoint(null));
}

/** Shows the vertical line at a time, as the pointer does; null hides it. */
export function point(Plotly, place, epoch) {
  if (epoch === null) Plotly.Fx.unhover(place);
  else Plotly.Fx.hover(place, { xval: epoch }, ["xy"]);
}

/** Resolves to a PNG of the graph with its title and legend, as a data: URL. */
export function picture(Plotly, place, graph, range, heading) {
  const subtitle = { text: escaped(`${words(range.since)} to ${words(range.until)}`), font: { size: 12 } };
  const title = { text: escaped(heading), font: { color: colour("--text") }, subtitle };
  const layout = {
    ...place.layout,
    title,
    margin: { l: 70, r: 20, t: 70, b: 60 },
    showlegend: graph.lines.length > 1,
    legend: { orientation: "h", y: -0.12 },
    paper_bgcolor: colour("--ground"),
    plot_bgcolor: colour("--ground"),
  };
  return Plotly.toImage({ data: place.data, layout }, { format: "png", width: 1000, height: 420, scale: 2 });
}
