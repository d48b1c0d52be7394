// All datasets: the first images of each, labels, state.
import { html, useRef } from "../lib.js";
import { plural } from "../format.js";
import { link, route, setQuery } from "../router.js";
import { can } from "../session.js";
import { useStore } from "../store.js";
import { Empty, Head, Show, State, Time } from "../ui/all.js";
import { End, FacetChoice, usePages } from "../ui/pages.js";
import { datasetSize } from "../ui/datasets.js";
import { ClipPoster, DatasetImage } from "../ui/pictures.js";
import { useShortcuts } from "../ui/shortcuts.js";
import { chooseFiles } from "../ui/add_files.js";

const PREVIEW = 6;

/** The grid of datasets. */
export default function Datasets() {
  const { query } = useStore(route);
  const filters = { q: query.get("q") || "", tag: query.get("tag") || "", state: query.get("state") || "" };
  const datasets = usePages("datasets", filters);
  const search = useRef(null);
  const any = Object.values(filters).some(Boolean);
  const add = can("write") && html`<button class="button primary" onClick=${chooseFiles}>Add images or clips</button>`;
  useShortcuts({ "/": ["Search", () => search.current?.focus()] });
  return html`<${Head} title="Datasets" about="Images through which networks are compared, and images and clips from which they learn." actions=${add} />
    <div class="stack">
      ${(any || datasets.data?.total !== 0) && html`<div class="filters"><input ref=${search} class="input" type="search" placeholder="Search names, labels and tags  ( / )" aria-label="Search datasets" value=${filters.q} onInput=${(event) => setQuery({ q: event.target.value })} />
        <${FacetChoice} of=${datasets} name="tag" label="Tag" value=${filters.tag} empty="Every tag" text=${String} onChange=${(tag) => setQuery({ tag })} />
        <${FacetChoice} of=${datasets} name="state" label="State" value=${filters.state} empty="Every state" onChange=${(state) => setQuery({ state })} /></div>`}
      <${Show} of=${datasets} lines=${8} what="The list of datasets">${(page) => (page.total ? html`<${Grid} page=${page} any=${any} /><${End} of=${datasets} />` : html`<div class="panel">${any ? html`<${Empty} title="No dataset matches">Change the search.<//>` : html`<${Empty} title="No images yet" actions=${can("write") && html`<button class="button primary" onClick=${chooseFiles}>Choose files</button>`}>Drop a folder of images, a zip, a tar or a Parquet file anywhere on this page. Folders inside become labels.<//>`}</div>`)}<//>
    </div>`;
}

function Grid({ page, any }) {
  return html`<p class="soft" role="status">${plural(page.total, "dataset")}${any ? ` match${page.total === 1 ? "es" : ""}` : ""}</p>
    <div class="cards">${page.items.map((dataset) => html`<article key=${dataset.id} class="panel card">
      <a class="card-strip" href=${link(["datasets", dataset.id])} tabindex="-1" aria-hidden="true">${dataset.state === "ready" ? Array.from({ length: Math.min(PREVIEW, dataset.images ?? dataset.clips) }, (_, index) => html`<${dataset.kind === "clips" ? ClipPoster : DatasetImage} dataset=${dataset.id} index=${index} />`) : html`<span class="thumb"></span>`}</a>
      <div class="card-text"><h2 class="clip"><a href=${link(["datasets", dataset.id])}>${dataset.name}</a></h2>
        <p class="soft small">${[datasetSize(dataset), dataset.kind === "clips" ? "" : dataset.labels ? plural(dataset.labels.length, "label") : "no labels"].filter(Boolean).map((fact) => `${fact} · `)}<${Time} at=${dataset.created_at} /></p>
        <div class="row wrap">${dataset.state !== "ready" && html`<${State} of=${dataset.state} />`}${dataset.problems.length > 0 && html`<span class="state warn">${plural(dataset.problems.length, "problem")}</span>`}${dataset.tags.map((tag) => html`<span class="tag">${tag}</span>`)}</div></div>
    </article>`)}</div>`;
}
