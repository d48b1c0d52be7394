// Which output units of the zoo recognize what a few images show.
import { html, useEffect, useState } from "../lib.js";
import { get, post } from "../api.js";
import { follow } from "../events.js";
import { isAbout, isIn, useLive } from "../feed.js";
import { fixed, percent, plural } from "../format.js";
import { go, link, route, setQuery } from "../router.js";
import { can } from "../session.js";
import { useStore } from "../store.js";
import { Copy, Empty, Head, Hint, ModelLink, Panel, Problem, Progress, Prose, Show, State, Time, useResource } from "../ui/all.js";
import { DatasetChoice, NoDatasets, useDatasets } from "../ui/datasets.js";
import { droppedFiles } from "../ui/add_files.js";
import { toast } from "../ui/toasts.js";
import { sendFiles } from "../upload.js";

const IMAGE = /\.(jpe?g|png|webp|bmp)$/i;
const FEWEST = 5;
const USUAL = 50;

/** The form for a search, or one that was made. */
export default function Concepts() {
  const { path } = useStore(route);
  return path[1] ? html`<${Search} id=${path[1]} />` : html`<${Ask} />`;
}

function Ask() {
  const datasets = useDatasets();
  return html`<${Head} title="Concepts" about="Does a network of the zoo already recognize what a few images show? Give 5 to 50 images of it." />
    <div class="stack roomy"><${Show} of=${datasets} what="The list of datasets">${(items) => (items.length ? html`<${Form} datasets=${items} />` : html`<div class="panel"><${NoDatasets} /></div>`)}<//>
    <${Recent} datasets=${datasets.data || []} /></div>`;
}

function Form({ datasets }) {
  const { query } = useStore(route);
  const [files, setFiles] = useState(/** @type {{file: File, path: string}[]} */ ([]));
  const [name, setName] = useState("");
  const [state, setState] = useState(/** @type {{busy: string | null, error: any}} */ ({ busy: null, error: null }));
  const dataset = query.get("dataset");
  const probes = query.get("probes") || datasets.find((item) => item.id !== dataset)?.id || datasets[0].id;
  const negatives = query.get("not");
  const given = files.length >= FEWEST || (files.length === 0 && dataset);
  const ask = async (event) => {
    event.preventDefault();
    try {
      setState({ busy: "Adding the images …", error: null });
      const shown = files.length ? await stored(files, name) : dataset;
      setState({ busy: "Searching …", error: null });
      const search = await post("concept-searches", { dataset_id: shown, probe_set_id: probes, ...(negatives ? { negatives_id: negatives } : {}) });
      go(["concepts", search.id]);
    } catch (error) {
      setState({ busy: null, error });
    }
  };
  return html`<form class="rank-form" onSubmit=${ask}>
    <${Panel} title="1. Images of the concept" about=${`${FEWEST} to ${USUAL} different images; more make the answer surer`}><div class="stack">
      ${can("write") && html`<${Images} ...${{ files, setFiles, name, setName }} />`}
      ${files.length === 0 && html`<${DatasetChoice} label=${can("write") ? "Or a dataset of the zoo" : "Dataset"} value=${dataset} empty="Choose …" datasets=${datasets} onChange=${(next) => setQuery({ dataset: next })} />`}
    </div><//>
    <${Panel} title="2. What it is not" about="Optional: images without the concept"><${DatasetChoice} label="Dataset" value=${negatives} empty="The probe set stands for that" datasets=${datasets} onChange=${(next) => setQuery({ not: next })} /><//>
    <${Panel} title="3. Probe set" about="Images to which the responses of networks are stored"><${DatasetChoice} label=${html`<${Hint} means="What every output unit answers to these images was stored once; the search reads it instead of running every network.">Probe set</${Hint}>`} value=${probes} datasets=${datasets} onChange=${(next) => setQuery({ probes: next })} /><//>
    <div class="panel rank-ask"><div class="body stack"><div><h2>Cost</h2><p class="soft">A few networks run on the images of the concept; all others are searched by their stored responses.</p></div>
      ${state.error && html`<${Problem} error=${state.error} />`}
      ${state.error?.code === "no_unit_responses" && html`<p><a class="button" href=${link("jobs/new", { method: "unit_responses", dataset_id: probes })}>Measure a network</a></p>`}
      ${can("jobs") ? html`<div><button class="button primary" disabled=${Boolean(state.busy) || !given}>${state.busy ?? "Search the zoo"}</button></div>` : html`<p class="soft">Your key can read only. A key with the scope jobs can search.</p>`}
    </div></div>
  </form>`;
}

