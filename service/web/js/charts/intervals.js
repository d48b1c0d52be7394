// Scores of ranked models as dots with their intervals, in groups that cannot be told apart.
import { html, useState } from "../lib.js";
import { fixed } from "../format.js";
import { AxisX, Tip, useWidth } from "./frame.js";
import { category, extent, linear, ticks } from "./scales.js";

const ROW = 30;
const BOTTOM = 48;

/**
 * @param {{items: {id: string, name: string, score: number, low: number | null, high: number | null, group: number, text?: any}[], label: string, title: string, hover: string | null, onHover: (id: string | null) => void, onPick: (id: string) => void}} props
 */
export function Intervals({ items, label, title, hover, onHover, onPick }) {
  const [box, width] = useWidth();
  const [tip, setTip] = useState(null);
  const names = Math.min(220, Math.max(96, width * 0.28));
  const from = names + 12;
  const height = items.length * ROW + BOTTOM;
  const domain = extent(items.flatMap((item) => [item.score, item.low ?? item.score, item.high ?? item.score]));
  const x = linear(domain, [from, Math.max(from + 40, width - 20)]);
  const enter = (item, index) => {
    onHover(item.id);
    setTip({ item, x: x(item.score), y: index * ROW });
  };
  const leave = () => {
    onHover(null);
    setTip(null);
  };
  return html`<div class="chart" ref=${box} onPointerLeave=${leave}>
    ${width > 0 && html`<svg width=${width} height=${height} role="img" aria-label=${title}>
      ${ticks(domain[0], domain[1], Math.max(2, width / 120)).map((value) => html`<line class="rule" x1=${x(value)} x2=${x(value)} y1="0" y2=${height - BOTTOM} />`)}
      ${items.map((item, index) => html`<g class=${`interval ${category(item.group)} ${hover === item.id ? "hover" : ""}`} transform=${`translate(0,${index * ROW + ROW / 2})`} onPointerEnter=${() => enter(item, index)} onClick=${() => onPick(item.id)}>
        <rect class="back" x="0" y=${-ROW / 2} width=${width} height=${ROW} />
        <text class="name" x=${names} dy="0.34em" text-anchor="end">${shortened(item.name, names / 7.2)}</text>
        ${item.low !== null && html`<line class="whisker" x1=${x(item.low)} x2=${x(item.high)} /><line class="end" x1=${x(item.low)} x2=${x(item.low)} y1="-5" y2="5" /><line class="end" x1=${x(item.high)} x2=${x(item.high)} y1="-5" y2="5" />`}
        <circle class="dot" cx=${x(item.score)} r="5" />
      </g>`)}
      <${AxisX} scale=${x} values=${ticks(domain[0], domain[1], Math.max(2, width / 120))} y=${height - BOTTOM + 4} from=${from} to=${width - 20} label=${label} />
    </svg>
    <${Tip} width=${width} at=${tip && { x: tip.x, y: tip.y }}>${tip && html`<strong>${tip.item.name}</strong><br />${fixed(tip.item.score)}${tip.item.low !== null ? `, ${fixed(tip.item.low)} to ${fixed(tip.item.high)}` : ""}${tip.item.text}`}<//>`}
  </div>`;
}

const shortened = (text, most) => (text.length > most ? `${text.slice(0, Math.max(3, Math.floor(most) - 1))}…` : text);
