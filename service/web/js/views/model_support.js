// The examples from which a few-shot learner knows the classes of one question.
import { html, useState } from "../lib.js";
import { plural } from "../format.js";
import { Choice, Segments } from "../ui/all.js";
import { DatasetChoice, isLabeled } from "../ui/datasets.js";
import { toast } from "../ui/toasts.js";
import { droppedFiles } from "../ui/add_files.js";

const IMAGE = /\.(jpe?g|png|webp|bmp)$/i;
const SHOTS = [1, 2, 5, 10, 20];
let count = 0;

/** @typedef {{key: number, query: Record<string, any>, files: {file: File, label: string}[]}} Support */

/** @param {{datasets: any[], support: Support | null, onChange: (support: Support | null) => void}} props */
export function SupportChoice({ datasets, support, onChange }) {
  const labeled = datasets.filter(isLabeled);
  const [way, setWay] = useState("files");
  const change = (next) => onChange({ key: ++count, query: {}, files: [], ...next });
  const take = (next) => {
    setWay(next);
    if (next === "dataset" && labeled.length) change({ query: { support_dataset: labeled[0].id, shots: 5 } });
    else onChange(null);
  };
  return html`<fieldset class="stack support"><legend class="label">Examples of the classes</legend>
    <p class="soft small">This network is a few-shot learner: it chooses between classes of which you show it a few images.</p>
    ${labeled.length > 0 && html`<${Segments} label="Where the examples come from" value=${way} options=${[["files", "Your images"], ["dataset", "A labeled dataset"]]} onChange=${take} />`}
    ${way === "files" ? html`<${Dropped} files=${support?.files ?? []} onChange=${(files) => (files.length ? change({ files }) : onChange(null))} />` : support && html`<${FromDataset} ...${{ labeled, change }} query=${support.query} />`}
  </fieldset>`;
}

function Dropped({ files, onChange }) {
  const [label, setLabel] = useState("");
  const add = (dropped) => {
    const images = dropped.filter(({ path }) => IMAGE.test(path)).map(({ file, path }) => ({ file, label: path.split("/").at(-2) || label.trim() }));
    if (images.some((image) => !image.label)) return toast("Name the class of these images first, or drop a folder for each class.", "bad");
    setLabel("");
    return onChange([...files, ...images]);
  };
  const drop = async (event) => {
    event.preventDefault();
    add(await droppedFiles(event.dataTransfer));
  };
  const labels = [...new Set(files.map((item) => item.label))];
  return html`<div class="stack tight">
    <label class="field"><span class="label">Class of the next images</span><input class="input" maxlength="200" placeholder="not needed for folders" value=${label} onInput=${(event) => setLabel(event.target.value)} /></label>
    <label class="drop small" onDragOver=${(event) => event.preventDefault()} onDrop=${drop}><span><strong>Drop a folder for each class</strong><br /><span class="soft">or choose the images of one class</span></span>
      <input class="visually-hidden" type="file" multiple accept="image/*" aria-label="Examples of one class" onChange=${(event) => { add([...event.target.files].map((file) => ({ file, path: file.name }))); event.target.value = ""; }} /></label>
    ${labels.length > 0 && html`<div class="row wrap">${labels.map((name) => html`<span class="tag">${name}: ${plural(files.filter((item) => item.label === name).length, "image")}<button type="button" class="remove" aria-label=${`Remove ${name}`} onClick=${() => onChange(files.filter((item) => item.label !== name))}>✕</button></span>`)}</div>`}
    ${labels.length === 1 && html`<p class="soft small">Add a second class to choose between.</p>`}
  </div>`;
}

function FromDataset({ labeled, query, change }) {
  return html`<div class="fields"><${DatasetChoice} label="Dataset" value=${query.support_dataset} datasets=${labeled} onChange=${(support_dataset) => change({ query: { ...query, support_dataset } })} />
    <${Choice} label="Images of each class" value=${String(query.shots)} options=${SHOTS.map((shots) => [String(shots), String(shots)])} onChange=${(shots) => change({ query: { ...query, shots: Number(shots) } })} /></div>`;
}
