// Two to four models side by side.
import { html } from "../lib.js";
import { all, get } from "../api.js";
import { isIn, useLive } from "../feed.js";
import { bytes, fixed, inputText, percent, short, words } from "../format.js";
import { link, route, setQuery } from "../router.js";
import { useStore } from "../store.js";
import { Empty, Head, Hint, ModelLink, Panel, Problem, Show, State, useResource } from "../ui/all.js";
import { DatasetChoice, NoDatasets, useDatasets } from "../ui/datasets.js";
import { ModelPicker, seesImages } from "../ui/model_picker.js";
import { HeatMatrix } from "../ui/heat_matrix.js";
import { isUnmeasured } from "../ui/pictures.js";

const MOST = 4;
const MOST_NEIGHBORS = 100;

/** The page of a comparison. */
export default function Compare() {
  const { query } = useStore(route);
  const ids = (query.get("models") || "").split(",").filter(Boolean).slice(0, MOST);
  const models = useResource(ids.length >= 2 ? (signal) => Promise.all(ids.map((id) => get(`models/${id}`, {}, signal))) : null, [ids]);
  const datasets = useDatasets();
  const picker = html`<${ModelPicker} label="Models to compare" fits=${() => true} value=${ids} most=${MOST} onChange=${(next) => setQuery({ models: next.join(",") })} />`;
  if (ids.length < 2) return html`<${Head} title="Compare" /><div class="stack"><div class="panel"><div class="body">${picker}</div></div><div class="panel"><${Empty} title="Choose two to four models" actions=${html`<a class="button" href=${link("models")}>To the zoo</a>`}>Search for them above; or tick them in the zoo, or press <kbd>x</kbd> on a row, and choose Compare.<//></div></div>`;
  return html`<${Head} title="Compare" crumbs=${html`<a href=${link("models")}>Zoo</a>`} about="What distinguishes these networks: facts, where they look, and how near they are." />
    <${Show} of=${models} what="The comparison">${(list) => html`<div class="stack roomy">${picker}<${FactsTable} models=${list} />
      <${Show} of=${datasets} what="The list of datasets">${(sets) => (list.filter(seesImages).length < 2 ? html`<div class="panel"><${Empty} title="Fewer than two of these see images">Networks that read clips have no heat maps and no neighbors.<//></div>` : sets.length ? html`<${Images} models=${list.filter(seesImages)} datasets=${sets} />` : html`<div class="panel"><${NoDatasets} /></div>`)}<//>
      <${AccuracyTable} models=${list} /></div>`}<//>`;
}

/** @type {[string, (model: any) => any][]} */
const ROWS = [["State", (model) => html`<${State} of=${model.state} />`], ["Task", (model) => words(model.task.kind)], ["Parameters", (model) => short(model.parameters)], ["FLOPs", (model) => short(model.flops)], ["File", (model) => bytes(model.size_bytes)], ["Peak memory", (model) => bytes(model.peak_bytes)], ["Input", (model) => inputText(model)], ["Classes", (model) => model.classes?.length ?? "–"], ["Trained on", (model) => model.trained_on || "–"], ["License", (model) => model.license || "–"]];

function FactsTable({ models }) {
  return html`<div class="panel"><div class="table-scroll"><table class="table compare"><thead><tr><th></th>${models.map((model) => html`<th scope="col" class="name"><${ModelLink} id=${model.id} name=${model.name} /> <button class="button small quiet" aria-label=${`Leave out ${model.name}`} disabled=${models.length <= 2} onClick=${() => setQuery({ models: models.filter((other) => other !== model).map((other) => other.id).join(",") })}>✕</button></th>`)}</tr></thead><tbody>${ROWS.map(([name, text]) => html`<tr><th scope="row">${name}</th>${models.map((model) => html`<td>${text(model)}</td>`)}</tr>`)}</tbody></table></div></div>`;
}

