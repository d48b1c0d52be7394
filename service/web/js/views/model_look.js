// Where a network looks: heat maps on the images of a dataset.
import { html, useState } from "../lib.js";
import { get, openapi, post } from "../api.js";
import { plural, short, words } from "../format.js";
import { link, route, setQuery } from "../router.js";
import { can } from "../session.js";
import { useStore } from "../store.js";
import { Choice, Empty, Hint, Segments, Show, useResource } from "../ui/all.js";
import { DatasetChoice, NoDatasets, useDatasets } from "../ui/datasets.js";
import { JobStatus, useJob } from "../ui/job_watch.js";
import { HeatMap } from "../ui/pictures.js";

const STYLES = [["overlay", "Overlay"], ["signed", "Signed"], ["absolute", "Absolute"]];
const ABOUT = { overlay: "The image, with the pixels that count most in color.", signed: "Red pixels speak for the features, blue ones against.", absolute: "How much each pixel counts, whatever its sign." };
const SHOWN = 12;
// A map needs a forward and a backward pass, which costs about twice a forward pass.
const PASSES = 3;
const METHOD_NAMES = { gxi: "Gradient × input", elrp: "ε-LRP", deep_lift: "DeepLIFT", grad_cam: "Grad-CAM", smooth_grad: "SmoothGrad" };

/** The part of a model's page with its heat maps. */
export function Look({ model }) {
  const datasets = useDatasets();
  return html`<${Show} of=${datasets} what="The list of datasets">${(items) => (items.length ? html`<${Maps} model=${model} datasets=${items} />` : html`<div class="panel"><${NoDatasets} /></div>`)}<//>`;
}

function Maps({ model, datasets }) {
  const { query } = useStore(route);
  const dataset = query.get("probes") || datasets[0].id;
  const look = { style: query.get("style") || "overlay", method: query.get("method") || "gxi", layer: query.get("layer") || null };
  const start = Number(query.get("from") || 0);
  const total = datasets.find((item) => item.id === dataset)?.images ?? 0;
  const [opacity, setOpacity] = useState(1);
  const [missing, setMissing] = useState(new Set());
  const [turn, setTurn] = useState(0);
  const key = JSON.stringify([dataset, look, start, turn]);
  const job = useJob(() => setTurn((count) => count + 1));
  const images = useResource((signal) => get(`datasets/${dataset}/images`, { page_size: Math.min(500, start + SHOWN) }, signal), [dataset, start]);
  const methods = useResource(async () => (await openapi()).components.schemas.Attribution?.enum || ["gxi"], ["attributions"]);
  const layers = useResource((signal) => get(`models/${model.id}/layers`, {}, signal), [model.id]);
  const indices = Array.from({ length: Math.max(0, Math.min(SHOWN, total - start)) }, (_, offset) => start + offset);
  const absent = indices.filter((index) => missing.has(`${key}|${index}`));
  const measure = () => job.start(() => post(`models/${model.id}/attributions`, { dataset_id: dataset, indices: absent, style: look.style, method: look.method, ...(look.layer ? { layer: look.layer } : {}) }));
  return html`<div class="stack">
    <div class="controls">
      <${DatasetChoice} label="Images" value=${dataset} datasets=${datasets} onChange=${(probes) => setQuery({ probes, from: null })} />
      <${Choice} label="Method" value=${look.method} options=${(methods.data || [look.method]).map((name) => [name, METHOD_NAMES[name] || words(name)])} onChange=${(method) => setQuery({ method })} />
      <${Choice} label="Layer" value=${look.layer} empty="Feature layer" options=${(layers.data?.items || []).map((layer) => layer.name)} onChange=${(layer) => setQuery({ layer })} />
      <div class="field"><span class="label">Drawing</span><${Segments} label="Drawing" value=${look.style} options=${STYLES} onChange=${(style) => setQuery({ style })} /></div>
      <label class="field"><span class="label">Image ↔ map</span><input type="range" min="0" max="1" step="0.05" value=${opacity} onInput=${(event) => setOpacity(Number(event.target.value))} /></label>
    </div>
    <p class="soft small"><${Hint} means="An attribution map says how much every pixel of an image contributes to a network's features. Drawn as colors, it is a heat map.">Heat maps</${Hint}>. ${ABOUT[look.style]}</p>
    ${absent.length > 0 && !job.busy && html`<div class="note row between wrap measure">
      <div><strong>${absent.length === indices.length ? "Not measured" : `${plural(absent.length, "image")} not measured`}</strong> <span class="soft">${cost(model, absent.length)}</span></div>
      ${can("jobs") ? html`<button class="button primary" onClick=${measure}>Measure ${plural(absent.length, "image")}</button>` : html`<span class="soft">A key with the scope jobs can measure.</span>`}
    </div>`}
    <${JobStatus} of=${job} />
    ${total === 0 ? html`<${Empty} title="No images">This dataset has none.<//>` : html`<div class="heat-grid">${indices.map((index) => html`<figure key=${`${key}|${index}`}><${HeatMap} model=${model.id} dataset=${dataset} index=${index} name=${images.data?.items[index]?.name} look=${look} opacity=${opacity} turn=${turn} onMissing=${(at) => setMissing((before) => new Set([...before, `${key}|${at}`]))} /><figcaption class="clip small soft">${images.data?.items[index]?.name || index}</figcaption></figure>`)}</div>`}
    ${total > SHOWN && html`<nav class="row between" aria-label="Images"><button class="button small" disabled=${start === 0} onClick=${() => setQuery({ from: Math.max(0, start - SHOWN) })}>Previous</button><span class="soft small">${start + 1} to ${start + indices.length} of ${total}</span><button class="button small" disabled=${start + SHOWN >= total} onClick=${() => setQuery({ from: start + SHOWN })}>Next</button></nav>`}
    <p class="small"><a href=${link(["datasets", dataset])}>Open the dataset</a></p>
  </div>`;
}

/** What a measurement costs, as far as the model's facts say. */
export const cost = (model, images) => `It runs the network forward and backward on ${plural(images, "image")}${model.flops ? `, about ${short(PASSES * model.flops * images, "FLOPs")}` : ""}.`;
