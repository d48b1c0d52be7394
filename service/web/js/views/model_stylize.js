// Painting a picture in the styles of others with a stylizer.
import { html, useEffect, useState } from "../lib.js";
import { send } from "../api.js";
import { fixed, plural } from "../format.js";
import { Empty, Hint, Problem, Segments } from "../ui/all.js";
import { toast } from "../ui/toasts.js";

const IMAGE = /^image\/(jpeg|png|webp|bmp)$/;
const MOST_STYLES = 16;
const COLORS = [["none", "From the style"], ["chroma", "From your picture"]];
const WAYS = [["each", "One picture for each"], ["mixed", "All in one picture"]];
let numbers = 0;

/** @typedef {{key: number, file: File, weight: number, mask: File | null}} Style */

/** The part of a stylizer's page that runs it. */
export function Stylize({ model }) {
  const [content, setContent] = useState(/** @type {File | null} */ (null));
  const [styles, setStyles] = useState(/** @type {Style[]} */ ([]));
  const [way, setWay] = useState("each");
  const [look, setLook] = useState({ strength: 1, preserve_color: "none", stroke: 1, uniform_strokes: 0 });
  const [state, setState] = useState(/** @type {{busy: boolean, error: any, pictures: {blob: Blob, text: string}[]}} */ ({ busy: false, error: null, pictures: [] }));
  const mixed = way === "mixed" && styles.length > 1;
  const masks = mixed ? styles.filter((style) => style.mask).length : 0;
  const lacking = masks > 0 && masks < styles.length;
  const weightless = mixed && masks === 0 && styles.every((style) => style.weight === 0);
  const add = (files) => setStyles((before) => {
    if (before.length + files.length > MOST_STYLES) toast(`A stylizer takes up to ${MOST_STYLES} styles at once.`, "bad");
    return [...before, ...files.map((file) => ({ key: ++numbers, file, weight: 1, mask: null }))].slice(0, MOST_STYLES);
  });
  const change = (key, changes) => setStyles((before) => before.map((style) => (style.key === key ? { ...style, ...changes } : style)));
  const run = async () => {
    setState({ busy: true, error: null, pictures: [] });
    try {
      for (const group of mixed ? [styles] : styles.map((style) => [style])) {
        const blob = await painted(model.id, content, group, look, mixed);
        const text = mixed ? `${plural(group.length, "style")} in one picture` : group[0].file.name;
        setState((before) => ({ ...before, pictures: [...before.pictures, { blob, text }] }));
      }
      setState((before) => ({ ...before, busy: false }));
    } catch (error) {
      setState((before) => ({ ...before, busy: false, error }));
    }
  };
  const slide = (name, label, most, least = 0) => html`<label class="field"><span class="label">${label} ${fixed(look[name], 2)}</span><input type="range" min=${least} max=${most} step="0.05" value=${look[name]} onInput=${(event) => setLook({ ...look, [name]: Number(event.target.value) })} /></label>`;
  return html`<div class="try">
    <div class="stack">
      <${Drop} label="Picture to paint" text="Drop a picture to paint" onFiles=${([file]) => setContent(file)}>${content && html`<${Picture} blob=${content} alt="The picture to paint" />`}<//>
      <${Drop} label="Styles" text="Drop pictures whose style to take" many onFiles=${add} small />
      ${styles.map((style) => html`<${StyleRow} key=${style.key} style=${style} mixed=${mixed} masked=${masks > 0} onChange=${(changes) => change(style.key, changes)} onRemove=${() => setStyles(styles.filter((other) => other !== style))} />`)}
      ${styles.length > 1 && html`<${Segments} label="Several styles" value=${way} options=${WAYS} onChange=${setWay} />`}
      <div class="fields">${slide("strength", html`<${Hint} means="0 returns your picture as it is, 1 is the full style.">Strength</${Hint}>`, 1)}${slide("stroke", html`<${Hint} means="Size of strokes, relative to the training.">Strokes</${Hint}>`, 4, 0.5)}${slide("uniform_strokes", html`<${Hint} means="How much grain flat areas get.">Grain</${Hint}>`, 1)}</div>
      <div class="field"><span class="label">Colors</span><${Segments} label="Colors" value=${look.preserve_color} options=${COLORS} onChange=${(preserve_color) => setLook({ ...look, preserve_color })} /></div>
      ${lacking && html`<p class="note warn">Every style needs a mask, or none: ${masks} of ${styles.length} have one.</p>`}
      ${weightless && html`<p class="note warn">At least one style needs a weight above 0.</p>`}
      <div><button class="button primary" disabled=${!content || !styles.length || state.busy || lacking || weightless} onClick=${run}>${state.busy ? "Painting …" : "Paint"}</button></div>
    </div>
    <div class="stack" aria-live="polite">
      ${state.error && html`<${Problem} error=${state.error} retry=${run} />`}
      ${state.pictures.map((picture) => html`<figure class="stack tight result"><${Picture} blob=${picture.blob} alt=${`Painted: ${picture.text}`} download /><figcaption class="soft small clip">${picture.text}</figcaption></figure>`)}
      ${state.busy && html`<p class="soft" role="status">Painting …</p>`}
      ${!state.busy && !state.error && !state.pictures.length && html`<div class="panel"><${Empty} title="Nothing painted yet">Give it a picture and at least one style, then press Paint. Nothing is stored; the network runs in the zoo's sandbox.<//></div>`}
    </div>
  </div>`;
}

function StyleRow({ style, mixed, masked, onChange, onRemove }) {
  const name = style.file.name;
  return html`<div class="style-row"><${Picture} blob=${style.file} alt="" />
    <div class="stack tight grow"><span class="row between"><span class="ellipsis small" title=${name}>${name}</span><button type="button" class="button small quiet" aria-label=${`Remove ${name}`} onClick=${onRemove}>✕</button></span>
      ${mixed && !masked && html`<label class="row small"><span class="soft">Weight ${fixed(style.weight, 2)}</span><input class="grow" type="range" min="0" max="1" step="0.05" value=${style.weight} aria-label=${`Weight of ${name}`} onInput=${(event) => onChange({ weight: Number(event.target.value) })} /></label>`}
      ${mixed && html`<label class="row small"><span class="soft"><${Hint} means="A gray picture, bright where this style counts. Masks take the place of weights.">Mask</${Hint}></span><input class="grow" type="file" accept="image/*" aria-label=${`Mask of ${name}`} onChange=${(event) => onChange({ mask: event.target.files[0] ?? null })} /></label>`}</div></div>`;
}

function Drop({ label, text, onFiles, many = false, small = false, children = null }) {
  const take = (list) => {
    const files = [...list].filter((file) => IMAGE.test(file.type));
    if (files.length) onFiles(many ? files : files.slice(0, 1));
    else if (list.length) toast("Choose JPEG, PNG, WebP or BMP images.", "bad");
  };
  const drop = (event) => {
    event.preventDefault();
    take(event.dataTransfer.files);
  };
  return html`<label class=${`drop ${small ? "small" : ""}`} onDragOver=${(event) => event.preventDefault()} onDrop=${drop}>${children || html`<span><strong>${text}</strong><br /><span class="soft">or choose ${many ? "files" : "a file"}: JPEG, PNG, WebP, BMP</span></span>`}
    <input class="visually-hidden" type="file" accept="image/*" multiple=${many} aria-label=${label} onChange=${(event) => { take(event.target.files); event.target.value = ""; }} /></label>`;
}

/** A picture that the browser holds. */
function Picture({ blob, alt, download = false }) {
  const [address, setAddress] = useState("");
  useEffect(() => {
    const made = URL.createObjectURL(blob);
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [blob]);
  return address && html`<img src=${address} alt=${alt} />${download && html`<a class="button small" href=${address} download="painted.png">Save</a>`}`;
}

/** @param {string} id @param {Blob} content @param {Style[]} styles @param {Record<string, any>} look @param {boolean} mixed */
async function painted(id, content, styles, look, mixed) {
  const form = new FormData();
  form.append("images", content, "image");
  for (const { file } of styles) form.append("styles", file, "style");
  const masks = mixed ? styles.filter((style) => style.mask) : [];
  for (const { mask } of masks) form.append("masks", mask, "mask");
  const weights = mixed && !masks.length ? { style_weights: styles.map((style) => style.weight) } : {};
  return (await send("POST", `models/${id}:predict`, { query: { ...look, ...weights }, body: form })).blob();
}
