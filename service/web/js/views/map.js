// The map of all networks measured on a probe set: matrix, plane, tree, neighbors, linked.
import { html, useEffect, useMemo, useState } from "../lib.js";
import { address, all, get, post } from "../api.js";
import { isAbout, useLive } from "../feed.js";
import { fixed, plural, words } from "../format.js";
import { go, route, setQuery } from "../router.js";
import { can } from "../session.js";
import { useStore } from "../store.js";
import { Choice, Empty, Head, Hint, ModelLink, Panel, Problem, Show, Skeleton, Time, useResource } from "../ui/all.js";
import { DatasetChoice, NoDatasets, useDatasets } from "../ui/datasets.js";
import { download } from "../ui/download.js";
import { JobStatus, useJob } from "../ui/job_watch.js";
import { modelsWithIds } from "../ui/model_picker.js";
import { isUnmeasured } from "../ui/pictures.js";
import { category } from "../charts/scales.js";
import { Similarities } from "./map_matrix.js";
import { Plane } from "../charts/plane.js";
import { Tree } from "../charts/tree.js";

const METRICS = [["depara", "DEPARA"], ["depara_plus", "DEPARA+"], ["attribution", "Attribution maps"], ["dds", "DDS"], ["rsa", "RSA"], ["linear_cka", "Linear CKA"]];
const LINKAGES = [["single", "Single"], ["average", "Average"], ["ward", "Ward"]];
const COLORS = [["cluster", "Cluster"], ["task", "Task"], ["tag", "First tag"], ["family", "Family"]];
const DEFAULT_WEIGHT = { depara: 0.25, depara_plus: 4 };
const MOST_WEIGHT = { depara: 1, depara_plus: 16 };
// Kruskal 1964, as the zoo's own pictures judge it.
const FAIR = 0.1;
const POOR = 0.2;
const MOST_IN_ADDRESS = 150;
const MOST_ROWS = 400;

/** The page of the map. */
export default function MapPage() {
  const datasets = useDatasets();
  return html`<${Head} title="Map" about="How all networks measured on one probe set relate: near ones look at the same pixels." />
    <${Show} of=${datasets} what="The list of datasets">${(items) => (items.length ? html`<${Settings} datasets=${items} />` : html`<div class="panel"><${NoDatasets} /></div>`)}<//>`;
}

