// Downloads job records as CSV. Loaded when the button is used.

import { request } from "./api-client.js";
import { h } from "./dom.js";
import { count } from "./format.js";
import { apiUrl } from "./urls.js";

const PAGE = 1000;
const MAX_RECORDS = 50_000;

/** Returns the cursor of the next page from the header Link; "" if there is none. */
function cursorIn(headers) {
  return decodeURIComponent(/[?&]cursor=([^&>]+)/.exec(headers.get("Link") ?? "")?.[1] ?? "");
}

/**
 * Fetches all pages of a query and saves them as one file.
 *
 * A plain link would not send the token. `report(text)` is called with the progress.
 */
export async function downloadCsv({ path, parameters }, { signal, report }) {
  const parts = [];
  let cursor = null;
  do {
    const query = { ...parameters, times: "iso", format: "csv", limit: PAGE, cursor };
    const response = await request(apiUrl(path, query), { signal });
    const text = await response.text();
    parts.push(parts.length === 0 ? text : text.slice(text.indexOf("\n") + 1));
    cursor = cursorIn(response.headers);
    report(cursor ? `${count(PAGE * parts.length)} records so far …` : "");
  } while (cursor && PAGE * parts.length < MAX_RECORDS);
  const file = URL.createObjectURL(new Blob(parts, { type: "text/csv" }));
  h("a", { href: file, download: `history-${new Date().toISOString().slice(0, 10)}.csv` }).click();
  URL.revokeObjectURL(file);
  const most = count(PAGE * parts.length);
  if (cursor) report(`The file has the newest ${most} records. There are more: narrow the time range to get them.`);
}
