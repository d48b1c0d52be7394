// What a model was made from, and what was made from it.
import { html, useMemo } from "../lib.js";
import { get } from "../api.js";
import { count, percent, short, words } from "../format.js";
import { link, route, setQuery } from "../router.js";
import { useStore } from "../store.js";
import { Empty, Segments, Show, useResource } from "../ui/all.js";

const WIDTH = 240;
const HEIGHT = 62;
const GAP_X = 70;
const GAP_Y = 18;
const DIRECTIONS = [["both", "Both"], ["ancestors", "Made from"], ["descendants", "Made into"]];
const ZOOMS = [["0.6", "60 %"], ["0.8", "80 %"], ["1", "100 %"]];

/** The part of a model's page with its lineage. */
export function Lineage({ model }) {
  const { query } = useStore(route);
  const direction = query.get("direction") || "both";
  const zoom = query.get("zoom") || "1";
  const lineage = useResource((signal) => get(`models/${model.id}/lineage`, { direction }, signal), [model.id, direction]);
  return html`<div class="stack">
    <div class="row between wrap"><${Segments} label="Direction" value=${direction} options=${DIRECTIONS} onChange=${(direction) => setQuery({ direction })} /><${Segments} label="Zoom" value=${zoom} options=${ZOOMS} onChange=${(zoom) => setQuery({ zoom })} /></div>
    <${Show} of=${lineage} what="The lineage">${(graph) => (graph.nodes.length < 2
      ? html`<div class="panel"><${Empty} title="No lineage">This model was uploaded, and no training in this zoo has used it yet.<//></div>`
      : html`<${Graph} graph=${graph} zoom=${Number(zoom)} />${graph.notes.map((note) => html`<p class="note warn">${note.detail} <span class="remedy">${note.remedy}</span></p>`)}`)}<//>
  </div>`;
}

function Graph({ graph, zoom }) {
  const layout = useMemo(() => laidOut(graph), [graph]);
  return html`<div class="panel lineage" tabindex="0" role="group" aria-label="Lineage graph">
    <div style=${{ width: `${layout.width * zoom}px`, height: `${layout.height * zoom}px` }}><div class="lineage-plane" style=${{ width: `${layout.width}px`, height: `${layout.height}px`, transform: `scale(${zoom})` }}>
      <svg width=${layout.width} height=${layout.height} aria-hidden="true">${layout.edges.map((edge) => html`<path class=${`edge ${edge.role}`} d=${edge.path} /><text class="edge-role" x=${edge.x} y=${edge.y}>${words(edge.role)}</text>`)}</svg>
      ${layout.nodes.map((node) => html`<${Box} key=${node.id} node=${node} own=${node.id === graph.model_id} />`)}
    </div></div>
  </div>`;
}

function Box({ node, own }) {
  const place = { left: `${node.x}px`, top: `${node.y}px`, width: `${WIDTH}px`, height: `${HEIGHT}px` };
  const gone = node.state === "gone";
  const quality = Object.entries(node.measured || {}).map(([name, value]) => `${words(name)} ${percent(value)}`)[0];
  const about = node.kind === "model" ? [node.task && words(node.task), node.parameters && short(node.parameters), quality] : node.kind === "dataset" ? [node.images !== null && `${count(node.images)} images`] : [node.budget?.steps && `${count(node.budget.steps)} steps`, node.state];
  const inner = html`<strong class="clip">${node.kind === "job" ? words(node.name || "job") : node.name || node.id}</strong><span class="clip small">${gone ? "deleted" : about.filter(Boolean).join(" · ") || node.kind}</span>`;
  const classes = `lineage-node ${node.kind} ${own ? "own" : ""} ${gone ? "gone" : ""}`;
  return gone ? html`<span class=${classes} style=${place}>${inner}</span>` : html`<a class=${classes} style=${place} href=${link([`${node.kind}s`, node.id])} title=${node.name}>${inner}</a>`;
}

/** Nodes in columns by generation, and the curves between them. */
function laidOut({ nodes, edges }) {
  const column = new Map(nodes.map((node) => [node.id, 0]));
  for (let round = 0; round < nodes.length; round += 1) {
    let moved = false;
    for (const { source, target } of edges) {
      if (column.get(target) <= column.get(source)) {
        column.set(target, column.get(source) + 1);
        moved = true;
      }
    }
    if (!moved) break;
  }
  // An input stands right before the job that uses it first.
  for (const node of nodes) {
    const targets = edges.filter((edge) => edge.source === node.id).map((edge) => column.get(edge.target));
    if (targets.length && !edges.some((edge) => edge.target === node.id)) column.set(node.id, Math.min(...targets) - 1);
  }
  const columns = new Map();
  for (const node of nodes) columns.set(column.get(node.id), [...(columns.get(column.get(node.id)) || []), node]);
  const tallest = Math.max(...[...columns.values()].map((list) => list.length));
  const placed = new Map();
  const height = tallest * (HEIGHT + GAP_Y) + GAP_Y;
  for (const [index, list] of columns) {
    const top = (height - list.length * (HEIGHT + GAP_Y)) / 2;
    list.forEach((node, row) => placed.set(node.id, { ...node, x: GAP_Y + index * (WIDTH + GAP_X), y: top + row * (HEIGHT + GAP_Y) }));
  }
  return { nodes: [...placed.values()], edges: edges.map((edge) => curve(edge, placed)), width: columns.size * (WIDTH + GAP_X) - GAP_X + 2 * GAP_Y, height };
}

function curve(edge, placed) {
  const from = placed.get(edge.source);
  const to = placed.get(edge.target);
  const [x1, y1, x2, y2] = [from.x + WIDTH, from.y + HEIGHT / 2, to.x, to.y + HEIGHT / 2];
  const middle = (x1 + x2) / 2;
  return { role: edge.role, path: `M${x1},${y1}C${middle},${y1} ${middle},${y2} ${x2},${y2}`, x: x1 + 6, y: y1 - 5 };
}
