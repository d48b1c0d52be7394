// A task tree: which networks join first.
import { html, useMemo } from "../lib.js";
import { AxisX, useWidth } from "./frame.js";
import { category, linear, tickText, ticks } from "./scales.js";

const ROOMY_ROW = 22;
const LEAST_ROW = 3;
const BOTTOM = 44;
const MOST_ROOMY = 60;

/**
 * @param {{tree: {joins: {left: number, right: number, height: number}[], order: number[]}, names: string[], groups: number[], hover: number[], onHover: (indices: number[]) => void, onPick: (index: number) => void}} props
 */
export function Tree({ tree, names, groups, hover, onHover, onPick }) {
  const [box, width] = useWidth();
  const n = tree.order.length;
  const named = n <= MOST_ROOMY;
  const row = named ? ROOMY_ROW : Math.max(LEAST_ROW, 900 / n);
  const height = n * row + BOTTOM;
  const left = named ? Math.min(190, width * 0.36) : 12;
  const top = tree.joins.reduce((most, join) => Math.max(most, join.height), 0);
  const x = linear([0, top || 1], [left, Math.max(left + 40, width - 14)]);
  const layout = useMemo(() => placed(tree, row), [tree, row]);
  const lit = new Set(hover);
  return html`<div class="chart tree" ref=${box} onPointerLeave=${() => onHover([])}>
    ${width > 0 && html`<svg width=${width} height=${height} role="img" aria-label=${`Task tree of ${n} networks; the table below holds the same.`}>
      ${layout.joins.map((join) => html`<path class="branch" d=${`M${x(join.x1)},${join.y1}H${x(join.height)}V${join.y2}H${x(join.x2)}`} />`)}
      ${tree.order.map((index, position) => html`<g class=${`leaf ${category(groups[index])} ${lit.has(index) ? "hover" : ""}`} transform=${`translate(0,${(position + 0.5) * row})`} onPointerEnter=${() => onHover([index])} onClick=${() => onPick(index)}>
        <rect class="back" x="0" y=${-row / 2} width=${left} height=${row} />
        ${named && html`<text x=${left - 14} dy="0.34em" text-anchor="end">${names[index].length > 24 ? `${names[index].slice(0, 23)}…` : names[index]}</text>`}
        <circle cx=${left - 4} r=${named ? 4 : Math.min(3, row / 2)} />
      </g>`)}
      <${AxisX} scale=${x} values=${ticks(0, top, 4)} y=${height - BOTTOM + 6} from=${left} to=${width - 14} label="distance at which groups join" text=${tickText} />
    </svg>`}
  </div>`;
}

/** Where each join stands: the middle of its two sides. */
function placed(tree, row) {
  const n = tree.order.length;
  const y = new Map(tree.order.map((index, position) => [index, (position + 0.5) * row]));
  const at = new Map(tree.order.map((index) => [index, 0]));
  const joins = tree.joins.map((join, number) => {
    const both = { height: join.height, y1: y.get(join.left), y2: y.get(join.right), x1: at.get(join.left), x2: at.get(join.right) };
    y.set(n + number, (both.y1 + both.y2) / 2);
    at.set(n + number, join.height);
    return both;
  });
  return { joins };
}
