// Files that somebody chooses or drops; the dialog for them is loaded then.
import { html, useEffect } from "../lib.js";
import { notLoaded } from "../late_modules.js";
import { can } from "../session.js";
import { Store, useStore } from "../store.js";

const dragging = new Store(false);

/** @param {{file: File, path: string}[]} files */
const take = (files) => import("./upload_dialog.js").then(({ openUpload }) => openUpload(files), notLoaded);

/** Let the user choose files. */
export function chooseFiles() {
  const input = document.createElement("input");
  input.type = "file";
  input.multiple = true;
  input.addEventListener("change", () => take([...(input.files || [])].map((file) => ({ file, path: file.name }))));
  input.click();
}

/** Takes files that are dropped anywhere on the page. */
export function DropTarget() {
  const over = useStore(dragging);
  useEffect(() => {
    if (!can("write")) return undefined;
    let depth = 0;
    const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
    const listeners = {
      dragenter: (event) => { if (holdsFiles(event)) { depth += 1; dragging.set(true); } },
      dragleave: (event) => { if (holdsFiles(event)) { depth -= 1; dragging.set(depth > 0); } },
      dragover: (event) => holdsFiles(event) && event.preventDefault(),
      drop: async (event) => {
        depth = 0;
        dragging.set(false);
        if (event.defaultPrevented || !holdsFiles(event)) return;
        event.preventDefault();
        take(await droppedFiles(event.dataTransfer));
      },
    };
    for (const [name, listener] of Object.entries(listeners)) addEventListener(name, listener);
    return () => {
      for (const [name, listener] of Object.entries(listeners)) removeEventListener(name, listener);
    };
  }, []);
  return over && html`<div class="drop-target"><div><strong>Drop to add</strong><span>A .pt2, .safetensors or .onnx file becomes a model; images, clips, a folder, a zip, tar or Parquet file a dataset.</span></div></div>`;
}

/**
 * What was dropped, with the path of each file inside a dropped folder.
 * @param {DataTransfer} transfer @returns {Promise<{file: File, path: string}[]>}
 */
export async function droppedFiles(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.length) return [...transfer.files].map((file) => ({ file, path: file.name }));
  return (await Promise.all(entries.map((entry) => filesIn(entry, "")))).flat();
}

async function filesIn(entry, prefix) {
  const path = prefix + entry.name;
  if (entry.isFile) return [{ file: await new Promise((resolve, reject) => entry.file(resolve, reject)), path }];
  const reader = entry.createReader();
  const children = [];
  while (true) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) break;
    children.push(...some);
  }
  return (await Promise.all(children.map((child) => filesIn(child, `${path}/`)))).flat();
}
