// One job, live: progress, curves, pictures as they come, log, parameters, result.
import { html, useEffect, useMemo, useState } from "../lib.js";
import { address, get, post } from "../api.js";
import { follow } from "../events.js";
import { bytes, count, duration, fixed, words } from "../format.js";
import { go, link, route } from "../router.js";
import { can } from "../session.js";
import { useStore } from "../store.js";
import { confirm } from "../ui/dialog.js";
import { Copy, Facts, Head, Panel, Problem, Progress, Show, State, Time, copy, useResource } from "../ui/all.js";
import { toast, toastError } from "../ui/toasts.js";
import { Curves } from "./job_curves.js";
import { Report } from "./job_report.js";

const FINAL = new Set(["succeeded", "failed", "cancelled"]);
const PICTURE = /^image\//;
const HINTS = { retention: "A student's quality as a share of its teacher's", agreement: "Share of the evaluation images on which student and teacher decide alike" };

/** The page of a job. */
export default function Job() {
  const { path } = useStore(route);
  const id = path[1];
  const job = useResource((signal) => get(`jobs/${id}`, {}, signal), [id]);
  return html`<${Show} of=${job} lines=${8} what="The job">${(item) => html`<${Live} job=${item} reload=${job.reload} />`}<//>`;
}

function Live({ job, reload }) {
  const [events, setEvents] = useState([]);
  const [stream, setStream] = useState("open");
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    setEvents([]);
    return follow(job.id, {
      onEvent: (event) => {
        setEvents((before) => (before.some((other) => other.seq === event.seq) ? before : [...before, event]));
        if (event.type !== "progress" && event.type !== "metrics") reload();
      },
      onState: setStream,
      onError: toastError,
    });
  }, [job.id, attempt]);
  const metrics = useMemo(() => events.filter((event) => event.type === "metrics").map((event) => event.data), [events]);
  const latest = [...events].reverse().find((event) => event.type === "progress")?.data;
  const artifacts = useResource((signal) => get(`jobs/${job.id}/artifacts`, {}, signal), [job.id, metrics.length, job.state]);
  const running = !FINAL.has(job.state);
  const act = async (verb) => {
    await post(`jobs/${job.id}:${verb}`);
    reload();
    if (verb === "retry") setAttempt((n) => n + 1);
  };
  const progress = running ? (latest ?? job.progress) : job.progress;
  return html`<${Head} title=${job.params?.name || capital(words(job.method))} crumbs=${html`<a href=${link("jobs")}>Jobs</a> / <button class="button small quiet mono" title="Copy the id" onClick=${() => copy(job.id)}>${job.id}</button>`}
      about=${html`${words(job.method)}, submitted <${Time} at=${job.created_at} />`}
      actions=${can("jobs") && html`
        ${running && html`<button class="button danger" onClick=${() => confirm({ title: "Cancel this job?", text: html`<p>A training keeps its last checkpoint, so you can retry it from there.</p>`, action: "Cancel the job", work: () => act("cancel"), onDone: () => toast("Canceling …") })}>Cancel</button>`}
        ${(job.state === "failed" || job.state === "cancelled") && html`<button class="button primary" onClick=${() => act("retry").catch(toastError)}>Retry</button>`}
        <button class="button" onClick=${() => go("jobs/new", { from: job.id })}>Run again with changes</button>`} />
    <div class="stack roomy">
      <div class="panel"><div class="body stack" aria-live="polite">
        <div class="row between wrap"><${State} of=${job.state} /><span class="soft small">${timing(job)}${job.attempts > 1 ? ` · attempt ${job.attempts}` : ""}${stream === "broken" ? " · the live connection broke; reconnecting" : ""}</span></div>
        ${running && html`<${Progress} ...${progress} /><span class="soft small">${progress.message}${progress.total > 0 ? ` ${count(progress.step)} of ${count(progress.total)}` : ""}</span>`}
        ${job.error && html`<${Problem} error=${{ message: job.error.detail, remedy: job.error.remedy, code: job.error.code }} />`}
        ${job.state === "succeeded" && html`<${Result} job=${job} />`}
      </div></div>
      ${metrics.length > 0 && html`<${Curves} metrics=${metrics} />`}
      <${Report} job=${job} artifacts=${artifacts.data?.items ?? []} hints=${HINTS} />
      <${Pictures} items=${(artifacts.data?.items ?? []).filter((item) => PICTURE.test(item.media_type))} />
      <div class="columns">
        <${Panel} title="Inputs and parameters"><${Values} value=${{ ...job.inputs, ...job.params }} /><//>
        <${Panel} title="Files" flush><${Files} items=${artifacts.data?.items ?? []} /><//>
      </div>
      <${Log} events=${events} />
      <details class="panel about"><summary>The same on the command line</summary><div class="body"><${Copy} text=${`zooscope jobs watch ${job.id}\nzooscope jobs artifacts ${job.id} --out results`} /></div></details>
    </div>`;
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

