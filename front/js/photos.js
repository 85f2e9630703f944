// Photos are made small on the phone (2000 px, JPEG; drawing them anew drops EXIF and with it the place), shown, and sent one by one.
// Without this script the plain file input goes along with the form.
import { each } from "./onload.js";
import { icon } from "./icons.js";
import { headers } from "./requests.js";
import { toast } from "./toast.js";
import { word } from "./words.js";

const SIDE = 2000, QUALITY = 0.82;

async function shrink(file) {
  const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, SIDE / Math.max(picture.width, picture.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(picture.width * scale);
  canvas.height = Math.round(picture.height * scale);
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  picture.close();
  const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
  if (!blob) throw new Error("no blob");
  return { canvas, blob };
}

function frame(canvas) {
  const shot = document.createElement("div");
  shot.className = "shot";
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", word("photo"));
  const remove = document.createElement("button");
  remove.type = "button";
  remove.dataset.shotRemove = "";
  remove.setAttribute("aria-label", word("remove"));
  remove.append(icon("x"));
  shot.append(canvas, document.createElement("progress"), remove);
  return shot;
}

async function send(field, shot, blob) {
  const body = new FormData();
  body.append("file", blob, "photo.jpg");
  const answer = await fetch(field.dataset.upload, { method: "POST", body, headers: headers(), credentials: "same-origin" });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(told.error?.message || word("photoFailed"));
  const id = Object.assign(document.createElement("input"), { type: "hidden", name: field.dataset.idsName, value: told.id });
  shot.append(id);
}

function fail(shot, sentence) {
  shot.classList.add("failed");
  shot.append(Object.assign(document.createElement("span"), { className: "state", textContent: word("photoFailed") }));
  toast(sentence, "bad");
}

async function add(field, file) {
  let small;
  try { small = await shrink(file); } catch { toast(word("photoWrong"), "bad"); return; }
  const shot = frame(small.canvas);
  field.querySelector("[data-shots]").append(shot);
  shot.setAttribute("aria-busy", "true");
  try { await send(field, shot, small.blob); } catch (error) { fail(shot, error instanceof TypeError ? word("unreachable") : error.message); }
  shot.removeAttribute("aria-busy");
  shot.querySelector("progress")?.remove();
}

async function take(field, files) {
  const room = Number(field.dataset.max) - field.querySelectorAll(".shot").length;
  if (files.length > room) toast(word("photoMany", field.dataset.max), "warn");
  for (const file of [...files].slice(0, Math.max(0, room))) await add(field, file); // one by one: phones run out of memory
}

function enliven(field) {
  if (!field.dataset.upload || !window.createImageBitmap) return;
  const input = field.querySelector('input[type="file"]'), drop = field.querySelector(".drop");
  field.classList.add("enhanced");
  input.addEventListener("change", async () => { const files = [...input.files]; input.value = ""; await take(field, files); });
  drop.addEventListener("dragover", (event) => { event.preventDefault(); drop.classList.add("over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => { event.preventDefault(); drop.classList.remove("over"); take(field, event.dataTransfer.files); });
  field.addEventListener("click", (event) => event.target.closest("[data-shot-remove]")?.closest(".shot").remove());
  field.closest("form")?.addEventListener("submit", (event) => {
    if (!field.querySelector(".shot[aria-busy]")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    toast(word("photoBusy"), "warn");
  }, true);
}

export function startPhotos() { each("[data-photos]", enliven); }
