// All models of the zoo: search, facets, sort, selection.
import { html, useEffect, useRef, useState } from "../lib.js";
import { send } from "../api.js";
import { notLoaded } from "../late_modules.js";
import { bytes, plural, short, words } from "../format.js";
import { go, link, route, setQuery } from "../router.js";
import { can } from "../session.js";
import { useStore } from "../store.js";
import { confirm } from "../ui/dialog.js";
import { Empty, Head, ModelLink, Show, State, Time, useFocus } from "../ui/all.js";
import { End, FacetChoice, usePages } from "../ui/pages.js";
import { useShortcuts } from "../ui/shortcuts.js";
import { chooseFiles } from "../ui/add_files.js";
import { useWindow } from "../ui/window_rows.js";
import { toast } from "../ui/toasts.js";

const ROW_HEIGHT = 49;
const MOST_COMPARED = 4;
const FILTERS = ["q", "task", "tag", "state", "size"];
/** Columns: field, heading, class, and whether the list can be sorted by it. @type {[string, string, string, boolean][]} */
const COLUMNS = [["name", "Name", "", true], ["task", "Task", "wide", false], ["state", "State", "", false], ["parameters", "Parameters", "number wide", true], ["flops", "FLOPs", "number wider", false], ["size", "File", "number wider", true], ["created_at", "Added", "wide", true]];
const SIZES = { up_to_1_mb: "Up to 1 MB", up_to_10_mb: "Up to 10 MB", up_to_100_mb: "Up to 100 MB", up_to_1_gb: "Up to 1 GB", over_1_gb: "Over 1 GB" };

/** The table of models. */
export default function Zoo() {
  const { query } = useStore(route);
  const filters = Object.fromEntries(FILTERS.map((name) => [name, query.get(name) || ""]));
  const ids = (query.get("ids") || "").split(",").filter(Boolean);
  const list = usePages("models", { ...filters, ids, sort: query.get("sort") || "-created_at" });
  const search = useRef(null);
  const any = ids.length > 0 || Object.values(filters).some(Boolean);
  const choice = (name, label, empty, text) => html`<${FacetChoice} of=${list} ...${{ name, label, empty, text }} value=${filters[name]} onChange=${(value) => setQuery({ [name]: value })} />`;
  useShortcuts({ "/": ["Search", () => search.current?.focus()] });
  return html`<${Head} title="Zoo" about="The networks of this project. Open one to see where it looks, or select some to compare and rank them."
      actions=${can("write") && html`<button class="button primary" onClick=${chooseFiles}>Add a model or images</button>`} />
    <div class="stack">
      ${(any || list.data?.total !== 0) && html`<div class="filters">
        <input ref=${search} class="input" type="search" placeholder="Search names, tags and tasks  ( / )" aria-label="Search models" value=${filters.q} onInput=${(event) => setQuery({ q: event.target.value })} />
        ${choice("task", "Task", "Every task")}${choice("tag", "Tag", "Every tag", String)}${choice("state", "State", "Every state")}${choice("size", "Size", "Every size", (key) => SIZES[key] || key)}
      </div>`}
      <${Show} of=${list} lines=${8} what="The zoo">${(data) => (data.total === 0 && !any ? html`<${FirstModel} />` : html`<${Table} ...${{ list, any }} models=${data.items} total=${data.total} order=${query.get("sort") || "-created_at"} />`)}<//>
    </div>`;
}

function FirstModel() {
  return html`<div class="panel"><${Empty} title="No models yet"
    actions=${can("write") ? html`<button class="button primary" onClick=${chooseFiles}>Choose a file</button><a class="button" href="docs">Read the API</a>` : null}>
    ${can("write") ? html`Drop a <code>.pt2</code> or <code>.safetensors</code> file anywhere on this page. A folder or a zip of images becomes a dataset.` : "Your key can read only. Somebody with the scope write adds models."}
  <//></div>`;
}

