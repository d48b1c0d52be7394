// Requests to the REST API of this zoo. Every failure is an ApiError that carries the remedy.
import { Store } from "./store.js";

const ROOT = new URL("v1/", document.baseURI).pathname;
const RECOVERY_MILLISECONDS = 2500;

/** Whether the zoo answers; `since` counts how often it came back, so that views load again. */
export const connection = new Store({ online: true, since: 0 });
/** Called with the code of a 401: the session has ended. @type {{handler: (code: string) => void}} */
export const onSignedOut = { handler: () => {} };

/** An answer that is no success, or no answer at all. */
export class ApiError extends Error {
  /** @param {number} status 0 without an answer @param {any} problem RFC 9457 */
  constructor(status, problem) {
    super(problem.detail || problem.title || `the zoo answered with status ${status}`);
    this.status = status;
    this.code = problem.code || `http_${status}`;
    this.remedy = problem.remedy || null;
    /** @type {{pointer: string, reason: string}[]} */
    this.fields = problem.errors || [];
    this.quota = problem.quota || null;
    this.traceId = problem.trace_id || null;
  }

  /** Whether nothing answered. */
  get offline() {
    return this.status === 0;
  }
}

/**
 * @typedef {object} Options
 * @property {Record<string, any>} [query]
 * @property {any} [json]
 * @property {BodyInit} [body]
 * @property {Record<string, string>} [headers]
 * @property {AbortSignal} [signal]
 */

/** The URL of a path below /v1. @param {string} path @param {Record<string, any>} [query] */
export function address(path, query = {}) {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    const empty = value === undefined || value === null || value === "";
    if (!empty) for (const item of Array.isArray(value) ? value : [value]) words.append(name, String(item));
  }
  const text = words.toString();
  return ROOT + path.replace(/^\//, "") + (text ? `?${text}` : "");
}

/** The response to a request, which succeeded. @param {string} method @param {string} path @param {Options} [options] */
export async function send(method, path, options = {}) {
  const headers = { ...options.headers };
  let body = options.body;
  if (options.json !== undefined) {
    body = JSON.stringify(options.json);
    headers["Content-Type"] = "application/json";
  }
  if (method === "POST" && !headers["Idempotency-Key"]) headers["Idempotency-Key"] = randomWord();
  const response = await fetched(address(path, options.query), { method, headers, body, signal: options.signal });
  if (response.ok) return response;
  const error = new ApiError(response.status, await problemIn(response));
  if (error.status === 401) onSignedOut.handler(error.code);
  throw error;
}

/** @param {string} url @param {RequestInit} init */
async function fetched(url, init) {
  try {
    const response = await fetch(url, { credentials: "same-origin", ...init });
    if (!connection.value.online) cameBack();
    return response;
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    lost();
    throw new ApiError(0, {
      code: "unreachable",
      detail: "The zoo does not answer.",
      remedy: "Check that `zooscope up` is running. This page reconnects by itself.",
    });
  }
}

/** @param {Response} response */
async function problemIn(response) {
  try {
    return await response.json();
  } catch {
    return {};
  }
}

function cameBack() {
  connection.set({ online: true, since: connection.value.since + 1 });
}

/** Note that nothing answers, and ask from time to time until something does. */
export function lost() {
  if (!connection.value.online) return;
  connection.set({ ...connection.value, online: false });
  const ask = async () => {
    try {
      await fetch(new URL("healthz", document.baseURI), { cache: "no-store" });
      cameBack();
    } catch {
      setTimeout(ask, RECOVERY_MILLISECONDS);
    }
  };
  setTimeout(ask, RECOVERY_MILLISECONDS);
}

/** The JSON of a GET. @param {string} path @param {Record<string, any>} [query] @param {AbortSignal} [signal] */
export async function get(path, query, signal) {
  return (await send("GET", path, { query, signal })).json();
}

/** The JSON of a POST, null without a body. @param {string} path @param {any} [json] @param {Record<string, string>} [headers] */
export async function post(path, json, headers) {
  const response = await send("POST", path, { json, headers });
  const text = await response.text();
  return text ? JSON.parse(text) : null;
}

/** All items of a list, page by page; at most `most`. @param {string} path @param {Record<string, any>} [query] @param {{signal?: AbortSignal, most?: number, onPage?: (items: any[]) => void}} [options] */
export async function all(path, query = {}, { signal, most = Infinity, onPage } = {}) {
  const items = [];
  let token;
  do {
    const page = await get(path, { page_size: 500, ...query, page_token: token }, signal);
    items.push(...page.items);
    token = page.next_page_token;
    onPage?.([...items]);
  } while (token && items.length < most);
  return items;
}

/** A random word for an Idempotency-Key; also where the page is not a secure context. */
export function randomWord() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The OpenAPI document, loaded once. */
export const openapi = once(async () => (await fetched(new URL("openapi.json", document.baseURI).href, {})).json());
/** The methods that jobs can run, loaded once. @type {() => Promise<any[]>} */
export const methods = once(async () => (await get("methods")).items);

/** Remembers the result of a load, unless it failed. @template T @param {() => Promise<T>} load @returns {() => Promise<T>} */
function once(load) {
  /** @type {Promise<T> | null} */
  let loading = null;
  return () => {
    loading ??= load().catch((error) => {
      loading = null;
      throw error;
    });
    return loading;
  };
}
