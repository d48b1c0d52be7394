// The numbers that a training reports, as curves: losses together, qualities together.
import { html } from "../lib.js";
import { words } from "../format.js";
import { Lines } from "../charts/lines.js";
import { Panel } from "../ui/all.js";

const QUALITIES = /accuracy|agreement|retention|precision|iou|recall|share/;
const IGNORED = new Set(["step"]);

/** @param {{metrics: any[]}} props */
export function Curves({ metrics }) {
  const names = [...new Set(metrics.flatMap((numbers) => Object.keys(numbers)))].filter((name) => !IGNORED.has(name));
  const curves = (chosen) => chosen.map((name) => ({ name: words(name), points: metrics.filter((numbers) => typeof numbers[name] === "number").map((numbers) => ({ x: numbers.step, y: numbers[name] })) }));
  const quality = names.filter((name) => QUALITIES.test(name));
  const losses = names.filter((name) => !QUALITIES.test(name));
  return html`<div class="columns">
    ${quality.length > 0 && html`<${Panel} title="Quality" about="On images that the training does not learn from"><${Lines} title="Quality over the steps" curves=${curves(quality)} xLabel="step" yLabel="share" /><//>`}
    ${losses.length > 0 && html`<${Panel} title="Losses" about="On the images of the latest batch"><${Lines} title="Losses over the steps" curves=${curves(losses)} xLabel="step" yLabel="loss" /><//>`}
  </div>`;
}
