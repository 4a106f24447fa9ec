// Asks the service: one request, a request that is repeated, and a collection that is kept up to date by its changes.

export const root = new URL("../../../", import.meta.url);

const TOKEN = "slurm-rest-api token";
const HIDDEN_SECONDS = 60;

// An answer that is not a success. `status` is 0 where there was no answer at all.
export class ApiError extends Error {
  constructor(status, detail, { parameter = null, retryAfter = null } = {}) {
    super(detail);
    Object.assign(this, { status, parameter, retryAfter });
  }
}

export const token = {
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

// Tells the frame of the page.
function emit(name, detail) {
  document.dispatchEvent(new CustomEvent(name, { detail }));
}

// The address of a question. Parameters that are null, undefined or "" are left out; a list becomes names with commas.
export function address(path, parameters = {}) {
  const url = new URL(path, root);
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== "") url.searchParams.set(name, value);
  }
  return url;
}

async function faultOf(response) {
  let fault = {};
  try {
    fault = (await response.json()).errors[0];
  } catch {
    // A proxy's own error page: its status has to do.
  }
  const retryAfter = Number(response.headers.get("Retry-After")) || null;
  const detail = fault.detail ?? `${response.status} ${response.statusText}`;
  return new ApiError(response.status, detail, { parameter: fault.source?.parameter ?? null, retryAfter });
}

// Sends one request; resolves to the response. Throws Fault, and AbortError once `signal` says so. A token that is being
// tried goes in by `headers`; a refusal of the one that is kept is told to the frame.
export async function send(url, { signal, headers = {} } = {}) {
  const known = token.get();
  const request = known ? { Authorization: `Bearer ${known}`, ...headers } : headers;
  let response;
  try {
    response = await fetch(url, { signal, headers: request, cache: "no-cache" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, "The service does not answer. It may be restarting, or the network is away.");
  }
  const user = response.headers.get("X-Authenticated-User");
  if (user !== null && headers.Authorization === undefined) emit("known", decodeURIComponent(user));
  if (response.ok) return response;
  const fault = await faultOf(response);
  if (fault.status === 401 && headers.Authorization === undefined) emit("refused", { fault, known });
  throw fault;
}

// Asks once; resolves to {data, meta, age}: `age` in seconds, or null where the answer was made now.
export async function ask(path, parameters = {}, { signal } = {}) {
  try {
    const response = await send(address(path, parameters), { signal });
    const age = response.headers.get("Age");
    const answer = { ...(await response.json()), age: age === null ? null : Number(age) };
    emit("answered", { path, meta: answer.meta, age: answer.age });
    return answer;
  } catch (error) {
    if (error instanceof ApiError) emit("unanswered", { path, fault: error });
    throw error;
  }
}

// Resolves after so many seconds, earlier when the page is shown again or `signal` says so.
function pause(seconds, signal) {
  return new Promise((resolve) => {
    let timer = null;
    const done = () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", shown);
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const shown = () => document.hidden || done();
    timer = setTimeout(done, 1000 * (document.hidden ? Math.max(seconds, HIDDEN_SECONDS) : seconds));
    document.addEventListener("visibilitychange", shown);
    signal?.addEventListener("abort", done);
  });
}

// Calls `work` again and again until `signal` says so. `work` resolves to the seconds until the next time; what it throws
// goes to `onFault`, and the pause grows from fault to fault, up to a minute.
async function repeat(work, { signal, onFault }) {
  let faults = 0;
  while (!signal?.aborted) {
    try {
      const seconds = await work();
      faults = 0;
      await pause(seconds, signal);
    } catch (error) {
      if (error.name === "AbortError") return;
      if (!(error instanceof ApiError)) throw error;
      onFault(error);
      // Neither a wrong parameter nor a missing right gets better by asking again.
      if (error.status === 400 || error.status === 401 || error.status === 403) return;
      faults += 1;
      await pause(Math.max(error.retryAfter ?? 0, Math.min(60, 5 * 2 ** (faults - 1))), signal);
    }
  }
}

// Asks every so many seconds. Resolves once `signal` ends it, or a fault that asking again cannot mend.
export function poll(path, parameters, { seconds = 10, signal, onAnswer, onFault }) {
  return repeat(
    async () => {
      onAnswer(await ask(path, parameters, { signal }));
      return seconds;
    },
    { signal, onFault },
  );
}

// Keeps `records` (a Map from key to record) equal to the answer to a question, by asking for changes alone.
// onChange(records, {changed: Set, gone: Set, full: bool, meta, age}) is called for the first answer and for each change.
// It waits for changes where the service has a place to wait, and looks every so many seconds where it has not.
// With `from`, the meta.version of an answer that the page has already, it begins there: with changes, and no records.
export function subscribe(
  path,
  parameters,
  { from = null, seconds = 10, wait = 0, signal, onChange, onFault, onSame = () => {} },
) {
  const records = new Map();
  let version = from;
  let mayWait = wait > 0;
  async function changes() {
    const since = version === null ? {} : { since: version, ...(mayWait && !document.hidden ? { wait } : {}) };
    try {
      return await ask(path, { ...parameters, ...since }, { signal });
    } catch (error) {
      if (error.status !== 503 || since.wait === undefined) throw error;
      mayWait = false;
      return ask(path, { ...parameters, since: version }, { signal });
    }
  }
  return repeat(
    async () => {
      const { data, meta, age } = await changes();
      const full = meta.full !== false;
      const changed = new Set(Object.keys(data));
      const gone = new Set(full ? [...records.keys()].filter((key) => !changed.has(key)) : meta.gone);
      for (const key of gone) records.delete(key);
      for (const key of changed) records.set(key, full ? data[key] : Object.assign(records.get(key) ?? {}, data[key]));
      version = meta.version;
      const news = { changed, gone, full, meta, age };
      if (full || changed.size > 0 || gone.size > 0) onChange(records, news);
      else onSame(news);
      return mayWait ? 0.5 : seconds;
    },
    { signal, onFault },
  );
}
