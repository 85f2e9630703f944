// A second click does not submit a second time. The button wakes again when the answer is not a new page.
const sent = new WeakMap();

function hold(form, button) {
  sent.set(form, button ?? null);
  // After this turn of the loop: a disabled button would not send its own name and value.
  setTimeout(() => { if (button && sent.has(form)) { button.setAttribute("aria-busy", "true"); button.disabled = true; } });
}

export function release(form) {
  const button = sent.get(form);
  sent.delete(form);
  if (button) { button.removeAttribute("aria-busy"); button.disabled = false; }
}

export function startSubmit() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method === "dialog" || form.method === "get" || event.defaultPrevented) return;
    if (sent.has(form)) { event.preventDefault(); event.stopImmediatePropagation(); return; }
    hold(form, event.submitter);
    // A file to save leaves the page where it is.
    if (form.hasAttribute("data-download")) setTimeout(() => release(form), 3000);
  });
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    const { target } = event;
    if (target.matches("form")) hold(target, event.detail.requestConfig?.triggeringEvent?.submitter);
    else if (target.matches("button")) hold(target, target);
  });
  document.body.addEventListener("htmx:afterRequest", (event) => release(event.target));
  window.addEventListener("pageshow", (event) => { if (event.persisted) document.querySelectorAll("form").forEach(release); });
}
