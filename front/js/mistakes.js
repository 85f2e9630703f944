// A refused form says where: the focus goes to the sentence that says why, else to the first wrong field. A field that is being mended
// stops complaining.
import { each } from "./onload.js";
import { word } from "./words.js";

const WRONG = 'form[method="post"] :is([data-wrong], [aria-invalid="true"])';

function lead(to) {
  if (!to) return;
  if (!to.matches("input, select, textarea, button, a")) to.tabIndex = -1;
  to.focus();
  (to.closest(".field") ?? to).scrollIntoView({ block: "nearest" }); // with the sentence under it
}

// What came back for a form stands where the form was; the reader may be far below the sentence.
function onSwap(event) {
  const { target, requestConfig } = event.detail;
  if (requestConfig?.verb !== "post" || target.id === "panel") return; // the centre's panel has its own way
  const part = target.isConnected ? target : document.getElementById(target.id); // swapped as a whole it is another one
  lead(part?.querySelector(`.notice.bad[role=alert], ${WRONG}`));
}

// Choices complain as a group, under one sentence.
function settle(box) {
  const said = box.querySelector(".errorlist");
  box.querySelectorAll('[aria-invalid="true"]').forEach((field) => field.removeAttribute("aria-invalid"));
  if (said?.id) strike(said.id.replace(/_error$/, ""));
  said?.remove();
}

// The line of the sentences above that leads to the field; with the last one all of it goes.
function strike(id) {
  const line = document.querySelector(`[data-wrong] a[href="#${CSS.escape(id)}"]`)?.closest("li");
  const lines = line?.parentElement;
  line?.remove();
  if (lines && !lines.children.length) lines.closest("[data-wrong]").remove();
}

// What the browser itself finds missing is said in the page's language, not in the browser's.
function say({ target }) {
  if (target.validity.valueMissing) target.setCustomValidity(word("needed"));
}

function onChange({ target }) {
  // A choice is missed by all of its group, and made by one.
  const group = target.type === "radio" && target.form ? target.form.elements[target.name] : null;
  for (const one of group instanceof RadioNodeList ? group : [target]) one.setCustomValidity?.("");
  const box = target.closest(".field");
  if (box?.querySelector('.errorlist, [aria-invalid="true"]')) settle(box);
}

export function startMistakes() {
  each("body", () => lead(document.querySelector(WRONG))); // when all else stands: a field that is moved loses the focus
  for (const name of ["input", "change"]) document.addEventListener(name, onChange);
  document.addEventListener("invalid", say, true);
  document.body.addEventListener("htmx:afterSettle", onSwap);
}
