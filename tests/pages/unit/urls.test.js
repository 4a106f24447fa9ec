// Addresses of the API and the pages, the state in a page's address, and the curl command.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import test from "node:test";

import {
  apiUrl,
  curlCommand,
  cursorOf,
  pageUrl,
  root,
  stateOf,
  withJobIds,
  withState,
} from "../../../slurm_rest_api/pages/static/urls.js";

const below = (url) => String(url).slice(root.href.length);

test("parameters without a value are left out, and lists have commas", () => {
  const cases = [
    [{}, "queue"],
    [{ user: "", state: null, name: undefined }, "queue"],
    [{ limit: 0 }, "queue?limit=0"],
    [{ fields: ["job_id", "name"] }, "queue?fields=job_id%2Cname"],
    [{ name: "a b&c" }, "queue?name=a+b%26c"],
  ];
  for (const [parameters, url] of cases) assert.equal(below(apiUrl("queue", parameters)), url);
  assert.equal(below(apiUrl("queue?jobid=%3E5", { user: "alice" })), "queue?jobid=%3E5&user=alice");
});

test("the home page is the root", () => {
  assert.equal(below(pageUrl("now")), "");
  assert.equal(below(pageUrl("job", { id: "12_3" })), "pages/job?id=12_3");
});

test("the state of a page survives its address", () => {
  const defaults = { user: "", limit: "50", view: "map" };
  const href = "http://host/pages/queue?kiosk=&other=1";
  const cases = [
    [{ user: "", limit: "50", view: "map" }, "?kiosk=&other=1"],
    [{ user: "alice", limit: "25", view: "map" }, "?kiosk=&other=1&user=alice&limit=25"],
    [{ user: "a,b&c d", limit: "50", view: "table" }, "?kiosk=&other=1&user=a%2Cb%26c+d&view=table"],
  ];
  for (const [state, search] of cases) {
    const found = new URL(withState(href, state, defaults));
    assert.equal(found.search, search);
    assert.deepEqual(stateOf(found.search, defaults), state);
  }
  assert.equal(new URL(withState(`${href}&user=alice`, { user: "" }, { user: "" })).search, "?kiosk=&other=1");
});

test("each comparison of job ids is a parameter of its own", () => {
  const cases = [
    ["", "queue"],
    ["4711", "queue?jobid=4711"],
    ["> 5  <10", "queue?jobid=%3E5&jobid=%3C10"],
    [">=5&<=10", "queue?jobid=%3E%3D5&jobid=%3C%3D10"],
    ["12,13", "queue?jobid=12&jobid=13"],
  ];
  for (const [text, path] of cases) assert.equal(withJobIds("queue", text), path);
});

test("the cursor comes from the address of the next page", () => {
  assert.equal(cursorOf("/queue?limit=50&cursor=WyJhIl0"), "WyJhIl0");
  assert.equal(cursorOf(null), null);
});

test("the curl command names a variable for the token", () => {
  const cases = [
    ["none", "curl -s 'http://host/queue?user=a,b'"],
    ["proxy", "curl -s 'http://host/queue?user=a,b'"],
    ["token", "curl -s -H \"Authorization: Bearer $TOKEN\" 'http://host/queue?user=a,b'"],
    ["jwt", "curl -s -H \"Authorization: Bearer $SLURM_JWT\" 'http://host/queue?user=a,b'"],
  ];
  for (const [auth, line] of cases) assert.equal(curlCommand("http://host/queue?user=a%2Cb", auth), line);
});

test("a shell passes quotes, dollars and backslashes on unchanged", () => {
  const name = 'it\'s $HOME `id` "x" \\ & é';
  const command = curlCommand(apiUrl("queue", { name }), "none").replace("curl -s", "printf %s");
  const printed = execFileSync("bash", ["-c", command], { encoding: "utf8" });
  assert.equal(new URL(printed).searchParams.get("name"), name);
});
