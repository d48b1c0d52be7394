// The relatives of a model by its weights.
import { html } from "../lib.js";
import { get, post } from "../api.js";
import { isIn, useLive } from "../feed.js";
import { fixed, percent, words } from "../format.js";
import { can } from "../session.js";
import { Empty, Hint, ModelLink, Problem, Skeleton, useResource } from "../ui/all.js";
import { confirm } from "../ui/dialog.js";
import { isUnmeasured } from "../ui/pictures.js";

const DESCENTS = { ancestor: "made from it", descendant: "made of this one" };
const WHAT = { ancestor: "This network was made from it", descendant: "It was made from this network" };

/** The part of a model's page with its relatives. */
export function Family({ model }) {
  const family = useResource((signal) => get(`models/${model.id}/family`, {}, signal), [model.id]);
  useLive(family, isIn("models"));
  if (isUnmeasured(family.error)) return html`<div class="panel"><${Empty} title="Weights not compared">${family.error.message}. ${family.error.remedy}<//></div>`;
  if (family.error) return html`<${Problem} error=${family.error} retry=${family.reload} />`;
  if (!family.data) return html`<${Skeleton} />`;
  const { relatives } = family.data;
  if (!relatives.length) return html`<div class="panel"><${Empty} title="No relatives">The weights of no other network of this project resemble those of this one. A distilled network has no weights of its teachers.<//></div>`;
  return html`<div class="panel"><div class="table-scroll" tabindex="0"><table class="table">
    <thead><tr><th>Model</th><th>Relation</th><th>Descent</th><th class="number wide"><${Hint} means="Share of weight tensors that are equal in both networks">Equal</${Hint}></th><th class="number wide"><${Hint} means="Mean cosine of the matched weights, without the heads">Cosine</${Hint}></th></tr></thead>
    <tbody>${relatives.map((relative) => html`<tr key=${relative.model_id}><td class="name"><${ModelLink} id=${relative.model_id} name=${relative.name} /></td><td>${words(relative.relation)}${relative.near_copy && html` <span class="tag" title="It computes the same up to rounding">near copy</span>`}</td><td><${Descent} ...${{ model, relative }} reload=${family.reload} /><div class="soft small">${relative.reason}</div></td><td class="number wide">${percent(relative.evidence.equal_share, 0)}</td><td class="number wide">${fixed(relative.evidence.cosine)}</td></tr>`)}</tbody>
  </table></div></div>`;
}

function Descent({ model, relative, reload }) {
  if (relative.confirmed) return html`<strong>${DESCENTS[relative.confirmed]}</strong> <span class="soft small">confirmed</span>`;
  const ask = (descent) => confirm({
    title: `${WHAT[descent]}?`,
    text: html`<p><strong>${relative.name}</strong> and <strong>${model.name}</strong>: the lineage shows a confirmed descent as a line.</p>`,
    action: "Confirm",
    work: () => post(`models/${model.id}/family:confirm`, { relative_id: relative.model_id, descent }),
    onDone: reload,
  });
  const suggested = DESCENTS[relative.descent] ? [relative.descent] : Object.keys(DESCENTS);
  return html`<span class="row wrap"><span>${DESCENTS[relative.descent] ?? "unknown"}</span>${can("write") && suggested.map((descent) => html`<button class="button small" onClick=${() => ask(descent)}>${suggested.length === 1 ? "Confirm" : WHAT[descent]}</button>`)}</span>`;
}
