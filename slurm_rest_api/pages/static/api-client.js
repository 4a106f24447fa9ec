// Requests to the API: one request, polling, and a collection that is kept up to date by its changes (`since`).

import { apiUrl } from "./urls.js";

const TOKEN = "slurm-rest-api token";
const DEFAULT_SECONDS = 10;
const MAX_SECONDS = 60;

/** An answer that is no success. `status` is 0 if there was no answer. */
export class ApiError extends Error {
  constructor(status, detail, { parameter = null, retryAfter = null } = {}) {
    super(detail);
    Object.assign(this, { status, parameter, retryAfter });
  }
}

/**
 * The user's token: in this tab, or in the browser if the user wants it remembered.
 *
 * Requests wait for the promise `ready`, while another tab may give its token.
 */
export const token = {
  ready: null,
  get: () => localStorage.getItem(TOKEN) ?? sessionStorage.getItem(TOKEN),
  keep(text, forever) {
    token.forget();
    (forever ? localStorage : sessionStorage).setItem(TOKEN, text);
  },
  forget() {
    localStorage.removeItem(TOKEN);
    sessionStorage.removeItem(TOKEN);
  },
};

/** Returns the time at which a JWT expires, in epoch seconds; null for other tokens and for one without `exp`. */
export function tokenExpiry(text) {
  const [, payload] = /^[\w-]+\.([\w-]+)\.[\w-]*$/.exec(text ?? "") ?? [];
  if (payload === undefined) return null;
  try {
    const { exp } = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
    return typeof exp === "number" ? exp : null;
  } catch {
    // Three parts with dots between them, but no JWT.
    return null;
  }
}

// The frame of the page listens to these events.
function emit(name, detail) {
  document.dispatchEvent(new CustomEvent(name, { detail }));
}

async function errorOf(response) {
  let error = {};
  try {
    error = (await response.json()).errors[0];
  } catch {
    // The body is a proxy's own error page. Its status is all that is known.
  }
  const retryAfter = Number(response.headers.get("Retry-After")) || null;
  const ended = response.status === 401 && document.documentElement.dataset.auth === "proxy";
  const ownWords = ended ? "Your login has ended. Load this page again to log in." : error.detail;
  const detail = ownWords ?? `${response.status} ${response.statusText}`;
  return new ApiError(response.status, detail, { parameter: error.source?.parameter ?? null, retryAfter });
}

/**
 * Sends one request and resolves to the response.
 *
 * A token that is being tried is passed in `headers`. If the stored token is refused, the frame gets the event
 * "refused".
 *
 * @throws {ApiError} The answer is no success.
 * @throws {DOMException} AbortError: `signal` ended the request.
 */
export async function request(url, { signal, headers = {} } = {}) {
  await token.ready;
  const known = token.get();
  const sent = known ? { Authorization: `Bearer ${known}`, ...headers } : headers;
  let response;
  try {
    response = await fetch(url, { signal, headers: sent, cache: "no-cache" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "Can't reach the server. It may be restarting, or the network is down.");
  }
  const user = response.headers.get("X-Authenticated-User");
  if (user !== null && headers.Authorization === undefined)
    emit("known", { name: decodeURIComponent(user), hidden: response.headers.get("X-Private-Data") ?? "" });
  if (response.ok) return response;
  const fault = await errorOf(response);
  if (fault.status === 401 && headers.Authorization === undefined) emit("refused", { fault, known });
  throw fault;
}

/**
 * Returns the seconds until the next snapshot is due, from the headers of an answer.
 *
 * Cache-Control has the interval between two snapshots, Age the age of the current one. A snapshot that is overdue is
 * polled once an interval. The added second lets the next snapshot be written, and spreads the requests of many tabs.
 */
export function secondsToNextSnapshot(headers, random = Math.random()) {
  const interval = Number(/max-age=(\d+)/.exec(headers.get("Cache-Control") ?? "")?.[1] ?? 0) || DEFAULT_SECONDS;
  const left = interval - Number(headers.get("Age") ?? 0);
  return Math.min(MAX_SECONDS, (left > 0 ? left : interval) + 0.5 + random / 2);
}

/**
 * Sends one request and resolves to {data, meta, age, next}.
 *
 * `age` is the age of the data in seconds, or null if it was read for this answer. `next` is the seconds until the next
 * snapshot is due. The frame gets the event "answered" or "unanswered".
 */
export async function getJson(path, parameters = {}, { signal } = {}) {
  try {
    const response = await request(apiUrl(path, parameters), { signal });
    const age = response.headers.get("Age");
    const { data, meta } = await response.json();
    const answer = {
      data,
      meta,
      age: age === null ? null : Number(age),
      next: secondsToNextSnapshot(response.headers),
    };
    emit("answered", { path, meta, age: answer.age });
    return answer;
  } catch (error) {
    if (error instanceof ApiError) emit("unanswered", { path, fault: error });
    throw error;
  }
}

/**
 * Resolves after this many seconds, or as soon as `signal` aborts.
 *
 * A hidden tab waits until it is shown again.
 */
function pause(seconds, signal) {
  return new Promise((resolve) => {
    let isOver = false;
    let timer = null;
    const done = () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", check);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const check = () => {
      if (isOver && !document.hidden) done();
    };
    timer = setTimeout(() => {
      isOver = true;
      check();
    }, 1000 * seconds);
    document.addEventListener("visibilitychange", check);
    signal?.addEventListener("abort", done);
  });
}

