// The parts of the area, coloured by how many cases are open there. The list beside it holds the same words, counts and links.
import { between, chartIn, colour, echarts, fetched, font, letters } from "./drawing.js";

const MOST_NAMES = 60; // with more parts than this only the one pointed at is named
const GATHER = 1000, GLOWS = 2500;

export function startMap() {
  const box = document.querySelector("[data-wall-map]");
  if (!box) return;
  startSwitch(box.closest("[data-map-panel]"));
  draw(box).catch((error) => { console.warn(error.message); box.closest("[data-map-panel]").classList.add("no-map"); });
}

const rows = () => [...document.querySelectorAll("[data-part]")];
const amounts = () => new Map(rows().map((row) => [row.dataset.part, Number(row.dataset.open)]));

async function draw(box) {
  const outlines = await fetched(box.dataset.parts);
  const known = new Map(outlines.features.map(({ properties }) => [properties.code, properties]));
  echarts.registerMap("parts", outlines);
  const chart = chartIn(box);
  const paint = () => chart.setOption(option(box, known, amounts()));
  paint();
  chart.on("click", ({ name }) => document.querySelector(`[data-part="${CSS.escape(name)}"]`)?.click());
  startTip(box, chart, known);
  window.addEventListener("resize", paint);
  if ("past" in document.body.dataset) return;
  let gathering = 0;
  document.addEventListener("figures", ({ detail }) => {
    if (!detail.includes("open") || gathering) return;
    gathering = setTimeout(async () => { gathering = 0; glow(chart, await recount(box, paint)); }, GATHER / 4);
  });
}

// Take in new counts; returns the codes of the parts that changed.
async function recount(box, paint) {
  const { open } = await fetched(box.dataset.counts).catch(() => ({ open: {} }));
  const changed = rows().filter((row) => row.dataset.part in open && Number(row.dataset.open) !== open[row.dataset.part]);
  for (const row of changed) {
    row.dataset.open = open[row.dataset.part];
    row.querySelector("b").textContent = row.dataset.open;
  }
  if (changed.length) paint();
  return changed.map((row) => row.dataset.part);
}

function glow(chart, codes) {
  for (const name of codes) chart.dispatchAction({ type: "highlight", seriesIndex: 0, name });
  setTimeout(() => { for (const name of codes) chart.dispatchAction({ type: "downplay", seriesIndex: 0, name }); }, GLOWS);
}

// Classes of the legend: none, then four equal steps that round well. [[from, to], ...]
export function classes(most) {
  if (most <= 4) return Array.from({ length: Math.max(most, 1) + 1 }, (_, n) => [n, n]);
  const step = [2, 3, 5, 10, 15, 20, 25, 50].find((size) => size * 4 >= most) ?? Math.ceil(most / 400) * 100;
  const found = [[0, 0]];
  for (let from = 1; from <= most; from += step) found.push([from, from + step - 1]);
  return found;
}

const NONE = "#242e3c"; // nothing open: still land, on a panel darker than it

function tints(count) {
  // Not as far as white: the names on top are white.
  return Array.from({ length: count }, (_, n) => (n ? between(NONE, colour("accent"), 0.22 + (0.78 * n) / (count - 1)) : NONE));
}

function option(box, known, counts) {
  const steps = classes(Math.max(...counts.values(), 0)), colours = tints(steps.length);
  legend(box, steps, colours);
  const all = known.size <= MOST_NAMES, size = Math.max(11, Math.min(letters(box, known.size > 14 ? 0.92 : 1.1), box.clientWidth / 28));
  const middle = [...known.values()].reduce((sum, { cp }) => sum + cp[1], 0) / known.size;
  const label = { show: all, color: "#ffffff", textShadowColor: "rgb(0 0 0 / 0.7)", textShadowBlur: 4, textShadowOffsetY: 1, fontSize: size, lineHeight: size * 1.25, fontFamily: font(), formatter: ({ name }) => words(known.get(name), counts.get(name)) };
  return {
    visualMap: { type: "piecewise", show: false, pieces: steps.map(([min, max], n) => ({ min, max, color: colours[n] })), seriesIndex: 0 },
    series: [{
      type: "map", map: "parts", nameProperty: "code", aspectScale: Math.cos((middle * Math.PI) / 180), selectedMode: false, roam: known.size > MOST_NAMES, scaleLimit: { min: 1, max: 8 },
      left: 8, right: 8, top: 8, bottom: 8, preserveAspect: "contain", animationDurationUpdate: 600,
      data: [...known.keys()].map((code) => ({ name: code, value: counts.get(code) ?? 0 })),
      label, labelLayout: { hideOverlap: true },
      itemStyle: { areaColor: NONE, borderColor: colour("page"), borderWidth: all ? 2 : 1 },
      emphasis: { label: { ...label, show: true, fontWeight: 600 }, itemStyle: { areaColor: colour("accent"), borderColor: "#ffffff", borderWidth: 3 } },
    }],
  };
}

// A word beside the pointer. ECharts' own would need inline styles, or be drawn in letters too small for a wall.
function startTip(box, chart, known) {
  const tip = Object.assign(document.createElement("div"), { className: "map-tip", hidden: true });
  box.parentElement.append(tip);
  chart.on("mousemove", ({ name, event }) => {
    const open = amounts().get(name);
    tip.textContent = `${known.get(name).name}　${open ? `${open} ${box.dataset.unit}` : box.dataset.none}`;
    tip.hidden = false;
    tip.style.left = `${Math.min(event.offsetX + 16, box.clientWidth - tip.offsetWidth)}px`;
    tip.style.top = `${Math.max(event.offsetY - tip.offsetHeight - 12, 0)}px`;
  });
  chart.on("mouseout", () => { tip.hidden = true; });
}

const words = (part, open) => (open ? `${part.name}\n${open}` : part.name);

function legend(box, steps, colours) {
  const place = box.parentElement.querySelector("[data-legend]");
  const title = Object.assign(document.createElement("span"), { textContent: place.dataset.title });
  place.replaceChildren(title, ...steps.map(([from, to], n) => {
    const key = document.createElement("span"), tint = document.createElement("i");
    tint.style.backgroundColor = colours[n];
    key.append(tint, from === to ? `${from}` : `${from}–${to}`);
    return key;
  }));
}

function startSwitch(panel) {
  for (const button of panel.querySelectorAll("[data-map-as]")) {
    button.addEventListener("click", () => {
      panel.classList.toggle("as-list", button.dataset.mapAs === "list");
      for (const other of panel.querySelectorAll("[data-map-as]")) other.setAttribute("aria-pressed", String(other === button));
    });
  }
}
