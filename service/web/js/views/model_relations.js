// What is near a model, and how well it does where somebody measured it.
import { html } from "../lib.js";
import { all, get, post } from "../api.js";
import { isIn, useLive } from "../feed.js";
import { fixed, percent, words } from "../format.js";
import { go, route, setQuery } from "../router.js";
import { can } from "../session.js";
import { useStore } from "../store.js";
import { Empty, Hint, ModelLink, Problem, Show, Skeleton, Time, useResource } from "../ui/all.js";
import { DatasetChoice, NoDatasets, useDatasets } from "../ui/datasets.js";
import { JobStatus, useJob } from "../ui/job_watch.js";
import { isUnmeasured } from "../ui/pictures.js";
import { cost } from "./model_look.js";

/** The models that look at the same pixels. */
export function Neighbors({ model }) {
  const datasets = useDatasets();
  return html`<${Show} of=${datasets} what="The list of datasets">${(items) => (items.length ? html`<${Near} model=${model} datasets=${items} />` : html`<div class="panel"><${NoDatasets} /></div>`)}<//>`;
}

function Near({ model, datasets }) {
  const { query } = useStore(route);
  const dataset = query.get("probes") || datasets[0].id;
  const near = useResource((signal) => get(`models/${model.id}/neighbors`, { dataset, k: 20 }, signal), [model.id, dataset]);
  useLive(near, isIn("measurements"));
  const job = useJob(near.reload);
  const probes = datasets.find((item) => item.id === dataset);
  return html`<div class="stack">
    <div class="controls"><${DatasetChoice} label=${html`<${Hint} means="The images through which networks are compared. Their labels are not read.">Probe set</${Hint}>`} value=${dataset} datasets=${datasets} onChange=${(probes) => setQuery({ probes })} /></div>
    <${JobStatus} of=${job} />
    ${isUnmeasured(near.error) && !job.busy ? html`<div class="panel"><${Empty} title="Not measured on these images" actions=${can("jobs") && html`<button class="button primary" onClick=${() => job.start(() => post("jobs", { method: "depara", inputs: { model_id: model.id, dataset_id: dataset } }))}>Measure</button>`}>${cost(model, probes?.images ?? 0)} Afterwards the zoo knows its neighbors and its place on the map.<//></div>`
    : near.error && !isUnmeasured(near.error) ? html`<${Problem} error=${near.error} retry=${near.reload} />`
    : near.data ? html`<${NearTable} ...${{ near: near.data, model }} />` : !near.error && html`<${Skeleton} />`}
  </div>`;
}

function NearTable({ near, model }) {
  if (!near.items.length) return html`<div class="panel"><${Empty} title="Nothing to compare with">No other network has been measured on these images.<//></div>`;
  const best = Math.max(...near.items.map((item) => item.score), 1e-9);
  return html`<div class="panel"><div class="table-scroll"><table class="table">
    <thead><tr><th class="number">Rank</th><th>Model</th><th>Affinity</th><th class="number wide"><${Hint} means="Cosine of the two networks' attribution maps, averaged over the images">Maps</${Hint}></th><th class="number wide"><${Hint} means="Rank correlation of which images the two networks find alike">Relations</${Hint}></th><th class="wide">Comparison</th></tr></thead>
    <tbody>${near.items.map((item) => html`<tr><td class="number">${item.rank}</td><td class="name"><${ModelLink} id=${item.model_id} name=${item.name} /></td><td><span class="row"><meter min="0" max=${best} value=${Math.max(0, item.score)} aria-hidden="true"></meter><span class="number">${fixed(item.score)}</span></span></td><td class="number wide">${fixed(item.node_similarity)}</td><td class="number wide">${fixed(item.edge_similarity)}</td><td class="wide soft">${item.exact ? "exact" : html`<span title="Compared by sketches; off by more than this in at most one of a hundred cases">± ${fixed(item.error, 2)}</span>`}</td></tr>`)}</tbody>
  </table></div></div>
  <div class="row"><button class="button" onClick=${() => go("compare", { models: [model.id, ...near.items.slice(0, 3).map((item) => item.model_id)] })}>Compare with the nearest</button></div>`;
}

/** Accuracies that somebody recorded. */
export function Accuracies({ model }) {
  const accuracies = useResource(async (signal) => {
    const lists = await Promise.all([model.id, model.name].map((word) => all("accuracies", { model: word }, { signal })));
    return [...new Map(lists.flat().map((item) => [item.id, item])).values()].sort((a, b) => b.value - a.value);
  }, [model.id]);
  useLive(accuracies, isIn("accuracies"));
  return html`<${Show} of=${accuracies} what="The list of accuracies">${(items) => (items.length === 0
    ? html`<div class="panel"><${Empty} title="No accuracies recorded">Fused rankings learn from measured accuracies. Record them with <code>zooscope accuracies import</code> or <code>POST /v1/accuracies</code>.<//></div>`
    : html`<div class="panel"><div class="table-scroll" tabindex="0"><table class="table"><thead><tr><th>Dataset</th><th>Accuracy</th><th>Metric</th><th class="wide">Protocol</th><th class="wide">Source</th><th class="wide">Recorded</th></tr></thead>
      <tbody>${items.map((item) => html`<tr><td class="name">${item.dataset}</td><td><span class="row"><meter min="0" max="1" value=${item.value} aria-hidden="true"></meter><span class="number">${percent(item.value)}</span></span></td><td>${words(item.metric)}</td><td class="wide">${words(item.protocol)}</td><td class="wide soft">${item.source || "–"}</td><td class="wide soft"><${Time} at=${item.created_at} /></td></tr>`)}</tbody></table></div></div>`)}<//>`;
}