/**
 * Returns the seconds until a failed request is repeated: 5, 10, 20, … 60, or what Retry-After says if that is longer.
 */
export function retrySeconds(failures, retryAfter) {
  return Math.max(retryAfter ?? 0, Math.min(MAX_SECONDS, 5 * 2 ** (failures - 1)));
}

// Calls `work` until `signal` aborts. `work` resolves to the seconds until its next call.
async function repeat(work, { signal, onFault }) {
  let failures = 0;
  while (!signal?.aborted) {
    try {
      const seconds = await work();
      failures = 0;
      await pause(seconds, signal);
    } catch (error) {
      if (error.name === "AbortError") return;
      if (!(error instanceof ApiError)) throw error;
      onFault(error);
      // Another attempt corrects neither a wrong parameter nor a missing permission.
      if ([400, 401, 403].includes(error.status)) return;
      failures += 1;
      await pause(retrySeconds(failures, error.retryAfter), signal);
    }
  }
}

/**
 * Polls a route every `seconds`, or with each snapshot if `seconds` is null.
 *
 * Resolves once `signal` aborts, or after an error that another attempt cannot correct.
 */
export function poll(path, parameters, { seconds = null, signal, onAnswer, onFault }) {
  return repeat(
    async () => {
      const answer = await getJson(path, parameters, { signal });
      await onAnswer(answer);
      return seconds ?? answer.next;
    },
    { signal, onFault },
  );
}

/**
 * Applies an answer to a Map of records.
 *
 * @param {Map<string, object>} records The records by key. They are updated in place.
 * @returns {{changed: Set<string>, gone: Set<string>, full: boolean}} `full` is false for an answer to `since`.
 */
export function applyChanges(records, { data, meta }) {
  const full = meta.full !== false;
  const changed = new Set(Object.keys(data));
  const gone = new Set(full ? [...records.keys()].filter((key) => !changed.has(key)) : meta.gone);
  for (const key of gone) records.delete(key);
  for (const key of changed) records.set(key, full ? data[key] : { ...records.get(key), ...data[key] });
  return { changed, gone, full };
}

/**
 * Keeps a Map of records equal to the answer of a route: after the first answer it asks for changes only.
 *
 * `onChange(records, {changed, gone, full, meta, age})` is called for the first answer and for each change, `onSame`
 * for an answer without changes. `from` is the meta.version of an answer that the page has already: the Map then has
 * only what changed since.
 */
export function subscribe(path, parameters, { from = null, signal, onChange, onFault, onSame = () => {} }) {
  const records = new Map();
  let version = from;
  return repeat(
    async () => {
      const since = version === null ? {} : { since: version };
      const answer = await getJson(path, { ...parameters, ...since }, { signal });
      const changes = applyChanges(records, answer);
      version = answer.meta.version;
      const news = { ...changes, meta: answer.meta, age: answer.age };
      if (changes.full || changes.changed.size > 0 || changes.gone.size > 0) onChange(records, news);
      else onSame(news);
      return answer.next;
    },
    { signal, onFault },
  );
}

/**
 * Keeps `view` up to date with the records of a route, and calls `show` after each answer.
 *
 * @param {{records: Map<string, object> | null, fault: ApiError | null}} view `records` is null until the first answer.
 *   After an error the records stay, and the frame shows their age: `fault` has the error only if there are none, or
 *   if the user may not see them any more.
 */
export function follow(path, parameters, view, { signal, show }) {
  return subscribe(path, parameters, {
    signal,
    onChange: (records) => {
      Object.assign(view, { records, fault: null });
      show();
    },
    onSame: () => {
      view.fault = null;
      show();
    },
    onFault: (fault) => {
      if (view.records === null || fault.status === 403) view.fault = fault;
      show();
    },
  });
}
