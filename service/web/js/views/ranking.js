// One ranking: the answer, why, and what to do next.
import { html, useEffect, useState } from "../lib.js";
import { get } from "../api.js";
import { follow } from "../events.js";
import { isAbout, useLive } from "../feed.js";
import { bytes, fixed, percent, plural, short, words } from "../format.js";
import { go, link, route, setQuery } from "../router.js";
import { can } from "../session.js";
import { useStore } from "../store.js";
import { Copy, Empty, Head, Hint, ModelLink, Panel, Problem, Progress, Prose, Segments, Show, Time, useResource } from "../ui/all.js";
import { useDatasets } from "../ui/datasets.js";
import { Intervals } from "../charts/intervals.js";
import { category } from "../charts/scales.js";
import { HeatMatrix } from "../ui/heat_matrix.js";
import { download } from "../ui/download.js";
import { comparesNetworks, metricAbout, metricName } from "./metrics.js";
import { MeasureNext } from "./measure_next.js";
import { codeOf, costOf, csvOf, rowsOf } from "./ranking_data.js";

const LARGEST_WEIGHT = { depara: 1, depara_plus: 16 };
const SHOWN = 30;
// What rounds to 0 %.
const SMALLEST_SHARE = 0.005;

/** The page of a ranking. */
export default function Ranking() {
  const { path, query } = useStore(route);
  const id = path[1];
  const weight = query.get("edge_weight");
  const ranking = useResource((signal) => get(`rankings/${id}`, { edge_weight: weight }, signal), [id, weight]);
  useLive(ranking, isAbout("rankings", id));
  const [progress, setProgress] = useState(null);
  const job = ranking.data?.state === "pending" ? ranking.data.job_id : null;
  useEffect(() => job ? follow(job, { onEvent: (event) => event.type === "progress" && setProgress(event.data), onState: (state) => state === "done" && ranking.reload(), onError: () => ranking.reload() }) : undefined, [job]);
  return html`<${Show} of=${ranking} lines=${8} what="The ranking">${(item) => html`<${Page} ranking=${item} progress=${progress} weight=${weight} loading=${ranking.loading} />`}<//>`;
}

