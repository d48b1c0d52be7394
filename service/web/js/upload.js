// Files on their way into the zoo: hashed in a worker, sent in pieces, resumed where they broke off.
import { ApiError, get, post, send } from "./api.js";

const PIECE_BYTES = 8 * 1024 * 1024;
const PAUSES = [500, 1000, 2000, 4000, 8000, 8000, 8000];

/**
 * The id of a finished upload.
 * @param {File} file
 * @param {{onProgress: (state: {phase: "hash" | "send" | "wait", done: number, total: number}) => void, signal: AbortSignal}} options
 */
export async function upload(file, { onProgress, signal }) {
  const sha256 = await hashed(file, (done) => onProgress({ phase: "hash", done, total: file.size }), signal);
  const { id } = await post("uploads", { size: file.size, sha256, filename: file.name });
  let offset = 0;
  let failures = 0;
  while (offset < file.size) {
    onProgress({ phase: "send", done: offset, total: file.size });
    try {
      offset = await sendPiece(id, file, offset, signal);
      failures = 0;
    } catch (error) {
      if (signal.aborted || !mayResume(error) || failures >= PAUSES.length) throw error;
      onProgress({ phase: "wait", done: offset, total: file.size });
      await new Promise((wake) => setTimeout(wake, PAUSES[failures]));
      failures += 1;
      offset = await stored(id, offset);
    }
  }
  onProgress({ phase: "send", done: file.size, total: file.size });
  return id;
}

/** A lost connection, a busy part of the zoo, or an offset that moved on: ask how far it is and continue. */
const mayResume = (error) => error instanceof ApiError && (error.offline || error.status >= 500 || error.status === 409 || error.status === 429);

async function sendPiece(id, file, offset, signal) {
  const body = file.slice(offset, offset + PIECE_BYTES);
  const headers = { "Upload-Offset": String(offset), "Content-Type": "application/octet-stream" };
  return (await (await send("PATCH", `uploads/${id}`, { body, headers, signal })).json()).offset;
}

/** How much of an upload the zoo has; the last known offset while it does not answer. */
async function stored(id, offset) {
  try {
    return (await get(`uploads/${id}`)).offset;
  } catch (error) {
    if (error instanceof ApiError && error.offline) return offset;
    throw error;
  }
}

/** @param {File} file @param {(done: number) => void} onProgress @param {AbortSignal} signal @returns {Promise<string>} */
function hashed(file, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("sha256_worker.js", import.meta.url));
    const end = (settle, value) => {
      worker.terminate();
      settle(value);
    };
    signal.addEventListener("abort", () => end(reject, new DOMException("stopped", "AbortError")));
    worker.addEventListener("message", ({ data }) => {
      if (data.sha256) end(resolve, data.sha256);
      else if (data.error) end(reject, new ApiError(1, { detail: "This browser cannot read the file.", remedy: "Choose it again; it may have moved or changed.", code: "unreadable_file" }));
      else onProgress(data.done);
    });
    worker.addEventListener("error", () => end(reject, new ApiError(1, { detail: "This browser cannot start the worker that reads the file.", code: "no_worker" })));
    worker.postMessage(file);
  });
}

const MODEL = /\.(pt2|safetensors|onnx)$/i;
const ARCHIVE = /\.(zip|tar|tgz|tar\.gz|parquet)$/i;
const IMAGE = /\.(jpe?g|png|webp|bmp)$/i;
const CLIP = /\.(mp4|mov|mkv|webm|avi|mpe?g|ts|gif)$/i;
const WORDS = /\.(csv|tsv|jsonl?|txt|align)$/i;
/** Files with a row for each image; the zoo reads the labels in them. */
export const LABELS = /\.(csv|tsv|jsonl|ndjson)$/i;
const MANIFEST = /manifest\.json$/i;

/** What files are: one model, one archive, many images, clips with their transcripts, or nothing that the zoo takes. @param {{file: File, path: string}[]} files */
export function sorted(files) {
  const model = files.find(({ path }) => MODEL.test(path));
  const archive = files.find(({ path }) => ARCHIVE.test(path));
  const images = files.filter(({ path }) => IMAGE.test(path));
  const manifest = files.find(({ path }) => MANIFEST.test(path))?.file ?? null;
  if (model) return { kind: "model", file: model.file, manifest };
  if (archive) return { kind: "dataset", file: archive.file, manifest: null };
  if (files.some(({ path }) => CLIP.test(path))) return { kind: "clips", files: files.filter(({ path }) => CLIP.test(path) || WORDS.test(path)), manifest: null };
  if (images.length) return { kind: "images", files: withoutRoot(images, files.filter(({ path }) => LABELS.test(path))), manifest: null };
  return { kind: "unknown", file: files[0]?.file ?? null, manifest: null };
}

/** Paths below the folder that was dropped: its name is the dataset's, not a label. */
function withoutRoot(images, labels) {
  const all = [...images, ...labels];
  const roots = new Set(images.map(({ path }) => path.split("/")[0]));
  const nested = images.every(({ path }) => path.split("/").length > 2) && labels.every(({ path }) => roots.has(path.split("/")[0]) && path.includes("/"));
  return roots.size === 1 && nested ? all.map(({ file, path }) => ({ file, path: path.split("/").slice(1).join("/") })) : all;
}

/** A dataset of these files, not checked yet. @param {{file: File, path: string}[]} files @param {any} manifest */
export async function sendFiles(files, manifest) {
  const form = new FormData();
  form.append("manifest", new Blob([JSON.stringify(manifest)], { type: "application/json" }));
  for (const { file, path } of files) form.append("files", file, path);
  return (await send("POST", "datasets", { body: form })).json();
}
