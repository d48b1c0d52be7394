// Forms from JSON schemas: every field that the API takes, with its range, default and meaning.
import { html, useId } from "../lib.js";
import { words } from "../format.js";
import { datasetSize } from "./datasets.js";
import { ModelPicker } from "./model_picker.js";

/**
 * @typedef {{defs: Record<string, any>, datasets?: any[], layers?: string[], open?: Set<string>, errors?: {pointer: string, reason: string}[], labels?: Record<string, string>, fits?: (model: any) => boolean}} Context
 */

/** A schema with its reference resolved and its null alternative removed. @param {any} schema @param {Record<string, any>} defs @returns {any} */
export function resolved(schema, defs) {
  let current = schema;
  if (current.$ref) current = { ...defs[current.$ref.split("/").at(-1)], ...without(current, "$ref") };
  const options = current.anyOf?.filter((option) => option.type !== "null");
  if (options?.length === 1) return resolved({ ...without(current, "anyOf"), ...resolved(options[0], defs), ...pick(current, ["title", "description", "default"]), nullable: true }, defs);
  if (options) return { ...current, anyOf: options.map((option) => resolved(option, defs)), nullable: current.anyOf.length > options.length };
  return current;
}

const without = (object, name) => Object.fromEntries(Object.entries(object).filter(([key]) => key !== name));
const pick = (object, names) => Object.fromEntries(Object.entries(object).filter(([key]) => names.includes(key)));

/**
 * The fields of an object.
 * @param {{schema: any, value: any, onChange: (value: any) => void, context: Context, pointer?: string, only?: (name: string) => boolean, taken?: boolean}} props
 */
export function Fields({ schema, value, onChange, context, pointer = "", only = () => true, taken = true }) {
  // What a group requires counts only once something of it is filled in.
  const required = new Set(taken ? schema.required : []);
  const change = (name, inner) => {
    const after = { ...value, [name]: inner };
    if (inner === undefined) delete after[name];
    onChange(after);
  };
  const fields = Object.entries(schema.properties || {})
    .map(([name, raw]) => ({ name, field: resolved(raw, context.defs) }))
    .filter(({ name, field }) => field.type !== "null" && only(name));
  const nested = fields.filter(({ field }) => field.type === "object" && field.properties);
  const plain = fields.filter(({ field }) => !(field.type === "object" && field.properties));
  return html`<div class="stack">
    ${plain.length > 0 && html`<div class="fields">${plain.map(({ name, field }) => html`<${Field} key=${name} ...${{ name, field, required: required.has(name), value: value?.[name], onChange: (inner) => change(name, inner), context, pointer: `${pointer}/${name}` }} />`)}</div>`}
    ${nested.map(({ name, field }) => html`<details class="group" open=${required.has(name) || value?.[name] !== undefined || context.open?.has(name)}>
      <summary>${label(name, context)}<span class="soft small">${firstLine(field.description)}</span></summary>
      <${Fields} schema=${field} value=${value?.[name] ?? {}} onChange=${(inner) => change(name, Object.keys(inner).length ? inner : undefined)} context=${context} pointer=${`${pointer}/${name}`} taken=${required.has(name) || value?.[name] !== undefined} />
    </details>`)}
  </div>`;
}

const label = (name, context) => context.labels?.[name] ?? capital(words(name).replace(/ ids?$/, ""));
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
// A field that is left out is what the API calls null, and what it refers to is a field of this form.
const firstLine = (text) => (text || "").split("\n\n")[0].replace(/\bnull\b/g, "empty").replace(/`([a-z_]+)`/g, (_, name) => words(name).replace(/ ids?$/, "")).replaceAll("`", "");

function Field({ name, field, required, value, onChange, context, pointer }) {
  const id = useId();
  const wrong = context.errors?.filter((error) => error.pointer === pointer || error.pointer.endsWith(pointer) || error.pointer.startsWith(`${pointer}/`)) ?? [];
  const help = [firstLine(field.description), range(field), preset(field)].filter(Boolean).join(" ");
  return html`<div class="field">
    <label class="label" for=${id}>${label(name, context)}${required && html` <span class="faint small">required</span>`}</label>
    <${Input} ...${{ id, field, required, value, onChange, context, invalid: wrong.length > 0 }} />
    ${help && html`<span class="help">${help}</span>`}
    ${wrong.map((error) => html`<span class="wrong" role="alert">${error.reason}</span>`)}
  </div>`;
}

