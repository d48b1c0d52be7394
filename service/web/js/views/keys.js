// API keys: create one, see it once, revoke it.
import { html, useState } from "../lib.js";
import { all, post, send } from "../api.js";
import { can, session } from "../session.js";
import { useStore } from "../store.js";
import { confirm, showDialog } from "../ui/dialog.js";
import { Copy, Empty, Head, Problem, Show, State, Time, useResource } from "../ui/all.js";
import { toast } from "../ui/toasts.js";

/** @type {["read" | "write" | "jobs" | "admin" | "operator", string][]} */
const SCOPES = [["read", "Sees everything and changes nothing."], ["write", "Adds, changes and deletes models and datasets."], ["jobs", "Measures, ranks and trains."], ["admin", "All of these, and the keys of the project."], ["operator", "Keys and quotas of every project."]];
const LIFETIMES = [["", "Never expires"], ["1", "1 day"], ["30", "30 days"], ["90", "90 days"], ["365", "1 year"]];

/** The page of keys. */
export default function Keys() {
  const { who } = useStore(session);
  const keys = useResource(can("admin") || can("operator") ? (signal) => all("keys", {}, { signal }) : null, ["keys"]);
  if (!can("admin") && !can("operator")) return html`<${Head} title="Keys" /><div class="panel"><${Empty} title="Your key cannot manage keys">A key with the scope admin or operator can.<//></div>`;
  return html`<${Head} title="Keys" about=${`Who may use the project ${who.project}, and for what. A key is shown once, when it is created.`} actions=${html`<button class="button primary" onClick=${() => showDialog("New key", (close) => html`<${NewKey} close=${close} reload=${keys.reload} />`)}>New key</button>`} />
    <${Show} of=${keys} lines=${6} what="The list of keys">${(items) => html`<div class="panel"><div class="table-scroll"><table class="table"><thead><tr><th>Name</th><th>Scopes</th><th>State</th><th class="wide">Created</th><th class="wide">Last used</th><th class="wide">Expires</th><th></th></tr></thead>
      <tbody>${items.map((key) => html`<${Row} key=${key.id} item=${key} own=${key.id === who.key_id} reload=${keys.reload} />`)}</tbody></table></div></div>`}<//>`;
}

function Row({ item, own, reload }) {
  const expired = item.expires_at && Date.parse(item.expires_at) < Date.now();
  const state = item.revoked_at ? "revoked" : expired ? "expired" : "ready";
  const revoke = () => confirm({ title: `Revoke ${item.name}?`, text: html`<p>Programs and browsers that use this key stop at once. This cannot be undone.</p>${own && html`<p class="note warn">You are signed in with this key: revoking it ends your session.</p>`}`, action: "Revoke", work: () => send("DELETE", `keys/${item.id}`), onDone: () => { toast(`${item.name} is revoked.`); reload(); } });
  return html`<tr><td class="name"><strong>${item.name}</strong>${own && html` <span class="tag">yours</span>`}</td><td><span class="row wrap">${item.scopes.map((scope) => html`<span class="tag">${scope}</span>`)}</span></td><td>${state === "ready" ? html`<span class="state good">valid</span>` : html`<${State} of=${state} />`}</td><td class="wide soft"><${Time} at=${item.created_at} /></td><td class="wide soft"><${Time} at=${item.last_used_at} /></td><td class="wide soft">${item.expires_at ? html`<${Time} at=${item.expires_at} />` : "never"}</td><td class="number">${!item.revoked_at && html`<button class="button small danger" onClick=${revoke}>Revoke</button>`}</td></tr>`;
}

function NewKey({ close, reload }) {
  const [values, setValues] = useState({ name: "", days: "90", scopes: ["read"] });
  const [state, setState] = useState({ error: null, token: null });
  const offered = SCOPES.filter(([scope]) => can(scope));
  const create = async (event) => {
    event.preventDefault();
    try {
      const expires_at = values.days ? new Date(Date.now() + Number(values.days) * 86_400_000).toISOString() : undefined;
      const key = await post("keys", { name: values.name, scopes: values.scopes, expires_at });
      setState({ error: null, token: key.token });
      reload();
    } catch (error) {
      setState({ error, token: null });
    }
  };
  if (state.token) return html`<div class="stack"><p>Copy the key now. The zoo keeps only its digest, so nobody can show it again.</p><${Copy} text=${state.token} /><div class="actions"><button class="button primary" onClick=${close}>Done</button></div></div>`;
  const flip = (scope) => setValues({ ...values, scopes: values.scopes.includes(scope) ? values.scopes.filter((other) => other !== scope) : [...values.scopes, scope] });
  return html`<form class="stack" onSubmit=${create}>
    <label class="field"><span class="label">Name</span><input class="input" required maxlength="200" placeholder="What the key is for" value=${values.name} onInput=${(event) => setValues({ ...values, name: event.target.value })} /></label>
    <fieldset class="stack tight"><legend class="label">Scopes</legend>${offered.map(([scope, about]) => html`<label class="choice"><input type="checkbox" checked=${values.scopes.includes(scope)} onChange=${() => flip(scope)} /><span><strong>${scope}</strong> <span class="soft">${about}</span></span></label>`)}</fieldset>
    <label class="field"><span class="label">Lifetime</span><select class="select" value=${values.days} onChange=${(event) => setValues({ ...values, days: event.target.value })}>${LIFETIMES.map(([days, text]) => html`<option value=${days} selected=${days === values.days}>${text}</option>`)}</select></label>
    ${state.error && html`<${Problem} error=${state.error} />`}
    <div class="actions"><button type="button" class="button" onClick=${close}>Cancel</button><button class="button primary" disabled=${values.scopes.length === 0}>Create</button></div>
  </form>`;
}
