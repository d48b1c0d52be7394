// From a file to a model or dataset: upload, describe, and see what the check says.
import { html, useEffect, useRef, useState } from "../lib.js";
import { get, openapi, post } from "../api.js";
import { bytes, plural } from "../format.js";
import { link } from "../router.js";
import { LABELS as LABEL_FILE, sendFiles, sorted, upload } from "../upload.js";
import { showDialog } from "./dialog.js";
import { datasetSize } from "./datasets.js";
import { Problem, Progress, Skeleton, State } from "./parts.js";
import { isAbout, useLive } from "../feed.js";
import { useResource } from "./resource.js";
import { Fields } from "./schema_form.js";
import { toast } from "./toasts.js";

const SETTLED = new Set(["ready", "rejected", "damaged"]);
const LABELS = { on_error: "If a file cannot be read" };

/** Open the dialog that fits. @param {{file: File, path: string}[]} files */
export function openUpload(files) {
  const what = sorted(files);
  if (what.kind === "unknown") {
    if (what.file) toast(`${what.file.name} is neither a model (.pt2, .safetensors, .onnx) nor images (folder, zip, tar, Parquet, JPEG, PNG, WebP, BMP), nor clips (folder, zip, tar, MP4, MOV, MKV, WebM, AVI).`, "bad");
    return;
  }
  const title = what.kind === "model" ? `Add ${what.file.name}` : what.kind === "dataset" ? `Add ${what.file.name} as a dataset` : `Add ${plural(what.files.length, what.kind === "clips" || what.files.some(({ path }) => LABEL_FILE.test(path)) ? "file" : "image")} as a dataset`;
  showDialog(title, (close) => html`<${Upload} what=${what} close=${close} />`);
}

function Upload({ what, close }) {
  const document_ = useResource(openapi, ["openapi"]);
  const [created, setCreated] = useState(null);
  if (created) return html`<${Check} ...${{ created, close }} noun=${what.kind === "model" ? "models" : "datasets"} />`;
  if (!document_.data) return document_.error ? html`<${Problem} error=${document_.error} retry=${document_.reload} />` : html`<${Skeleton} lines=${6} label="The form is loading" />`;
  const schemas = document_.data.components.schemas;
  return html`<${Describe} what=${what} defs=${schemas} schema=${what.kind === "model" ? withoutHeads(schemas.ModelManifest) : schemas.DatasetManifest} onCreated=${setCreated} close=${close} />`;
}

/** A manifest's schema without the fields that trainings fill; a manifest file may still have them. */
function withoutHeads(schema) {
  const { few_shot, stylizer, ...properties } = schema.properties;
  return { ...schema, properties };
}

/** What the file's name says about it. */
function guess(what) {
  if (what.kind === "clips") return { kind: "clips" };
  if (what.kind === "images") return { layout: what.files.some(({ path }) => path.includes("/") || LABEL_FILE.test(path)) ? "folders" : "flat" };
  const name = what.file.name.replace(/\.[^.]+$/, "");
  if (what.kind === "model") return { name, format: /\.(safetensors|onnx)$/i.exec(what.file.name)?.[1].toLowerCase() ?? "pt2" };
  return { name, ...(/\.parquet$/i.test(what.file.name) ? { layout: "parquet" } : {}) };
}

function Describe({ what, schema, defs, onCreated, close }) {
  const [manifest, setManifest] = useState(() => guess(what));
  const [form, setForm] = useState(0);
  const labels = what.kind === "images" ? what.files.filter(({ path }) => LABEL_FILE.test(path)) : [];
  const [progress, setProgress] = useState(null);
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const leaving = useRef(new AbortController());
  const sent = useRef(/** @type {Promise<string> | null} */ (null));
  const start = () => {
    sent.current = upload(what.file, { onProgress: setProgress, signal: leaving.current.signal });
    sent.current.catch((problem) => problem.name === "AbortError" || setError(problem));
  };
  useEffect(() => {
    if (what.file) start();
    what.manifest?.text().then((text) => {
      setManifest({ ...guess(what), ...JSON.parse(text) });
      setForm((turn) => turn + 1);
    }).catch(() => toast("The manifest file is not JSON; fill in the form instead.", "bad"));
    return () => leaving.current.abort();
  }, []);

  const save = async (event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      onCreated(what.files ? await sendFiles(what.files, manifest) : await post(what.kind === "model" ? "models" : "datasets", { ...manifest, upload_id: await sent.current }));
    } catch (problem) {
      if (problem.name !== "AbortError") setError(problem);
      setBusy(false);
    }
  };
  const again = () => {
    setError(null);
    start();
  };
  const wrongField = error?.fields?.length > 0;
  return html`<form class="stack" onSubmit=${save}>
    ${what.file && html`<${UploadProgress} file=${what.file} progress=${progress} />`}
    ${labels.length > 0 && html`<p class="soft">The labels are read from ${labels.map(({ path }) => path).join(", ")}, which needs the layout folders.</p>`}
    <${Fields} key=${form} schema=${schema} value=${manifest} onChange=${setManifest} context=${{ defs, errors: error?.fields, labels: LABELS }} />
    ${error && html`<${Problem} error=${error} retry=${!wrongField && what.file && !busy && progress?.done !== what.file.size ? again : null} />`}
    <div class="actions"><button type="button" class="button" onClick=${close}>Cancel</button><button class="button primary" disabled=${busy}>${busy ? (progress && progress.done < progress.total ? "Waiting for the upload …" : "Adding …") : "Add"}</button></div>
  </form>`;
}

const PHASES = { hash: "Computing the checksum", send: "Uploading", wait: "The connection broke; resuming" };

function UploadProgress({ file, progress }) {
  const done = progress?.phase === "send" && progress.done === file.size;
  return html`<div class="stack tight" aria-live="polite"><div class="row between"><span>${done ? "Uploaded" : PHASES[progress?.phase] || "Starting"}</span><span class="soft small">${bytes(progress?.done ?? 0)} of ${bytes(file.size)}</span></div><${Progress} step=${progress?.done ?? 0} total=${file.size} label="Upload" /></div>`;
}

/** The live result of the check. */
function Check({ created, noun, close }) {
  const item = useResource((signal) => get(`${noun}/${created.id}`, {}, signal), [created.id]);
  const now = item.data || created;
  const settled = SETTLED.has(now.state);
  useLive(item, isAbout(noun, created.id));
  return html`<div class="stack" aria-live="polite">
    <div class="row between"><strong>${now.name}</strong><${State} of=${now.state} /></div>
    ${!settled && html`<p class="soft">The zoo checks the file in a sandbox. You can close this; the check continues.</p><${Progress} step=${0} total=${0} label="Check" />`}
    ${now.state === "ready" && html`<div class="note good">${noun === "models" ? "The model is ready: it can be measured, ranked and tried." : `The dataset is ready: ${datasetSize(now)}.`}</div>`}
    ${now.problems.map((problem) => html`<div class=${`note ${now.state === "rejected" ? "bad" : "warn"}`}><strong>${problem.name ? `${problem.name}: ` : ""}${problem.detail}</strong>${problem.remedy && html`<span class="remedy">${problem.remedy}</span>`}<span class="faint small">${problem.code}</span></div>`)}
    ${item.error && html`<${Problem} error=${item.error} retry=${item.reload} />`}
    <div class="actions"><button class="button" onClick=${close}>Close</button><a class="button primary" href=${link([noun, created.id])} onClick=${close}>Open ${now.name}</a></div>
  </div>`;
}
