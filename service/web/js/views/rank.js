// Asking which model to start from: target, candidates, metric, cost.
import { html, useState } from "../lib.js";
import { get, openapi, post } from "../api.js";
import { isIn, useLive } from "../feed.js";
import { count, duration, plural, words } from "../format.js";
import { go, link, route, setQuery } from "../router.js";
import { can } from "../session.js";
import { useStore } from "../store.js";
import { Choice, Empty, Head, Hint, Panel, Problem, Segments, Show, State, Time, useResource } from "../ui/all.js";
import { DatasetChoice, NoDatasets, isLabeled, useDatasets } from "../ui/datasets.js";
import { ModelPicker, facetValues, seesImages, useModelsById, useZoo } from "../ui/model_picker.js";
import { METRICS, comparesNetworks, metricAbout, metricName } from "./metrics.js";

/** The form for a ranking, and the latest rankings. */
export default function Rank() {
  const datasets = useDatasets();
  const zoo = useZoo();
  return html`<${Head} title="Rank" about="Which network should you start from for a new task? Name the task by a dataset, or by a network that solves it." />
    <div class="stack roomy"><${Show} of=${datasets} what="The list of datasets">${(sets) => html`<${Show} of=${zoo} what="The list of models">${(all) => (sets.length && all.items.some(seesImages) ? html`<${Form} datasets=${sets} zoo=${all} />` : html`<div class="panel">${all.items.some(seesImages) ? html`<${NoDatasets} />` : html`<${Empty} title="No models yet" actions=${html`<a class="button" href=${link("models")}>To the zoo</a>`}>Add the networks that you want to choose among first.<//>`}</div>`)}<//>`}<//>
    <${Recent} datasets=${datasets.data || []} /></div>`;
}

function Form({ datasets, zoo }) {
  const { query } = useStore(route);
  const value = (name) => query.get(name) || null;
  const labeled = datasets.filter(isLabeled);
  const kind = value("target_model") || !labeled.length ? "model" : value("kind") || "dataset";
  const dataset = labeled.some((item) => item.id === value("dataset")) ? value("dataset") : labeled[0]?.id;
  const target = datasets.find((item) => item.id === dataset);
  const targetModel = value("target_model") || zoo.items.find(seesImages).id;
  const names = useResource(async () => (await openapi()).components.schemas.RankingRequest.properties.metric.enum, ["metrics"]);
  const allowed = (names.data || METRICS.map(([name]) => name)).filter((name) => name === "auto" || comparesNetworks(name) || (kind === "dataset" && target?.labels));
  const metric = allowed.includes(value("metric")) ? value("metric") : "auto";
  // A target network is compared with, whatever else is known.
  const compares = comparesNetworks(metric) || (metric === "auto" && kind === "model");
  const usesProbes = compares || metric === "fused" || metric === "labels_and_history";
  const probes = value("probes") || (kind === "dataset" ? dataset : datasets[0].id);
  const chosen = value("models")?.split(",") || [];
  const who = value("who") || (chosen.length ? "chosen" : "all");
  const tag = value("tag");
  const task = value("task");
  const some = useZoo({ tag, task });
  const candidates = who === "all" ? zoo.total : who === "chosen" ? chosen.length : (some.data?.total ?? 0);
  const [state, setState] = useState({ busy: false, error: null });

  const request = {
    target: kind === "dataset" ? { dataset_id: dataset } : { model_id: targetModel },
    metric,
    ...(usesProbes ? { probe_set_id: probes } : {}),
    ...(who === "chosen" ? { candidates: { model_ids: chosen } } : who === "some" ? { candidates: { filter: { ...(tag ? { tag } : {}), ...(task ? { task } : {}) } } } : {}),
  };
  const ask = async (event) => {
    event.preventDefault();
    setState({ busy: true, error: null });
    try {
      const ranking = await post("rankings", request);
      go(["rankings", ranking.id]);
    } catch (error) {
      setState({ busy: false, error });
    }
  };
  return html`<form class="rank-form" onSubmit=${ask}>
    <${Panel} title="1. Target" about="What the new network is for">
      <div class="stack">
        <${Segments} label="Kind of target" value=${kind} options=${[["dataset", "A labeled dataset"], ["model", "A network"]]} onChange=${(next) => setQuery({ kind: next, target_model: next === "model" ? targetModel : null })} />
        ${kind === "dataset" ? html`<${DatasetChoice} label="Dataset" value=${dataset} datasets=${labeled} onChange=${(next) => setQuery({ dataset: next, probes: null })} help="Its labels say what the new network is for." />` : html`<${ModelPicker} label="Network" value=${[targetModel]} most=${1} required onChange=${([next]) => setQuery({ target_model: next })} help="Networks that look at the same pixels as this one rank first. No labels are needed." />`}
        ${!labeled.length && html`<p class="soft small">To rank for a dataset, add images in one folder per class.</p>`}
      </div>
    <//>
    <${Panel} title="2. Candidates" about="The networks to choose among">
      <div class="stack">
        <${Segments} label="Which networks" value=${who} options=${[["all", `All ${count(zoo.total)}`], ["some", "By tag or task"], ["chosen", "Chosen"]]} onChange=${(next) => setQuery({ who: next })} />
        ${who === "some" && html`<div class="fields"><${Choice} label="Tag" value=${tag} empty="Every tag" options=${facetValues(zoo, "tag")} onChange=${(next) => setQuery({ tag: next })} /><${Choice} label="Task" value=${task} empty="Every task" options=${facetValues(zoo, "task").map((key) => [key, words(key)])} onChange=${(next) => setQuery({ task: next })} /></div>`}
        ${who === "chosen" && html`<${ModelPicker} label="Candidates" value=${chosen} onChange=${(ids) => setQuery({ models: ids.join(",") })} />`}
        <p class="soft small">${plural(candidates, "network")}</p>
      </div>
    <//>
    <${Panel} title="3. Metric" about="How they are compared">
      <div class="stack">
        <${Choice} label="Metric" value=${metric} options=${allowed.map((name) => [name, metricName(name)])} onChange=${(next) => setQuery({ metric: next })} help=${metricAbout(metric)} />
        ${usesProbes && html`<${DatasetChoice} label=${html`<${Hint} means="The images through which networks are compared. Their labels are not read; a hundred images are enough.">Probe set</${Hint}>`} value=${probes} datasets=${datasets} onChange=${(next) => setQuery({ probes: next })} />`}
      </div>
    <//>
    <div class="panel rank-ask"><div class="body stack">
      <div class="stack tight"><h2>Cost</h2>${can("jobs") ? html`<${Cost} request=${request} candidates=${candidates} />` : html`<p class="soft">A key with the scope jobs sees what a ranking would cost.</p>`}</div>
      ${state.error && html`<${Problem} error=${state.error} />`}
      ${can("jobs") ? html`<div><button class="button primary" disabled=${state.busy || candidates === 0}>${state.busy ? "Asking …" : `Rank ${plural(candidates, "network")}`}</button></div>` : html`<p class="soft">Your key can read only. A key with the scope jobs can rank.</p>`}
    </div></div>
  </form>`;
}

/** What the ranking would cost, as the zoo foresees it. */
function Cost({ request, candidates }) {
  const estimate = useResource(candidates ? () => post("rankings:estimate", request) : null, [request]);
  useLive(estimate, isIn("measurements", "models"));
  if (!candidates) return html`<p class="soft">Choose candidates first.</p>`;
  if (estimate.error) return html`<${Problem} error=${estimate.error} retry=${estimate.reload} />`;
  if (!estimate.data) return html`<p class="soft">Estimating …</p>`;
  const { seconds, steps, other_jobs: others } = estimate.data;
  if (!steps.length) return html`<p class="soft">Everything is measured: the ranking is there at once.</p>`;
  return html`<p class="soft">${seconds === null ? "The time is unknown: no such job has run here yet." : html`About <strong>${duration(seconds)}</strong>.`} ${others > 0 && `${plural(others, "other unfinished job")} may come first.`}</p>
    <ul class="stack tight soft small">${steps.map((step) => html`<li>${plural(step.jobs, "job")} of ${words(step.method)}${step.seconds !== null ? `, ${duration(step.seconds)}${step.basis === "machine_speed" ? " by the speed of this machine" : ""}` : ""}</li>`)}</ul>`;
}

/** The latest rankings of this project. */
function Recent({ datasets }) {
  const listed = useResource(async (signal) => (await get("rankings", { page_size: 20 }, signal)).items, ["rankings"]);
  useLive(listed, isIn("rankings"));
  const targets = useModelsById((listed.data ?? []).map((item) => item.target_model_id));
  const names = new Map([...datasets, ...(targets.data?.values() ?? [])].map((item) => [item.id, item.name]));
  if (!listed.data?.length) return null;
  return html`<${Panel} title="Latest rankings" flush><div class="table-scroll"><table class="table"><thead><tr><th>Target</th><th>Metric</th><th>State</th><th>Asked</th></tr></thead><tbody>${listed.data.map((item) => html`<tr><td class="name"><a href=${link(["rankings", item.id])}>${names.get(item.target_dataset_id || item.target_model_id) || item.id}</a></td><td>${metricName(item.metric)}</td><td><${State} of=${item.state} /></td><td class="soft"><${Time} at=${item.created_at} /></td></tr>`)}</tbody></table></div><//>`;
}
