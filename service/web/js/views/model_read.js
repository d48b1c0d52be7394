// Reading a clip with a reader: its text, when each token is spoken, and what the network attends to.
import { html, useState } from "../lib.js";
import { all, send } from "../api.js";
import { fixed, percent, words } from "../format.js";
import { Facts, Hint, Panel, Problem, useResource } from "../ui/all.js";
import { DatasetChoice, useDatasets } from "../ui/datasets.js";
import { ClipPoster } from "../ui/pictures.js";

const OFFERED = 8;
const ALTERNATIVES = 3;

/** @typedef {{file?: File, dataset?: string, clip?: any, number: number}} Chosen */

/** The part of a reader's page that runs it. */
export function ReadClip({ model }) {
  const [chosen, setChosen] = useState(/** @type {Chosen | null} */ (null));
  const result = useResource(chosen && ((signal) => read(model.id, chosen, signal)), [chosen?.number]);
  const choose = (next) => setChosen({ ...next, number: Date.now() });
  const drop = (event) => {
    event.preventDefault();
    const file = event.dataTransfer.files[0];
    if (file) choose({ file });
  };
  return html`<div class="try">
    <div class="stack">
      <label class="drop" onDragOver=${(event) => event.preventDefault()} onDrop=${drop}>
        <span><strong>${chosen?.file?.name ?? "Drop a clip"}</strong><br /><span class="soft">${chosen?.file ? "Drop another one" : "or choose a file: MP4, MOV, MKV, WebM, AVI"}</span></span>
        <input class="visually-hidden" type="file" accept="video/*,.mkv" aria-label="Clip" onChange=${(event) => event.target.files[0] && choose({ file: event.target.files[0] })} />
      </label>
      <${FromZoo} onChoose=${choose} />
    </div>
    <div aria-live="polite">${!chosen ? html`<p class="soft">Nothing is stored. The network runs in the zoo's sandbox.</p>` : result.error ? html`<${Problem} error=${result.error} retry=${result.reload} />` : result.data ? html`<${Text} item=${result.data} clip=${chosen.clip} />` : html`<p class="soft" role="status">Reading …</p>`}</div>
  </div>`;
}

/** Clips of a dataset, by their middle frames. */
function FromZoo({ onChoose }) {
  const datasets = useDatasets("clips");
  const [dataset, setDataset] = useState(/** @type {string | null} */ (null));
  const shown = datasets.data?.find((item) => item.id === dataset) || datasets.data?.[0];
  const clips = useResource(shown ? (signal) => all(`datasets/${shown.id}/clips`, { page_size: OFFERED }, { signal, most: OFFERED }) : null, [shown?.id]);
  if (!shown) return null;
  return html`<${DatasetChoice} label="Or take a clip of the zoo" value=${shown.id} datasets=${datasets.data} onChange=${setDataset} />
    <div class="strip">${clips.data?.slice(0, OFFERED).map((clip) => html`<button class="thumb-button" aria-label=${`Read ${clip.name}`} onClick=${() => onChoose({ dataset: shown.id, clip })}><${ClipPoster} dataset=${shown.id} index=${clip.index} name=${clip.name} /></button>`)}</div>`;
}

/** @param {string} id @param {Chosen} chosen @param {AbortSignal} signal */
async function read(id, { file, dataset, clip }, signal) {
  const query = { alternatives: ALTERNATIVES, ...(file ? {} : { clip_dataset: dataset, clip_indices: [clip.index] }) };
  const form = new FormData();
  if (file) form.append("clips", file, file.name);
  const response = await send("POST", `models/${id}:predict`, { query, signal, ...(file ? { body: form } : {}) });
  return (await response.json()).items[0];
}

function Text({ item, clip }) {
  if (item.problem) return html`<${Problem} error=${{ ...item.problem, message: item.problem.detail }} />`;
  const score = html`<${Hint} means="It compares texts of one clip, and says nothing about how sure the network is.">${fixed(item.score, 2)}</${Hint}>`;
  const facts = [["Score", score], ["Pinyin", item.pinyin.join(" ")], ["Transcript", item.transcript], ["Character error rate", item.character_error_rate !== null && percent(item.character_error_rate)], ["Other texts", item.alternatives.map((other) => `${other.text} (${fixed(other.score, 2)})`).join(", ")], ["Remarks", item.facts?.remarks.map(words).join(", ")]];
  return html`<${Panel} title=${item.text || "No text"} about=${clip?.name ?? ""}><div class="stack">
    ${!item.finished && html`<p class="note warn">The text was cut at the greatest length.</p>`}
    ${item.attention_png && html`<img class="large" alt=${`What the network attends to: one row for each token of ${item.text}, time to the right`} src=${`data:image/png;base64,${item.attention_png}`} />`}
    <${Facts} items=${facts} />
    ${item.tokens.length > 0 && html`<div class="table-scroll"><table class="table"><thead><tr><th>Token</th><th class="number">Spoken</th><th class="number">Probability</th></tr></thead><tbody>${item.tokens.map((token) => html`<tr><td>${token.text.trim() || html`<span class="soft">space</span>`}</td><td class="number">${fixed(token.start_seconds, 2)} to ${fixed(token.end_seconds, 2)} s</td><td class="number">${percent(Math.exp(token.log_probability))}</td></tr>`)}</tbody></table></div>`}
  </div><//>`;
}
