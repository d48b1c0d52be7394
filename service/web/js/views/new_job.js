// A new job: a form from the method's schemas.
import { html, useEffect, useState } from "../lib.js";
import { get, methods, post } from "../api.js";
import { duration, plural, short, words } from "../format.js";
import { go, link, route, setQuery } from "../router.js";
import { can } from "../session.js";
import { useStore } from "../store.js";
import { Choice, Copy, Empty, Head, Panel, Problem, Show, useResource } from "../ui/all.js";
import { useDatasets } from "../ui/datasets.js";
import { seesImages, useModelsById } from "../ui/model_picker.js";
import { Fields } from "../ui/schema_form.js";

const COMMON = new Set(["name", "budget", "student", "preset", "learning_rate", "batch_size", "seed", "device"]);
const OPEN = new Set(["budget"]);
const FAMILIES = { training: "Make a network", transferability: "Measure and compare" };
const GUIDES = [
  ["knowledge_distillation", "Distill", "A smaller network that answers like its teachers, on images with or without labels."],
  ["fine_tune", "Fine-tune", "A network, cut at a layer and trained further on labeled images."],
  ["linear_probe", "Linear probe", "The frozen network with a new last layer: quick."],
  ["adversarial_distillation", "Distill without images", "The method generates its own images."],
];

/** The page of the form. */
export default function NewJob() {
  const { query } = useStore(route);
  const specs = useResource(methods, ["methods"]);
  const before = useResource(query.get("from") ? (signal) => get(`jobs/${query.get("from")}`, {}, signal) : async () => null, [query.get("from")]);
  const name = query.get("method") || before.data?.method;
  return html`<${Head} title="New job" crumbs=${html`<a href=${link("jobs")}>Jobs</a>`} about="Every field is one of the method's own, with its range and default." />
    ${can("jobs") ? html`<${Show} of=${specs} what="The list of methods">${(list) => html`<${Show} of=${before} what="The job">${(job) => html`<${Chooser} specs=${list} name=${name} job=${job} />`}<//>`}<//>` : html`<div class="panel"><${Empty} title="Your key can read only">A key with the scope jobs can run methods.<//></div>`}`;
}

function Chooser({ specs, name, job }) {
  const spec = specs.find((item) => item.name === name);
  const options = Object.entries(FAMILIES).flatMap(([family, text]) => specs.filter((item) => item.family === family).map((item) => [item.name, `${text}: ${words(item.name)}`]));
  return html`<div class="stack roomy">
    ${!spec && html`<div class="guides">${GUIDES.filter(([key]) => specs.some((item) => item.name === key)).map(([key, title, text]) => html`<button class="panel guide" onClick=${() => setQuery({ method: key })}><strong>${title}</strong><span class="soft">${text}</span></button>`)}</div>`}
    <div class="method-choice"><${Choice} label="Method" value=${name} empty="Choose …" options=${options} onChange=${(method) => setQuery({ method })} help=${spec?.title} /></div>
    ${spec && html`<${Form} key=${spec.name} spec=${spec} job=${job?.method === spec.name ? job : null} />`}
  </div>`;
}

/** What the address says, as far as the method takes it. */
function initial(spec, job) {
  const { query } = route.value;
  const inputs = { ...(job ? compact(job.inputs) : {}) };
  for (const [key, raw] of Object.entries(spec.inputs.properties)) {
    const value = query.get(key);
    if (value) inputs[key] = raw.type === "array" || raw.items ? value.split(",") : value.split(",")[0];
  }
  const params = job ? compact(job.params) : {};
  for (const [key, raw] of Object.entries(spec.params.properties || {})) {
    if (query.get(key) && !raw.$ref) params[key] = query.get(key);
  }
  const teacher = query.get("teachers")?.split(",")[0];
  if (spec.inputs.properties.source_model_id && !inputs.source_model_id && teacher) inputs.source_model_id = teacher;
  return { inputs, params };
}

const compact = (object) => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== null));

