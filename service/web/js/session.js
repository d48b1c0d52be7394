// Who uses the page, and what they may do.
import { ApiError, get, onSignedOut, send } from "./api.js";
import { startFeed, stopFeed } from "./feed.js";
import { Store } from "./store.js";

/**
 * @typedef {{state: "asking" | "in" | "out" | "failed", who: any, reason: string | null, error: ApiError | null}} SessionState
 */

/** @type {Store<SessionState>} */
export const session = new Store({ state: "asking", who: null, reason: null, error: null });

onSignedOut.handler = (code) => {
  const reason = session.value.state === "in" || code === "session_ended" ? "Your session has ended." : null;
  stopFeed();
  session.set({ state: "out", who: null, reason, error: null });
};

/** Ask who the browser's session belongs to. */
export async function identify() {
  try {
    const [who] = await Promise.all([get("whoami"), startFeed()]);
    session.set({ state: "in", who, reason: null, error: null });
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.status !== 401) session.set({ state: "failed", who: null, reason: null, error });
  }
}

/** Sign in with an API key or the token of a one-time link. @param {string} token */
export async function signIn(token) {
  await send("POST", "sessions", { headers: { Authorization: `Bearer ${token.trim()}` } });
  await identify();
}

/** Sign out; the cookie and the session are gone. */
export async function signOut() {
  await send("DELETE", "sessions");
  stopFeed();
  session.set({ state: "out", who: null, reason: "You are signed out.", error: null });
}

/** Whether the key allows a scope. @param {"read" | "write" | "jobs" | "admin" | "operator"} scope */
export function can(scope) {
  return Boolean(session.value.who?.scopes.includes(scope));
}
