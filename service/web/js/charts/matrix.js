// A matrix of similarities in a given order, as colored cells.
import { html, useEffect, useMemo, useRef, useState } from "../lib.js";
import { fixed } from "../format.js";
import { useStore } from "../store.js";
import { shownTheme } from "../ui/theme.js";
import { Tip, useWidth } from "./frame.js";

const MOST_HEIGHT = 560;
// Light to dark on a light page, dark to light on a dark one.
const RAMPS = { light: [[247, 244, 238], [205, 222, 207], [138, 184, 177], [66, 134, 144], [22, 84, 102], [9, 38, 56]], dark: [[26, 31, 36], [25, 60, 70], [33, 101, 107], [73, 148, 135], [156, 196, 152], [240, 233, 180]] };

/** A color of the ramp. @param {number} share from 0 to 1 @param {string} theme */
export function ramp(share, theme) {
  const steps = RAMPS[theme];
  const at = Math.min(0.9999, Math.max(0, share)) * (steps.length - 1);
  const low = steps[Math.floor(at)];
  const high = steps[Math.floor(at) + 1];
  return low.map((value, index) => Math.round(value + (high[index] - value) * (at % 1)));
}

/**
 * @param {{order: number[], value: (row: number, column: number) => number | null, names: string[], hover: number[], onHover: (indices: number[]) => void, onPick: (row: number, column: number) => void, version: string}} props
 */
export function Matrix({ order, value, names, hover, onHover, onPick, version }) {
  const [box, width] = useWidth();
  const canvas = useRef(null);
  const theme = useStore(shownTheme);
  const [tip, setTip] = useState(null);
  const n = order.length;
  const side = Math.max(0, Math.min(width, MOST_HEIGHT));
  const cell = side / n;
  const [low, high] = useMemo(() => rangeOf(order, value), [version, n]);
  const rank = useMemo(() => new Map(order.map((index, position) => [index, position])), [version, n]);

  useEffect(() => {
    if (!side || !n) return;
    const pixels = new ImageData(n, n);
    for (let row = 0; row < n; row += 1) {
      for (let column = 0; column < n; column += 1) {
        const similarity = value(order[row], order[column]);
        const color = similarity === null || Number.isNaN(similarity) ? (theme === "dark" ? [44, 50, 55] : [232, 230, 226]) : ramp((similarity - low) / (high - low || 1), theme);
        pixels.data.set([...color, similarity === null ? 90 : 255], 4 * (row * n + column));
      }
    }
    const small = new OffscreenCanvas(n, n);
    small.getContext("2d").putImageData(pixels, 0, 0);
    const scale = devicePixelRatio || 1;
    canvas.current.width = side * scale;
    canvas.current.height = side * scale;
    const context = canvas.current.getContext("2d");
    context.imageSmoothingEnabled = cell * scale < 1;
    context.drawImage(small, 0, 0, side * scale, side * scale);
  }, [side, version, theme, low, high]);

  const follow = (event) => {
    const bounds = canvas.current.getBoundingClientRect();
    const column = Math.floor((event.clientX - bounds.left) / cell);
    const row = Math.floor((event.clientY - bounds.top) / cell);
    if (row < 0 || column < 0 || row >= n || column >= n) return leave();
    setTip({ row: order[row], column: order[column], x: (column + 0.5) * cell, y: row * cell });
    return onHover([order[row], order[column]]);
  };
  const leave = () => {
    setTip(null);
    onHover([]);
  };
  const lines = hover.map((index) => rank.get(index)).filter((position) => position !== undefined);
  return html`<div class="chart matrix" ref=${box}>
    <div class="matrix-box" style=${{ width: `${side}px`, height: `${side}px` }} onPointerMove=${follow} onPointerLeave=${leave} onClick=${() => tip && onPick(tip.row, tip.column)}>
      <canvas ref=${canvas} role="img" aria-label=${`Similarities of ${n} networks; the table below holds the same.`} style=${{ width: `${side}px`, height: `${side}px` }}></canvas>
      <svg width=${side} height=${side} aria-hidden="true">${lines.map((position) => html`<rect class="cross" x="0" y=${position * cell} width=${side} height=${cell} /><rect class="cross" x=${position * cell} y="0" width=${cell} height=${side} />`)}</svg>
      <${Tip} width=${side} at=${tip}>${tip && html`<strong>${names[tip.row]}</strong><br />${names[tip.column]}<br />${fixed(value(tip.row, tip.column))}`}<//>
    </div>
    <div class="ramp"><span>${fixed(low, 2)}</span>${Array.from({ length: 24 }, (_, index) => html`<i style=${{ background: `rgb(${ramp(index / 23, theme).join(" ")})` }}></i>`)}<span>${fixed(high, 2)}</span><span class="soft">similarity</span></div>
  </div>`;
}

/** The smallest and the greatest similarity of two different networks. */
function rangeOf(order, value) {
  let low = Infinity;
  let high = -Infinity;
  const step = Math.max(1, Math.floor(order.length / 400));
  for (let row = 0; row < order.length; row += step) {
    for (let column = 0; column < order.length; column += 1) {
      const similarity = row === column ? null : value(order[row], order[column]);
      if (similarity === null || Number.isNaN(similarity)) continue;
      low = Math.min(low, similarity);
      high = Math.max(high, similarity);
    }
  }
  return low < high ? [low, high] : [0, 1];
}
