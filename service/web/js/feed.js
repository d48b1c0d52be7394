// What changes in the project, as it happens: one stream for the whole page.
import { useEffect, useRef } from "./lib.js";
import { stream } from "./events.js";

const PAUSE_MILLISECONDS = 600;
const LONGEST_WAIT_MILLISECONDS = 1000;

/** @typedef {{id: string, kind: string, change: string, subject_id: string, state: string | null}} ProjectEvent */

/** Called with each event, and with null when events may have been missed. @type {Set<(event: ProjectEvent | null) => void>} */
const listeners = new Set();
/** @type {string | null} */
let position = null;
/** @type {(() => void) | null} */
let leave = null;

const wakeAll = (event) => [...listeners].forEach((listener) => listener(event));

/**
 * Follow the project. The promise ends when nothing that happens from now on is missed, or after a second.
 */
export function startFeed() {
  addEventListener("visibilitychange", follow);
  return new Promise((ready) => {
    setTimeout(ready, LONGEST_WAIT_MILLISECONDS);
    follow(null, ready);
  });
}

/** Stop following, and forget the place: another key may have another project. */
export function stopFeed() {
  removeEventListener("visibilitychange", follow);
  leave?.();
  leave = position = null;
}

/**
 * A hidden page gives its connection back: a browser has six for all pages of a zoo.
 * @param {Event | null} _event @param {(value?: any) => void} [ready]
 */
function follow(_event, ready = () => {}) {
  if (document.hidden) {
    leave?.();
    leave = null;
    return ready();
  }
  leave ??= stream("events", position, {
    onEvent: wakeAll,
    onPosition: (id) => {
      if (position === null) {
        ready();
        wakeAll(null);
      }
      position = id;
    },
    onError: (error) => {
      leave = position = null;
      ready();
      if (error.code === "events_expired") follow(null);
    },
  });
  return undefined;
}

/**
 * Loads a resource again when something that it shows has changed.
 * @param {{loading: boolean, reload: () => void}} resource
 * @param {(event: ProjectEvent) => boolean} matters
 */
export function useLive(resource, matters) {
  const latest = useRef({ resource, matters });
  latest.current = { resource, matters };
  useEffect(() => {
    /** @type {any} */
    let timer = null;
    const load = () => {
      timer = null;
      if (latest.current.resource.loading) timer = setTimeout(load, PAUSE_MILLISECONDS);
      else latest.current.resource.reload();
    };
    const listener = (event) => {
      if (event === null || latest.current.matters(event)) timer ??= setTimeout(load, PAUSE_MILLISECONDS);
    };
    listeners.add(listener);
    return () => {
      clearTimeout(timer);
      listeners.delete(listener);
    };
  }, []);
}

/** Whether an event is about one thing. @param {string} kind @param {string} id */
export const isAbout = (kind, id) => (event) => event.kind === kind && event.subject_id === id;
/** Whether an event is about a list. @param {string[]} kinds */
export const isIn = (...kinds) => (event) => kinds.includes(event.kind);
