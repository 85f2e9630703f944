import { each } from "./onload.js";
import { icon } from "./icons.js";
import { word } from "./words.js";

const ICONS = { ok: "circle-check", bad: "alert-triangle", warn: "alert-triangle" };

// A passing message. Errors stay until they are closed.
export function toast(text, tone = "") {
  const box = document.createElement("div");
  box.className = `notice ${tone}`;
  box.dataset.toast = tone;
  const says = document.createElement("div");
  says.textContent = text;
  const close = document.createElement("button");
  close.type = "button";
  close.setAttribute("aria-label", word("close"));
  close.append(icon("x"));
  box.append(icon(ICONS[tone] ?? "info-circle"), says, close);
  document.getElementById("toasts")?.append(box);
  leave(box);
}

function leave(box) {
  box.querySelector("button")?.addEventListener("click", () => box.remove());
  if (!box.classList.contains("bad")) setTimeout(() => box.remove(), 7000);
}

export function startToasts() {
  each("[data-toast]", leave);
  document.body.addEventListener("toast", (event) => toast(event.detail.text ?? event.detail.value, event.detail.tone));
}