function timing(job) {
  if (!job.started_at) return "waiting for a worker";
  const end = job.finished_at ? Date.parse(job.finished_at) : Date.now();
  return `${job.finished_at ? "ran" : "running for"} ${duration((end - Date.parse(job.started_at)) / 1000)}`;
}

function Result({ job }) {
  const result = job.result || {};
  const ids = Object.entries(result).filter(([, value]) => typeof value === "string" && /^(mdl|dst|rnk|lay)_/.test(value));
  const places = { mdl: "models", dst: "datasets", rnk: "rankings", lay: "layers" };
  if (result.map_id) return html`<p><a class="button primary" href=${link("map", { dataset: job.inputs.dataset_id })}>Open the map</a></p>`;
  if (!ids.length) return html`<p class="soft">The job has finished.</p>`;
  return html`<div class="row wrap">${ids.map(([name, id]) => html`<a class="button primary" href=${link([places[id.slice(0, 3)], id])}>Open the ${words(name).replace(/ id$/, "")}</a>`)}</div>`;
}

function Pictures({ items }) {
  const drawn = items.filter((item) => !item.name.includes("-dark") && item.name !== "curve.png" && !/\d+-\d+\.png$/.test(item.name));
  if (!drawn.length) return null;
  return html`<${Panel} title="Pictures" about="As the job makes them"><div class="pictures">${drawn.slice(0, 24).map((item) => html`<figure key=${item.sha256}><a href=${address(`artifacts/${item.id}/content`)}><img loading="lazy" alt=${item.name} src=${address(`artifacts/${item.id}/content`)} /></a><figcaption class="small soft">${item.name}</figcaption></figure>`)}</div><//>`;
}

function Values({ value }) {
  const text = (item) => (item === null ? html`<span class="faint">default</span>` : typeof item === "string" && /^(mdl|dst)_/.test(item) ? html`<a class="mono small" href=${link([item.startsWith("mdl") ? "models" : "datasets", item])}>${item}</a>` : Array.isArray(item) ? (item.length > 12 ? `${item.slice(0, 12).join(", ")} … (${item.length})` : html`${item.map((part, index) => html`${index ? ", " : ""}${text(part)}`)}`) : typeof item === "object" ? html`<code>${JSON.stringify(item)}</code>` : String(item));
  return html`<${Facts} items=${Object.entries(value).map(([name, item]) => [words(name), text(item)])} />`;
}

function Files({ items }) {
  if (!items.length) return html`<div class="body"><p class="soft">No files yet.</p></div>`;
  return html`<div class="table-scroll files"><table class="table"><tbody>${items.map((item) => html`<tr key=${item.id}><td class="name"><a href=${address(`artifacts/${item.id}/content`)} download=${item.name}>${item.name}</a></td><td class="number soft">${bytes(item.size_bytes)}</td></tr>`)}</tbody></table></div>`;
}

function Log({ events }) {
  const about = (event) => (event.type === "progress" ? `${event.data.message || ""} ${event.data.total ? `${event.data.step} of ${event.data.total}` : ""}` : event.type === "metrics" ? Object.entries(event.data).map(([name, value]) => `${words(name)} ${typeof value === "number" && !Number.isInteger(value) ? fixed(value, 4) : value}`).join(", ") : event.data?.error ? event.data.error.detail : event.data?.reason || "");
  return html`<details class="panel about"><summary>Log<span class="soft small">${count(events.length)} events</span></summary><div class="body log" tabindex="0"><table class="table"><tbody>${events.slice(-400).map((event) => html`<tr key=${event.seq}><td class="number soft">${event.seq}</td><td class="soft"><${Time} at=${event.at} /></td><td>${words(event.type)}</td><td class="small">${about(event)}</td></tr>`)}</tbody></table></div></details>`;
}
