// What the pages of one job and one node share: parts that are drawn only when they change, facts, and the raw record.

import { address, send } from "./ask.js";
import { faultNotice, h, put } from "./dom.js";

const painted = new WeakMap();

// Draws `build()` into `element` only where `seen`, which it is made of, differs from the last time.
export function paint(element, seen, build) {
  const text = JSON.stringify(seen);
  if (painted.get(element) === text) return;
  painted.set(element, text);
  put(element, build());
}

// A titled list of facts: [term, value] pairs; those without a value are left out.
export function facts(title, pairs) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== "–" && value?.length !== 0);
  if (known.length === 0) return null;
  return h("section", { class: "card" }, h("h2", {}, title), h("dl", { class: "facts" }, known.map(([term, value]) => [h("dt", {}, term), h("dd", {}, value)])));
}

export function tableOf(title, caption, heads, rows, numbers = []) {
  const head = heads.map((name, at) => h("th", { scope: "col", class: numbers.includes(at) ? "number" : null }, name));
  const cell = (value, at) => (at === 0 ? h("th", { scope: "row" }, value) : h("td", { class: numbers.includes(at) ? "number" : null }, value));
  const body = rows.map((row) => h("tr", {}, row.map(cell)));
  const table = h("table", {}, h("caption", {}, caption), h("thead", {}, h("tr", {}, head)), h("tbody", {}, body));
  return h("section", {}, h("h2", {}, title), h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": title }, table));
}

// The fields of a route's record as the OpenAPI document describes them: name to text.
async function descriptions(route) {
  const document = await (await send(address("openapi/openapi.json"))).json();
  const resolve = (schema) => (schema?.$ref ? resolve(document.components.schemas[schema.$ref.split("/").at(-1)]) : schema);
  const answer = resolve(document.paths[route].get.responses["200"].content["application/json"].schema);
  const data = resolve(answer.properties.data);
  const record = resolve(data.items ?? data.anyOf?.[0] ?? data);
  return Object.fromEntries(Object.entries(record.properties ?? {}).map(([name, field]) => [name, field.description ?? resolve(field).description ?? ""]));
}

// The whole record, closed at first; what its fields mean is asked for when it is opened.
export function rawRecord(place, route, record) {
  const rows = () => Object.entries(record()).map(([name, value]) => [h("code", {}, name), h("code", {}, JSON.stringify(value))]);
  const body = h("div", {});
  async function open(event) {
    if (!event.target.open) return;
    put(body, tableOf("Fields", "As the API answers them.", ["Field", "Value"], rows()));
    try {
      const meaning = await descriptions(route);
      put(body, tableOf("Fields", "As the API answers them.", ["Field", "Value", "What it is"], rows().map(([name, value]) => [name, value, meaning[name.textContent] ?? ""])));
    } catch (fault) {
      body.append(faultNotice(fault));
    }
  }
  put(place, h("details", { class: "raw", ontoggle: open }, h("summary", {}, `The whole record of ${route.split("{")[0].replace(/\/$/, "")}`), body));
}

// A hostlist as links where it is short enough to be written out: names, and what is in brackets as text.
export function splitHosts(text) {
  return (text ?? "").match(/[^,[]+(?:\[[^\]]*\][^,[]*)*/g) ?? [];
}
