// Looking at photos: the viewer for a strip, and the slider between before and after.
import { each } from "./onload.js";

function startViewer() {
  const viewer = document.getElementById("lightbox");
  if (!viewer) return;
  const image = viewer.querySelector("[data-lightbox-image]"), caption = viewer.querySelector("[data-lightbox-caption]");
  let links = [], at = 0;
  const show = (index) => {
    at = (index + links.length) % links.length;
    const alt = links[at].querySelector("img")?.alt ?? "";
    image.src = links[at].href;
    image.alt = alt;
    caption.textContent = links.length > 1 ? `${alt}  ${at + 1} / ${links.length}` : alt;
    viewer.querySelectorAll("[data-lightbox-prev], [data-lightbox-next]").forEach((button) => { button.hidden = links.length < 2; });
  };
  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-lightbox] a");
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    links = [...link.closest("[data-lightbox]").querySelectorAll("a")];
    show(links.indexOf(link));
    viewer.showModal();
  });
  viewer.addEventListener("click", (event) => {
    if (event.target.closest("[data-lightbox-prev]")) show(at - 1);
    else if (event.target.closest("[data-lightbox-next]")) show(at + 1);
    else if (!event.target.closest("img")) viewer.close();
  });
  viewer.addEventListener("keydown", (event) => {
    if (event.key === "ArrowLeft") show(at - 1);
    if (event.key === "ArrowRight") show(at + 1);
  });
  let from = 0;
  viewer.addEventListener("touchstart", (event) => { from = event.touches[0].clientX; }, { passive: true });
  viewer.addEventListener("touchend", (event) => {
    const moved = event.changedTouches[0].clientX - from;
    if (Math.abs(moved) > 50 && links.length > 1) show(at + (moved < 0 ? 1 : -1));
  });
}

function enlivenCompare(box) {
  const range = box.querySelector('input[type="range"]'), frame = box.querySelector(".compare-frame");
  const cut = () => frame.style.setProperty("--cut", range.value);
  box.classList.add("enhanced");
  range.addEventListener("input", cut);
  frame.addEventListener("pointermove", (event) => {
    if (event.pointerType === "mouse" && !event.buttons) return;
    const area = frame.getBoundingClientRect();
    range.value = ((event.clientX - area.left) / area.width) * 100;
    cut();
  });
  cut();
}

export function startPictures() {
  startViewer();
  each("[data-compare]", enlivenCompare);
}
