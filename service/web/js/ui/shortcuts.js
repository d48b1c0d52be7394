// Keys: single ones and pairs such as `g z`, never while somebody types.
import { html, useLayoutEffect } from "../lib.js";
import { showDialog } from "./dialog.js";

const PAIR_MILLISECONDS = 3000;
/** @type {Map<string, {about: string, run: (event: KeyboardEvent) => void}[]>} */
const bindings = new Map();
let first = "";
let firstAt = 0;

/** Bind keys while a component is shown. What a key changed counts before the next key is read. @param {Record<string, [string, (event: KeyboardEvent) => void]>} keys */
export function useShortcuts(keys) {
  useLayoutEffect(() => {
    const added = Object.entries(keys).map(([name, [about, run]]) => {
      const binding = { about, run };
      bindings.set(name, [...(bindings.get(name) || []), binding]);
      return () => bindings.set(name, (bindings.get(name) || []).filter((other) => other !== binding));
    });
    return () => added.forEach((remove) => remove());
  });
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  const target = /** @type {HTMLElement} */ (event.target);
  if (target.closest?.("input:not([type=checkbox], [type=radio], [type=range]), textarea, select, [contenteditable]")) {
    if (event.key === "Escape") {
      // Browsers would clear a search, and the list would stay filtered.
      event.preventDefault();
      target.blur();
    }
    return;
  }
  const pair = Date.now() - firstAt < PAIR_MILLISECONDS ? `${first} ${event.key}` : "";
  const binding = bindings.get(pair)?.at(-1) || bindings.get(event.key)?.at(-1);
  first = event.key;
  firstAt = Date.now();
  if (!binding) return;
  event.preventDefault();
  first = "";
  binding.run(event);
});

/** Show every key that does something here. */
export function showShortcuts() {
  const rows = [...bindings].filter(([, list]) => list.length).map(([keys, list]) => [keys, list.at(-1).about]);
  showDialog("Keys", () => html`<table class="table"><tbody>${rows.map(([keys, about]) => html`<tr><td><span class="shortcut">${keys.split(" ").map((key) => html`<kbd>${key === "Escape" ? "Esc" : key}</kbd>`)}</span></td><td>${about}</td></tr>`)}</tbody></table>`);
}