function Page({ ranking, progress, weight, loading }) {
  const datasets = useDatasets();
  const name = (id) => datasets.data?.find((dataset) => dataset.id === id)?.name ?? id;
  const target = useResource(ranking.target_model_id ? async (signal) => (await get(`models/${ranking.target_model_id}`, {}, signal)).name : null, [ranking.target_model_id]);
  const targetName = ranking.target_dataset_id ? name(ranking.target_dataset_id) : target.data ?? "a network";
  return html`<${Head} title=${`Networks for ${targetName}`} crumbs=${html`<a href=${link("rank")}>Rank</a>`}
      about=${html`By <${Hint} means=${metricAbout(ranking.metric)}>${metricName(ranking.metric)}</${Hint}> through ${name(ranking.probe_set_id)}, <${Time} at=${ranking.created_at} />${loading ? " · loading" : ""}`}
      actions=${ranking.state === "ready" && html`<button class="button" onClick=${() => download("ranking.csv", csvOf(ranking), "text/csv")}>Export CSV</button><a class="button" href=${link("rank", again(ranking))}>Ask again</a>`} />
    ${ranking.state === "pending" && html`<div class="panel"><div class="body stack" role="status"><h2><${Prose} text=${(progress ?? ranking.progress)?.message || "Measuring"} /></h2><${Progress} ...${{ step: 0, total: 0, ...(progress ?? ranking.progress) }} /><p class="soft">The ranking appears here when it is ready. You can leave this page; the zoo continues. <a href=${link(["jobs", ranking.job_id])}>Watch the job</a></p></div></div>`}
    ${ranking.state === "failed" && html`<${Problem} error=${{ message: ranking.error?.detail || "The ranking failed.", remedy: ranking.error?.remedy, code: ranking.error?.code }} />`}
    ${ranking.warnings.length > 0 && html`<${Warnings} items=${ranking.warnings} />`}
    ${ranking.state === "ready" && (ranking.items.length ? html`<${Answer} ...${{ ranking, weight, targetName, datasets: datasets.data }} />` : html`<div class="panel"><${Empty} title="Nothing could be ranked">${ranking.unranked.length ? "Every candidate has a reason below." : "There was no candidate."}<//></div>`)}
    ${ranking.state === "ready" && ranking.unranked.length > 0 && html`<${Unranked} items=${ranking.unranked} />`}`;
}

const Warnings = ({ items }) => html`<div class="stack warnings">${items.map((item) => html`<div class="note warn"><strong><${Prose} text=${item.detail} /></strong><span class="remedy"><${Prose} text=${item.remedy} /></span></div>`)}</div>`;

const again = (ranking) => ({ dataset: ranking.target_dataset_id, target_model: ranking.target_model_id, metric: ranking.metric, probes: ranking.probe_set_id });

function Answer({ ranking, weight, targetName, datasets }) {
  const [hover, setHover] = useState(null);
  const [all, setAll] = useState(false);
  const items = rowsOf(ranking.items);
  const shown = all ? items : items.slice(0, SHOWN);
  const best = items[0];
  const label = comparesNetworks(ranking.metric) ? "Affinity, with the interval that holds 90 % of resampled probes" : ranking.metric === "fused" ? "Expected accuracy, with the interval that holds it with probability 80 %" : `${metricName(ranking.metric)} score`;
  return html`<div class="stack roomy">
    <section class="answer panel"><div class="body">
      <div><p class="soft">First of ${plural(items.length, "network")}</p><h2><a href=${link(["models", best.model_id])}>${best.name}</a></h2>
        <p>${ranking.advice}
        ${best.p_best !== null && best.p_best !== undefined ? html` It is the best of the candidates with probability <strong>${percent(best.p_best, 0)}</strong>; choosing it is expected to lose ${percent(ranking.expected_regret, 1)} of accuracy.` : ""}</p>
        ${ranking.choice && html`<p class="soft">${metricName(ranking.choice.metric)} ranks here, because ${ranking.choice.reason}.</p>`}${ranking.probes_advice && html`<p class="soft">${ranking.probes_advice}</p>`}</div>
      ${can("jobs") && html`<div class="row wrap">${ranking.target_dataset_id && html`<button class="button primary" onClick=${() => go("jobs/new", { method: "fine_tune", source_model_id: best.model_id, dataset_id: ranking.target_dataset_id })}>Fine-tune it</button>`}<button class="button" onClick=${() => go("jobs/new", { method: "knowledge_distillation", teachers: best.model_id, dataset_id: ranking.target_dataset_id || ranking.probe_set_id })}>Distill it</button><button class="button" onClick=${() => go("layers", { source: best.model_id, dataset: ranking.target_dataset_id, target: ranking.target_model_id, probes: ranking.probe_set_id })}>Choose a layer</button></div>`}
    </div></section>
    <${Panel} title="Ranking" about=${ranking.metric.startsWith("labels") ? "Networks of the first color cannot be told apart from the first." : items.some((item) => item.low !== null) ? "Networks of one color cannot be told apart: their intervals overlap that of the group's first." : "Hover a row for its numbers."} actions=${LARGEST_WEIGHT[ranking.metric] && html`<${Weight} ranking=${ranking} weight=${weight} />`}>
      <${Intervals} title=${`Ranking for ${targetName}`} label=${label} hover=${hover} onHover=${setHover} onPick=${(id) => go(["models", id])}
        items=${shown.map((item) => ({ id: item.model_id, name: item.name, score: item.score, low: item.low, high: item.high, group: item.color, text: item.p_best !== null && item.p_best !== undefined ? html`<br />best with probability ${percent(item.p_best, 0)}` : "" }))} />
      ${items.length > SHOWN && html`<button class="button small" onClick=${() => setAll(!all)}>${all ? `Show the first ${SHOWN}` : `Show all ${items.length}`}</button>`}
    <//>
    <${Table} items=${shown} ranking=${ranking} hover=${hover} onHover=${setHover} />
    ${(ranking.evidence || ranking.baselines.some((baseline) => baseline.items)) && html`<${Why} ranking=${ranking} />`}
    ${ranking.measure_next?.length > 0 && ranking.target_dataset_id && html`<${MeasureNext} ranking=${ranking} />`}
    ${datasets && html`<${Panel} title="Where the first three look" about="The same images, side by side"><${HeatMatrix} models=${items.slice(0, 3).map((item) => ({ id: item.model_id, name: item.name }))} dataset=${ranking.probe_set_id} total=${datasets.find((item) => item.id === ranking.probe_set_id)?.images} /><//>`}
    <${Panel} title="The same elsewhere"><${Elsewhere} ranking=${ranking} /><//>
  </div>`;
}

function Weight({ ranking, weight }) {
  const value = weight === null ? ranking.edge_weight : Number(weight);
  const most = Math.max(LARGEST_WEIGHT[ranking.metric], value);
  return html`<label class="weight"><${Hint} means="λ: how much relations between images (edges) count beside attribution maps (nodes). Nothing is measured again.">λ</${Hint}><input type="range" min="0" max=${most} step=${most / 80} value=${value} onChange=${(event) => setQuery({ edge_weight: event.target.value })} /><output class="number">${fixed(value, 2)}</output></label>`;
}

/** @type {Record<string, [string, (value: number) => string, string]>} */
const COSTS = { flops: ["FLOPs", short, "Operations for one image"], parameters: ["Parameters", short, "Number of weights"], size_bytes: ["File", bytes, "Size of the file"] };

/**
 * What using the network costs; a mark where nothing better is cheaper.
 * @returns {[string, string, (item: any) => any, string][]}
 */
function costColumn(items) {
  const name = costOf(items);
  if (!name) return [];
  const [title, text, means] = COSTS[name];
  return [[name, title, (item) => html`${text(item[name])}${item.pareto ? html` <span title="Cheaper than all that rank above it">◆<span class="visually-hidden"> cheaper than all above</span></span>` : ""}`, `${means}; ◆ marks networks that are cheaper than all that rank above them`]];
}

function Table({ items, ranking, hover, onHover }) {
  const has = (name) => items.some((item) => item[name] !== null && item[name] !== undefined);
  const columns = /** @type {[string, string, (item: any) => any, string][]} */ ([["p_best", "P(best)", (item) => percent(item.p_best, 0), "Probability that no other candidate is better"], ["expected_regret", "Regret", (item) => percent(item.expected_regret, 1), "Accuracy that choosing this one is expected to lose"], ["measured", "Measured", (item) => percent(item.measured, 1), "Accuracy of a run on the target itself"], ["node_similarity", "Maps", (item) => fixed(item.node_similarity), "Cosine of the attribution maps, averaged over the probes"], ["edge_similarity", "Relations", (item) => fixed(item.edge_similarity), "Rank correlation of which probes are alike"], ["valid_probes", "Probes", (item) => item.valid_probes, "Images that count for both networks"], ...costColumn(ranking.items), ["latency_ms", "ms", (item) => fixed(item.latency_ms, 1), "Milliseconds for one image on the machine that checked the network"]]).filter(([name]) => has(name));
  const score = (value) => (ranking.metric === "fused" ? percent(value, 1) : fixed(value));
  return html`<div class="panel"><div class="table-scroll"><table class="table">
    <thead><tr><th class="number">Rank</th><th>Model</th><th class="number">${ranking.metric === "fused" ? "Expected accuracy" : "Score"}</th><th class="number wide">Interval</th>${columns.map(([, text, , means]) => html`<th class="number wide"><${Hint} means=${means}>${text}</${Hint}></th>`)}</tr></thead>
    <tbody>${items.map((item) => html`<tr class=${hover === item.model_id ? "hover" : ""} onPointerEnter=${() => onHover(item.model_id)} onPointerLeave=${() => onHover(null)}><td class="number">${item.rank}</td><td class="name"><span class=${`swatch ${category(item.color)}`} title=${item.group === null ? undefined : `Group ${item.group}`}></span><${ModelLink} id=${item.model_id} name=${item.name} />${item.same_weights_as.length > 0 && html` <span class="soft small">same weights as ${plural(item.same_weights_as.length, "other")}</span>`}${item.near_copies.length > 0 && html` <span class="soft small">also ${item.near_copies.map((copy, position) => html`${position ? ", " : ""}<${ModelLink} id=${copy.model_id} name=${copy.name} /> (${words(copy.relation)})`)}</span>`}</td><td class="number">${score(item.score)}</td><td class="number wide">${item.low === null ? "–" : `${score(item.low)} to ${score(item.high)}`}</td>${columns.map(([, , text]) => html`<td class="number wide">${text(item)}</td>`)}</tr>`)}</tbody>
  </table></div></div>`;
}

function Why({ ranking }) {
  const evidence = Object.entries(ranking.evidence || {}).filter(([, share]) => share >= SMALLEST_SHARE).sort((a, b) => b[1] - a[1]);
  const names = new Map(ranking.items.map((item) => [item.model_id, item.name]));
  return html`<div class="columns">
    ${evidence.length > 0 && html`<${Panel} title="Why" about="How much each kind of evidence weighs in the answer"><ul class="shares">${evidence.map(([name, share]) => html`<li><span>${words(name)}</span><meter min="0" max="1" value=${share} aria-hidden="true"></meter><span class="number">${percent(share, 0)}</span></li>`)}</ul>${ranking.best_set && html`<p class="soft">With probability ${percent(ranking.best_set.probability, 0)}, the best one is among ${ranking.best_set.model_ids.length === 1 ? "" : "these "}${plural(ranking.best_set.model_ids.length, "network")}: ${ranking.best_set.model_ids.slice(0, 6).map((id) => names.get(id) || id).join(", ")}${ranking.best_set.model_ids.length > 6 ? " …" : ""}.</p>`}<//>`}
    ${ranking.baselines.length > 0 && html`<${Panel} title="Without looking at the target" about="What simple orders would have chosen"><table class="table"><tbody>${ranking.baselines.map((baseline) => html`<tr><td>${words(baseline.name)}</td><td class="name">${baseline.items?.length ? html`<${ModelLink} id=${baseline.items[0].model_id} name=${names.get(baseline.items[0].model_id)} />` : html`<span class="soft">${baseline.reason?.detail || "nothing"}</span>`}</td></tr>`)}</tbody></table><//>`}
  </div>`;
}

const Unranked = ({ items }) => html`<${Panel} title=${`${plural(items.length, "candidate")} without a rank`}><ul class="stack tight">${items.map((item) => html`<li><${ModelLink} id=${item.model_id} name=${item.model_id} /> <span class="soft">${item.detail}</span></li>`)}</ul><//>`;

function Elsewhere({ ranking }) {
  const [way, setWay] = useState("cli");
  return html`<div class="stack"><${Segments} label="Way" value=${way} options=${[["cli", "Command line"], ["python", "Python"], ["curl", "curl"]]} onChange=${setWay} /><${Copy} text=${codeOf(way, ranking)} /></div>`;
}
