// What both charts share: ECharts with only the parts in use, colours and sizes taken from the page.
import * as echarts from "echarts/core";
import { LineChart, MapChart } from "echarts/charts";
import { GeoComponent, GridComponent, TooltipComponent, VisualMapComponent } from "echarts/components";
import { LabelLayout } from "echarts/features";
import { CanvasRenderer } from "echarts/renderers";

echarts.use([LineChart, MapChart, GeoComponent, GridComponent, TooltipComponent, VisualMapComponent, LabelLayout, CanvasRenderer]);
export { echarts };

export const colour = (name) => getComputedStyle(document.body).getPropertyValue(`--${name}`).trim();

// A colour between two given as #rrggbb.
export function between(one, other, share) {
  const parts = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  const [a, b] = [parts(one), parts(other)];
  return `rgb(${a.map((value, n) => Math.round(value + (b[n] - value) * share)).join(",")})`;
}

export function chartIn(box) {
  const chart = echarts.init(box, null, { renderer: "canvas" });
  new ResizeObserver(() => { if (box.clientWidth && box.clientHeight) chart.resize(); }).observe(box);
  return chart;
}

// Letters grow with the wall, as the page's do.
export const letters = (box, times = 1) => Math.round(parseFloat(getComputedStyle(box).fontSize) * times);
export const font = () => getComputedStyle(document.body).fontFamily;

// HTML tooltips carry inline styles, which the content policy refuses.
export const tooltip = (box) => ({
  renderMode: "richText", confine: true, backgroundColor: colour("sunken"), borderColor: colour("line-strong"), borderWidth: 1, padding: [8, 12],
  textStyle: { color: colour("ink"), fontSize: letters(box, 0.9), fontFamily: font() },
});

export async function fetched(url) {
  const answer = await fetch(url, { credentials: "same-origin", headers: { Accept: "application/json" } });
  if (!answer.ok || answer.redirected) throw new Error(`${url}: ${answer.status}`);
  return answer.json();
}