function Table({ list, models, total, any, order }) {
  const [selected, setSelected] = useState(new Map());
  const body = useRef(null);
  const [cursor, setCursor] = useFocus(models.length);
  const window = useWindow(body, models.length, ROW_HEIGHT);
  const toggle = (model) => setSelected((before) => {
    const after = new Map(before);
    if (!after.delete(model.id)) after.set(model.id, model);
    return after;
  });
  useShortcuts({
    j: ["Next model", () => setCursor(cursor + 1)],
    k: ["Previous model", () => setCursor(cursor - 1)],
    x: ["Select the model", () => models[cursor] && toggle(models[cursor])],
    Enter: ["Open the model", () => models[cursor] && go(["models", models[cursor].id])],
    Escape: ["Clear the selection", () => setSelected(new Map())],
  });
  useEffect(() => window.reveal(cursor), [cursor]);
  return html`
    <div class="row between wrap">
      <p class="soft" role="status">${any ? `${plural(total, "model")} match${total === 1 ? "es" : ""}` : plural(total, "model")}${list.loading ? " · loading" : ""}</p>
      ${any && html`<button class="button small quiet" onClick=${() => setQuery(Object.fromEntries([...FILTERS, "ids"].map((name) => [name, ""])))}>Clear the filters</button>`}
    </div>
    ${selected.size > 0 && html`<${Selection} models=${[...selected.values()]} clear=${() => setSelected(new Map())} reload=${list.reload} />`}
    ${models.length === 0 ? html`<div class="panel"><${Empty} title="No model matches">Change the search or clear the filters.<//></div>` : html`<div class="panel"><div class="table-scroll"><table class="table zoo-table">
      <thead><tr>
        <th class="pick"><input type="checkbox" aria-label="Select all that are shown" checked=${models.every((model) => selected.has(model.id))} onChange=${(event) => setSelected(new Map(event.target.checked ? models.map((model) => [model.id, model]) : []))} /></th>
        ${COLUMNS.map(([key, text, kind, sorts]) => (sorts ? html`<${Heading} ...${{ name: key, text, kind, order }} />` : html`<th class=${kind}>${text}</th>`))}
      </tr></thead>
      <tbody ref=${body}>
        ${window.before > 0 && html`<tr class="spacer" aria-hidden="true"><td colspan="8"><div style=${{ height: `${window.before}px` }}></div></td></tr>`}
        ${models.slice(window.from, window.to).map((model, index) => html`<${Row} key=${model.id} ...${{ model, current: window.from + index === cursor, selected: selected.has(model.id), toggle }} />`)}
        ${window.after > 0 && html`<tr class="spacer" aria-hidden="true"><td colspan="8"><div style=${{ height: `${window.after}px` }}></div></td></tr>`}
      </tbody>
    </table></div></div><${End} of=${list} />`}`;
}

function Heading({ name, text, kind, order }) {
  const ascending = order === name;
  const active = ascending || order === `-${name}`;
  return html`<th class=${kind} aria-sort=${active ? (ascending ? "ascending" : "descending") : "none"}>
    <button onClick=${() => setQuery({ sort: active && !ascending ? name : active ? `-${name}` : kind.includes("number") || name === "created_at" ? `-${name}` : name })}>${text}<span aria-hidden="true">${active ? (ascending ? "↑" : "↓") : ""}</span></button>
  </th>`;
}

function Row({ model, current, selected, toggle }) {
  return html`<tr class=${`${current ? "current" : ""} ${selected ? "selected" : ""}`} aria-selected=${String(selected)}>
    <td class="pick"><input type="checkbox" aria-label=${`Select ${model.name}`} checked=${selected} onChange=${() => toggle(model)} /></td>
    <td class="name"><div class="clip"><${ModelLink} id=${model.id} name=${model.name} /></div><div class="tags">${model.tags.slice(0, 3).map((tag) => html`<a class="tag" href=${link("models", { tag })}>${tag}</a>`)}<span class="narrow-only soft small">${words(model.task.kind)} · ${short(model.parameters)}</span></div></td>
    <td class="wide">${words(model.task.kind)}</td>
    <td><${State} of=${model.state} /></td>
    <td class="number wide">${short(model.parameters)}</td>
    <td class="number wider">${short(model.flops)}</td>
    <td class="number wider">${bytes(model.size_bytes)}</td>
    <td class="wide soft"><${Time} at=${model.created_at} /></td>
  </tr>`;
}

function Selection({ models, clear, reload }) {
  const ids = models.map((model) => model.id);
  const names = models.length === 1 ? models[0].name : plural(models.length, "model");
  return html`<div class="selection" role="region" aria-label="Selected models">
    <strong>${names} selected</strong>
    <div class="row wrap">
      <button class="button small" disabled=${ids.length < 2 || ids.length > MOST_COMPARED} title=${ids.length > MOST_COMPARED ? "Compare two to four models" : ids.length < 2 ? "Select a second model" : ""} onClick=${() => go("compare", { models: ids })}>Compare</button>
      ${can("jobs") && html`<button class="button small" onClick=${() => go("rank", { models: ids })}>Rank these</button>`}
      ${can("jobs") && html`<button class="button small" onClick=${() => go("jobs/new", { teachers: ids })}>Teach a student</button>`}
      ${can("write") && html`<button class="button small" onClick=${() => import("../ui/tag_dialog.js").then(({ tagDialog }) => tagDialog(models, reload), notLoaded)}>Tag</button>`}
      ${can("write") && html`<button class="button small danger" onClick=${() => remove(models, () => { clear(); reload(); })}>Delete</button>`}
      <button class="button small quiet" onClick=${clear}>Clear</button>
    </div>
  </div>`;
}

/** Ask, then delete models with their measurements. */
function remove(models, onDone) {
  confirm({
    title: `Delete ${models.length === 1 ? models[0].name : plural(models.length, "model")}?`,
    text: html`<p>The files and every measurement of them are deleted. Rankings that used them stay readable. This cannot be undone.</p>
      ${models.length > 1 && html`<ul class="stack tight">${models.slice(0, 8).map((model) => html`<li>${model.name}</li>`)}${models.length > 8 && html`<li class="soft">and ${models.length - 8} more</li>`}</ul>`}`,
    action: "Delete",
    work: async () => {
      for (const model of models) await send("DELETE", `models/${model.id}`, { headers: { "If-Match": model.etag } });
    },
    onDone: () => {
      toast(`${plural(models.length, "model")} deleted.`);
      onDone();
    },
  });
}
