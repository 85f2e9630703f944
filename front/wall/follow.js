// What changed? A hint brings the numbers; each part that watches a changed figure (data-watch) is then fetched, no other.
// Charts hear of it as the event "figures" on the document, with the keys of the changed figures.
const counted = new Map();
const seen = new Set();
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const LASTS = 900;
export const grouped = (n) => n.toLocaleString("en-US");

export function startFollow() {
  for (const figure of figuresIn(document)) counted.set(figure.dataset.figure, Number(figure.dataset.count));
  freshActs(document);
  document.body.addEventListener("htmx:afterSwap", ({ detail: { target } }) => {
    const changed = figuresIn(target).filter(follow).map((figure) => figure.dataset.figure);
    if ("numbers" in target.dataset && changed.length) tell(changed);
    for (const act of freshActs(target)) act.classList.add("fresh");
  });
}

const figuresIn = (root) => [...root.querySelectorAll("[data-figure]")].filter((figure) => figure.dataset.count);

// Whether the figure is another than it was; if so it counts from there.
function follow(figure) {
  const { figure: key, count } = figure.dataset;
  const before = counted.get(key), now = Number(count);
  counted.set(key, now);
  if (before === undefined || before === now) return false;
  countUp(figure.querySelector("b"), before, now);
  figure.classList.add("changed");
  return true;
}

function countUp(place, from, to) {
  if (!place || calm.matches || document.hidden) return;
  const began = performance.now();
  const step = (now) => {
    const part = Math.min(1, Math.max(0, (now - began) / LASTS));
    place.textContent = grouped(Math.round(from + (to - from) * (1 - (1 - part) ** 3)));
    if (part < 1 && place.isConnected) requestAnimationFrame(step);
  };
  step(began);
}

function tell(changed) {
  for (const part of document.querySelectorAll("[data-watch]")) {
    if (part.dataset.watch.split(" ").some((key) => changed.includes(key))) window.htmx.trigger(part, "changed");
  }
  document.dispatchEvent(new CustomEvent("figures", { detail: changed }));
}

// Lines of the latest acts that were not there before.
function freshActs(root) {
  const fresh = [...root.querySelectorAll("[data-act]")].filter((act) => !seen.has(act.dataset.act));
  for (const act of fresh) seen.add(act.dataset.act);
  return fresh;
}
