// Hints from the server: "this topic changed". The page then fetches the parts that show it:
//   <div data-live="unit:5" hx-get="..." hx-trigger="live">
// When the stream fails, every such part is fetched each 5 seconds until the stream is back.
import htmx from "htmx.org";
import { word } from "./words.js";

const EVERY = 5000, GATHER = 150;
let waiting = new Set(), gather = 0, poll = 0, source = null, wait = 1000;

function state(name) {
  document.body.dataset.liveState = name;
  const text = word({ on: "liveOn", poll: "livePoll", off: "liveOff" }[name]);
  document.querySelectorAll("[data-live-words]").forEach((place) => { if (place.textContent !== text) place.textContent = text; });
}

function fire(topics) {
  for (const part of document.querySelectorAll("[data-live]")) {
    if (!topics || part.dataset.live.split(" ").some((topic) => topics.has(topic))) htmx.trigger(part, "live");
  }
  document.body.dispatchEvent(new CustomEvent("live", { detail: { topics: topics && [...topics] } }));
}

// Many hints within a moment make one fetch.
function hint(topic) {
  waiting.add(topic);
  if (gather) return;
  gather = setTimeout(() => { const topics = waiting; waiting = new Set(); gather = 0; fire(topics); }, GATHER);
}

function startPolling() {
  if (poll) return;
  state("poll");
  poll = setInterval(() => { if (!document.hidden) fire(null); }, EVERY);
}

function stopPolling() { clearInterval(poll); poll = 0; }

function listen(url, topics) {
  source = new EventSource(`${url}?${new URLSearchParams({ topics: topics.join(","), token: document.body.dataset.liveToken ?? "" })}`);
  source.onopen = () => {
    if (poll) fire(null); // what happened while the stream was away
    wait = 1000;
    stopPolling();
    state("on");
  };
  source.onmessage = (event) => { for (const topic of event.data.split(/[\s,]+/)) if (topic) hint(topic); };
  source.onerror = () => {
    source.close();
    startPolling();
    setTimeout(() => listen(url, topics), wait);
    wait = Math.min(wait * 2, 60000);
  };
}

// An empty address means the live port beside the page's own.
const beside = () => `${location.protocol}//${location.hostname}:${Number(location.port || (location.protocol === "https:" ? 443 : 80)) + 1}/live/`;

export function startLive() {
  const topics = document.body.dataset.liveTopics?.split(/[\s,]+/).filter(Boolean);
  if (!topics?.length) return;
  const url = document.body.dataset.liveUrl || beside();
  if (window.EventSource) listen(url, topics);
  else startPolling();
  window.addEventListener("pagehide", () => source?.close());
  window.addEventListener("pageshow", (event) => { if (event.persisted) listen(url, topics); });
}
