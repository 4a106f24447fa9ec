// The dialog for a token, and downloads that need it. Loaded when one of them is used.

import { request, token } from "./api-client.js";
import { byId, h, replaceChildren, withCode } from "./dom.js";
import { shareToken } from "./login-tabs.js";
import { root } from "./urls.js";

// `scontrol token` prints SLURM_JWT= before the token.
function cleaned(text) {
  return text.trim().replace(/^SLURM_JWT=/, "");
}

// Resolves if the service accepts the token, whatever its user may view.
async function tryToken(text) {
  // Headers take visible ASCII characters only.
  if (!/^[\x21-\x7e]+$/.test(text)) throw new Error("Not a valid token: it has spaces or special characters.");
  try {
    await request(new URL("partitions?limit=1&fields=name", root), { headers: { Authorization: `Bearer ${text}` } });
  } catch (fault) {
    if (fault.status === 401 || fault.status === 0) throw fault;
  }
}

const showFault = (text) => replaceChildren(byId("login-fault"), withCode(text));

/** Opens the dialog, with the reason why the stored token was refused. */
export function askForToken(why = "") {
  const dialog = byId("login");
  if (dialog.open) return;
  showFault(why);
  dialog.showModal();
}

async function logIn(event) {
  event.preventDefault();
  const [submit, text] = [byId("login-submit"), cleaned(byId("token").value)];
  submit.disabled = true;
  showFault("");
  try {
    await tryToken(text);
    token.keep(text, byId("remember").checked);
    shareToken(text);
    location.reload();
  } catch (fault) {
    submit.disabled = false;
    showFault(fault.message);
    byId("token").focus();
  }
}

/** Fetches the target of a link with the token, and saves or shows it. */
export async function openWithToken(link) {
  try {
    const response = await request(link.href);
    const content = URL.createObjectURL(await response.blob());
    if (link.hasAttribute("data-answer")) location.assign(content);
    else save(content, fileName(response, link));
  } catch (fault) {
    document.dispatchEvent(new CustomEvent("unanswered", { detail: { path: link.href, fault } }));
  }
}

function fileName(response, link) {
  const named = /filename="?([^";]+)/.exec(response.headers.get("Content-Disposition") ?? "");
  return link.download || named?.[1] || new URL(link.href).pathname.split("/").pop();
}

function save(content, name) {
  h("a", { href: content, download: name }).click();
  // The browser reads the content after the click.
  setTimeout(() => URL.revokeObjectURL(content), 60_000);
}

byId("login-form").addEventListener("submit", logIn);
