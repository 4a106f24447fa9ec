// The panel of the Nodes page: the facts of the node under the pointer, or at the cursor of the keyboard.

import { facts } from "./cells.js";
import { byId, h, replaceChildren, setText } from "./dom.js";
import { nodeLink, page } from "./frame.js";

/** Shows the node at a place of the map: {band, index, by}. On the keyboard a screen reader reads it, too. */
export function showInPanel({ band, index, by }) {
  const { name, state, ...others } = facts(band.cells[index], band);
  if (byId("panel-name").textContent !== name) {
    replaceChildren(byId("panel-name"), nodeLink(name));
    replaceChildren(
      byId("panel-links"),
      h("a", { href: page("queue", { node: name }) }, "Jobs on this node"),
      h("a", { href: page("node", { name }) }, "Node details"),
    );
  }
  byId("panel").classList.add("pointed");
  setText(byId("panel-state"), state);
  for (const [key, value] of Object.entries(others)) setText(byId(`panel-${key}`), value);
  if (by !== "keyboard") return;
  const { partition, jobs, load, cpus, reason } = others;
  const figures = `Jobs: ${jobs}. Allocated ${load}. CPUs ${cpus}.`;
  setText(byId("spoken"), `${name}, ${partition}: ${state}. ${figures}${reason === "–" ? "" : ` ${reason}`}`);
}
