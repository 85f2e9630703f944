// Every page: htmx, Alpine (its build for strict content policies) and our own small behaviours. Pages work without all of it where the task allows.
import Alpine from "@alpinejs/csp";
import htmx from "htmx.org";
import { startClocks } from "../js/clocks.js";
import { startConfirm } from "../js/confirm.js";
import { startDrafts } from "../js/drafts.js";
import { startFilling } from "../js/filling.js";
import { startKeys } from "../js/keys.js";
import { startLive } from "../js/live.js";
import { startMistakes } from "../js/mistakes.js";
import { startPage } from "../js/page.js";
import { startPhotos } from "../js/photos.js";
import { startPictures } from "../js/pictures.js";
import { startReplies } from "../js/reply.js";
import { startRequests } from "../js/requests.js";
import { startSubmit } from "../js/submit.js";
import { startToasts, toast } from "../js/toast.js";
import { each } from "../js/onload.js";
import { word } from "../js/words.js";
import { startWriting } from "../js/writing.js";

window.htmx = htmx;
window.Alpine = Alpine;
// What the other bundles (map.js, wall.js) share with this one, so that htmx is loaded once.
window.bihuan = { each, toast, word };
const starts = [startPage, startRequests, startToasts, startConfirm, startPhotos, startSubmit, startDrafts, startWriting, startFilling, startKeys, startClocks, startPictures, startReplies, startLive, startMistakes];
for (const start of starts) start();
Alpine.start();
