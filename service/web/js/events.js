// Streams of events as they happen, each over one response that resumes where it broke.
import { ApiError, address, lost, onSignedOut } from "./api.js";

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 8000;
const TRANSIENT = new Set([429, 500, 502, 503, 504]);

/**
 * @typedef {object} Handlers
 * @property {(event: any) => void} onEvent
 * @property {(id: string) => void} [onPosition] the id to resume after
 * @property {(state: "open" | "broken" | "done") => void} [onState]
 * @property {(error: ApiError) => void} [onError]
 */

/**
 * Follow a job until it has finished.
 * @param {string} jobId @param {Handlers} handlers
 * @returns {() => void} stops following
 */
export const follow = (jobId, handlers) => stream(`jobs/${jobId}/events`, "0", handlers);

/**
 * Follow a stream until the zoo ends it.
 * @param {string} path @param {string | null} last id of the event to resume after @param {Handlers} handlers
 * @returns {() => void} stops following
 */
export function stream(path, last, { onEvent, onPosition = () => {}, onState = () => {}, onError = () => {} }) {
  const leaving = new AbortController();
  let pause = FIRST_PAUSE;

  /** One connection, from its request to its end. */
  const connect = async () => {
    const response = await fetch(address(path), {
      headers: { Accept: "text/event-stream", ...(last === null ? {} : { "Last-Event-ID": last }) },
      signal: leaving.signal,
    });
    if (!response.ok) throw new ApiError(response.status, await response.json().catch(() => ({})));
    onState("open");
    for await (const message of messages(response.body)) {
      pause = FIRST_PAUSE;
      if (message.event === "error") throw new ApiError(401, JSON.parse(message.data));
      if (message.id) onPosition((last = message.id));
      if (message.data) onEvent(JSON.parse(message.data));
    }
  };
  const run = async () => {
    while (!leaving.signal.aborted) {
      try {
        await connect();
        return onState("done");
      } catch (error) {
        if (leaving.signal.aborted) return undefined;
        if (error instanceof ApiError && !TRANSIENT.has(error.status)) {
          if (error.status === 401) onSignedOut.handler(error.code);
          return onError(error);
        }
        onState("broken");
        if (!(error instanceof ApiError)) lost();
        await new Promise((wake) => setTimeout(wake, pause));
        pause = Math.min(2 * pause, LONGEST_PAUSE);
      }
    }
    return undefined;
  };
  run();
  return () => leaving.abort();
}

/** The messages of an event stream. @param {ReadableStream<any>} body */
export async function* messages(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  while (true) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value.replaceAll("\r\n", "\n");
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      yield parsed(text.slice(0, end));
      text = text.slice(end + 2);
    }
  }
}

/** @param {string} block */
function parsed(block) {
  const message = { event: "message", data: "", id: "" };
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") message.data += (message.data ? "\n" : "") + value;
    if (name === "event" || name === "id") message[name] = value;
  }
  return message;
}
