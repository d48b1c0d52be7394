// Loading: a value from the zoo with its loading, failed and offline states.
import { html, useEffect, useRef, useState } from "../lib.js";
import { ApiError, connection } from "../api.js";
import { useStore } from "../store.js";
import { Problem, Skeleton } from "./parts.js";

/**
 * @template T
 * @typedef {{data: T | undefined, error: ApiError | null, loading: boolean, reload: () => void}} Resource
 */

/**
 * What `load` returns; loaded again when `keys` change, and when the zoo answers again after a break.
 * The last value stays visible while it loads. Without a loader nothing is loaded.
 * @template T
 * @param {((signal: AbortSignal, onPart: (value: T) => void) => Promise<T>) | null} load
 * @param {any[]} keys
 * @returns {Resource<T>}
 */
export function useResource(load, keys) {
  const { since } = useStore(connection);
  const [turn, setTurn] = useState(0);
  const [state, setState] = useState(/** @type {any} */ ({ data: undefined, error: null, loading: Boolean(load), keys: null }));
  const latest = useRef(load);
  latest.current = load;
  const word = JSON.stringify(keys);

  useEffect(() => {
    if (!latest.current) {
      setState({ data: undefined, error: null, loading: false, keys: word });
      return undefined;
    }
    const leaving = new AbortController();
    setState((before) => ({ ...before, data: before.keys === word ? before.data : undefined, loading: true, error: null, keys: word }));
    const show = (data) => leaving.signal.aborted || setState({ data, error: null, loading: true, keys: word });
    latest.current(leaving.signal, show).then(
      (data) => leaving.signal.aborted || setState({ data, error: null, loading: false, keys: word }),
      (error) => {
        if (leaving.signal.aborted) return;
        if (!(error instanceof ApiError)) throw error;
        setState((before) => ({ ...before, error, loading: false }));
      },
    );
    return () => leaving.abort();
  }, [word, turn, since]);

  const current = state.keys === word || !load;
  return { data: current ? state.data : undefined, error: current ? state.error : null, loading: current ? state.loading : Boolean(load), reload: () => setTurn((count) => count + 1) };
}

/** A resource: what it holds, a placeholder while it loads, or why it failed. */
export function Show({ of: resource, lines = 4, children, what = "This" }) {
  if (resource.data !== undefined) {
    return html`${resource.error && html`<${Problem} error=${resource.error} retry=${resource.reload} />`}${children(resource.data)}`;
  }
  if (resource.error) return html`<${Problem} error=${resource.error} retry=${resource.reload} />`;
  return html`<${Skeleton} lines=${lines} label=${`${what} is loading`} />`;
}
