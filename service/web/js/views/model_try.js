// Running an image through a model: classes, a picture, or features.
import { html, useEffect, useState } from "../lib.js";
import { send } from "../api.js";
import { count, fixed, percent } from "../format.js";
import { Problem, Prose, Segments } from "../ui/all.js";
import { DatasetChoice, useDatasets } from "../ui/datasets.js";
import { DatasetImage } from "../ui/pictures.js";
import { useResource } from "../ui/resource.js";
import { ReadClip } from "./model_read.js";
import { Stylize } from "./model_stylize.js";
import { SupportChoice } from "./model_support.js";

const OUTPUTS = { classes: "Classes", image: "Picture", features: "Features" };
const WITHOUT_CLASSES = new Set(["regression", "embedding"]);

/** What a network can answer, the usual answer first. */
function outputsOf(model) {
  if (model.few_shot) return ["classes", "features"];
  if (model.output_kind === "map") return ["image", "features"];
  return model.output_kind === "vector" && !WITHOUT_CLASSES.has(model.task.kind) ? ["classes", "features"] : ["features"];
}

/** The part of a model's page that runs it. */
export const TryIt = ({ model }) => html`<${model.reader ? ReadClip : model.stylizer ? Stylize : RunIt} model=${model} />`;

function RunIt({ model }) {
  const [image, setImage] = useState(/** @type {(Blob & {number?: number}) | null} */ (null));
  const outputs = outputsOf(model);
  const [output, setOutput] = useState(outputs[0]);
  const [support, setSupport] = useState(/** @type {import("./model_support.js").Support | null} */ (null));
  const [dataset, setDataset] = useState(/** @type {string | null} */ (null));
  const datasets = useDatasets();
  const needs = model.few_shot && output === "classes";
  const ready = image && (!needs || support);
  const result = useResource(ready ? (signal) => predict(model.id, image, output, needs ? support : null, signal) : null, [image && `${image.size}${image.type}${/** @type {any} */ (image).name}${image.number}`, output, needs && support?.key]);
  const choose = (file) => setImage(Object.assign(file, { number: Date.now() }));
  const fromZoo = async (index) => choose(await (await send("GET", `datasets/${dataset || datasets.data[0].id}/images/${index}`)).blob());
  const drop = (event) => {
    event.preventDefault();
    const file = event.dataTransfer.files[0];
    if (file) choose(file);
  };
  const shown = datasets.data?.find((item) => item.id === dataset) || datasets.data?.[0];
  const waiting = !image ? "Nothing is stored. The network runs in the zoo's sandbox." : "Now give it examples of the classes to choose between.";
  return html`<div class="try">
    <div class="stack">
      ${needs && html`<${SupportChoice} datasets=${datasets.data || []} support=${support} onChange=${setSupport} />`}
      <label class="drop" onDragOver=${(event) => event.preventDefault()} onDrop=${drop}>
        ${image ? html`<${Preview} image=${image} />` : html`<span><strong>Drop an image</strong><br /><span class="soft">or choose a file: JPEG, PNG, WebP, BMP</span></span>`}
        <input class="visually-hidden" type="file" accept="image/*" onChange=${(event) => event.target.files[0] && choose(event.target.files[0])} />
      </label>
      ${outputs.length > 1 && html`<${Segments} label="Output" value=${output} options=${outputs.map((key) => [key, OUTPUTS[key]])} onChange=${setOutput} />`}
      ${shown && html`<${DatasetChoice} label="Or take an image of the zoo" value=${shown.id} datasets=${datasets.data} onChange=${setDataset} />
      <div class="strip">${Array.from({ length: Math.min(8, shown.images) }, (_, index) => html`<button class="thumb-button" aria-label=${`Try image ${index}`} onClick=${() => fromZoo(index)}><${DatasetImage} dataset=${shown.id} index=${index} /></button>`)}</div>`}
    </div>
    <div aria-live="polite">${!ready ? html`<p class="soft">${waiting}</p>` : result.error ? html`<${Problem} error=${result.error} retry=${result.reload} />` : result.data ? html`<${Result} result=${result.data} model=${model} />` : html`<p class="soft" role="status">Running …</p>`}</div>
  </div>`;
}

function useAddress(blob) {
  const [address, setAddress] = useState("");
  useEffect(() => {
    const made = URL.createObjectURL(blob);
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [blob]);
  return address;
}

function Preview({ image }) {
  const address = useAddress(image);
  return address && html`<img src=${address} alt="The image to try" />`;
}

async function predict(id, image, output, support, signal) {
  const query = { output, top_k: 8, ...support?.query };
  const sent = support?.files.length ? { body: formOf(image, support.files) } : { body: image, headers: { "Content-Type": image.type || "image/png" } };
  const response = await send("POST", `models/${id}:predict`, { query, signal, ...sent });
  const type = response.headers.get("Content-Type") || "";
  if (type.startsWith("application/json")) {
    const { items, support: learned } = await response.json();
    return { kind: "classes", classes: items[0].classes, outside: items[0].outside, learned };
  }
  const blob = await response.blob();
  return type.startsWith("image/") ? { kind: "image", blob } : { kind: "features", ...features(await blob.arrayBuffer()), blob };
}

/** An image and the labeled examples beside it. */
function formOf(image, files) {
  const form = new FormData();
  form.append("images", image, "image");
  for (const { file, label } of files) {
    form.append("support", file, file.name);
    form.append("support_labels", label);
  }
  return form;
}

/** The shape and some statistics of an array in NumPy's format. @param {ArrayBuffer} buffer */
function features(buffer) {
  const view = new DataView(buffer);
  const header = new TextDecoder().decode(new Uint8Array(buffer, 10, view.getUint16(8, true)));
  const shape = header.match(/'shape': \(([^)]*)\)/)?.[1].split(",").map((part) => part.trim()).filter(Boolean).map(Number) ?? [];
  const isFloat = header.includes("<f4");
  const values = isFloat ? [...new Float32Array(buffer.slice(10 + view.getUint16(8, true)))] : [];
  return { shape, values };
}

function Result({ result, model }) {
  if (result.kind === "classes") return html`<div class="panel"><div class="body"><ol class="chances">${result.classes.map((item) => html`<li><span class="clip">${item.name ?? `class ${item.index}`}</span><meter min="0" max="1" value=${item.probability} aria-hidden="true"></meter><span class="number">${percent(item.probability)}</span></li>`)}</ol>
    ${result.outside && html`<p class="note warn">This image is farther from all of these classes than 99 of 100 images are from theirs. It may belong to none.</p>`}
    ${result.learned?.notes.map((note) => html`<p class="soft small"><${Prose} text=${note} /></p>`)}</div></div>`;
  if (result.kind === "image") return html`<figure class="stack tight result"><${Preview} image=${result.blob} /><figcaption class="soft small">The output of ${model.name}</figcaption></figure>`;
  return html`<${FeatureResult} result=${result} />`;
}

function FeatureResult({ result }) {
  const address = useAddress(result.blob);
  const { values, shape } = result;
  const mean = values.reduce((sum, value) => sum + value, 0) / (values.length || 1);
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length || 1));
  const active = values.filter((value) => value !== 0).length;
  return html`<div class="stack"><p><strong>${shape.join(" × ")}</strong> features: mean ${fixed(mean)}, standard deviation ${fixed(deviation)}, ${percent(active / (values.length || 1), 0)} of ${count(values.length)} not zero.</p><div><a class="button" href=${address} download="features.npy">Download features.npy</a></div></div>`;
}
