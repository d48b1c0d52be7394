// What charts share: their width, axes, and the label that follows the pointer.
import { html, useEffect, useRef, useState } from "../lib.js";
import { tickText } from "./scales.js";

/** The width of an element as it changes. @returns {[{current: any}, number]} */
export function useWidth() {
  const box = useRef(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const watcher = new ResizeObserver(([entry]) => setWidth(Math.round(entry.contentRect.width)));
    watcher.observe(box.current);
    return () => watcher.disconnect();
  }, []);
  return [box, width];
}

/** A horizontal axis below a chart. */
export const AxisX = ({ scale, values, y, label, from, to, text = tickText }) => html`<g class="axis">
  <line x1=${from} x2=${to} y1=${y} y2=${y} />
  ${values.map((value) => html`<g transform=${`translate(${scale(value)},${y})`}><line y2="5" /><text y="19" text-anchor="middle">${text(value)}</text></g>`)}
  ${label && html`<text class="label" x=${(from + to) / 2} y=${y + 38} text-anchor="middle">${label}</text>`}
</g>`;

/** A vertical axis with faint rules across the chart. */
export const AxisY = ({ scale, values, x, to, label, text = tickText }) => html`<g class="axis">
  ${values.map((value) => html`<g transform=${`translate(0,${scale(value)})`}><line class="rule" x1=${x} x2=${to} /><text x=${x - 8} dy="0.32em" text-anchor="end">${text(value)}</text></g>`)}
  ${label && html`<text class="label" x=${x} y="12" text-anchor="start">${label}</text>`}
</g>`;

/** A label at the pointer. @param {{at: {x: number, y: number} | null, children: any, width: number}} props */
export const Tip = ({ at, width, children }) => at && html`<div class="tip" style=${{ left: `${Math.min(Math.max(at.x, 90), Math.max(90, width - 90))}px`, top: `${at.y}px` }}>${children}</div>`;
