// A value that several parts of the page watch.
import { useLayoutEffect, useReducer } from "./lib.js";

/**
 * A store of one value.
 * @template T
 */
export class Store {
  /** @param {T} value the first value */
  constructor(value) {
    this.value = value;
    /** @type {Set<() => void>} */
    this.watchers = new Set();
  }

  /** Replace the value and wake everything that watches it. @param {T} value */
  set(value) {
    if (Object.is(value, this.value)) return;
    this.value = value;
    for (const wake of [...this.watchers]) wake();
  }

  /** Call `wake` after each change; returns how to stop. @param {() => void} wake */
  watch(wake) {
    this.watchers.add(wake);
    return () => this.watchers.delete(wake);
  }
}

/**
 * The current value of a store, inside a component.
 * @template T @param {Store<T>} store @returns {T}
 */
export function useStore(store) {
  const [, redraw] = useReducer((count) => count + 1, 0);
  // At once, not after the next frame: a change in between would never be shown.
  useLayoutEffect(() => store.watch(() => redraw(undefined)), [store]);
  return store.value;
}
