// Runs `enliven(element)` once for every element that matches, now and in whatever htmx swaps in later.
import htmx from "htmx.org";

export function each(selector, enliven) {
  const done = new WeakSet();
  const once = (element) => { if (!done.has(element)) { done.add(element); enliven(element); } };
  htmx.onLoad((root) => {
    if (root.matches?.(selector)) once(root);
    root.querySelectorAll?.(selector).forEach(once);
  });
}
