// The whole record of a job or a node, as the API answers it, with what each field means.

import { address, send } from "./api-client.js";
import { faultNotice, h, replaceChildren, tableOf } from "./dom.js";

// The fields of a route's record as the OpenAPI document describes them: name to text.
async function descriptions(route) {
  const document = await (await send(address("openapi/openapi.json"))).json();
  const resolve = (schema) =>
    schema?.$ref ? resolve(document.components.schemas[schema.$ref.split("/").at(-1)]) : schema;
  const answer = resolve(document.paths[route].get.responses["200"].content["application/json"].schema);
  const data = resolve(answer.properties.data);
  const record = resolve(data.items ?? data.anyOf?.[0] ?? data);
  return Object.fromEntries(
    Object.entries(record.properties ?? {}).map(([name, field]) => [
      name,
      field.description ?? resolve(field).description ?? "",
    ]),
  );
}

// Fills `place` with the fields of `record`; their meaning comes later, as the OpenAPI document is large.
export async function showRecord(place, route, record) {
  const rows = Object.entries(record).map(([name, value]) => [
    h("code", {}, name),
    h("code", {}, JSON.stringify(value)),
  ]);
  replaceChildren(place, tableOf("Fields", "As the API answers them.", ["Field", "Value"], rows));
  try {
    const meaning = await descriptions(route);
    const told = rows.map(([name, value]) => [name, value, meaning[name.textContent] ?? ""]);
    replaceChildren(place, tableOf("Fields", "As the API answers them.", ["Field", "Value", "What it is"], told));
  } catch (fault) {
    place.append(faultNotice(fault));
  }
}
