// Hints beside a reply while it is written: what was done, with which picture, and not just that it was received.
// They never stop anybody: the chief approves and the resident judges.
import { icon } from "./icons.js";
import { each } from "./onload.js";

const MARKS = { "": "circle-dashed", ok: "circle-check", warn: "alert-circle" };
const PAUSES = /[\s，。！？、；：,.!?;:]+/gu;

function mark(list, name, tone) {
  const line = list.querySelector(`[data-hint="${name}"]`);
  if (line.className === tone && line.dataset.judged) return;
  line.dataset.judged = "yes";
  line.className = tone;
  line.firstElementChild.replaceWith(icon(MARKS[tone]));
}

function enliven(list) {
  const form = list.closest("form"), text = form.querySelector("textarea[name=text]"), shots = form.querySelector("[data-shots]");
  const done = list.dataset.done.split(" "), empty = list.dataset.empty.split(" "), shortest = Number(list.dataset.shortest);
  const judge = () => {
    const words = text.value.trim();
    const rest = empty.reduce((left, phrase) => left.replaceAll(phrase, ""), words).replace(PAUSES, "");
    const says = [...rest].length >= shortest && done.some((word) => rest.includes(word));
    mark(list, "said", words && (says ? "ok" : "warn"));
    mark(list, "evidence", shots.children.length ? "ok" : words && "warn");
    mark(list, "empty", words && ([...rest].length >= shortest / 2 ? "ok" : "warn"));
  };
  text.addEventListener("input", judge);
  new MutationObserver(judge).observe(shots, { childList: true });
  judge();
}

export function startReplies() { each("[data-reply-hints]", enliven); }
