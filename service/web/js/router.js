// Addresses of states: everything after # is a path with a query, so that back and reload work.
import { Store } from "./store.js";

/** @typedef {{path: string[], query: URLSearchParams}} Route */

/** Where the page is. @type {Store<Route>} */
export const route = new Store(parsed());

/** @returns {Route} */
function parsed() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  return { path: path.split("/").filter(Boolean).map(decodeURIComponent), query: new URLSearchParams(query) };
}

window.addEventListener("hashchange", () => route.set(parsed()));

/** The address of a state. @param {string | string[]} path @param {Record<string, any>} [query] */
export function link(path, query = {}) {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") words.set(name, Array.isArray(value) ? value.join(",") : String(value));
  }
  const where = (Array.isArray(path) ? path.map(encodeURIComponent).join("/") : path).replace(/^\//, "");
  const text = words.toString().replaceAll("%2C", ",");
  return `#/${where}${text ? `?${text}` : ""}`;
}

/** Go to a state; the browser's back button returns. @param {string | string[]} path @param {Record<string, any>} [query] */
export function go(path, query) {
  location.hash = link(path, query);
}

/** Change parts of the query in place: the back button leaves the view. @param {Record<string, any>} changes */
export function setQuery(changes) {
  const query = Object.fromEntries(route.value.query);
  history.replaceState(null, "", link(route.value.path, { ...query, ...changes }));
  route.set(parsed());
}

/** Replace the state without a step for the back button. @param {string | string[]} path @param {Record<string, any>} [query] */
export function replace(path, query) {
  history.replaceState(null, "", link(path, query));
  route.set(parsed());
}
