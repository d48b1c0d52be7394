// Which networks to measure next on the target, with buttons that do it.
import { html, useState } from "../lib.js";
import { post } from "../api.js";
import { plural } from "../format.js";
import { link } from "../router.js";
import { can } from "../session.js";
import { Panel, Problem } from "../ui/all.js";

/** @param {{ranking: any}} props */
export function MeasureNext({ ranking }) {
  const [started, setStarted] = useState({});
  const [error, setError] = useState(null);
  const names = new Map(ranking.items.map((item) => [item.model_id, item.name]));
  const start = async (id) => {
    setError(null);
    try {
      const job = await post("jobs", { method: "linear_probe", inputs: { source_model_id: id, dataset_id: ranking.target_dataset_id } });
      setStarted((before) => ({ ...before, [id]: job.id }));
    } catch (problem) {
      setError(problem);
    }
  };
  return html`<${Panel} title="Measure next" about="A run of these on the target would change the answer most. A linear probe is the cheapest run; its accuracy joins the history, and the next ranking uses it.">
    <ul class="stack tight">${ranking.measure_next.slice(0, 5).map((id) => html`<li class="row between wrap"><a href=${link(["models", id])}>${names.get(id) || id}</a>${started[id] ? html`<a class="button small" href=${link(["jobs", started[id]])}>Watch the job</a>` : can("jobs") && html`<button class="button small" onClick=${() => start(id)}>Run a linear probe</button>`}</li>`)}</ul>
    ${ranking.measure_next.length > 5 && html`<p class="soft small">and ${plural(ranking.measure_next.length - 5, "more network")}</p>`}
    ${error && html`<${Problem} error=${error} />`}
  <//>`;
}