/** Images that somebody drops or chooses. */
function Images({ files, setFiles, name, setName }) {
  const add = (dropped) => {
    const images = dropped.filter(({ path }) => IMAGE.test(path)).map(({ file, path }) => ({ file, path: path.split("/").at(-1) }));
    if (!images.length) return toast("Choose JPEG, PNG, WebP or BMP images.", "bad");
    return setFiles([...files, ...images]);
  };
  const drop = async (event) => {
    event.preventDefault();
    add(await droppedFiles(event.dataTransfer));
  };
  return html`<label class="drop small" onDragOver=${(event) => event.preventDefault()} onDrop=${drop}><span><strong>${files.length ? plural(files.length, "image") : "Drop images of the concept"}</strong><br /><span class="soft">${files.length && files.length < FEWEST ? `${FEWEST - files.length} more are needed` : "or choose files: JPEG, PNG, WebP, BMP"}</span></span>
      <input class="visually-hidden" type="file" multiple accept="image/*" aria-label="Images of the concept" onChange=${(event) => { add([...event.target.files].map((file) => ({ file, path: file.name }))); event.target.value = ""; }} /></label>
    ${files.length > 0 && html`<label class="field"><span class="label">Name of the concept</span><input class="input" required maxlength="200" placeholder="such as tabby cats" value=${name} onInput=${(event) => setName(event.target.value)} /></label>
    <div><button type="button" class="button small quiet" onClick=${() => setFiles([])}>Remove the images</button></div>`}`;
}

/** The id of a dataset of these images, which is ready. @param {{file: File, path: string}[]} files @param {string} name */
async function stored(files, name) {
  const made = await sendFiles(files, { name: name.trim(), layout: "flat" });
  if (made.job_id) await new Promise((ready, failed) => follow(made.job_id, { onEvent: () => {}, onState: (state) => state === "done" && ready(null), onError: failed }));
  const dataset = await get(`datasets/${made.id}`);
  if (dataset.state === "ready") return dataset.id;
  const problem = dataset.problems[0];
  throw Object.assign(new Error(problem?.detail ?? `the dataset is ${dataset.state}`), { remedy: problem?.remedy, code: problem?.code ?? "dataset_not_ready" });
}

function Search({ id }) {
  const search = useResource((signal) => get(`concept-searches/${id}`, {}, signal), [id]);
  useLive(search, isAbout("concept-searches", id));
  const datasets = useDatasets();
  const [progress, setProgress] = useState(null);
  const job = search.data?.state === "pending" ? search.data.job_id : null;
  useEffect(() => (job ? follow(job, { onEvent: (event) => event.type === "progress" && setProgress(event.data), onState: (state) => state === "done" && search.reload(), onError: () => search.reload() }) : undefined), [job]);
  const name = (key) => datasets.data?.find((item) => item.id === key)?.name ?? key;
  return html`<${Show} of=${search} lines=${6} what="The search">${(item) => html`<${Head} title=${`Units for ${name(item.dataset_id)}`} crumbs=${html`<a href=${link("concepts")}>Concepts</a>`} about=${html`Through ${name(item.probe_set_id)}${item.negatives_id ? `, against ${name(item.negatives_id)}` : ""}, <${Time} at=${item.created_at} />`} actions=${html`<a class="button" href=${link("concepts", { dataset: item.dataset_id, probes: item.probe_set_id, not: item.negatives_id })}>Ask again</a>`} />
    <${Answer} search=${item} progress=${progress ?? item.progress} />`}<//>`;
}

