// The whole record of a job or a node, as the API returns it, with the description of each field.

import { request } from "./api-client.js";
import { faultNotice, h, replaceChildren, tableOf } from "./dom.js";
import { apiUrl } from "./urls.js";

const CAPTION = "As the API returns them.";

// Returns the descriptions of a route's record in the OpenAPI document, by field.
async function descriptions(route) {
  const openapi = await (await request(apiUrl("openapi/openapi.json"))).json();
  const resolve = (schema) =>
    schema?.$ref ? resolve(openapi.components.schemas[schema.$ref.split("/").at(-1)]) : schema;
  const answer = resolve(openapi.paths[route].get.responses["200"].content["application/json"].schema);
  const data = resolve(answer.properties.data);
  const record = resolve(data.items ?? data.anyOf?.[0] ?? data);
  const fields = Object.entries(record.properties ?? {});
  return Object.fromEntries(
    fields.map(([name, field]) => [name, field.description ?? resolve(field).description ?? ""]),
  );
}

/** Shows the fields of a record in `place`. Their descriptions follow, because the OpenAPI document is large. */
export async function showRecord(place, route, record) {
  const rows = Object.entries(record).map(([name, value]) => [
    h("code", {}, name),
    h("code", {}, JSON.stringify(value)),
  ]);
  replaceChildren(place, tableOf("Fields", CAPTION, ["Field", "Value"], rows));
  try {
    const known = await descriptions(route);
    const described = rows.map(([name, value]) => [name, value, known[name.textContent] ?? ""]);
    replaceChildren(place, tableOf("Fields", CAPTION, ["Field", "Value", "Description"], described));
  } catch (fault) {
    place.append(faultNotice(fault));
  }
}