function Images({ models, datasets }) {
  const { query } = useStore(route);
  const dataset = query.get("probes") || datasets[0].id;
  const [first, ...others] = models;
  const alike = useResource((signal) => Promise.all(others.map((other) => get(`models/${first.id}/image-similarities`, { other: other.id, dataset }, signal).then((answer) => answer.items, (error) => { if (isUnmeasured(error)) return null; throw error; }))), [models.map((model) => model.id), dataset]);
  useLive(alike, isIn("measurements"));
  const cosine = (model, index) => {
    const value = alike.data?.[others.findIndex((other) => other.id === model.id)]?.[index]?.similarity;
    return value !== undefined && value !== null && html`<span class="cosine number small">${fixed(value, 2)}</span>`;
  };
  return html`<${Panel} title="Where they look" about="On the same images" actions=${html`<${DatasetChoice} label="Images" value=${dataset} datasets=${datasets} onChange=${(probes) => setQuery({ probes })} />`}><${HeatMatrix} key=${dataset} models=${models.map(({ id, name }) => ({ id, name }))} dataset=${dataset} total=${datasets.find((item) => item.id === dataset)?.images} extra=${cosine} />
      <p class="soft small">Below each map: its <${Hint} means="The cosine of two attribution maps: 1 where both networks look at the same pixels, 0 where they have nothing in common.">cosine</${Hint}> with that of ${models[0].name}${alike.data?.every((list) => list === null) ? ". It appears when both are measured on all images of this probe set" : ""}.</p><//>
    <${Panel} title="How near they are" about="Affinity on this probe set, with the similarity of maps and of relations"><${Affinities} models=${models} dataset=${dataset} /><//>`;
}

/** How near each two are, as far as both are measured on the probe set. */
function Affinities({ models, dataset }) {
  const near = useResource((signal) => Promise.all(models.map((model) => get(`models/${model.id}/neighbors`, { dataset, k: MOST_NEIGHBORS }, signal).catch((error) => { if (isUnmeasured(error)) return null; throw error; }))), [models.map((model) => model.id), dataset]);
  useLive(near, isIn("measurements"));
  if (near.error) return html`<${Problem} error=${near.error} retry=${near.reload} />`;
  if (!near.data) return null;
  const cell = (row, column) => {
    if (row === column) return html`<span class="faint">itself</span>`;
    if (!near.data[row] || !near.data[column]) return html`<span class="soft">not measured</span>`;
    const item = near.data[row].items.find((other) => other.model_id === models[column].id);
    return item ? html`<strong>${fixed(item.score)}</strong> <span class="soft small">maps ${fixed(item.node_similarity, 2)}, relations ${fixed(item.edge_similarity, 2)}</span>` : html`<span class="soft">not among the nearest ${MOST_NEIGHBORS}</span>`;
  };
  return html`<div class="table-scroll" tabindex="0"><table class="table"><thead><tr><th></th>${models.map((model) => html`<th>${model.name}</th>`)}</tr></thead><tbody>${models.map((model, row) => html`<tr><th scope="row">${model.name}</th>${models.map((_, column) => html`<td>${cell(row, column)}</td>`)}</tr>`)}</tbody></table></div>`;
}

function AccuracyTable({ models }) {
  const lists = useResource((signal) => Promise.all(models.map(async (model) => (await Promise.all([model.id, model.name].map((word) => all("accuracies", { model: word }, { signal })))).flat())), [models.map((model) => model.id)]);
  return html`<${Show} of=${lists} what="The list of accuracies">${(values) => {
    const sets = [...new Set(values.flat().map((item) => item.dataset))].sort();
    return sets.length > 0 && html`<${Panel} title="Accuracies" flush><div class="table-scroll" tabindex="0"><table class="table"><thead><tr><th>Dataset</th>${models.map((model) => html`<th class="number">${model.name}</th>`)}</tr></thead><tbody>${sets.map((set) => html`<tr><td>${set}</td>${values.map((list) => html`<td class="number">${percent(Math.max(...list.filter((item) => item.dataset === set).map((item) => item.value), -Infinity) === -Infinity ? null : Math.max(...list.filter((item) => item.dataset === set).map((item) => item.value)))}</td>`)}</tr>`)}</tbody></table></div><//>`;
  }}<//>`;
}
