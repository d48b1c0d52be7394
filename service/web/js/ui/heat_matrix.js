// Heat maps of several models on the same images.
import { html, useState } from "../lib.js";
import { post } from "../api.js";
import { plural } from "../format.js";
import { can } from "../session.js";
import { JobStatus, useJob } from "./job_watch.js";
import { ModelLink } from "./parts.js";
import { DatasetImage, HeatMap } from "./pictures.js";

const IMAGES = 6;
const LOOK = { style: "overlay", method: "gxi" };

/** @param {{models: {id: string, name: string}[], dataset: string, total?: number | null, extra?: (model: any, index: number) => any}} props */
export function HeatMatrix({ models, dataset, total = null, extra = () => null }) {
  const count = Math.min(IMAGES, total ?? IMAGES);
  const [missing, setMissing] = useState(new Set());
  const [turn, setTurn] = useState(0);
  const job = useJob(() => { setMissing(new Set()); setTurn((n) => n + 1); });
  const indices = Array.from({ length: count }, (_, index) => index);
  const absent = [...missing];
  const measure = () => job.start(() => post("attributions", { model_ids: [...new Set(absent.map((key) => key.split("|")[0]))], dataset_id: dataset, indices: [...new Set(absent.map((key) => Number(key.split("|")[1])))], ...LOOK }));
  return html`<div class="stack">
    ${absent.length > 0 && !job.busy && html`<div class="row between wrap"><span class="soft">${plural(absent.length, "heat map")} not measured. Measuring runs ${plural(new Set(absent.map((key) => key.split("|")[0])).size, "network")} forward and backward on up to ${plural(count, "image")}.</span>${can("jobs") && html`<button class="button" onClick=${measure}>Measure ${plural(absent.length, "heat map")}</button>`}</div>`}
    <${JobStatus} of=${job} />
    <div class="table-scroll"><table class="heat-matrix"><thead><tr><th><span class="visually-hidden">Model</span></th>${indices.map((index) => html`<th><${DatasetImage} dataset=${dataset} index=${index} /></th>`)}</tr></thead>
      <tbody>${models.map((model) => html`<tr key=${model.id}><th scope="row"><${ModelLink} ...${model} /></th>${indices.map((index) => html`<td><${HeatMap} model=${model.id} dataset=${dataset} index=${index} look=${LOOK} turn=${turn} onMissing=${(at) => setMissing((before) => new Set([...before, `${model.id}|${at}`]))} />${extra(model, index)}</td>`)}</tr>`)}</tbody></table></div>
  </div>`;
}
