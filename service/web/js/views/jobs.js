// All jobs of the project.
import { html, useRef } from "../lib.js";
import { duration, plural, words } from "../format.js";
import { go, link, route, setQuery } from "../router.js";
import { can } from "../session.js";
import { useStore } from "../store.js";
import { Empty, Head, Progress, Show, State, Time, useFocus } from "../ui/all.js";
import { End, FacetChoice, usePages } from "../ui/pages.js";
import { useShortcuts } from "../ui/shortcuts.js";

/** The list of jobs. */
export default function Jobs() {
  const { query } = useStore(route);
  const filters = { q: query.get("q") || "", state: query.get("state") || "", method: query.get("method") || "" };
  const jobs = usePages("jobs", filters);
  const search = useRef(null);
  const any = Object.values(filters).some(Boolean);
  useShortcuts({ "/": ["Search", () => search.current?.focus()] });
  return html`<${Head} title="Jobs" about="Everything that the zoo computes: checks, measurements, rankings, trainings." actions=${can("jobs") && html`<a class="button primary" href=${link("jobs/new")}>New job</a>`} />
    <div class="stack">
      <div class="filters">
        <input ref=${search} class="input" type="search" placeholder="Search methods, ids and errors  ( / )" aria-label="Search jobs" value=${filters.q} onInput=${(event) => setQuery({ q: event.target.value })} />
        <${FacetChoice} of=${jobs} name="state" label="State" value=${filters.state} empty="Every state" onChange=${(state) => setQuery({ state })} />
        <${FacetChoice} of=${jobs} name="method" label="Method" value=${filters.method} empty="Every method" onChange=${(method) => setQuery({ method })} />
      </div>
      <${Show} of=${jobs} lines=${8} what="The list of jobs">${(page) => (page.items.length ? html`<p class="soft" role="status">${plural(page.total, "job")}${any ? ` match${page.total === 1 ? "es" : ""}` : ""}</p><${Table} page=${page} /><${End} of=${jobs} />` : html`<div class="panel"><${Empty} title=${any ? "No job matches" : "No jobs yet"}>${any ? "Change the filters." : "Adding a model starts its first job, which checks the file."}<//></div>`)}<//>
    </div>`;
}

function Table({ page }) {
  const body = useRef(null);
  const [cursor, setCursor] = useFocus(page.items.length);
  useShortcuts({
    j: ["Next job", () => setCursor(cursor + 1)],
    k: ["Previous job", () => setCursor(cursor - 1)],
    Enter: ["Open the job", () => page.items[cursor] && go(["jobs", page.items[cursor].id])],
  });
  return html`<div class="panel"><div class="table-scroll"><table class="table jobs">
    <thead><tr><th>Method</th><th>State</th><th class="wide">Progress</th><th class="number wide">Ran</th><th>Submitted</th></tr></thead>
    <tbody ref=${body}>${page.items.map((job, index) => html`<tr key=${job.id} class=${index === cursor ? "current" : ""}>
      <td class="name"><a href=${link(["jobs", job.id])}>${words(job.method)}</a>${job.params?.name && html` <span class="soft small">${job.params.name}</span>`}</td>
      <td><${State} of=${job.state} /></td>
      <td class="wide">${job.state === "running" ? html`<span class="stack tight"><${Progress} ...${job.progress} /><span class="soft small clip">${job.progress.message}</span></span>` : html`<span class="soft small">${job.error?.detail || ""}</span>`}</td>
      <td class="number wide">${job.started_at ? duration(((job.finished_at ? Date.parse(job.finished_at) : Date.now()) - Date.parse(job.started_at)) / 1000) : "–"}</td>
      <td class="soft"><${Time} at=${job.created_at} /></td>
    </tr>`)}</tbody>
  </table></div></div>`;
}
