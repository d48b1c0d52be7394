// The datasets of the project, for choices.
import { html } from "../lib.js";
import { all } from "../api.js";
import { isIn, useLive } from "../feed.js";
import { plural } from "../format.js";
import { link } from "../router.js";
import { Choice, Empty } from "./parts.js";
import { useResource } from "./resource.js";

/** The datasets that are ready and hold images; null for those of every kind. @param {"images" | "clips" | null} [kind] */
export function useDatasets(kind = "images") {
  const list = useResource((signal) => all("datasets", { state: "ready", kind }, { signal }), ["datasets", kind]);
  useLive(list, isIn("datasets"));
  return list;
}

/** Whether each image has one label, so that networks and layers can be judged by them. @param {any} dataset */
export const isLabeled = (dataset) => Boolean(dataset.labels) && dataset.label_kind !== "multiple" && dataset.label_kind !== "mask";

/** How much a dataset holds; nothing before it is read. */
export const datasetSize = (dataset) => (dataset.kind === "clips" ? dataset.clips !== null && plural(dataset.clips, "clip") : dataset.images !== null && plural(dataset.images, "image")) || "";

/** What a dataset is called in a choice. */
export const datasetText = (dataset) => `${dataset.name} · ${datasetSize(dataset)}${dataset.labels ? `, ${plural(dataset.labels.length, "label")}` : ""}`;

/** A choice among the datasets. */
export const DatasetChoice = ({ label, value, datasets, onChange, help = null, empty = null }) =>
  html`<${Choice} label=${label} value=${value} empty=${empty} help=${help} options=${(datasets || []).map((dataset) => [dataset.id, datasetText(dataset)])} onChange=${onChange} />`;

/** There are no images yet. */
export const NoDatasets = () => html`<${Empty} title="No images yet" actions=${html`<a class="button" href=${link("datasets")}>Add images</a>`}>Networks are compared by where they look on a common set of images, the probe set. Any folder of images will do; labels are not needed.<//>`;