function Settings({ datasets }) {
  const { query } = useStore(route);
  const dataset = query.get("dataset") || datasets[0].id;
  const metric = query.get("metric") || "depara";
  const weight = Number(query.get("edge_weight") ?? DEFAULT_WEIGHT[metric] ?? 0);
  const linkage = query.get("linkage") || "single";
  const look = { metric, linkage, ...(metric in DEFAULT_WEIGHT ? { edge_weight: weight } : {}) };
  const map = useResource((signal) => get(`maps/${dataset}`, look, signal), [dataset, look]);
  useLive(map, isAbout("maps", dataset));
  const job = useJob(map.reload);
  const compute = () => job.start(() => post("maps", { dataset_id: dataset, ...look }));
  const [last, setLast] = useState(null);
  useEffect(() => {
    if (map.data) setLast(map.data);
  }, [map.data]);
  const missing = isUnmeasured(map.error);
  const before = last?.dataset_id === dataset;
  return html`<div class="stack roomy">
    <div class="controls">
      <${DatasetChoice} label=${html`<${Hint} means="The images through which networks are compared. Their labels are not read.">Probe set</${Hint}>`} value=${dataset} datasets=${datasets} onChange=${(next) => setQuery({ dataset: next })} />
      <${Choice} label="Metric" value=${metric} options=${METRICS} onChange=${(next) => setQuery({ metric: next, edge_weight: null })} />
      ${metric in DEFAULT_WEIGHT && html`<label class="field"><span class="label"><${Hint} means="How much relations between images (edges) count beside attribution maps (nodes).">λ</${Hint}> ${fixed(weight, 2)}</span><input type="range" min="0" max=${MOST_WEIGHT[metric]} step=${MOST_WEIGHT[metric] / 40} value=${weight} onChange=${(event) => setQuery({ edge_weight: event.target.value })} /></label>`}
      <${Choice} label="Linkage of the tree" value=${linkage} options=${LINKAGES} onChange=${(next) => setQuery({ linkage: next })} />
      <${Choice} label="Color" value=${query.get("color") || "cluster"} options=${COLORS} onChange=${(next) => setQuery({ color: next })} />
    </div>
    <${JobStatus} of=${job} />
    ${map.error && !missing && html`<${Problem} error=${map.error} retry=${map.reload} />`}
    ${missing && !job.busy && html`<div class="panel"><${Empty} title=${before ? "Not drawn with these settings" : "No map yet"} actions=${can("jobs") && html`<button class="button primary" onClick=${compute}>${before ? "Draw it" : "Compute the map"}</button>`}>${before ? "The tree, clusters and plane are drawn again from what is measured. No network runs." : "It compares all networks that were measured on these images with each other. No network runs: measure them first by ranking, or on a model's page."}<//></div>`}
    ${map.data ? html`<${Drawn} map=${map.data} loading=${map.loading} dataset=${dataset} look=${look} />` : !map.error && html`<${Skeleton} lines=${8} />`}
  </div>`;
}

function Drawn({ map, dataset, look }) {
  const { query } = useStore(route);
  const whole = map.document;
  const only = query.get("only")?.split(",");
  const doc = useMemo(() => withOrder(only ? restricted(whole, new Set(only)) : whole), [whole, query.get("only")]);
  const [hover, setHover] = useState([]);
  const [box, setBox] = useState([]);
  const chosen = useMemo(() => new Set(box), [box]);
  const color = query.get("color") || "cluster";
  const tags = useTags(color === "tag" ? whole.models : null);
  const { groups, legend } = useMemo(() => colored(doc, tags.data, color), [doc, tags.data, color]);
  const edges = useMemo(() => doc.neighbors.flatMap((list, index) => list.map((near) => [index, near.index]).filter(([from, to]) => from < to || !doc.neighbors[to].some((back) => back.index === from))), [doc]);
  const open = (index) => go(["models", doc.models[index]]);
  const shown = { names: doc.names, groups, hover, onHover: setHover };
  const stress = doc.stress;
  const judgment = stress <= FAIR ? "distances in the plane can be trusted" : stress <= POOR ? "trust groups in the plane, not single distances" : "read the matrix, not the plane";
  const exact = doc.tree !== null;
  return html`<div class="stack roomy">
    ${!exact && html`<${Sketched} facts=${doc.sketches} />`}
    ${tags.error && html`<${Problem} error=${tags.error} retry=${tags.reload} />`}
    <div class="row between wrap"><p class="soft">${plural(doc.models.length, "network")}, ${plural(new Set(doc.clusters).size, "cluster")}, drawn <${Time} at=${map.created_at} />. <${Hint} means="How much the plane distorts the dissimilarities: 0 is perfect, 0.1 fair, 0.2 poor.">Stress</${Hint}> ${fixed(stress, 2)}: ${judgment}.</p>
      <div class="row wrap">${only && html`<button class="button small" onClick=${() => setQuery({ only: null })}>Show all</button>`}${exact && html`<a class="button small" href=${address(`maps/${dataset}`, { ...look, format: "csv" })} download>CSV</a><a class="button small" href=${address(`maps/${dataset}`, { ...look, format: "npz" })} download>NPZ</a>`}<a class="button small" href=${address(`maps/${dataset}`, { ...look, format: "graphml" })} download>GraphML</a></div></div>
    <ul class="legend">${legend.map(([text, group]) => html`<li class=${category(group)}>${text}</li>`)}</ul>
    ${box.length > 0 && html`<${Boxed} indices=${box} doc=${doc} clear=${() => setBox([])} />`}
    <div class="map-grid">
      <${Similarities} ...${{ map, doc, hover, onHover: setHover }} onPick=${(row, column) => row === column ? open(row) : go("compare", { models: [doc.models[row], doc.models[column]] })} />
      <${Panel} title=${exact ? "Plane and neighbors" : "Plane"} about=${`${exact ? "Lines lead to the nearest networks. " : ""}Drag a box to select; Ctrl and the wheel zoom.`}><${Plane} ...${shown} points=${doc.points} edges=${edges} chosen=${chosen} onBox=${setBox} onPick=${open} /><//>
      ${exact && html`<${Panel} title="Tree" about="Which networks join first."><${Tree} ...${shown} tree=${doc.tree} onPick=${open} /><//>`}
      <${Panel} title="As a table" about="The same for screen readers and for copying." flush><${Twin} doc=${doc} hover=${hover} onHover=${setHover} /><//>
    </div>
    ${whole.left_out.length > 0 && html`<details class="panel about"><summary>${plural(whole.left_out.length, "network")} without a position</summary><div class="body"><ul>${whole.left_out.map((item) => html`<li><${ModelLink} id=${item.model_id} name=${null} /> <span class="soft">${words(item.status)}</span></li>`)}</ul></div></details>`}
  </div>`;
}

function Boxed({ indices, doc, clear }) {
  const ids = indices.map((index) => doc.models[index]);
  const few = ids.length <= MOST_IN_ADDRESS;
  const csv = () => download("selection.csv", `model_id,name,cluster\n${indices.map((index) => `${doc.models[index]},"${doc.names[index].replaceAll('"', '""')}",${doc.clusters[index]}`).join("\n")}\n`, "text/csv");
  return html`<div class="selection" role="region" aria-label="Boxed networks"><strong>${plural(ids.length, "network")} in the box</strong><div class="row wrap">
    <button class="button small" disabled=${!few} title=${few ? "" : `An address holds up to ${MOST_IN_ADDRESS} networks`} onClick=${() => go("models", { ids })}>Show in the zoo</button>
    <button class="button small" disabled=${!few || ids.length < 2} onClick=${() => setQuery({ only: ids.join(",") })}>Only these</button>
    <button class="button small" disabled=${ids.length < 2 || ids.length > 4} title="Compare two to four networks" onClick=${() => go("compare", { models: ids })}>Compare</button>
    <button class="button small" onClick=${csv}>Export</button><button class="button small quiet" onClick=${clear}>Clear</button></div></div>`;
}

/** What the numbers of a map from sketches are. */
function Sketched({ facts }) {
  return html`<div class="note"><span>Positions, clusters and the matrix are estimated from <${Hint} means="A short vector that stands for where a network looks: 1,536 numbers instead of all its attribution maps.">sketches</${Hint}>, because so many networks are not compared pair by pair. There is no tree: it needs every pair; a map of up to 400 networks has one. Each network is placed by its distances to ${plural(facts.landmarks, "network")} drawn from all. A similarity is off by at most ${fixed(facts.largest_error, 3)} in 99 of 100 cases, by less for similar networks. The neighbors on a model's page are exact.</span></div>`;
}

