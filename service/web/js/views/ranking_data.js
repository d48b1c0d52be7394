// A ranking as rows, as a table for other programs, and as requests.
import { comparesNetworks } from "./metrics.js";

/** Items with the ends of their intervals, and a color: one for each group and one for all others, or one for each item where there are no groups. @param {any[]} items */
export function rowsOf(items) {
  const groups = Math.max(0, ...items.map((item) => item.group ?? 0));
  return items.map((item) => {
    const [low, high] = item.interval ?? [null, null];
    return { ...item, low, high, color: (item.group ?? (groups ? groups + 1 : item.rank)) - 1 };
  });
}

/** The cost that is known of every item: operations, else parameters, else size. @param {any[]} items @returns {"flops" | "parameters" | "size_bytes" | undefined} */
export const costOf = (items) => /** @type {const} */ (["flops", "parameters", "size_bytes"]).find((name) => items.every((item) => item[name]));

const COLUMNS = ["rank", "model_id", "name", "score", "low", "high", "node_similarity", "edge_similarity", "valid_probes", "p_best", "expected_regret", "measured", "group", "flops", "parameters", "size_bytes", "latency_ms", "pareto"];

/** A cell as CSV; no program takes it for a formula. @param {any} value */
function cell(value) {
  if (value === null || value === undefined) return "";
  const text = typeof value === "string" && /^[=+\-@\t]/.test(value) ? `'${value}` : String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** @param {any} ranking */
export function csvOf(ranking) {
  const rows = rowsOf(ranking.items).map((item) => COLUMNS.map((name) => cell(item[name])).join(","));
  return `${[COLUMNS.join(","), ...rows].join("\n")}\n`;
}

/** The request as code. @param {string} way @param {any} ranking */
export function codeOf(way, ranking) {
  const compares = comparesNetworks(ranking.metric) || ["fused", "labels_and_history"].includes(ranking.metric);
  const probes = compares ? ranking.probe_set_id : null;
  const dataset = ranking.target_dataset_id;
  const weight = ["depara", "depara_plus"].includes(ranking.metric) ? ranking.edge_weight : null;
  if (way === "cli") {
    return ["zooscope rank", dataset ? `--dataset ${dataset}` : `--model ${ranking.target_model_id}`, probes && `--probes ${probes}`, `--metric ${ranking.metric}`, weight !== null && `--edge-weight ${weight}`].filter(Boolean).join(" ");
  }
  if (way === "python") {
    const parts = [dataset ? `dataset="${dataset}"` : `model="${ranking.target_model_id}"`, probes && `probes="${probes}"`, `metric="${ranking.metric}"`, weight !== null && `edge_weight=${weight}`].filter(Boolean);
    return `from zooscope import ZooClient\n\nwith ZooClient("${location.origin}", key="zoo_…") as zoo:\n    ranking = zoo.rank(${parts.join(", ")})\n    print(ranking["items"][0]["name"])`;
  }
  const body = { target: dataset ? { dataset_id: dataset } : { model_id: ranking.target_model_id }, metric: ranking.metric, ...(probes ? { probe_set_id: probes } : {}), ...(weight !== null ? { edge_weight: weight } : {}) };
  return `curl -X POST -H "Authorization: Bearer $ZOO_KEY" -H "Content-Type: application/json" \\\n  -d '${JSON.stringify(body)}' ${location.origin}/v1/rankings`;
}
