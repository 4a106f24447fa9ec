// Addresses of the API and of the pages, and what a page keeps in its own address. No document.

/** The address of the service, whatever prefix a proxy has put it under. */
export const root = new URL("../../../", import.meta.url);

/**
 * Returns the URL of a request to the API.
 *
 * Parameters that are null, undefined or "" are left out. A list becomes names with commas.
 */
export function apiUrl(path, parameters = {}) {
  const url = new URL(path, root);
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, value);
  }
  return url;
}

/** Returns the URL of a page: pageUrl("job", {id: 7}). The page "now" is the root. */
export function pageUrl(name, parameters = {}) {
  const url = new URL(name === "now" ? "" : `pages/${name}`, root);
  for (const [key, value] of Object.entries(parameters)) url.searchParams.set(key, value);
  return url;
}

/**
 * Returns the curl command for a URL.
 *
 * The token is a shell variable: a command with the token itself would stay in the shell's history.
 *
 * @param {"none" | "token" | "jwt" | "proxy"} auth The service's `auth.mode`.
 */
export function curlCommand(url, auth) {
  const variable = { token: "TOKEN", jwt: "SLURM_JWT" }[auth];
  const authorization = variable ? ` -H "Authorization: Bearer $${variable}"` : "";
  // Commas and colons mean the same either way, and are easier to read.
  const readable = String(url).replaceAll("%2C", ",").replaceAll("%3A", ":");
  return `curl -s${authorization} '${readable.replaceAll("'", "'\\''")}'`;
}

/** Returns the parameters of a query string that are in `defaults`. A missing one has its default. */
export function stateOf(search, defaults) {
  const given = new URLSearchParams(search);
  return Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, given.get(name) ?? value]));
}

/** Returns `href` with `state` in it. A default is left out. Parameters that are not in `defaults` stay (kiosk). */
export function withState(href, state, defaults) {
  const url = new URL(href);
  for (const [name, value] of Object.entries(defaults)) {
    const text = String(state[name] ?? "");
    if (text === String(value ?? "")) url.searchParams.delete(name);
    else url.searchParams.set(name, text);
  }
  return url.href;
}

/**
 * Returns the path of a route with job ids and comparisons of them. Each is a parameter of its own.
 *
 * @param {string} text "4711 12_3" or ">5 <10", with blanks, commas or ampersands between them.
 */
export function withJobIds(route, text) {
  const comparisons = text
    .replaceAll(/([<>=])\s+/g, "$1")
    .split(/[\s,&]+/)
    .filter(Boolean);
  return comparisons.length === 0 ? route : `${route}?${new URLSearchParams(comparisons.map((one) => ["jobid", one]))}`;
}

/** Returns the cursor in the address of the next page of an answer (`meta.next`); null if there is none. */
export const cursorOf = (next) => (next ? new URL(next, root).searchParams.get("cursor") : null);

/** Returns a name as a filter of the API that matches this name alone. */
export const literal = (name) => name.replace(/[\\,*!]/g, "\\$&");
