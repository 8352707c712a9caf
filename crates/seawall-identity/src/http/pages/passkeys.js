"use strict";
// Passkeys: a form asks the server for options, the browser for a passkey, and posts what it gave. What comes of it the server says, as of
// all forms. Nothing is kept here. The forms are hidden until it is known that this browser can do it.

const forms = [...document.querySelectorAll("form[data-passkey]")];
const region = document.getElementById("passkey-problem");

// How long options that were asked for are offered: less than the five minutes for which they hold.
const OFFERED_MS = 4 * 60 * 1000;

function say(title, detail) {
  const problem = document.createElement("div");
  const [head, text] = [document.createElement("h2"), document.createElement("p")];
  [head.textContent, text.textContent] = [title, detail];
  problem.className = "problem";
  problem.append(head, text);
  region.replaceChildren(problem);
}

// What the server refused, in its own words.
class Refused extends Error {
  constructor(problem, seconds) {
    super(problem.title);
    this.slug = String(problem.type ?? "").split("/").pop();
    const again = seconds ? `Try again in ${seconds} seconds.` : "";
    this.words = [problem.title ?? "The server refused it", `${problem.detail ?? "Load the page again, and try once more."} ${again}`.trim()];
  }
}

async function options(path, body, signal) {
  const headers = { "Content-Type": "application/json", Accept: "application/json" };
  const answer = await fetch(path, { method: "POST", headers, body: JSON.stringify(body), signal });
  if (answer.ok) return answer.json();
  throw new Refused(await answer.json().catch(() => ({})), answer.headers.get("Retry-After"));
}

const MISSED = {
  NotAllowedError: ["The browser gave no passkey", "It was cancelled, took too long, or the device could not verify you by a PIN or biometrics. Try again, or use another way."],
  InvalidStateError: ["This device has a passkey already", "It serves this account, so no second one is needed. For another device, begin again there."],
  NotSupportedError: ["This device cannot make such a passkey", "Use another device, or a password manager that keeps passkeys."],
  SecurityError: ["Passkeys do not serve this address", "Open the site at the address that they were made for."],
  TypeError: ["The server was not reached", "Look at the connection, and try again."],
};

function tell(error, form) {
  if (error.slug === "confirm-your-identity" && form.dataset.confirm) return location.assign(form.dataset.confirm);
  const [title, detail] = error.words ?? MISSED[error.name] ?? ["The passkey could not be used", "Load the page again, or use another way."];
  say(title, detail);
}

let sent = false;

function send(form, credential) {
  if (sent) return;
  sent = true;
  form.elements.namedItem("credential").value = JSON.stringify(credential.toJSON());
  form.submit();
}

// What waits for a passkey from the list of names that the browser offers; it makes way for a button.
let waiting = null;

async function run(form) {
  waiting?.abort();
  region.replaceChildren();
  const typed = document.getElementById(form.dataset.named ?? "")?.value.trim();
  const asked = await options(form.dataset.options, typed ? { name: typed } : {});
  if (form.dataset.passkey === "create") {
    return send(form, await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(asked) }));
  }
  send(form, await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(asked) }));
}

// Passkeys stand in the list beside names that the browser knows, where it has such a list.
async function offer(form) {
  if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
  if (document.hidden) return document.addEventListener("visibilitychange", () => offer(form), { once: true });
  const own = (waiting = new AbortController());
  try {
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(await options(form.dataset.offered, {}, own.signal));
    setTimeout(() => {
      if (own.signal.aborted) return;
      own.abort();
      offer(form);
    }, OFFERED_MS);
    send(form, await navigator.credentials.get({ publicKey, mediation: "conditional", signal: own.signal }));
  } catch {
    // Nobody asked for it, so nobody is told: the button is there.
    own.abort();
  }
}

for (const form of forms) {
  const missing = form.parentElement.querySelector("[data-passkey-missing]");
  const domain = form.dataset.domain;
  const here = location.hostname === domain || location.hostname.endsWith(`.${domain}`);
  if (!here) {
    missing.textContent = `Passkeys serve the address ${domain}, and this page was opened at another.`;
    missing.hidden = false;
  } else if (!window.PublicKeyCredential?.parseCreationOptionsFromJSON) {
    missing.hidden = false;
  } else {
    let busy = false;
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (busy) return;
      busy = true;
      await run(form).catch((error) => {
        tell(error, form);
        if (form.dataset.offered) offer(form);
      });
      busy = false;
    });
    if (form.dataset.offered) offer(form);
  }
}
