// One model: what it is, where it looks, what is near, and how to use it.
import { html, useState } from "../lib.js";
import { get, send } from "../api.js";
import { isAbout, useLive } from "../feed.js";
import { bytes, count, fixed, inputText, plural, short, words } from "../format.js";
import { go, link, route } from "../router.js";
import { can } from "../session.js";
import { useStore } from "../store.js";
import { confirm, showDialog } from "../ui/dialog.js";
import { Facts, Figures, Head, Problem, Show, State, Tabs, Time, copy, useResource } from "../ui/all.js";
import { seesImages } from "../ui/model_picker.js";
import { tagDialog } from "../ui/tag_dialog.js";
import { toast } from "../ui/toasts.js";
import { Family } from "./model_family.js";
import { Layers } from "./model_layers.js";
import { Lineage } from "./model_lineage.js";
import { Look } from "./model_look.js";
import { Accuracies, Neighbors } from "./model_relations.js";
import { TryIt } from "./model_try.js";
import { UseIt } from "./model_use.js";

const PARTS = [["look", "Where it looks"], ["try", "Try it"], ["layers", "Layers"], ["neighbors", "Neighbors"], ["family", "Family"], ["accuracies", "Accuracies"], ["lineage", "Lineage"], ["use", "Use it"]];
const VIEWS = { look: Look, try: TryIt, layers: Layers, neighbors: Neighbors, family: Family, accuracies: Accuracies, lineage: Lineage, use: UseIt };
const OF_READERS = new Set(["try", "accuracies", "lineage", "use"]);
const SETTLED = new Set(["ready", "rejected", "damaged"]);

/** The page of a model. */
export default function Model() {
  const { path, query } = useStore(route);
  const id = path[1];
  const model = useResource((signal) => get(`models/${id}`, {}, signal), [id]);
  useLive(model, isAbout("models", id));
  return html`<${Show} of=${model} lines=${8} what="The model">${(item) => html`<${Page} model=${item} part=${query.get("part")} reload=${model.reload} />`}<//>`;
}

function Page({ model, part: wanted, reload }) {
  const ready = model.state === "ready";
  const parts = PARTS.filter(([key]) => seesImages(model) || OF_READERS.has(key));
  const part = parts.some(([key]) => key === wanted) ? wanted : parts[0][0];
  const View = VIEWS[part];
  return html`
    <${Head} title=${model.name} crumbs=${html`<a href=${link("models")}>Zoo</a> / <button class="button small quiet mono" title="Copy the id" onClick=${() => copy(model.id)}>${model.id}</button>`}
      actions=${html`${can("jobs") && ready && seesImages(model) && html`<a class="button" href=${link("rank", { target_model: model.id })}>Rank for it</a><a class="button" href=${link("layers", { source: model.id })}>Choose a layer</a>`}<${More} model=${model} reload=${reload} />`} />
    <div class="stack roomy">
      ${model.problems.map((problem) => html`<div class="note bad"><strong>${problem.detail}</strong>${problem.remedy && html`<span class="remedy">${problem.remedy}</span>`}<span class="faint small">${problem.code}</span></div>`)}
      ${!SETTLED.has(model.state) && html`<div class="note" role="status"><strong>${model.state === "pending" ? "A training is making this network." : "The zoo checks this file in a sandbox."}</strong><span class="soft">The page follows by itself.${model.job_id && html` <a href=${link(["jobs", model.job_id])}>Watch the job</a>`}</span></div>`}
      <div class="model-top">
        <${Figures} items=${[["Task", words(model.task.kind)], ["Parameters", short(model.parameters)], [html`<abbr title="Floating-point operations for one image">FLOPs</abbr>`, short(model.flops)], ["File", bytes(model.size_bytes)], ["Input", inputText(model)], ["State", html`<${State} of=${model.state} />`]]} />
        <details class="panel about"><summary>All facts${model.tags.map((tag) => html`<span class="tag">${tag}</span>`)}</summary><div class="body"><${About} model=${model} /></div></details>
      </div>
      <div>
        <${Tabs} items=${parts} current=${part} href=${(key) => link(["models", model.id], { ...Object.fromEntries(route.value.query), part: key })} />
        ${ready || part === "use" || part === "lineage" || part === "accuracies" ? html`<${View} key=${part} model=${model} />` : html`<p class="soft">This part appears when the model is ready.</p>`}
      </div>
    </div>`;
}