function Input({ id, field, required, value, onChange, context, invalid }) {
  const shared = { id, required, "aria-invalid": String(invalid) };
  const item = field.items ? resolved(field.items, context.defs) : {};
  if (field.enum) return html`<${Select} ...${{ shared, required, value, onChange, options: field.enum.map((key) => [key, words(String(key))]), initial: field.default, numeric: typeof field.enum[0] === "number" }} />`;
  if (field.format === "model-id") return html`<${ModelPicker} ...${{ id, fits: context.fits, required, invalid, value: value ? [value] : [], onChange: (ids) => onChange(ids[0]), most: 1 }} />`;
  if (field.format === "dataset-id") return html`<${Select} ...${{ shared, required, value, onChange, options: (context.datasets || []).map(named) }} />`;
  if (field.format === "layer-name" && context.layers?.length) return html`<${Select} ...${{ shared, required, value, onChange, options: context.layers.map((layer) => [layer, layer]) }} />`;
  if (field.type === "boolean") return html`<input type="checkbox" ...${shared} checked=${value ?? field.default ?? false} onChange=${(event) => onChange(event.target.checked)} />`;
  if (field.type === "integer" || field.type === "number") {
    const step = field.type === "integer" ? 1 : "any";
    return html`<input class="input" type="number" ...${shared} step=${step} min=${field.minimum} max=${field.maximum} placeholder=${field.default ?? ""} value=${value ?? ""} onInput=${(event) => onChange(event.target.value === "" ? undefined : Number(event.target.value))} />`;
  }
  if (field.type === "array" && item.format === "model-id") return html`<${ModelPicker} ...${{ id, fits: context.fits, required, invalid, value: value || [], onChange: (ids) => onChange(ids.length ? ids : undefined), most: field.maxItems }} />`;
  if (field.type === "array") {
    const numbers = ["integer", "number"].includes(item.type || field.prefixItems?.[0]?.type);
    return html`<${List} ...${{ shared, numbers, value, onChange, initial: field.default }} />`;
  }
  if (field.type === "object") return html`<${Json} ...${{ shared, value, onChange }} />`;
  const choices = field.anyOf?.flatMap((option) => option.enum || []) ?? [];
  return html`<input class="input" ...${shared} list=${choices.length ? `${id}-choices` : undefined} maxlength=${field.maxLength} placeholder=${field.default ?? ""} value=${value ?? ""} onInput=${(event) => onChange(event.target.value === "" ? undefined : event.target.value)} />
    ${choices.length > 0 && html`<datalist id=${`${id}-choices`}>${choices.map((choice) => html`<option value=${choice} />`)}</datalist>`}`;
}

const named = (dataset) => [dataset.id, `${dataset.name} (${datasetSize(dataset)}${dataset.labels ? `, ${dataset.labels.length} labels` : ""})`];

function Select({ shared, required, value, onChange, options, initial, numeric = false }) {
  const empty = required && initial === undefined ? "Choose …" : initial !== undefined && initial !== null ? `Default: ${words(String(initial))}` : "None";
  return html`<select class="select" ...${shared} value=${value ?? ""} onChange=${(event) => onChange(event.target.value === "" ? undefined : numeric ? Number(event.target.value) : event.target.value)}>
    <option value="">${empty}</option>
    ${options.map(([key, text]) => html`<option value=${key} selected=${key === value}>${text}</option>`)}
  </select>`;
}

function List({ shared, numbers, value, onChange, initial }) {
  const parse = (text) => {
    const parts = text.split(",").map((part) => part.trim()).filter(Boolean);
    return parts.length ? (numbers ? parts.map(Number) : parts) : undefined;
  };
  return html`<input class="input" ...${shared} placeholder=${initial?.length ? initial.join(", ") : "separated by commas"} defaultValue=${value?.join(", ") ?? ""} onChange=${(event) => onChange(parse(event.target.value))} />`;
}

function Json({ shared, value, onChange }) {
  const parse = (event) => {
    try {
      event.target.setCustomValidity("");
      onChange(event.target.value.trim() ? JSON.parse(event.target.value) : undefined);
    } catch {
      event.target.setCustomValidity("Write JSON, such as {\"name\": 1}.");
      event.target.reportValidity();
    }
  };
  return html`<textarea class="textarea mono" ...${shared} placeholder=${'{"name": value}'} defaultValue=${value ? JSON.stringify(value) : ""} onChange=${parse}></textarea>`;
}

function range(field) {
  const low = field.minimum ?? field.exclusiveMinimum;
  const high = field.maximum ?? field.exclusiveMaximum;
  const above = field.exclusiveMinimum !== undefined ? "above " : "";
  if (low === undefined && high === undefined) return "";
  if (high === undefined || high > 1e15) return `${above ? "Above" : "At least"} ${low}.`;
  if (low === undefined) return `At most ${high}.`;
  return `From ${above}${low} to ${field.exclusiveMaximum !== undefined ? "below " : ""}${high}.`;
}

const preset = (field) => (["integer", "number"].includes(field.type) && field.default !== undefined && field.default !== null ? `Default ${field.default}.` : "");
