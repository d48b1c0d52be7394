// Which layer of a network to build on.
import { html, useEffect, useState } from "../lib.js";
import { get, post } from "../api.js";
import { follow } from "../events.js";
import { isAbout, useLive } from "../feed.js";
import { fixed, percent, plural, short } from "../format.js";
import { go, link, route, setQuery } from "../router.js";
import { can } from "../session.js";
import { useStore } from "../store.js";
import { Copy, Empty, Head, Hint, Panel, Problem, Progress, Segments, Show, useResource } from "../ui/all.js";
import { DatasetChoice, NoDatasets, isLabeled, useDatasets } from "../ui/datasets.js";
import { ModelPicker, seesImages, useModelsById, useZoo } from "../ui/model_picker.js";
import { Lines } from "../charts/lines.js";

const AXES = [["depth", "Depth"], ["operations_share", "Cost"]];
const AMOUNTS = [["scarce", "Few labels"], ["ample", "Many labels"]];

/** The form for a layer selection, or one that was made. */
export default function Layers() {
  const { path } = useStore(route);
  return path[1] ? html`<${Selection} id=${path[1]} />` : html`<${Ask} />`;
}

function Ask() {
  const datasets = useDatasets();
  const zoo = useZoo();
  return html`<${Head} title="Layers" about="Cut a network at a layer and build on what it has learned up to there. Which layer fits the new task?" />
    <${Show} of=${datasets} what="The list of datasets">${(sets) => html`<${Show} of=${zoo} what="The list of models">${({ items }) => (sets.length && items.some(seesImages) ? html`<${Form} datasets=${sets} newest=${items.filter(seesImages)} />` : html`<div class="panel">${items.some(seesImages) ? html`<${NoDatasets} />` : html`<${Empty} title="No models yet" actions=${html`<a class="button" href=${link("models")}>To the zoo</a>`}>Add a network first.<//>`}</div>`)}<//>`}<//>`;
}

function Form({ datasets, newest }) {
  const { query } = useStore(route);
  const [state, setState] = useState({ busy: false, error: null });
  const labeled = datasets.filter(isLabeled);
  const source = query.get("source") || newest[0].id;
  const kind = query.get("target") ? "model" : query.get("kind") || (labeled.length ? "dataset" : "model");
  const dataset = query.get("dataset") || labeled[0]?.id;
  const target = query.get("target") || newest.find((model) => model.id !== source)?.id;
  const probes = query.get("probes") || dataset || datasets[0].id;
  const data = query.get("data") || "scarce";
  const model = useModelsById([source]).data?.get(source);
  const images = datasets.find((item) => item.id === probes)?.images ?? 0;
  const ask = async (event) => {
    event.preventDefault();
    setState({ busy: true, error: null });
    try {
      const selection = await post("layer-selections", { source_model_id: source, target: kind === "dataset" ? { dataset_id: dataset } : { model_id: target }, probe_set_id: probes, data });
      go(["layers", selection.id], { data });
    } catch (error) {
      setState({ busy: false, error });
    }
  };
  return html`<form class="rank-form" onSubmit=${ask}>
    <${Panel} title="1. Network" about="The one to cut"><${ModelPicker} label="Network" value=${[source]} most=${1} required onChange=${([next]) => setQuery({ source: next })} /><//>
    <${Panel} title="2. Target" about="What to build on it"><div class="stack"><${Segments} label="Kind of target" value=${kind} options=${[["dataset", "A labeled dataset"], ["model", "A network"]]} onChange=${(next) => setQuery({ kind: next, target: next === "model" ? target : null })} />
      ${kind === "dataset" ? (labeled.length ? html`<${DatasetChoice} label="Dataset" value=${dataset} datasets=${labeled} onChange=${(next) => setQuery({ dataset: next })} />` : html`<p class="soft">No dataset has labels.</p>`) : html`<${ModelPicker} label="Network" value=${target ? [target] : []} most=${1} required onChange=${([next]) => setQuery({ target: next })} />`}</div><//>
    <${Panel} title="3. Images and labels" about="Through what to compare"><div class="stack"><${DatasetChoice} label=${html`<${Hint} means="The images through which networks are compared; their labels are not read.">Probe set</${Hint}>`} value=${probes} datasets=${datasets} onChange=${(next) => setQuery({ probes: next })} /><${Segments} label="Amount of labels" value=${data} options=${AMOUNTS} onChange=${(next) => setQuery({ data: next })} /></div><//>
    <div class="panel rank-ask"><div class="body"><div><h2>Cost</h2><p class="soft">It runs both networks on ${plural(images, "image")}, and measures the first at the end of each of its blocks${model?.flops ? `: about ${short(3 * model.flops * images, "FLOPs")}` : ""}. ${kind === "dataset" ? "A small network is trained on the dataset if there is none yet." : ""}</p></div>
      ${state.error && html`<${Problem} error=${state.error} />`}
      ${can("jobs") ? html`<button class="button primary" disabled=${state.busy || (kind === "dataset" && !dataset)}>${state.busy ? "Asking …" : "Compare the layers"}</button>` : html`<p class="soft">A key with the scope jobs can compare layers.</p>`}</div></div>
  </form>`;
}

function Selection({ id }) {
  const { query } = useStore(route);
  const reading = query.get("edge_weight") ? { edge_weight: query.get("edge_weight") } : { data: query.get("data") || "ample" };
  const selection = useResource((signal) => get(`layer-selections/${id}`, reading, signal), [id, reading]);
  useLive(selection, isAbout("layer-selections", id));
  const [progress, setProgress] = useState(null);
  const job = selection.data?.state === "pending" ? selection.data.job_id : null;
  useEffect(() => (job ? follow(job, { onEvent: (event) => event.type === "progress" && setProgress(event.data), onState: (state) => state === "done" && selection.reload(), onError: () => selection.reload() }) : undefined), [job]);
  return html`<${Show} of=${selection} what="The selection">${(item) => html`<${Answer} selection=${item} progress=${progress} reading=${reading} />`}<//>`;
}

function Answer({ selection, progress, reading }) {
  const { query } = useStore(route);
  const source = useResource((signal) => get(`models/${selection.source_model_id}`, {}, signal), [selection.source_model_id]);
  const axis = query.get("axis") || "depth";
  const middle = selection.baselines?.middle;
  const picked = query.get("layer") || middle || selection.choice?.layer || null;
  const name = source.data?.name ?? "the network";
  const curve = selection.layers.filter((layer) => layer.score !== null && layer[axis] !== null).map((layer) => ({ x: layer[axis], y: layer.score, low: layer.interval?.[0], high: layer.interval?.[1], key: layer.layer, text: html`<strong>${layer.layer}</strong><br />${fixed(layer.score)}${layer.interval ? `, ${fixed(layer.interval[0])} to ${fixed(layer.interval[1])}` : ""}<br />${percent(layer.operations_share, 0)} of the operations` }));
  const marks = selection.baselines ? [["middle", selection.baselines.middle], ["deepest", selection.baselines.deepest]].map(([text, layer]) => ({ text, x: selection.layers.find((item) => item.layer === layer)?.[axis] })).filter((mark) => mark.x !== undefined && mark.x !== null) : [];
  return html`<${Head} title=${`Layers of ${name}`} crumbs=${html`<a href=${link("layers")}>Layers</a>`} about="How well each layer's features fit the target, over the depth of the network." actions=${html`<a class="button" href=${link(["models", selection.source_model_id])}>Open the model</a>`} />
    ${selection.state === "pending" && html`<div class="panel"><div class="body stack" role="status"><h2>${(progress ?? selection.progress)?.message || "Measuring"}</h2><${Progress} ...${{ step: 0, total: 0, ...(progress ?? selection.progress) }} /></div></div>`}
    ${selection.state === "failed" && html`<${Problem} error=${{ message: selection.error?.detail || "The comparison failed.", remedy: selection.error?.remedy, code: selection.error?.code }} />`}
    ${selection.state === "ready" && html`<div class="stack roomy">
      ${selection.choice && html`<section class="answer panel"><div class="body"><div><p class="soft">Cut at</p><h2 class="mono">${picked}</h2><p>${picked === selection.choice.layer ? html`It has the greatest score, ${fixed(selection.choice.score)}${selection.choice.runner_up ? html`; the next is <code>${selection.choice.runner_up}</code>, ${fixed(selection.choice.margin)} below` : ""}.` : html`${picked === middle ? "The middle layer, which no score has beaten in measured transfer." : "Your choice."} The greatest score has <code>${selection.choice.layer}</code>.`}</p></div>
        ${can("jobs") && html`<div class="row wrap"><button class="button primary" onClick=${() => go("jobs/new", { method: "fine_tune", source_model_id: selection.source_model_id, layer: picked })}>Train from here</button><button class="button" onClick=${() => go("jobs/new", { method: "linear_probe", source_model_id: selection.source_model_id, layer: picked })}>Linear probe here</button></div>`}</div></section>`}
      <${Panel} title="Scores" about="The band holds 90 % of the scores over resampled probes. Click a point to choose its layer." actions=${html`<${Segments} label="Labels" value=${reading.data || ""} options=${AMOUNTS} onChange=${(data) => setQuery({ data, edge_weight: null, layer: null })} /><${Segments} label="Axis" value=${axis} options=${AXES} onChange=${(next) => setQuery({ axis: next })} />`}>
        <${Lines} title=${`Scores of the layers of ${name}`} curves=${[{ name: "score", points: curve }]} xLabel=${axis === "depth" ? "share of the network's layers" : "share of the network's operations"} yLabel="score" marks=${marks} chosen=${picked} onPick=${(layer) => setQuery({ layer })} />
      <//>
      <div class="panel"><div class="table-scroll"><table class="table"><thead><tr><th>Layer</th><th class="wide">Kind</th><th class="wide">Shape</th><th class="number">Score</th><th class="number wide">Interval</th><th class="number">Operations</th><th></th></tr></thead><tbody>${selection.layers.map((layer) => html`<tr class=${layer.layer === picked ? "hover" : ""}><td class="mono">${layer.layer}</td><td class="wide soft">${layer.kind}</td><td class="wide mono small">${layer.shape.join(" × ")}</td><td class="number">${layer.score === null ? html`<span class="soft" title=${layer.detail || ""}>${layer.status}</span>` : fixed(layer.score)}</td><td class="number wide">${layer.interval ? `${fixed(layer.interval[0])} to ${fixed(layer.interval[1])}` : "–"}</td><td class="number">${percent(layer.operations_share, 0)}</td><td class="number">${layer.score !== null && html`<button class="button small" onClick=${() => setQuery({ layer: layer.layer })}>Choose</button>`}</td></tr>`)}</tbody></table></div></div>
      <${Copy} text=${`zooscope layers ${selection.id}${reading.data ? ` --data ${reading.data}` : ` --edge-weight ${reading.edge_weight}`}`} />
    </div>`}`;
}
