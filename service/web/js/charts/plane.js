// Networks as points of a plane, with lines to their neighbors; zoomed by wheel, boxed by dragging.
import { html, useEffect, useMemo, useRef, useState } from "../lib.js";
import { useStore } from "../store.js";
import { colors, shownTheme } from "../ui/theme.js";
import { Tip, useWidth } from "./frame.js";

const HEIGHT = 460;
const MARGIN = 28;
const NEAR_PIXELS = 14;
const MOST_NAMES = 60;
const HUES = ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "ink", "edge", "panel", "accent", "faint"];

/**
 * @param {{points: [number, number][], names: string[], groups: number[], edges: [number, number][], hover: number[], chosen: Set<number>, onHover: (indices: number[]) => void, onBox: (indices: number[]) => void, onPick: (index: number) => void}} props
 */
export function Plane({ points, names, groups, edges, hover, chosen, onHover, onBox, onPick }) {
  const [box, width] = useWidth();
  const canvas = useRef(null);
  const theme = useStore(shownTheme);
  const [view, setView] = useState({ zoom: 1, x: 0, y: 0 });
  const [drag, setDrag] = useState(null);
  const base = useMemo(() => fitted(points, width), [points, width]);
  const at = (index) => [base[index][0] * view.zoom + view.x, base[index][1] * view.zoom + view.y];

  useEffect(() => {
    if (!width) return;
    draw(canvas.current, { at, width, names, groups, edges, hover, chosen, count: points.length });
  }, [base, view, theme, hover, chosen, groups, edges]);

  const nearest = (x, y) => {
    let best = -1;
    let distance = NEAR_PIXELS;
    for (let index = 0; index < points.length; index += 1) {
      const [px, py] = at(index);
      const away = Math.hypot(px - x, py - y);
      if (away < distance) [best, distance] = [index, away];
    }
    return best;
  };
  const position = (event) => {
    const bounds = box.current.getBoundingClientRect();
    return [event.clientX - bounds.left, event.clientY - bounds.top];
  };
  const move = (event) => {
    const [x, y] = position(event);
    if (drag) return setDrag({ ...drag, x2: x, y2: y });
    const index = nearest(x, y);
    return onHover(index < 0 ? [] : [index]);
  };
  const end = (event) => {
    if (!drag) return;
    const [left, right] = [Math.min(drag.x1, drag.x2), Math.max(drag.x1, drag.x2)];
    const [top, bottom] = [Math.min(drag.y1, drag.y2), Math.max(drag.y1, drag.y2)];
    setDrag(null);
    if (right - left < 5 && bottom - top < 5) {
      const index = nearest(...position(event));
      if (index >= 0) onPick(index);
      else onBox([]);
      return;
    }
    onBox(points.map((_, index) => index).filter((index) => {
      const [x, y] = at(index);
      return x >= left && x <= right && y >= top && y <= bottom;
    }));
  };
  const zoomBy = (factor, x, y) => setView((before) => {
    const zoom = Math.min(40, Math.max(1, before.zoom * factor));
    const applied = zoom / before.zoom;
    return zoom === 1 ? { zoom: 1, x: 0, y: 0 } : { zoom, x: x - (x - before.x) * applied, y: y - (y - before.y) * applied };
  });
  useEffect(() => {
    const wheel = (event) => {
      if (!event.ctrlKey && !event.metaKey && !event.altKey) return;
      event.preventDefault();
      zoomBy(event.deltaY < 0 ? 1.25 : 0.8, ...position(event));
    };
    const target = box.current;
    target.addEventListener("wheel", wheel, { passive: false });
    return () => target.removeEventListener("wheel", wheel);
  }, []);
  const shown = hover.length === 1 ? hover[0] : null;
  return html`<div class="chart plane" ref=${box} onPointerMove=${move} onPointerLeave=${() => onHover([])} onPointerDown=${(event) => { const [x, y] = position(event); if (event.target === canvas.current) setDrag({ x1: x, y1: y, x2: x, y2: y }); }} onPointerUp=${end}>
    <canvas ref=${canvas} role="img" aria-label=${`Plane of ${points.length} networks; the table below holds the same.`} style=${{ width: `${width}px`, height: `${HEIGHT}px` }}></canvas>
    ${drag && html`<div class="box" style=${{ left: `${Math.min(drag.x1, drag.x2)}px`, top: `${Math.min(drag.y1, drag.y2)}px`, width: `${Math.abs(drag.x2 - drag.x1)}px`, height: `${Math.abs(drag.y2 - drag.y1)}px` }}></div>`}
    ${shown !== null && base[shown] && html`<${Tip} width=${width} at=${{ x: at(shown)[0], y: at(shown)[1] - 10 }}>${names[shown]}<//>`}
    <div class="plane-tools"><button class="button small" aria-label="Zoom in" onClick=${() => zoomBy(1.5, width / 2, HEIGHT / 2)}>+</button><button class="button small" aria-label="Zoom out" onClick=${() => zoomBy(1 / 1.5, width / 2, HEIGHT / 2)}>−</button></div>
  </div>`;
}

/** Points in pixels; both axes have one scale, because distances count. */
function fitted(points, width) {
  const xs = points.map(([x]) => x);
  const ys = points.map(([, y]) => y);
  const [left, right] = [xs.reduce((a, b) => Math.min(a, b), Infinity), xs.reduce((a, b) => Math.max(a, b), -Infinity)];
  const [top, bottom] = [ys.reduce((a, b) => Math.min(a, b), Infinity), ys.reduce((a, b) => Math.max(a, b), -Infinity)];
  const scale = Math.min((width - 2 * MARGIN) / (right - left || 1), (HEIGHT - 2 * MARGIN) / (bottom - top || 1));
  const offset = [(width - scale * (right - left)) / 2, (HEIGHT - scale * (bottom - top)) / 2];
  return points.map(([x, y]) => [offset[0] + (x - left) * scale, offset[1] + (bottom - y) * scale]);
}

function draw(canvas, { at, width, names, groups, edges, hover, chosen, count }) {
  const scale = devicePixelRatio || 1;
  canvas.width = width * scale;
  canvas.height = HEIGHT * scale;
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  const hue = Object.fromEntries(colors(...HUES).map((color, index) => [HUES[index], color]));
  const lit = new Set(hover);
  context.lineWidth = 1;
  for (const [from, to] of edges) {
    const strong = lit.has(from) || lit.has(to);
    context.globalAlpha = strong ? 0.9 : 0.35;
    context.strokeStyle = strong ? hue.accent : hue.edge;
    context.beginPath();
    context.moveTo(...at(from));
    context.lineTo(...at(to));
    context.stroke();
  }
  const radius = count > 2000 ? 2.5 : count > 300 ? 4 : 6;
  for (let index = 0; index < count; index += 1) {
    context.globalAlpha = chosen.size && !chosen.has(index) ? 0.25 : 1;
    context.fillStyle = hue[`c${groups[index] % 7}`];
    context.strokeStyle = lit.has(index) ? hue.ink : hue.panel;
    context.lineWidth = lit.has(index) ? 2.5 : 1.2;
    context.beginPath();
    context.arc(...at(index), lit.has(index) ? radius + 2 : radius, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
  }
  context.globalAlpha = 1;
  if (count <= MOST_NAMES) nameThem(context, { at, names, hue, count, radius, width });
}

/** Names where they do not cover each other. */
function nameThem(context, { at, names, hue, count, radius, width }) {
  context.font = "11.5px system-ui, sans-serif";
  context.fillStyle = hue.faint;
  const taken = [];
  for (let index = 0; index < count; index += 1) {
    const [x, y] = at(index);
    const length = context.measureText(names[index]).width;
    const left = x + radius + 4 + length > width ? x - radius - 4 - length : x + radius + 4;
    const spot = [left, y - 7, left + length, y + 7];
    if (taken.some((other) => spot[0] < other[2] && other[0] < spot[2] && spot[1] < other[3] && other[1] < spot[3])) continue;
    taken.push(spot);
    context.fillText(names[index], left, y + 4);
  }
}