function Answer({ search, progress }) {
  const { cost } = search;
  return html`<div class="stack roomy">
    ${search.state === "pending" && html`<div class="panel"><div class="body stack" role="status"><h2><${Prose} text=${progress?.message || "Searching"} /></h2><${Progress} ...${{ step: 0, total: 0, ...progress }} /><p class="soft">The best networks run on the images themselves. You can leave this page. <a href=${link(["jobs", search.job_id])}>Watch the job</a></p></div></div>`}
    ${search.state === "failed" && html`<${Problem} error=${{ message: search.error?.detail || "The search failed.", remedy: search.error?.remedy, code: search.error?.code }} />`}
    ${search.advice && html`<section class="answer panel"><div class="body"><h2><${Prose} text=${search.advice} /></h2></div></section>`}
    ${search.warnings.length > 0 && html`<div class="stack warnings">${search.warnings.map((item) => html`<div class="note warn"><strong><${Prose} text=${item.detail} /></strong><span class="remedy"><${Prose} text=${item.remedy} /></span></div>`)}</div>`}
    ${search.units.length > 0 ? html`<${Panel} title="Units" about=${`Best first. ${plural(cost.networks_run, "network")} ran of ${cost.networks_searched}${cost.operations_share === null ? "" : `, ${percent(cost.operations_share)} of the operations that running all would take`}.`} flush><${Units} units=${search.units} /><//>` : search.state !== "pending" && search.state !== "failed" && html`<div class="panel"><${Empty} title="No unit was searched">Every candidate has its reason below.<//></div>`}
    ${search.unsearched.length > 0 && html`<details class="panel about"><summary>${plural(search.unsearched.length, "network")} not searched</summary><div class="body"><ul>${search.unsearched.map((item) => html`<li><${ModelLink} id=${item.model_id} name=${null} /> <span class="soft"><${Prose} text=${item.detail} /></span></li>`)}</ul></div></details>`}
    <${Copy} text=${`zooscope concepts show ${search.id}`} />
  </div>`;
}

/** Each unit with its AUC: measured on the images where its network ran, else expected. */
function Units({ units }) {
  return html`<div class="table-scroll" tabindex="0"><table class="table"><thead><tr><th class="number">Rank</th><th>Unit</th><th>Model</th><th><${Hint} means="Probability that the unit responds more to an image of the concept than to another one: 0.5 is chance, 1 is perfect.">AUC</${Hint}></th><th class="number"><${Hint} means="It holds the AUC in 80 of 100 cases.">Interval</${Hint}></th><th class="wide">How</th></tr></thead><tbody>${units.map((unit, index) => {
    const measured = unit.auc !== null;
    const [low, high] = measured ? unit.auc_interval : unit.expected_interval;
    const auc = measured ? unit.auc : unit.expected_auc;
    return html`<tr><td class="number">${index + 1}</td><td class="name"><span class="clip">${unit.class_name ?? html`<span class="soft">without a name</span>`}</span> <span class="soft small">unit ${unit.unit}</span></td><td><${ModelLink} id=${unit.model_id} name=${unit.name} /></td><td><span class="row"><meter min="0" max="1" value=${auc} aria-hidden="true"></meter><span class="number">${fixed(auc)}</span></span></td><td class="number">${fixed(low, 2)} to ${fixed(high, 2)}</td><td class="wide soft">${measured ? "measured on your images" : "expected from stored responses"}</td></tr>`;
  })}</tbody></table></div>`;
}

function Recent({ datasets }) {
  const listed = useResource(async (signal) => (await get("concept-searches", { page_size: 20 }, signal)).items, ["concept-searches"]);
  useLive(listed, isIn("concept-searches"));
  const names = new Map(datasets.map((item) => [item.id, item.name]));
  if (listed.error) return html`<${Problem} error=${listed.error} retry=${listed.reload} />`;
  if (!listed.data?.length) return null;
  return html`<${Panel} title="Latest searches" flush><div class="table-scroll"><table class="table"><thead><tr><th>Images</th><th class="number">Networks</th><th>State</th><th>Asked</th></tr></thead><tbody>${listed.data.map((item) => html`<tr><td class="name"><a href=${link(["concepts", item.id])}>${names.get(item.dataset_id) || item.id}</a></td><td class="number">${item.searched}</td><td><${State} of=${item.state} /></td><td class="soft"><${Time} at=${item.created_at} /></td></tr>`)}</tbody></table></div><//>`;
}
