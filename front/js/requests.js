// What every htmx request needs: the CSRF token, a word when it fails, a bar when it takes longer than a second.
import { toast } from "./toast.js";
import { word } from "./words.js";

const token = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";
export const headers = () => ({ "X-CSRFToken": token(), Accept: "application/json" });

let running = 0, timer = 0;

export function busy() {
  running += 1;
  if (running === 1) timer = setTimeout(() => show(true), 1000);
}

export function idle() {
  running = Math.max(0, running - 1);
  if (running === 0) { clearTimeout(timer); show(false); }
}

function show(on) {
  const bar = document.getElementById("loading");
  if (!bar) return;
  bar.classList.toggle("on", on);
  bar.textContent = "";
  if (on) bar.append(Object.assign(document.createElement("span"), { className: "sr", textContent: word("waiting") }));
}

export function startRequests() {
  const on = (name, act) => document.body.addEventListener(name, act);
  on("htmx:configRequest", (event) => { event.detail.headers["X-CSRFToken"] = token(); });
  on("htmx:beforeRequest", busy);
  on("htmx:afterRequest", idle);
  on("htmx:sendError", () => toast(word("unreachable"), "bad"));
  on("htmx:responseError", (event) => {
    if (event.detail.requestConfig?.triggeringEvent?.type !== "live") toast(word("failed"), "bad");
  });
  window.addEventListener("pageshow", () => { running = 0; clearTimeout(timer); show(false); });
  const offline = document.getElementById("offline");
  const tell = () => { if (offline) offline.hidden = navigator.onLine; };
  window.addEventListener("online", tell);
  window.addEventListener("offline", tell);
  tell();
}