/** The first tag of each network of a map; null asks for none. A large map shows most of the zoo, so the list of all takes fewer requests. @param {string[] | null} ids */
function useTags(ids) {
  return useResource(ids && (async (signal) => {
    const models = await (ids.length > MOST_ROWS ? all("models", { state: "ready" }, { signal }) : modelsWithIds(ids, signal));
    return new Map(models.map((model) => [model.id, model.tags[0]]));
  }), [ids]);
}

/** The networks in the order of the tree; without one, cluster by cluster from left to right. */
function withOrder(doc) {
  const order = doc.tree?.order ?? doc.models.map((_, index) => index).sort((a, b) => doc.clusters[a] - doc.clusters[b] || doc.points[a][0] - doc.points[b][0]);
  return { ...doc, order };
}

function Twin({ doc, hover, onHover }) {
  const lit = new Set(hover);
  return html`<div class="table-scroll twin" tabindex="0"><table class="table"><thead><tr><th>Model</th><th class="number">Cluster</th><th class="wide">Task</th>${doc.tree && html`<th>Nearest</th>`}</tr></thead><tbody>${doc.order.slice(0, MOST_ROWS).map((index) => html`<tr class=${lit.has(index) ? "hover" : ""} onPointerEnter=${() => onHover([index])} onPointerLeave=${() => onHover([])}><td class="name"><${ModelLink} id=${doc.models[index]} name=${doc.names[index]} /></td><td class="number">${doc.clusters[index] + 1}</td><td class="wide soft">${words(doc.tasks[index])}</td>${doc.tree && html`<td class="small">${doc.neighbors[index].slice(0, 3).map((near, position) => html`${position ? ", " : ""}${doc.names[near.index]} <span class="soft">${fixed(near.similarity, 2)}</span>`)}</td>`}</tr>`)}</tbody></table></div>`;
}

