// The layers of a network as a tree, with the shapes of their outputs.
import { html, useMemo, useState } from "../lib.js";
import { get } from "../api.js";
import { count, plural, short } from "../format.js";
import { Empty, Show, useResource } from "../ui/all.js";

/** The part of a model's page with its layers. */
export function Layers({ model }) {
  const layers = useResource((signal) => get(`models/${model.id}/layers`, {}, signal), [model.id]);
  const [search, setSearch] = useState("");
  return html`<${Show} of=${layers} what="The list of layers">${(list) => (list.items.length === 0 ? html`<${Empty} title="No layers">This network shows no layer that can be read or cut at.<//>` : html`<div class="stack">
    <div class="row between wrap"><p class="soft">${plural(list.items.length, "layer")} in the order of execution. Shapes are those of the output for one image.</p><input class="input short" type="search" placeholder="Filter layers" aria-label="Filter layers" value=${search} onInput=${(event) => setSearch(event.target.value)} /></div>
    <div class="panel layers"><${Branch} node=${useTree(list.items, search)} feature=${list.feature_layer} open=${search !== "" || list.items.length <= 120} /></div>
  </div>`)}<//>`;
}

/** Layers by the parts of their names; a part without siblings joins the next one. */
function useTree(items, search) {
  return useMemo(() => {
    const root = { name: "", children: new Map(), layer: null };
    for (const layer of items) {
      if (search && !layer.name.toLowerCase().includes(search.toLowerCase())) continue;
      let node = root;
      for (const part of layer.name.split(".")) {
        if (!node.children.has(part)) node.children.set(part, { name: part, children: new Map(), layer: null });
        node = node.children.get(part);
      }
      node.layer = layer;
    }
    return root;
  }, [items, search]);
}

function Branch({ node, feature, open }) {
  return html`<ul>${[...node.children.values()].map((child) => html`<li><${Node} node=${joined(child)} feature=${feature} open=${open} /></li>`)}</ul>`;
}

function joined(node) {
  let current = node;
  while (!current.layer && current.children.size === 1) {
    const [only] = current.children.values();
    current = { ...only, name: `${current.name}.${only.name}` };
  }
  return current;
}

const size = (node) => [...node.children.values()].reduce((sum, child) => sum + size(child), node.layer ? 1 : 0);

function Node({ node, feature, open }) {
  const line = html`<span class="layer-name">${node.name}</span>${node.layer && html`<span class="soft">${node.layer.kind}</span><span class="mono small">${node.layer.shape.join(" × ")}</span>${node.layer.flops !== undefined && node.layer.flops !== null && html`<span class="soft small">${short(node.layer.flops, "FLOPs")}</span>`}${node.layer.name === feature && html`<span class="tag accent" title="Measurements read the features of this layer unless you choose another">feature layer</span>`}`}`;
  if (node.children.size === 0) return html`<div class="layer">${line}</div>`;
  return html`<details open=${open}><summary class="layer">${line}<span class="faint small">${count(size(node))}</span></summary><${Branch} node=${node} feature=${feature} open=${open} /></details>`;
}
