// Keeps what was typed until it is safely sent: a lost connection, a stale page or a closed tab loses no words.
// A form opts in by data-draft="<name>". Fields that say who somebody is (data-private, passwords) are never stored.
// The client id travels with the draft, so that what did arrive the first time is not filed a second time.
import { each } from "./onload.js";
import { word } from "./words.js";

const WEEK = 7 * 24 * 3600 * 1000;
const key = (name) => `bihuan:draft:${name}`;
const fields = (form) => [...form.elements].filter((field) => field.name && keeps(field));
const typed = (form) => fields(form).some((field) => field.type === "textarea" ? field.value.trim() : false);

function keeps(field) {
  if (field.name === "client_id") return true;
  if (["csrfmiddlewaretoken", "next"].includes(field.name) || "private" in field.dataset) return false;
  return !["password", "file", "hidden", "submit", "button", "checkbox", "tel"].includes(field.type);
}

function read(name) {
  try {
    const draft = JSON.parse(localStorage.getItem(key(name)));
    return draft && Date.now() - draft.at < WEEK ? draft.values : null;
  } catch { return null; }
}

function write(form) {
  const values = {};
  for (const field of fields(form)) if (field.type !== "radio" || field.checked) values[field.name] = field.value;
  try {
    if (typed(form)) localStorage.setItem(key(form.dataset.draft), JSON.stringify({ at: Date.now(), values }));
    else forget(form.dataset.draft);
  } catch { /* the store is full or switched off: typing goes on without it */ }
}

export function forget(name) {
  try { localStorage.removeItem(key(name)); } catch { /* switched off */ }
}

function restore(form, values) {
  for (const field of fields(form)) {
    if (!(field.name in values)) continue;
    if (field.type === "radio") field.checked = field.value === values[field.name];
    else field.value = values[field.name];
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}

function note(form) {
  const line = document.createElement("p");
  line.className = "draft-note";
  line.setAttribute("role", "status");
  const again = Object.assign(document.createElement("button"), { type: "button", className: "button quiet small", textContent: word("forget") });
  again.onclick = () => { forget(form.dataset.draft); location.reload(); };
  line.append(word("draft"), again);
  form.prepend(line);
}

function enliven(form) {
  const values = read(form.dataset.draft);
  // The server's answer to a refused form already carries the words; a draft is for the empty page.
  if (values && !typed(form)) { restore(form, values); note(form); }
  let timer;
  form.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => write(form), 300); });
  form.addEventListener("submit", () => { clearTimeout(timer); write(form); });
}

export function startDrafts() {
  // The page that says "done" names the drafts that it settles.
  each("[data-draft-done]", (element) => element.dataset.draftDone.split(" ").forEach(forget));
  each("form[data-draft]", enliven);
  // Before the answer comes in: what comes in may be a form of the same name, and would find the words that were just sent.
  document.body.addEventListener("htmx:beforeOnLoad", (event) => {
    const form = event.detail.elt.closest?.("form[data-draft]"), { status } = event.detail.xhr;
    if (form && status >= 200 && status < 400 && event.detail.requestConfig.verb !== "get") forget(form.dataset.draft);
  });
}