function Form({ spec, job }) {
  const datasets = useDatasets(null);
  const [{ inputs, params }, setValues] = useState(() => initial(spec, job));
  const [state, setState] = useState({ busy: false, error: null });
  const first = inputs.teachers?.[0] || inputs.source_model_id || inputs.model_id;
  const models = useModelsById([inputs.model_id]);
  const layers = useResource(first ? async (signal) => (await get(`models/${first}/layers`, {}, signal)).items.map((layer) => layer.name) : null, [first]);
  useEffect(() => {
    // What stays in the address is what a reload restores.
    const flat = Object.fromEntries(Object.entries(inputs).filter(([, value]) => typeof value === "string" || Array.isArray(value)).map(([key, value]) => [key, Array.isArray(value) ? value.join(",") : value]));
    setQuery(flat);
  }, [JSON.stringify(inputs)]);
  const errors = state.error?.fields?.map((field) => ({ ...field, pointer: field.pointer.replace(/^\/body/, "") }));
  const context = (part) => ({ defs: spec[part].$defs || {}, datasets: datasets.data?.filter((dataset) => spec.dataset_kinds.includes(dataset.kind)), layers: layers.data, fits: (model) => spec.dataset_kinds.includes(seesImages(model) ? "images" : "clips"), errors, open: OPEN, labels: { num_evaluations: "Evaluations", eval_dataset_id: "Evaluation dataset" } });
  const submit = async (event) => {
    event.preventDefault();
    setState({ busy: true, error: null });
    try {
      const made = await post("jobs", { method: spec.name, inputs, params });
      go(["jobs", made.id]);
    } catch (error) {
      setState({ busy: false, error });
    }
  };
  const rare = Object.keys(spec.params.properties || {}).filter((key) => !COMMON.has(key));
  return html`<form class="stack roomy" onSubmit=${submit}>
    <${Panel} title="What goes in"><${Fields} schema=${spec.inputs} value=${inputs} onChange=${(next) => setValues({ inputs: next, params })} context=${context("inputs")} pointer="/inputs" /><//>
    <${Panel} title="Parameters" about="Leave a field empty for its default.">
      <div class="stack">
        <${Fields} schema=${spec.params} value=${params} onChange=${(next) => setValues({ inputs, params: next })} context=${context("params")} pointer="/params" only=${(key) => COMMON.has(key)} />
        ${rare.length > 0 && html`<details class="group" open=${rare.some((key) => params[key] !== undefined) || !Object.keys(spec.params.properties).some((key) => COMMON.has(key))}><summary>Of this method <span class="soft small">${plural(rare.length, "parameter")}</span></summary><${Fields} schema=${spec.params} value=${params} onChange=${(next) => setValues({ inputs, params: next })} context=${context("params")} pointer="/params" only=${(key) => !COMMON.has(key)} /></details>`}
      </div>
    <//>
    <div class="panel"><div class="body stack">
      <p class="soft">${cost(spec, params, inputs, models.data, datasets.data)} Source: ${spec.source}.</p>
      ${state.error && html`<${Problem} error=${state.error} />`}
      <div class="row wrap"><button class="button primary" disabled=${state.busy}>${state.busy ? "Submitting …" : "Run"}</button><a class="button" href=${link("jobs")}>Cancel</a></div>
      <details><summary class="small soft">The same as a request</summary><${Copy} text=${JSON.stringify({ method: spec.name, inputs, params }, null, 2)} /></details>
    </div></div>
  </form>`;
}

/** What the job costs, as far as its parameters say. */
function cost(spec, params, inputs, models, datasets) {
  const budget = params.budget ?? spec.params.properties?.budget?.default;
  if (budget?.seconds) return `It trains for ${duration(budget.seconds)}.`;
  const batch = params.batch_size ?? spec.params.properties?.batch_size?.default;
  if (budget?.steps) return `It trains for ${plural(budget.steps, "step")} of ${plural(batch ?? 0, "image")}.`;
  const model = models?.get(inputs.model_id);
  const dataset = datasets?.find((item) => item.id === inputs.dataset_id);
  if (model?.flops && dataset?.images) return `It runs ${model.name} on ${plural(dataset.images, "image")}, about ${short(3 * model.flops * dataset.images, "FLOPs")}.`;
  return "";
}
