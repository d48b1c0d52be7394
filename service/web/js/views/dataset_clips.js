// The clips of a dataset: what is said in each, its middle frame, and its sound.
import { html } from "../lib.js";
import { address, all } from "../api.js";
import { count, fixed, plural, words } from "../format.js";
import { link, setQuery } from "../router.js";
import { Empty, Facts, Panel, Show, useResource } from "../ui/all.js";
import { ClipPoster } from "../ui/pictures.js";

const SHOWN = 120;

/** The clips in order; the address may name one of them. */
export function Clips({ dataset, query }) {
  const chosen = query.has("clip") ? Number(query.get("clip")) : null;
  const most = Math.max(Number(query.get("shown") || SHOWN), (chosen ?? 0) + 1);
  const clips = useResource((signal, show) => all(`datasets/${dataset.id}/clips`, {}, { signal, onPage: show, most }), [dataset.id, most]);
  return html`<${Show} of=${clips} what="The list of clips">${(items) => html`
    ${chosen !== null && html`<${Chosen} dataset=${dataset} clip=${items[chosen]} complete=${!clips.loading} />`}
    <${Table} ...${{ dataset, items: items.slice(0, most), chosen }} />
    ${dataset.clips > most && html`<div class="row"><button class="button" onClick=${() => setQuery({ shown: most + SHOWN })}>Show more</button><span class="soft small">${count(most)} of ${count(dataset.clips)}</span></div>`}`}<//>`;
}

const picture = (dataset, clip, kind) => address(`datasets/${dataset.id}/clips/${clip.index}/${kind}`);
const seconds = (clip) => `${fixed(clip.seconds, 1)} s`;

function Table({ dataset, items, chosen }) {
  return html`<div class="panel"><div class="table-scroll"><table class="table clips">
    <thead><tr><th>Frame</th><th>Clip</th><th class="wide">Transcript</th><th class="wide">Speaker</th><th class="number">Length</th><th class="wide">Remarks</th></tr></thead>
    <tbody>${items.map((clip) => html`<tr key=${clip.index} class=${clip.index === chosen ? "current" : ""}>
      <td><${ClipPoster} dataset=${dataset.id} index=${clip.index} name=${clip.name} /></td>
      <td class="name"><a href=${link(["datasets", dataset.id], { clip: clip.index })}>${clip.name}</a><div class="narrow-only"><${Words} clip=${clip} /></div></td>
      <td class="wide"><${Words} clip=${clip} /></td>
      <td class="wide">${clip.speaker || html`<span class="faint">–</span>`}</td>
      <td class="number">${seconds(clip)}</td>
      <td class="wide soft small">${clip.remarks.map(words).join(", ")}</td>
    </tr>`)}</tbody>
  </table></div></div>`;
}

const Words = ({ clip }) => html`<div>${clip.transcript || html`<span class="faint">no transcript</span>`}</div>${clip.pinyin && html`<div class="soft small">${clip.pinyin.join(" ")}</div>`}`;

function Chosen({ dataset, clip, complete }) {
  const close = html`<a class="button small" href=${link(["datasets", dataset.id])}>Close</a>`;
  if (!clip) return complete && html`<${Panel} title="No such clip" actions=${close}><${Empty} title="There is no clip at this position">The dataset has ${plural(dataset.clips, "clip")}.<//><//>`;
  return html`<${Panel} title=${clip.name} about="The box on the frame is the part that is read." actions=${close}><div class="stack">
    <img class="large" alt=${`Middle frame of ${clip.name} with the part that is read`} src=${picture(dataset, clip, "poster")} />
    ${clip.mel && html`<img class="large" alt=${`Sound of ${clip.name}: time to the right, high tones on top`} src=${picture(dataset, clip, "mel")} />`}
    <${Facts} items=${[["Transcript", clip.transcript || "none"], ["Pinyin", clip.pinyin?.join(" ")], ["Speaker", clip.speaker], ["Position", String(clip.index)], ["Length", `${seconds(clip)}, ${plural(clip.frames, "frame")}, ${fixed(clip.frames_per_second, 1)} a second`], ["Size", `${clip.width} × ${clip.height} px`], ["Sound", clip.mel ? null : "none"], ["Remarks", clip.remarks.map(words).join(", ")], ["SHA-256", html`<code>${clip.sha256}</code>`]]} />
  </div><//>`;
}
