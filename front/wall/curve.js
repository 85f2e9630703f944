// Accepted and settled by the hour. A full line and a broken one, so that colour is not needed to tell them apart.
import { chartIn, colour, echarts, fetched, font, letters, tooltip } from "./drawing.js";

const EVERY = 60000; // the hours move on even when nothing happens

export function startCurve() {
  const box = document.querySelector("[data-curve]");
  if (!box) return;
  const chart = chartIn(box);
  const draw = async () => {
    try { chart.setOption(option(box, await fetched(box.dataset.curve))); } catch (error) { console.warn(error.message); }
  };
  draw();
  if ("past" in document.body.dataset) return;
  document.addEventListener("figures", ({ detail }) => { if (detail.includes("accepted") || detail.includes("settled")) draw(); });
  setInterval(() => { if (!document.hidden) draw(); }, EVERY);
  window.addEventListener("resize", draw);
}

function option(box, { hours, accepted, settled }) {
  const { accepted: in_, settled: out, unit } = box.dataset;
  const small = letters(box, 0.85), axis = { color: colour("ink-3"), fontSize: small, fontFamily: font() };
  return {
    animationDurationUpdate: 600,
    textStyle: { fontFamily: font() },
    grid: { left: 0, right: small / 2, top: small, bottom: 0, containLabel: true },
    tooltip: { ...tooltip(box), trigger: "axis", valueFormatter: (n) => `${n} ${unit}`, axisPointer: { lineStyle: { color: colour("line-strong") } } },
    xAxis: { type: "category", data: hours, boundaryGap: false, axisLine: { lineStyle: { color: colour("line") } }, axisTick: { show: false }, axisLabel: { ...axis, interval: (n, hour) => parseInt(hour, 10) % 6 === 0, margin: small * 0.7 } },
    yAxis: { type: "value", minInterval: 1, splitNumber: 4, axisLabel: axis, splitLine: { lineStyle: { color: colour("line") } } },
    series: [line(in_, accepted, colour("accent"), "solid"), line(out, settled, colour("ok"), [6, 4])],
  };
}

function line(name, data, tint, type) {
  const shade = new echarts.graphic.LinearGradient(0, 0, 0, 1, [{ offset: 0, color: tint }, { offset: 1, color: colour("surface") }]);
  return {
    name, type: "line", data: data.map((value, n) => ({ value, symbol: n === data.length - 1 ? "circle" : "none" })), smooth: 0.25, smoothMonotone: "x", showSymbol: true, showAllSymbol: true, symbolSize: 10, color: tint, lineStyle: { width: 3, type },
    areaStyle: type === "solid" ? { color: shade, opacity: 0.25 } : undefined, emphasis: { disabled: true },
  };
}
