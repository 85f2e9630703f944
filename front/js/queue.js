// Rows are links that htmx opens in the panel. `data-walk` (J and K) opens the neighbour of the one in hand; what the panel shows
// is marked in the list, and the panel takes the focus, so that the keys of its form work at once.
const rows = () => [...document.querySelectorAll("[data-row]")];
const inHand = () => document.querySelector("[data-hand]")?.dataset.hand;

function walk(step) {
  const all = rows(), at = all.findIndex((row) => row.dataset.row === inHand());
  (at < 0 ? all[0] : all[at + step])?.click();
}

// With nothing in hand there is no button to press: J opens the first.
function onKey(event) {
  const typing = event.target.closest("input:not([type=radio], [type=checkbox]), textarea, select, dialog[open]");
  if (event.defaultPrevented || event.isComposing || typing || event.ctrlKey || event.altKey || event.metaKey) return;
  if (event.key.toLowerCase() === "j" && !inHand()) { event.preventDefault(); walk(1); }
}

function mark() {
  const number = inHand();
  document.querySelector("[data-board]")?.classList.toggle("open", Boolean(number));
  for (const row of rows()) {
    const shown = row.dataset.row === number, line = row.closest("tr");
    if (shown) line.setAttribute("aria-current", "true");
    else line.removeAttribute("aria-current");
    if (shown) line.scrollIntoView({ block: "nearest" });
  }
}

function onSwap(event) {
  const { target } = event.detail;
  if (target.id === "queue") mark();
  if (target.id !== "panel") return;
  mark();
  target.scrollTop = 0;
  const wrong = target.querySelector("[aria-invalid]");
  (wrong ?? target).focus({ preventScroll: false });
  wrong?.closest(".field")?.scrollIntoView({ block: "nearest" }); // with the sentence under it
}

export function startQueue() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-walk]");
    if (button) walk(Number(button.dataset.walk));
  });
  document.addEventListener("keydown", onKey);
  document.addEventListener("toggle", (event) => { if (event.target.matches?.(".order-answer[open]")) event.target.querySelector("textarea").focus(); }, true);
  document.body.addEventListener("htmx:afterSettle", onSwap);
}
