// The matrix of a map: of all its networks, or of one cluster where they are too many.
import { html, useMemo } from "../lib.js";
import { get } from "../api.js";
import { plural } from "../format.js";
import { route, setQuery } from "../router.js";
import { useStore } from "../store.js";
import { Choice, Panel, Problem, Skeleton, useResource } from "../ui/all.js";
import { Matrix } from "../charts/matrix.js";

// More than these are no longer cells that somebody can see.
const MOST = 400;

/**
 * @param {{map: any, doc: any, hover: number[], onHover: (indices: number[]) => void, onPick: (row: number, column: number) => void}} props
 */
export function Similarities({ map, doc, hover, onHover, onPick }) {
  const { query } = useStore(route);
  const large = doc.models.length > MOST;
  const clusters = useMemo(() => sizesOf(doc), [doc]);
  const cluster = large ? Number(query.get("block") ?? clusters[0][0]) : null;
  const order = useMemo(() => (cluster === null ? doc.order : doc.order.filter((index) => doc.clusters[index] === cluster).slice(0, MOST)), [doc, cluster]);
  // Positions in the whole map; a document that holds a part of it says which.
  const indices = order.map((index) => doc.positions?.[index] ?? index);
  const all = indices.length === map.document.models.length;
  const scores = useResource(async (signal) => (await get(`maps/${map.dataset_id}/snapshots/${map.id}`, { include: "score", ...(all ? {} : { indices }) }, signal)).document.matrices.score, [map.id, all || indices]);
  const value = useMemo(() => {
    const row = new Map(order.map((index, position) => [index, all ? index : position]));
    return (left, right) => scores.data?.[row.get(left)]?.[row.get(right)] ?? null;
  }, [scores.data, order, all]);
  const ordered = doc.tree ? "in the order of the tree" : "cluster by cluster";
  const about = large ? `Up to ${MOST} of one cluster, ${ordered}. To see others, box them in the plane.` : `Networks ${ordered}. Click a cell to compare the two.`;
  return html`<${Panel} title="Matrix" about=${about} actions=${large && html`<${Choice} hidden label="Cluster" value=${String(cluster)} options=${clusters.map(([key, size]) => [String(key), `Cluster ${key + 1}, ${plural(size, "network")}`])} onChange=${(block) => setQuery({ block })} />`}>
    ${scores.error ? html`<${Problem} error=${scores.error} retry=${scores.reload} />` : scores.data ? html`<${Matrix} ...${{ order, value, hover, onHover, onPick }} names=${doc.names} version=${`${map.id}${indices.length}${indices[0]}`} />` : html`<${Skeleton} lines=${6} />`}<//>`;
}

/** The clusters and how many networks each has, the largest first. @returns {[number, number][]} */
function sizesOf(doc) {
  const sizes = new Map();
  for (const cluster of doc.clusters) sizes.set(cluster, (sizes.get(cluster) || 0) + 1);
  return [...sizes].sort((a, b) => b[1] - a[1]);
}
