// The report of a training: its numbers with units.
import { html } from "../lib.js";
import { address } from "../api.js";
import { bytes, count, duration, percent, short, words } from "../format.js";
import { Figures, Hint, Panel, useResource } from "../ui/all.js";

const SHARES = /accuracy|chance|error rate|agreement|retention|precision|iou|fraction|share/;

/** @param {{job: any, artifacts: any[], hints: Record<string, string>}} props */
export function Report({ job, artifacts, hints }) {
  const file = artifacts.find((item) => item.name === "report.json");
  const report = useResource(file && job.state === "succeeded" ? async (signal) => (await fetch(address(`artifacts/${file.id}/content`), { signal })).json() : null, [file?.sha256, job.state]);
  if (!report.data) return null;
  const items = flat(report.data).slice(0, 18).map(([name, value]) => [hints[name.split(" ").at(-1)] ? html`<${Hint} means=${hints[name.split(" ").at(-1)]}>${name}</${Hint}>` : name, shown(name, value)]);
  return html`<${Panel} title="Report"><${Figures} items=${items} /><//>`;
}

/** Numbers of a nested report under their joined names. */
function flat(value, prefix = "") {
  return Object.entries(value).flatMap(([name, inner]) => {
    const path = prefix ? `${prefix} ${words(name)}` : words(name);
    if (typeof inner === "number") return [[path, inner]];
    return inner && typeof inner === "object" && !Array.isArray(inner) ? flat(inner, path) : [];
  });
}

function shown(name, value) {
  if (/bytes/.test(name)) return bytes(value);
  if (/seconds/.test(name)) return duration(value);
  if (SHARES.test(name) && Math.abs(value) <= 2) return percent(value);
  return Number.isInteger(value) ? (Math.abs(value) >= 1e5 ? short(value) : count(value)) : Number(value.toPrecision(4));
}
