// The frame of every view: navigation, theme, account, and whether the zoo answers.
import { html, useEffect, useRef, useState } from "../lib.js";
import { connection } from "../api.js";
import { ICON } from "../late_modules.js";
import { link, route } from "../router.js";
import { can, session, signOut } from "../session.js";
import { useStore } from "../store.js";
import { toastError } from "./toasts.js";
import { showShortcuts } from "./shortcuts.js";
import { chooseTheme, chosenTheme } from "./theme.js";
import { DropTarget } from "./add_files.js";

const PLACES = [["models", "Zoo"], ["rank", "Rank"], ["map", "Map"], ["layers", "Layers"], ["concepts", "Concepts"], ["datasets", "Datasets"], ["jobs", "Jobs"]];
const WITHIN = { rankings: "rank", compare: "models" };
const NEXT_THEME = { system: "light", light: "dark", dark: "system" };
const THEME_MARK = { system: "◐", light: "☀", dark: "☾" };

/** The frame around a view. */
export function Shell({ children }) {
  const { path } = useStore(route);
  const { online } = useStore(connection);
  const main = useRef(null);
  const nav = useRef(null);
  const here = WITHIN[path[0]] || path[0] || "models";
  const places = can("admin") || can("operator") ? [...PLACES, ["keys", "Keys"]] : PLACES;
  useEffect(() => window.scrollTo(0, 0), [path.join("/")]);
  useEffect(() => {
    // Where the views do not fit beside each other, the present one comes to the middle.
    const item = nav.current.querySelector("[aria-current]");
    if (item) nav.current.scrollLeft += item.getBoundingClientRect().left + item.offsetWidth / 2 - nav.current.getBoundingClientRect().left - nav.current.clientWidth / 2;
  }, [here]);
  return html`<div class="shell">
    <div>
      <a class="skip" href="#content" onClick=${(event) => { event.preventDefault(); main.current.focus(); }}>Skip to the content</a>
      <header class="top"><div class="top-inner">
        <a class="brand" href=${link("models")}><img src=${ICON} alt="" width="24" height="24" />Zooscope</a>
        <nav class="nav" aria-label="Views" ref=${nav}>${places.map(([to, text]) => html`<a href=${link(to)} aria-current=${here === to ? "page" : undefined}>${text}</a>`)}</nav>
        <div class="top-tools"><${ThemeSwitch} /><button class="button icon quiet" title="Keys (?)" aria-label="Show keys" onClick=${showShortcuts}>?</button><${Account} /></div>
      </div></header>
      ${!online && html`<div class="offline" role="alert">The zoo does not answer. This page reconnects by itself; what you see may be out of date.</div>`}
    </div>
    <${DropTarget} />
    <main class="main" id="content" tabindex="-1" ref=${main}>${children}</main>
    <footer class="foot"><div class="foot-inner"><a href="docs">REST API</a><a href="openapi.json">OpenAPI document</a><a href="metrics">Metrics</a><span>Press <kbd>?</kbd> for keys</span></div></footer>
  </div>`;
}

function ThemeSwitch() {
  const theme = useStore(chosenTheme);
  const next = NEXT_THEME[theme];
  return html`<button class="button icon quiet" title=${`Theme: ${theme}. Switch to ${next}.`} aria-label=${`Theme: ${theme}. Switch to ${next}.`} onClick=${() => chooseTheme(next)}>${THEME_MARK[theme]}</button>`;
}

function Account() {
  const { who } = useStore(session);
  const [open, setOpen] = useState(false);
  const box = useRef(null);
  useEffect(() => {
    if (!open) return undefined;
    const close = (event) => (event.type === "keydown" ? event.key === "Escape" : !box.current.contains(event.target)) && setOpen(false);
    document.addEventListener("click", close);
    document.addEventListener("keydown", close);
    return () => {
      document.removeEventListener("click", close);
      document.removeEventListener("keydown", close);
    };
  }, [open]);
  if (!who) return null;
  return html`<div class="menu" ref=${box}>
    <button class="button small" aria-expanded=${String(open)} aria-haspopup="true" onClick=${() => setOpen(!open)}>${who.key_name || who.project}</button>
    ${open && html`<div class="menu-list">
      <div class="about">Project <strong>${who.project}</strong><br />${who.scopes.join(", ")}</div>
      ${can("admin") && html`<a href=${link("keys")} onClick=${() => setOpen(false)}>API keys</a>`}
      ${who.session_expires_at && html`<button onClick=${() => signOut().catch(toastError)}>Sign out</button>`}
    </div>`}
  </div>`;
}
