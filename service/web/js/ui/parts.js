// Small parts that every view uses.
import { html, useEffect, useId } from "../lib.js";
import { ago, exact } from "../format.js";
import { link } from "../router.js";
import { Store, useStore } from "../store.js";
import { toast } from "./toasts.js";

const STATES = { ready: "good", succeeded: "good", rejected: "bad", failed: "bad", damaged: "bad", cancelled: "warn", pending: "warn", running: "busy", checking: "busy", queued: "warn", uploaded: "busy" };

/** A state with its color; the word says the same without it. */
export const State = ({ of: state }) => html`<span class=${`state ${STATES[state] || ""}`}>${state}</span>`;

/** Counts on, so that relative times stay true. */
const halfMinutes = new Store(0);
setInterval(() => halfMinutes.set(halfMinutes.value + 1), 30_000);

/** A time, relative; the exact one on hover. */
export function Time({ at }) {
  useStore(halfMinutes);
  return at ? html`<time datetime=${at} title=${exact(at)}>${ago(at)}</time>` : html`<span class="faint">–</span>`;
}

/** Placeholder lines while something loads. */
export const Skeleton = ({ lines = 4, label = "Loading" }) =>
  html`<div class="skeleton" role="status" aria-label=${label}>${Array.from({ length: lines }, () => html`<span></span>`)}</div>`;

/** A sentence of the API: it begins with a capital, and what it quotes is code. */
export function Prose({ text }) {
  const parts = text.split("`");
  // An id or a name keeps its letters.
  const sentence = /^[a-z]+([ ,.:']|$)/.test(parts[0]) ? parts[0].charAt(0).toUpperCase() + parts[0].slice(1) : parts[0];
  return html`${[sentence, ...parts.slice(1)].map((part, index) => (index % 2 ? html`<code>${part}</code>` : part))}`;
}

/** Why a request failed, and what to do about it. */
export function Problem({ error, retry = null }) {
  return html`<div class="note bad" role="alert">
    <strong><${Prose} text=${error.message} /></strong>
    ${error.fields?.length > 0 && html`<ul>${error.fields.map((field) => html`<li><code>${field.pointer}</code> ${field.reason}</li>`)}</ul>`}
    ${error.remedy && html`<span class="remedy"><${Prose} text=${error.remedy} /></span>`}
    <span class="faint small">${error.code}${error.traceId ? ` · trace ${error.traceId}` : ""}</span>
    ${retry && html`<div class="row"><button class="button small" onClick=${retry}>Try again</button></div>`}
  </div>`;
}

/** Nothing there yet, and the first step. */
export const Empty = ({ title, children, actions = null }) =>
  html`<div class="empty"><h3>${title}</h3><p>${children}</p>${actions && html`<div class="row">${actions}</div>`}</div>`;

/** The heading of a view. */
export function Head({ title, about = null, actions = null, crumbs = null }) {
  useEffect(() => {
    document.title = `${typeof title === "string" ? title : "Zooscope"} · Zooscope`;
  }, [title]);
  return html`<header class="head">
    <div class="grow">
      ${crumbs && html`<nav class="crumbs" aria-label="Where you are">${crumbs}</nav>`}
      <h1 tabindex="-1">${title}</h1>
      ${about && html`<p>${about}</p>`}
    </div>
    ${actions && html`<div class="row wrap">${actions}</div>`}
  </header>`;
}

/** A box with a heading. */
export const Panel = ({ title, about = null, actions = null, children, flush = false }) => html`<section class="panel">
  ${title && html`<div class="title"><div><h2>${title}</h2>${about && html`<p>${about}</p>`}</div>${actions && html`<div class="row wrap">${actions}</div>`}</div>`}
  <div class=${flush ? "" : "body"}>${children}</div>
</section>`;

/** Names and values. Pairs without a value are left out. */
export const Facts = ({ items }) => html`<dl class="facts">
  ${items.filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false).map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}
</dl>`;

/** Some large numbers side by side. */
export const Figures = ({ items }) => html`<dl class="figures">${items.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;

/** A text to copy, such as a command. */
export function Copy({ text, label = "Copy" }) {
  return html`<div class="copy"><pre tabindex="0">${text}</pre><button class="button small" onClick=${() => copy(text)}>${label}</button></div>`;
}

/** Put a text on the clipboard. @param {string} text */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied.");
  } catch {
    toast("This browser does not let the page copy. Select the text and press Ctrl+C.", "bad");
  }
}

/** A word of the field with its meaning on hover and for screen readers. */
export const Hint = ({ children, means }) => html`<abbr class="hint" title=${means}>${children}</abbr>`;

/** One of several values. @param {{value: any, options: any[], onChange: (value: any) => void, label: string}} props */
export const Segments = ({ value, options, onChange, label }) => html`<div class="segments" role="group" aria-label=${label}>
  ${options.map((option) => {
    const [key, text] = Array.isArray(option) ? option : [option, option];
    return html`<button type="button" aria-pressed=${String(key === value)} onClick=${() => onChange(key)}>${text}</button>`;
  })}
</div>`;

/** A labeled choice. */
export function Choice({ label, value, options, onChange, empty = null, help = null, hidden = false }) {
  const id = useId();
  return html`<div class="field">
    <label for=${id} class=${hidden ? "visually-hidden" : "label"}>${label}</label>
    <select id=${id} class="select" value=${value ?? ""} onChange=${(event) => onChange(event.target.value || null)}>
      ${empty !== null && html`<option value="">${empty}</option>`}
      ${options.map((option) => {
        const [key, text] = Array.isArray(option) ? option : [option, option];
        return html`<option value=${key} selected=${key === value}>${text}</option>`;
      })}
    </select>
    ${help && html`<span class="help">${help}</span>`}
  </div>`;
}

/** A share of something that is done. */
export function Progress({ step, total, label = "Progress" }) {
  const known = total > 0;
  return html`<div class=${`progress ${known ? "" : "unknown"}`} role="progressbar" aria-label=${label} aria-valuemin="0" aria-valuemax=${known ? total : undefined} aria-valuenow=${known ? step : undefined}><span style=${known ? { width: `${Math.min(100, (100 * step) / total)}%` } : {}}></span></div>`;
}

/** The link to a model. */
export const ModelLink = ({ id, name }) => html`<a href=${link(["models", id])}>${name || id}</a>`;

/** Views of one thing, each with an address. */
export const Tabs = ({ items, current, href }) => html`<nav class="tabs" aria-label="Parts">
  ${items.map(([key, text]) => html`<a href=${href(key)} aria-current=${String(key === current)}>${text}</a>`)}
</nav>`;
