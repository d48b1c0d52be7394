// Dialogs: the browser's own, so that focus stays inside and Esc closes.
import { html, useLayoutEffect, useRef, useState } from "../lib.js";
import { Store, useStore } from "../store.js";
import { Problem } from "./parts.js";

const open = new Store(/** @type {any} */ (null));

/** Show a dialog; `content` gets the function that closes it. @param {string} title @param {(close: () => void) => any} content */
export const showDialog = (title, content) => open.set({ title, content });

/** Where dialogs appear. */
export function Dialogs() {
  const shown = useStore(open);
  return shown && html`<${Modal} title=${shown.title} onClose=${() => open.set(null)}>${shown.content(() => open.set(null))}<//>`;
}

function Modal({ title, onClose, children }) {
  const box = useRef(null);
  // Before the next key is read: it is the dialog's.
  useLayoutEffect(() => {
    const before = document.activeElement;
    box.current.showModal();
    return () => before instanceof HTMLElement && before.focus();
  }, []);
  return html`<dialog ref=${box} aria-label=${title} onClose=${onClose} onClick=${(event) => event.target === box.current && box.current.close()}>
    <div class="title"><h2>${title}</h2><button class="button small quiet" aria-label="Close" onClick=${() => box.current.close()}>✕</button></div>
    <div class="body">${children}</div>
  </dialog>`;
}

/**
 * Ask before something that cannot be undone.
 * @param {{title: string, text: any, action: string, work: () => Promise<any>, onDone?: () => void}} options
 */
export function confirm({ title, text, action, work, onDone }) {
  showDialog(title, (close) => html`<${Confirmation} ...${{ text, action, work, onDone, close }} />`);
}

function Confirmation({ text, action, work, onDone, close }) {
  const [state, setState] = useState({ busy: false, error: null });
  const run = async () => {
    setState({ busy: true, error: null });
    try {
      await work();
      close();
      onDone?.();
    } catch (error) {
      setState({ busy: false, error });
    }
  };
  return html`<div class="stack"><div>${text}</div>
    ${state.error && html`<${Problem} error=${state.error} />`}
    <div class="actions"><button class="button" onClick=${close}>Keep</button><button class="button danger" disabled=${state.busy} onClick=${run}>${action}</button></div>
  </div>`;
}
