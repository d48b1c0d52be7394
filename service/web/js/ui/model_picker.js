// Models for choices: the zoo searches them, so that no form loads the list of all.
import { html, useEffect, useId, useState } from "../lib.js";
import { get } from "../api.js";
import { isIn, useLive } from "../feed.js";
import { count, short, words } from "../format.js";
import { useSettled } from "./pages.js";
import { Problem } from "./parts.js";
import { useResource } from "./resource.js";

const MATCHES = 12;
// As many as an address holds with room to spare.
const AT_ONCE = 150;
/** Names that were shown before, so that a choice keeps its name while it is loaded again. @type {Map<string, string>} */
const names = new Map();

/**
 * The models that are ready, by number, task and tag, and the newest of them.
 * @param {Record<string, any>} [filter]
 */
export function useZoo(filter = {}) {
  const zoo = useResource((signal) => get("models", { state: "ready", ...filter, page_size: MATCHES, include: ["total", "facets"] }, signal), [filter]);
  useLive(zoo, isIn("models"));
  return zoo;
}

/** Whether a network sees images; a reader takes clips. @param {any} model */
export const seesImages = (model) => !model.reader;

/** The values of a facet. @param {any} zoo @param {string} name @returns {string[]} */
export const facetValues = (zoo, name) => (zoo?.facets.find((facet) => facet.name === name)?.values ?? []).map((item) => item.value);

/** The models with these ids, in as many requests as addresses need. @param {string[]} ids @param {AbortSignal} signal @returns {Promise<any[]>} */
export async function modelsWithIds(ids, signal) {
  const parts = Array.from({ length: Math.ceil(ids.length / AT_ONCE) }, (_, part) => ids.slice(AT_ONCE * part, AT_ONCE * (part + 1)));
  const pages = await Promise.all(parts.map((part) => get("models", { ids: part, page_size: part.length }, signal)));
  return pages.flatMap((page) => page.items);
}

/** The models with certain ids, by id. @param {(string | null | undefined)[]} ids */
export function useModelsById(ids) {
  const wanted = [...new Set(ids)].filter(Boolean);
  const list = useResource(wanted.length ? async (signal) => new Map((await modelsWithIds(wanted, signal)).map((model) => [model.id, model])) : null, [wanted]);
  useLive(list, isIn("models"));
  for (const [id, model] of list.data ?? []) names.set(id, model.name);
  return list;
}

/**
 * Models that somebody chooses by searching the zoo, in the order of choice. `fits` says which are offered.
 * @param {{id?: string, fits?: (model: any) => boolean, label?: any, help?: any, value: string[], onChange: (ids: string[]) => void, most?: number, required?: boolean, invalid?: boolean}} props
 */
export function ModelPicker({ id, fits = seesImages, label = null, help = null, value, onChange, most = Infinity, required = false, invalid = false }) {
  const own = useId();
  const input = id ?? own;
  const chosen = useModelsById(value);
  const full = most > 1 && value.length >= most;
  const name = (key) => chosen.data?.get(key)?.name ?? names.get(key) ?? key;
  const take = (model) => {
    names.set(model.id, model.name);
    onChange(most === 1 ? [model.id] : [...value, model.id]);
  };
  return html`<div class="field">
    ${label && html`<label class="label" for=${input}>${label}</label>`}
    ${value.length > 0 && html`<div class="row wrap">${value.map((key) => html`<span class="tag picked" title=${key}><span class="ellipsis">${name(key)}</span>${(most > 1 || !required) && html`<button type="button" class="remove" aria-label=${`Remove ${name(key)}`} onClick=${() => onChange(value.filter((other) => other !== key))}>✕</button>`}</span>`)}</div>`}
    ${full ? html`<span class="help">No more than ${most} models.</span>` : html`<${Search} ...${{ input, fits, value, take, invalid, required: required && value.length === 0, text: value.length ? (most === 1 ? "Search for another …" : "Add another …") : "Search models …" }} />`}
    ${help && html`<span class="help">${help}</span>`}
  </div>`;
}

/** A field whose list holds what the zoo finds. */
function Search({ input, fits, value, take, invalid, required, text }) {
  const [words_, setWords] = useState("");
  const [open, setOpen] = useState(false);
  const [cursor, setCursor] = useState(0);
  const q = useSettled(words_);
  const matches = useResource(open ? (signal) => get("models", { state: "ready", q, page_size: MATCHES + value.length, include: "total" }, signal) : null, [open, q, value]);
  const loaded = (matches.data?.items ?? []).filter((model) => !value.includes(model.id));
  const fitting = loaded.filter(fits);
  const items = fitting.slice(0, MATCHES);
  useEffect(() => setCursor(0), [q, open]);
  const choose = (model) => {
    take(model);
    setWords("");
    setOpen(false);
  };
  const keys = {
    ArrowDown: () => (open ? setCursor(Math.min(items.length - 1, cursor + 1)) : setOpen(true)),
    ArrowUp: () => setCursor(Math.max(0, cursor - 1)),
    Enter: () => items[cursor] && choose(items[cursor]),
    Escape: () => setOpen(false),
  };
  const press = (event) => {
    if (!keys[event.key] || (!open && event.key !== "ArrowDown")) return;
    event.preventDefault();
    event.stopPropagation();
    keys[event.key]();
  };
  const type = (event) => {
    setWords(event.target.value);
    setOpen(true);
  };
  const rest = (matches.data?.total ?? 0) - items.length - (loaded.length - fitting.length) - value.length;
  return html`<div class="picker">
    <input id=${input} class="input" role="combobox" autocomplete="off" aria-expanded=${String(open)} aria-controls=${`${input}-list`} aria-autocomplete="list" aria-activedescendant=${open && items[cursor] ? `${input}-${cursor}` : undefined} aria-invalid=${String(invalid)} required=${required} placeholder=${text} value=${words_} onInput=${type} onFocus=${() => setOpen(true)} onBlur=${() => setOpen(false)} onKeyDown=${press} />
    <div class="picker-list" hidden=${!open} onPointerDown=${(event) => event.preventDefault()}>
      <ul role="listbox" id=${`${input}-list`} aria-label="Models">${items.map((model, index) => html`<li key=${model.id} id=${`${input}-${index}`} role="option" aria-selected=${String(index === cursor)} onPointerEnter=${() => setCursor(index)} onClick=${() => choose(model)}><span class="ellipsis">${model.name}</span><span class="soft small">${words(model.task.kind)}${model.parameters ? ` · ${short(model.parameters)}` : ""}</span></li>`)}</ul>
      ${matches.error && html`<${Problem} error=${matches.error} />`}
      ${!matches.error && html`<p class="soft small" role="status">${!matches.data ? "Searching …" : items.length === 0 && rest <= 0 ? "No model matches." : rest > 0 ? `${count(rest)} more; type to narrow them down.` : ""}</p>`}
    </div>
  </div>`;
}
