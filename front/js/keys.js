// The keyboard does everything at a desk. data-key="alt+1" clicks or focuses its element; in a [data-suggest] box the arrows walk
// and Enter takes the first; Escape closes menus.
import { each } from "./onload.js";

// A chosen radio or tick box holds the focus, but no letter goes into it.
const typing = (target) => target.closest("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]");

function pressed(event) {
  const parts = [];
  if (event.ctrlKey || event.metaKey) parts.push("ctrl");
  if (event.altKey) parts.push("alt");
  // With Alt held some layouts give another character, so letters and digits are read from the key's place.
  const place = /^(?:Key|Digit|Numpad)([A-Z0-9])$/.exec(event.code)?.[1];
  parts.push((event.altKey && place ? place : event.key).toLowerCase());
  return parts.join("+");
}

function onKey(event) {
  if (event.isComposing || event.defaultPrevented) return;
  const name = pressed(event);
  if (!/^(ctrl|alt|f\d)/.test(name) && typing(event.target)) return;
  const scope = document.querySelector("dialog[open]") ?? document;
  const all = [...scope.querySelectorAll("[data-key]")].filter((one) => one.dataset.key.toLowerCase() === name && !one.disabled && one.offsetParent);
  const found = all.find((one) => one.type === "radio" && one.checked) ?? all[0]; // a group of choices is entered where it stands
  if (!found) return;
  event.preventDefault();
  if (found.matches("input:not([type=checkbox], [type=radio]), textarea, select")) { found.focus(); found.select?.(); }
  else { found.click(); if (found.type === "radio") found.focus(); } // the arrows go on from there
}

// <div data-suggest><input role="combobox" aria-controls="x"><div class="suggest-list" id="x" role="listbox">...<button role="option">
function enlivenSuggest(box) {
  const input = box.querySelector("[role=combobox]");
  const list = () => [...box.querySelectorAll("[role=option]")];
  const close = () => { box.querySelector("[role=listbox]")?.replaceChildren(); input.setAttribute("aria-expanded", "false"); };
  const mark = (option) => {
    list().forEach((one) => one.setAttribute("aria-selected", String(one === option)));
    option?.scrollIntoView({ block: "nearest" });
    if (option) { option.id ||= `option-${Math.random().toString(36).slice(2)}`; input.setAttribute("aria-activedescendant", option.id); }
  };
  // A list that opens under the edge of what scrolls would be chosen from blindly.
  const reveal = () => { if (list().length) box.querySelector("[role=listbox]").scrollIntoView({ block: "nearest" }); };
  input.addEventListener("keydown", (event) => {
    const options = list(), at = options.findIndex((one) => one.getAttribute("aria-selected") === "true");
    if (event.isComposing || event.ctrlKey || event.altKey || event.metaKey || !options.length) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      mark(options[(at + (event.key === "ArrowDown" ? 1 : -1) + options.length) % options.length]);
    } else if (event.key === "Enter") { event.preventDefault(); (options[at] ?? options[0]).click(); }
    else if (event.key === "Escape") { event.stopPropagation(); close(); }
  });
  // The box keeps the focus: losing and regaining it would open the list again.
  box.addEventListener("mousedown", (event) => { if (event.target.closest("[role=option]")) event.preventDefault(); });
  box.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (!option) return;
    input.value = option.dataset.text ?? option.textContent.trim();
    const into = option.dataset.value !== undefined && box.querySelector("input[type=hidden]");
    if (into) { into.value = option.dataset.value; into.dispatchEvent(new Event("change", { bubbles: true })); }
    setTimeout(close);
    input.focus();
  });
  box.addEventListener("focusout", () => setTimeout(() => { if (!box.contains(document.activeElement)) close(); }, 150));
  box.addEventListener("htmx:afterSwap", () => { input.setAttribute("aria-expanded", String(list().length > 0)); mark(list()[0]); reveal(); });
}

export function startKeys() {
  document.addEventListener("keydown", onKey);
  each("[data-suggest]", enlivenSuggest);
}
