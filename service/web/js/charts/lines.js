// Curves over a common axis, with bands and marks.
import { html, useState } from "../lib.js";
import { AxisX, AxisY, Tip, useWidth } from "./frame.js";
import { category, extent, linear, tickText, ticks } from "./scales.js";

const LEFT = 56;
const RIGHT = 16;
const TOP = 24;
const BOTTOM = 46;

/**
 * @typedef {{name: string, points: {x: number, y: number, low?: number, high?: number, text?: any, key?: string}[], color?: number}} Curve
 * @param {{curves: Curve[], xLabel: string, yLabel: string, title: string, height?: number, marks?: {x: number, text: string}[], chosen?: string | null, onPick?: (key: string) => void, format?: (value: number) => string}} props
 */
export function Lines({ curves, xLabel, yLabel, title, height = 280, marks = [], chosen = null, onPick, format = tickText }) {
  const [box, width] = useWidth();
  const [near, setNear] = useState(null);
  const points = curves.flatMap((curve) => curve.points);
  const x = linear(extent(points.map((point) => point.x), 0.02), [LEFT, Math.max(LEFT + 60, width - RIGHT)]);
  const [low, high] = extent(points.flatMap((point) => [point.y, point.low ?? point.y, point.high ?? point.y]));
  const y = linear([low, high], [height - BOTTOM, TOP]);
  const [xLow, xHigh] = [x.invert(LEFT), x.invert(width - RIGHT)];
  const follow = (event) => {
    const bounds = box.current.getBoundingClientRect();
    const at = { x: event.clientX - bounds.left, y: event.clientY - bounds.top };
    let best = null;
    for (const [index, curve] of curves.entries()) {
      for (const point of curve.points) {
        const distance = Math.hypot(x(point.x) - at.x, (y(point.y) - at.y) / 2);
        if (!best || distance < best.distance) best = { distance, point, index, curve };
      }
    }
    setNear(best && best.distance < 60 ? best : null);
  };
  return html`<div class="chart" ref=${box} onPointerMove=${follow} onPointerLeave=${() => setNear(null)}>
    ${width > 0 && html`<svg width=${width} height=${height} role=${onPick ? "group" : "img"} aria-label=${title}>
      <${AxisY} scale=${y} values=${ticks(low, high)} x=${LEFT} to=${width - RIGHT} label=${yLabel} />
      <${AxisX} scale=${x} values=${ticks(xLow, xHigh, Math.max(2, Math.min(8, width / 90)))} y=${height - BOTTOM} from=${LEFT} to=${width - RIGHT} label=${xLabel} />
      ${marks.map((mark, index) => html`<g class="mark"><line x1=${x(mark.x)} x2=${x(mark.x)} y1=${TOP} y2=${height - BOTTOM} /><text x=${x(mark.x) + (x(mark.x) > width - 80 ? -4 : 4)} y=${TOP + 10 + 14 * index} text-anchor=${x(mark.x) > width - 80 ? "end" : "start"}>${mark.text}</text></g>`)}
      ${curves.map((curve, index) => html`<g class=${category(curve.color ?? index)}>
        ${curve.points.some((point) => point.low !== undefined && point.low !== null) && html`<path class="band" d=${band(curve.points, x, y)} />`}
        <path class="line" d=${path(curve.points, x, y)} />
        ${curve.points.length <= 80 && curve.points.map((point) => html`<circle class=${`dot ${point.key && point.key === chosen ? "chosen" : ""}`} cx=${x(point.x)} cy=${y(point.y)} r=${point.key && point.key === chosen ? 6 : 3} />`)}
        ${onPick && curve.points.map((point) => html`<circle class="target" cx=${x(point.x)} cy=${y(point.y)} r="10" tabindex="0" role="button" aria-label=${point.key} onClick=${() => onPick(point.key)} onKeyDown=${(event) => event.key === "Enter" && onPick(point.key)} onFocus=${() => setNear({ point, index, curve })} />`)}
      </g>`)}
      ${near && html`<circle class=${`near ${category(near.curve.color ?? near.index)}`} cx=${x(near.point.x)} cy=${y(near.point.y)} r="6" />`}
    </svg>
    <${Tip} width=${width} at=${near && { x: x(near.point.x), y: y(near.point.y) - 12 }}>${near?.point.text ?? html`<strong>${near?.curve.name}</strong> ${format(near?.point.y ?? 0)}<br />${xLabel} ${tickText(near?.point.x ?? 0)}`}<//>`}
    ${curves.length > 1 && html`<ul class="legend">${curves.map((curve, index) => html`<li class=${category(curve.color ?? index)}>${curve.name}</li>`)}</ul>`}
  </div>`;
}

const valid = (points) => points.filter((point) => Number.isFinite(point.y));
const path = (points, x, y) => valid(points).map((point, index) => `${index ? "L" : "M"}${x(point.x).toFixed(1)},${y(point.y).toFixed(1)}`).join("");

function band(points, x, y) {
  const inside = points.filter((point) => Number.isFinite(point.low) && Number.isFinite(point.high));
  const there = inside.map((point) => `${x(point.x).toFixed(1)},${y(point.high).toFixed(1)}`);
  const back = [...inside].reverse().map((point) => `${x(point.x).toFixed(1)},${y(point.low).toFixed(1)}`);
  return inside.length ? `M${[...there, ...back].join("L")}Z` : "";
}