function About({ model }) {
  const input = model.input;
  return html`<${Facts} items=${[
    ["Task", model.task.text], ["License", model.license], ["Trained on", model.trained_on], ["Source", model.source], ["Revision", model.revision && html`<code>${model.revision}</code>`],
    ["Format", model.format], ["Architecture", model.architecture && `${model.architecture.library} ${model.architecture.name}`],
    ["Input", input && `${plural(input.channels, "channel")} ${input.channel_order}, range ${input.range.join(" to ")}, mean ${input.mean.join(", ")}, std ${input.std.join(", ")}`],
    ["Reads", model.reader && `${inputText(model)}, as text of ${plural(model.reader.tokens, "different token")}`], ["Output", model.output_kind], ["Feature layer", model.feature_layer && html`<code>${model.feature_layer}</code>`],
    ["Classes", model.classes && `${count(model.classes.length)}: ${model.classes.slice(0, 12).join(", ")}${model.classes.length > 12 ? " …" : ""}`],
    ["Peak memory", model.peak_bytes && `${bytes(model.peak_bytes)}, with gradients ${bytes(model.gradient_peak_bytes)}`],
    ["Time of one image", model.latency_ms && `${fixed(model.latency_ms, 1)} ms on the machine that checked it`],
    ["Tags", model.tags.length > 0 && html`<span class="row wrap">${model.tags.map((tag) => html`<a class="tag" href=${link("models", { tag })}>${tag}</a>`)}</span>`], ["SHA-256", model.sha256 && html`<code>${model.sha256}</code>`], ["Aliases", model.aliases?.length && model.aliases.join(", ")], ["Version", model.version], ["Added", html`<${Time} at=${model.created_at} />`],
  ]} />`;
}

function More({ model, reload }) {
  if (!can("write")) return null;
  return html`<button class="button" onClick=${() => tagDialog([model], reload)}>Tag</button>
    <button class="button" onClick=${() => showDialog("Change the model", (close) => html`<${Change} ...${{ model, close, reload }} />`)}>Change</button>
    <button class="button danger" onClick=${() => confirm({ title: `Delete ${model.name}?`, text: html`<p>The file and every measurement of it are deleted. This cannot be undone.</p>`, action: "Delete", work: () => send("DELETE", `models/${model.id}`, { headers: { "If-Match": model.etag } }), onDone: () => { toast(`${model.name} is deleted.`); go("models"); } })}>Delete</button>`;
}

function Change({ model, close, reload }) {
  const [values, setValues] = useState({ name: model.name, license: model.license, text: model.task.text });
  const [error, setError] = useState(null);
  const save = async (event) => {
    event.preventDefault();
    try {
      await send("PATCH", `models/${model.id}`, { json: { name: values.name, license: values.license, task: { kind: model.task.kind, text: values.text } }, headers: { "If-Match": model.etag } });
      close();
      reload();
    } catch (problem) {
      setError(problem);
    }
  };
  const field = (name, text) => html`<label class="field"><span class="label">${text}</span><input class="input" value=${values[name]} onInput=${(event) => setValues({ ...values, [name]: event.target.value })} /></label>`;
  return html`<form class="stack" onSubmit=${save}>${field("name", "Name")}${field("license", "License")}${field("text", "What the task is")}${error && html`<${Problem} error=${error} />`}<div class="actions"><button type="button" class="button" onClick=${close}>Cancel</button><button class="button primary">Save</button></div></form>`;
}