/** The color of each network, and what the colors mean. @returns {{groups: number[], legend: [string, number][]}} */
function colored(doc, tags, color) {
  if (color === "cluster") {
    const count = Math.max(...doc.clusters) + 1;
    return { groups: doc.clusters, legend: Array.from({ length: Math.min(count, 12) }, (_, index) => [`Cluster ${index + 1}, such as ${doc.names[doc.typical[index]] ?? ""}`, index]) };
  }
  if (color === "family") {
    const families = doc.families ?? [];
    const last = Math.max(-1, ...families.filter((family) => family !== null)) + 1;
    /** @type {[string, number][]} */
    const legend = Array.from({ length: last }, (_, index) => index).filter((index) => families.includes(index)).slice(0, 12).map((index) => /** @type {[string, number]} */ ([`Family of ${doc.names[families.indexOf(index)]}`, index]));
    return { groups: doc.models.map((_, index) => families[index] ?? last), legend: [...legend, ["No relative here", last]] };
  }
  const keys = color === "task" ? doc.tasks : doc.models.map((id) => tags?.get(id) ?? "none");
  const kinds = [...new Set(keys)].sort();
  const numbers = new Map(kinds.map((kind, index) => [kind, index]));
  return { groups: keys.map((key) => numbers.get(key)), legend: kinds.slice(0, 12).map((kind, index) => [words(kind), index]) };
}

/** The part of a map that holds some of its networks; the tree keeps the joins between them. */
function restricted(doc, ids) {
  const kept = doc.models.map((id, index) => (ids.has(id) ? index : -1)).filter((index) => index >= 0);
  const place = new Map(kept.map((index, position) => [index, position]));
  const pick = (list) => kept.map((index) => list[index]);
  const n = doc.models.length;
  const group = new Map(kept.map((index) => [index, place.get(index)]));
  const joins = [];
  doc.tree?.joins.forEach((join, number) => {
    const [left, right] = [group.get(join.left), group.get(join.right)];
    if (left !== undefined && right !== undefined) {
      joins.push({ left, right, height: join.height });
      group.set(n + number, kept.length + joins.length - 1);
    } else if (left !== undefined || right !== undefined) group.set(n + number, left ?? right);
  });
  return {
    ...doc,
    models: pick(doc.models), names: pick(doc.names), tasks: pick(doc.tasks), clusters: pick(doc.clusters), families: doc.families && pick(doc.families), points: pick(doc.points),
    neighbors: pick(doc.neighbors).map((list) => list.filter((near) => place.has(near.index)).map((near) => ({ ...near, index: place.get(near.index) }))),
    typical: doc.typical.map((index) => place.get(index) ?? -1),
    tree: doc.tree && { joins, order: doc.tree.order.filter((index) => place.has(index)).map((index) => place.get(index)) },
    positions: kept,
  };
}
