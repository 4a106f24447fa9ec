// What a page shows stands in its address, so that a link shows the same.

// The parameters in the address, of those in `defaults`; what is not there has its default.
export function read(defaults) {
  const given = new URLSearchParams(location.search);
  return Object.fromEntries(Object.entries(defaults).map(([name, value]) => [name, given.get(name) ?? value]));
}

// Puts `state` in the address. What has its default is left out, what is not in `defaults` stays (kiosk).
// With `push` the back button leads to what was before.
export function write(state, defaults, { push = false } = {}) {
  const url = new URL(location.href);
  for (const [name, value] of Object.entries(defaults)) {
    const text = String(state[name] ?? "");
    if (text === String(value ?? "")) url.searchParams.delete(name);
    else url.searchParams.set(name, text);
  }
  if (url.href === location.href) return;
  if (push) history.pushState(null, "", url);
  else history.replaceState(null, "", url);
}

// Calls `show` when the reader goes back or forward.
export function onMove(show) {
  addEventListener("popstate", () => show());
}
