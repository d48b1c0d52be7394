// Adds tags to models, or removes them.
import { html, useState } from "../lib.js";
import { send } from "../api.js";
import { plural } from "../format.js";
import { showDialog } from "./dialog.js";
import { Problem } from "./parts.js";
import { toast } from "./toasts.js";

/** Ask for tags to add to and remove from models. @param {any[]} models @param {() => void} onDone */
export const tagDialog = (models, onDone) => showDialog(`Tag ${plural(models.length, "model")}`, (close) => html`<${Form} ...${{ models, onDone, close }} />`);

function Form({ models, onDone, close }) {
  const present = [...new Set(models.flatMap((model) => model.tags))].sort();
  const [added, setAdded] = useState("");
  const [removed, setRemoved] = useState(new Set());
  const [error, setError] = useState(null);
  const save = async (event) => {
    event.preventDefault();
    const extra = added.split(",").map((tag) => tag.trim()).filter(Boolean);
    try {
      for (const model of models) {
        const tags = [...new Set([...model.tags.filter((tag) => !removed.has(tag)), ...extra])];
        await send("PATCH", `models/${model.id}`, { json: { tags }, headers: { "If-Match": model.etag } });
      }
      toast("Tags saved.");
      close();
      onDone();
    } catch (problem) {
      setError(problem);
    }
  };
  const flip = (tag) => setRemoved((before) => {
    const after = new Set(before);
    if (!after.delete(tag)) after.add(tag);
    return after;
  });
  return html`<form class="stack" onSubmit=${save}>
    <label class="field"><span class="label">Add tags</span><input class="input" placeholder="vision, 2026, baseline" value=${added} onInput=${(event) => setAdded(event.target.value)} /><span class="help">Separate several by commas.</span></label>
    ${present.length > 0 && html`<fieldset class="field"><legend class="label">Remove</legend><div class="row wrap">${present.map((tag) => html`<label class="tag"><input type="checkbox" checked=${removed.has(tag)} onChange=${() => flip(tag)} />${tag}</label>`)}</div></fieldset>`}
    ${error && html`<${Problem} error=${error} />`}
    <div class="actions"><button type="button" class="button" onClick=${close}>Cancel</button><button class="button primary">Save</button></div>
  </form>`;
}
