// One dataset: its images or clips, labels, and the problems of files.
import { html, useMemo } from "../lib.js";
import { address, all, get, send } from "../api.js";
import { isAbout, useLive } from "../feed.js";
import { bytes, count, plural } from "../format.js";
import { go, link, route, setQuery } from "../router.js";
import { can } from "../session.js";
import { useStore } from "../store.js";
import { confirm, showDialog } from "../ui/dialog.js";
import { Choice, Empty, Facts, Figures, Head, Panel, Prose, Show, State, Time, copy, useResource } from "../ui/all.js";
import { isLabeled } from "../ui/datasets.js";
import { DatasetImage } from "../ui/pictures.js";
import { toast } from "../ui/toasts.js";
import { Clips } from "./dataset_clips.js";

const SHOWN = 120;
const SETTLED = new Set(["ready", "rejected", "damaged"]);

/** The page of a dataset. */
export default function Dataset() {
  const { path, query } = useStore(route);
  const id = path[1];
  const dataset = useResource((signal) => get(`datasets/${id}`, {}, signal), [id]);
  useLive(dataset, isAbout("datasets", id));
  return html`<${Show} of=${dataset} lines=${8} what="The dataset">${(item) => html`<${Page} dataset=${item} query=${query} />`}<//>`;
}

function Page({ dataset, query }) {
  const ready = dataset.state === "ready";
  const ofClips = dataset.kind === "clips";
  const compared = ready && !ofClips;
  const figures = ofClips ? [["Clips", count(dataset.clips)]] : [["Images", count(dataset.images)], ["Labels", dataset.labels ? count(dataset.labels.length) : "none"], [html`<abbr title="Height and width of the square that networks get, before their own scaling">Side</abbr>`, dataset.canonical_side ? `${dataset.canonical_side} px` : "–"]];
  const remove = () => confirm({ title: `Delete ${dataset.name}?`, text: html`<p>The ${dataset.kind} and every measurement on them are deleted. This cannot be undone.</p>`, action: "Delete", work: () => send("DELETE", `datasets/${dataset.id}`), onDone: () => { toast(`${dataset.name} is deleted.`); go("datasets"); } });
  return html`<${Head} title=${dataset.name} crumbs=${html`<a href=${link("datasets")}>Datasets</a> / <button class="button small quiet mono" title="Copy the id" onClick=${() => copy(dataset.id)}>${dataset.id}</button>`}
      actions=${html`${compared && html`<a class="button" href=${link("map", { dataset: dataset.id })}>Map</a>`}${compared && can("jobs") && (isLabeled(dataset) ? html`<a class="button primary" href=${link("rank", { dataset: dataset.id })}>Rank networks for it</a>` : html`<a class="button primary" title="Without one label per image, the target is a network; these images are the probe set." href=${link("rank", { kind: "model", probes: dataset.id })}>Use as probe set</a>`)}${can("write") && html`<button class="button danger" onClick=${remove}>Delete</button>`}`} />
    <div class="stack roomy">
      <${Figures} items=${[...figures, ["State", html`<${State} of=${dataset.state} />`]]} />
      ${!SETTLED.has(dataset.state) && html`<div class="note" role="status"><strong>The zoo reads the ${dataset.kind} in a sandbox.</strong>${dataset.job_id && html`<a class="small" href=${link(["jobs", dataset.job_id])}>Watch the job</a>`}</div>`}
      ${dataset.problems.length > 0 && html`<${Panel} title=${plural(dataset.problems.length, "problem")} about=${ready ? "These files were left out." : "Nothing was added."}><ul class="stack tight problems">${dataset.problems.map((problem) => html`<li><strong>${problem.name || "The upload"}</strong>: ${problem.detail} ${problem.remedy && html`<span class="soft">${problem.remedy}</span>`}</li>`)}</ul><//>`}
      ${dataset.notes.length > 0 && html`<details class="panel about"><summary>${plural(dataset.notes.length, "note")} on what the zoo assumed or changed</summary><div class="body"><ul class="stack tight problems">${dataset.notes.map((note) => html`<li><${Prose} text=${note.detail} />${note.names.length > 0 && html` <span class="soft small">${note.count > note.names.length ? `${count(note.count)}, such as ` : ""}${note.names.join(", ")}</span>`}</li>`)}</ul></div></details>`}
      ${ready && html`<${ofClips ? Clips : Images} dataset=${dataset} query=${query} />`}
      <details class="panel about"><summary>All facts${dataset.tags.map((tag) => html`<span class="tag">${tag}</span>`)}</summary><div class="body"><${Facts} items=${[["License", dataset.license], ["Labels", dataset.labels?.join(", ")], ["SHA-256", html`<code>${dataset.sha256}</code>`], ["Added", html`<${Time} at=${dataset.created_at} />`]]} /></div></details>
    </div>`;
}

function Images({ dataset, query }) {
  const label = query.get("label");
  const most = Number(query.get("shown") || SHOWN);
  const images = useResource((signal, show) => all(`datasets/${dataset.id}/images`, {}, { signal, onPage: show, most: label === null ? most : Infinity }), [dataset.id, label === null ? most : "all"]);
  return html`<section class="stack">
    ${dataset.labels && dataset.label_kind !== "mask" && html`<div class="controls"><${Choice} label="Label" value=${label} empty="Every label" options=${dataset.labels.map((name, index) => [String(index), name])} onChange=${(next) => setQuery({ label: next, shown: null })} /></div>`}
    <${Show} of=${images} what="The list of images">${(items) => html`<${Grid} ...${{ items, dataset, label, most }} />`}<//>
  </section>`;
}

function Grid({ items, dataset, label, most }) {
  const chosen = useMemo(() => items.filter((image) => label === null || labelsOf(image).map(String).includes(label)), [items, label]);
  const shown = chosen.slice(0, most);
  if (!shown.length) return html`<div class="panel"><${Empty} title="No image has this label">Choose another one.<//></div>`;
  return html`<div class="image-grid">${shown.map((image) => html`<button key=${image.index} class="thumb-button" onClick=${() => enlarge(dataset, image)}><${DatasetImage} dataset=${dataset.id} index=${image.index} name=${image.name} /><span class="clip small soft">${labelText(dataset, image) || image.name}</span></button>`)}</div>
    ${(chosen.length > most || (label === null && dataset.images > most)) && html`<div class="row"><button class="button" onClick=${() => setQuery({ shown: most + SHOWN })}>Show more</button><span class="soft small">${shown.length} of ${label === null ? dataset.images : chosen.length}</span></div>`}`;
}

/** The numbers of an image's labels. @returns {number[]} */
const labelsOf = (image) => image.labels ?? (image.label === null ? [] : [image.label]);
const labelText = (dataset, image) => labelsOf(image).map((label) => dataset.labels?.[label]).join(", ");

function enlarge(dataset, image) {
  showDialog(image.name, (close) => html`<div class="stack"><img class="large" alt=${image.name} src=${address(`datasets/${dataset.id}/images/${image.index}`)} />
    ${image.mask_sha256 && html`<img class="large" alt=${`Mask of ${image.name}`} src=${address(`datasets/${dataset.id}/masks/${image.index}`)} />`}
    <${Facts} items=${[["Position", image.index], ["Label", labelText(dataset, image)], ["Size", `${image.width} × ${image.height} px, ${bytes(image.size_bytes)}`], ["Type", image.media_type], ["SHA-256", html`<code>${image.sha256}</code>`]]} />
    <div class="actions"><button class="button" onClick=${close}>Close</button></div></div>`);
}
