// Helps while writing: voice where the browser has it, and how many characters are left.
import { each } from "./onload.js";
import { icon } from "./icons.js";
import { toast } from "./toast.js";
import { word } from "./words.js";

const Recognition = window.SpeechRecognition || window.webkitSpeechRecognition;

function addVoice(area) {
  if (!Recognition) return;
  const box = document.createElement("div");
  box.className = "with-tool";
  area.replaceWith(box);
  const button = Object.assign(document.createElement("button"), { type: "button", className: "button small tool" });
  const say = (name, text) => button.replaceChildren(icon(name), text);
  box.append(area, button);
  say("microphone", word("speak"));
  let ear = null;
  const stop = () => { ear = null; box.classList.remove("listening"); button.setAttribute("aria-pressed", "false"); say("microphone", word("speak")); };
  button.addEventListener("click", () => {
    if (ear) { ear.stop(); return; }
    ear = Object.assign(new Recognition(), { lang: "zh-CN", continuous: true, interimResults: false });
    ear.onresult = (event) => {
      const said = [...event.results].slice(event.resultIndex).map((result) => result[0].transcript).join("");
      area.value += said;
      area.dispatchEvent(new Event("input", { bubbles: true }));
    };
    ear.onerror = () => toast(word("speakFailed"), "warn");
    ear.onend = stop;
    ear.start();
    box.classList.add("listening");
    button.setAttribute("aria-pressed", "true");
    say("player-pause", word("speaking"));
  });
}

function addCount(area) {
  const most = Number(area.dataset.count);
  const left = Object.assign(document.createElement("span"), { className: "count-left" });
  left.setAttribute("aria-live", "polite");
  (area.closest(".field") ?? area.parentElement).append(left);
  const show = () => {
    const rest = most - [...area.value].length;
    left.textContent = rest < 0 ? word("over", -rest) : rest <= most / 5 ? word("left", rest) : "";
  };
  area.addEventListener("input", show);
  show();
}

export function startWriting() {
  each("textarea[data-voice]", addVoice);
  each("textarea[data-count]", addCount);
}
