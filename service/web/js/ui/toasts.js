// Short messages that go away by themselves.
import { html } from "../lib.js";
import { Store, useStore } from "../store.js";

const SHOWN_MILLISECONDS = 6000;
const messages = new Store(/** @type {any[]} */ ([]));
let last = 0;

/** Show a message. @param {any} text @param {"" | "bad"} [kind] */
export function toast(text, kind = "") {
  const id = ++last;
  messages.set([...messages.value, { id, text, kind }]);
  setTimeout(() => dismiss(id), SHOWN_MILLISECONDS);
}

/** Show an error with its remedy. @param {any} error */
export const toastError = (error) => toast(html`<div><strong>${error.message}</strong>${error.remedy && html`<div class="soft small">${error.remedy}</div>`}</div>`, "bad");

/** @param {number} id */
const dismiss = (id) => messages.set(messages.value.filter((message) => message.id !== id));

/** Where messages appear. */
export function Toasts() {
  const shown = useStore(messages);
  return html`<div class="toasts" role="status" aria-live="polite">
    ${shown.map((message) => html`<div key=${message.id} class=${`toast ${message.kind}`}>${message.text}<button class="button small quiet" aria-label="Dismiss" onClick=${() => dismiss(message.id)}>✕</button></div>`)}
  </div>`;
}
