// Small things of the page itself: theme, menus, dialogs, printing, going back, copying, ticking all rows.
import { each } from "./onload.js";
import { toast } from "./toast.js";
import { word } from "./words.js";

const root = document.documentElement;

function setTheme(name) {
  if (name) root.dataset.theme = name;
  else delete root.dataset.theme;
  document.cookie = `theme=${name};path=/;max-age=${name ? 31536000 : 0};samesite=lax`;
  document.querySelectorAll("[data-theme-set]").forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.themeSet === name)));
  window.dispatchEvent(new Event("themechange"));
}

function startTheme() {
  each("[data-theme-switch]", (group) => { group.hidden = false; });
  each("[data-theme-set]", (button) => {
    button.setAttribute("aria-pressed", String(button.dataset.themeSet === (root.dataset.theme ?? "")));
    button.addEventListener("click", () => setTheme(button.dataset.themeSet));
  });
}

function startMenus() {
  const others = (event) => document.querySelectorAll("details[data-menu][open]").forEach((menu) => { if (!menu.contains(event.target)) menu.open = false; });
  document.addEventListener("click", others);
  document.addEventListener("focusin", others);
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector("details[data-menu][open]");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); }
  });
}

function startDialogs() {
  each("dialog[data-open]", (dialog) => dialog.showModal());
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) { event.preventDefault(); document.getElementById(opener.dataset.opens)?.showModal(); }
    if (event.target.closest("[data-closes]")) event.target.closest("dialog")?.close();
    if (event.target.matches("dialog.dialog") && event.target.id !== "confirm" && outside(event)) event.target.close();
  });
}

function outside(event) {
  const box = event.target.getBoundingClientRect();
  return event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
}

function startTicks() {
  const boxes = (all) => [...(all.form ?? all.closest("table")).querySelectorAll(`input[name="${CSS.escape(all.dataset.pickAll)}"]`)];
  each("[data-pick-all]", (all) => {
    const show = () => {
      const picked = boxes(all).filter((box) => box.checked).length;
      all.checked = picked > 0 && picked === boxes(all).length;
      all.indeterminate = picked > 0 && !all.checked;
      document.querySelectorAll(`[data-picked="${all.dataset.pickAll}"]`).forEach((place) => { place.textContent = picked; });
      document.querySelectorAll(`[data-needs-pick="${all.dataset.pickAll}"]`).forEach((button) => { button.disabled = picked === 0; });
    };
    all.addEventListener("change", () => { boxes(all).forEach((box) => { box.checked = all.checked; }); show(); });
    all.closest("table").addEventListener("change", show);
    show();
  });
}

export function startPage() {
  root.classList.add("js");
  startTheme();
  startMenus();
  startDialogs();
  startTicks();
  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-print], [data-back], [data-copy]");
    if (!target) return;
    if ("print" in target.dataset) window.print();
    else if ("back" in target.dataset) history.length > 1 ? history.back() : location.assign("/");
    else navigator.clipboard?.writeText(target.dataset.copy).then(() => toast(word("copied"), "ok"));
  });
  document.addEventListener("change", (event) => { if (event.target.closest("[data-autosubmit]")) event.target.form?.requestSubmit(); });
}
