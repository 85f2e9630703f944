// One key fills several fields: <button data-fills data-fill-unit="5" data-fill-unit_text="...">. A box with data-chips="name" keeps
// each choice as a chip with a hidden field of that name, and is empty again.
import { each } from "./onload.js";
import { icon } from "./icons.js";
import { word } from "./words.js";

function fill(button) {
  const form = button.closest("form");
  for (const { name, value } of button.attributes) {
    const field = name.startsWith("data-fill-") && form.elements[name.slice("data-fill-".length)];
    if (!field) continue;
    field.value = value;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  }
}

function addChip(box, id, text) {
  const shown = box.querySelector("[data-chips-shown]");
  if (!id || shown.querySelector(`input[value="${CSS.escape(id)}"]`)) return;
  const chip = Object.assign(document.createElement("span"), { className: "chip" });
  const field = Object.assign(document.createElement("input"), { type: "hidden", name: box.dataset.chips, value: id });
  const remove = Object.assign(document.createElement("button"), { type: "button" });
  remove.dataset.chipRemove = "";
  remove.setAttribute("aria-label", `${word("removeOne")} ${text}`);
  remove.append(icon("x"));
  chip.append(field, text, remove);
  shown.append(chip);
}

function enlivenChips(box) {
  const input = box.querySelector("[role=combobox]"), picked = box.querySelector("[data-picked-id]");
  picked.addEventListener("change", () => {
    const text = input.value;
    addChip(box, picked.value, text);
    picked.value = "";
    setTimeout(() => { input.value = ""; });
  });
  box.addEventListener("click", (event) => {
    if (!event.target.closest("[data-chip-remove]")) return;
    event.target.closest(".chip").remove();
    input.focus();
  });
}

export function startFilling() {
  document.addEventListener("click", (event) => { const button = event.target.closest("[data-fills]"); if (button) fill(button); });
  each("[data-chips]", enlivenChips);
}
