// Starts the page: who uses it, which view, and the keys that work everywhere.
import { html, render, useEffect, useErrorBoundary, useState } from "./lib.js";
import { notLoaded } from "./late_modules.js";
import { identify, session } from "./session.js";
import { go, link, replace, route } from "./router.js";
import { useStore } from "./store.js";
import { Dialogs } from "./ui/dialog.js";
import { Empty, Problem, Skeleton } from "./ui/parts.js";
import { showShortcuts, useShortcuts } from "./ui/shortcuts.js";
import { Shell } from "./ui/shell.js";
import { Toasts } from "./ui/toasts.js";
import { SignIn } from "./views/sign_in.js";

/** Views by the first word of their address; each is loaded when it is first shown. */
const VIEWS = {
  models: (path) => (path.length > 1 ? import("./views/model.js") : import("./views/zoo.js")),
  datasets: (path) => (path.length > 1 ? import("./views/dataset.js") : import("./views/datasets.js")),
  rank: () => import("./views/rank.js"),
  rankings: () => import("./views/ranking.js"),
  map: () => import("./views/map.js"),
  layers: () => import("./views/layers.js"),
  concepts: () => import("./views/concepts.js"),
  jobs: (path) => (path[1] === "new" ? import("./views/new_job.js") : path.length > 1 ? import("./views/job.js") : import("./views/jobs.js")),
  compare: () => import("./views/compare.js"),
  keys: () => import("./views/keys.js"),
};

function Page() {
  const { state, error } = useStore(session);
  const { path } = useStore(route);
  useEffect(() => {
    if (path[0] !== "sign-in") identify();
  }, []);
  useEffect(() => {
    if (path.length === 0) replace("models");
  }, [path]);
  if (state === "out" || path[0] === "sign-in") return html`<${SignIn} />`;
  if (state === "failed") return html`<main class="sign-in"><${Problem} error=${error} retry=${identify} /></main>`;
  if (state === "asking") return html`<main class="sign-in"><${Skeleton} label="Zooscope is loading" /></main>`;
  return html`<${Keys} /><${Shell}><${View} path=${path} /><//>`;
}

function Keys() {
  useShortcuts({
    "?": ["Show these keys", showShortcuts],
    "g z": ["Go to the zoo", () => go("models")],
    "g r": ["Go to rankings", () => go("rank")],
    "g m": ["Go to the map", () => go("map")],
    "g l": ["Go to layers", () => go("layers")],
    "g c": ["Go to concepts", () => go("concepts")],
    "g d": ["Go to datasets", () => go("datasets")],
    "g j": ["Go to jobs", () => go("jobs")],
  });
  return null;
}

function View({ path }) {
  const [view, setView] = useState({ name: "", component: null });
  const load = VIEWS[path[0] ?? "models"];
  const name = `${path[0]}/${path[0] === "jobs" && path[1] === "new" ? "new" : path.length > 1 ? "one" : ""}`;
  useEffect(() => {
    let left = false;
    if (view.name !== name) load?.(path).then((module) => left || setView({ name, component: module.default }), notLoaded);
    return () => {
      left = true;
    };
  }, [name]);
  if (!load) return html`<${Empty} title="There is no such page" actions=${html`<a class="button" href=${link("models")}>To the zoo</a>`}>The address names no view of the zoo.<//>`;
  if (view.name !== name) return html`<${Skeleton} lines=${6} />`;
  return html`<${Guarded} key=${path.join("/")} of=${view.component} />`;
}

/** A view; a mistake in it does not take the rest of the page away. */
function Guarded({ of: component }) {
  const [error, retry] = useErrorBoundary((mistake) => console.error(mistake));
  if (error) return html`<${Problem} error=${{ message: "This view failed.", remedy: String(error.message || error), code: "page_error" }} retry=${retry} />`;
  return html`<${component} />`;
}

render(html`<${Page} /><${Dialogs} /><${Toasts} />`, document.getElementById("page"));
