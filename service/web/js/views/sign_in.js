// Signing in: with a one-time link, or with an API key.
import { html, useEffect, useId, useState } from "../lib.js";
import { ICON } from "../late_modules.js";
import { replace, route } from "../router.js";
import { session, signIn } from "../session.js";
import { useStore } from "../store.js";
import { Problem } from "../ui/parts.js";


/** The first page for somebody without a session. */
export function SignIn() {
  const { path } = useStore(route);
  const { reason } = useStore(session);
  const [state, setState] = useState({ busy: false, error: null });
  const [key, setKey] = useState("");
  const id = useId();

  const enter = async (token) => {
    setState({ busy: true, error: null });
    try {
      if (path[0] === "sign-in") {
        session.set({ state: "out", who: null, reason: null, error: null });
        replace("models");
      }
      await signIn(token);
    } catch (error) {
      setState({ busy: false, error });
    }
  };
  useEffect(() => {
    document.title = "Sign in · Zooscope";
    // The token leaves the address at once: it must not stay in the history.
    if (path[0] === "sign-in" && path[1]) enter(path[1]);
  }, []);

  return html`<main class="sign-in">
    <img src=${ICON} alt="" width="48" height="48" />
    <h1>Zooscope</h1>
    <p class="soft">The networks of your zoo, compared and ranked for a new task.</p>
    ${reason && !state.error && html`<div class="note warn" role="status">${reason}</div>`}
    ${state.error && html`<${Problem} error=${state.error} />`}
    <form class="panel stack" onSubmit=${(event) => { event.preventDefault(); enter(key); }}>
      <div class="field">
        <label class="label" for=${id}>API key</label>
        <input id=${id} class="input mono" type="password" name="key" autocomplete="current-password" placeholder="zoo_…" required value=${key} onInput=${(event) => setKey(event.target.value)} />
        <span class="help">Your browser gets a session in a cookie that no script can read. The key itself is not stored.</span>
      </div>
      <button class="button primary" disabled=${state.busy}>${state.busy ? "Signing in …" : "Sign in"}</button>
    </form>
    <p class="soft small">On the zoo's own machine, <code>zooscope sign-in</code> prints a link that signs you in.</p>
  </main>`;
}
