// Keeps "3 minutes ago" and "2 hours left" true while a page stays open. The server wrote the first words; <time data-since|data-until datetime>.
import { word } from "./words.js";

const SCALE = [["Minutes", 60], ["Hours", 3600], ["Days", 86400]];

function measure(seconds) {
  if (seconds < 3600) return ["Minutes", Math.max(1, Math.floor(seconds / 60))];
  const [unit, size] = seconds < 2 * 86400 ? SCALE[1] : SCALE[2];
  return [unit, Math.floor(seconds / size)];
}

function say(time, now) {
  const at = Date.parse(time.dateTime);
  if (Number.isNaN(at)) return;
  const gone = (now - at) / 1000;
  if ("since" in time.dataset && gone < 60) { time.textContent = word("now"); return; }
  const [unit, n] = measure(Math.abs(gone));
  const kind = "since" in time.dataset ? "Ago" : gone > 0 ? "Late" : "Left";
  time.textContent = word(unit.toLowerCase() + kind, n);
}

export function startClocks() {
  const refresh = () => document.querySelectorAll("time[data-since], time[data-until]").forEach((time) => say(time, Date.now()));
  setInterval(refresh, 30000);
  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
}
