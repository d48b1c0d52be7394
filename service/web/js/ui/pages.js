// Lists that the zoo searches, sorts and counts; the page holds what has been scrolled to.
import { html, useEffect, useRef, useState } from "../lib.js";
import { get } from "../api.js";
import { isIn, useLive } from "../feed.js";
import { count, words } from "../format.js";
import { Choice } from "./parts.js";
import { useResource } from "./resource.js";

const PAGE = 50;
const MOST_AT_ONCE = 500;
const TYPING_MILLISECONDS = 180;

/**
 * @typedef {{items: any[], total: number, facets: {name: string, values: {value: string, count: number}[]}[], next: string | null}} Pages
 */

/**
 * The first pages of a list with its counts, loaded again when something in it has changed. What was
 * shown stays while another search runs.
 * @param {string} path @param {Record<string, any>} query
 */
export function usePages(path, query) {
  const asked = useSettled(query);
  /** @type {{current: Pages | null}} */
  const grown = useRef(null);
  const shown = useRef(/** @type {Pages | undefined} */ (undefined));
  const counts = { include: ["total", "facets"] };
  const list = useResource(async (signal) => {
    const before = grown.current;
    grown.current = null;
    if (before) return joined(before, await get(path, { ...asked, page_size: PAGE, page_token: before.next }, signal));
    const wanted = list.data?.items.length || PAGE;
    let pages = joined(null, await get(path, { ...asked, ...counts, page_size: Math.min(MOST_AT_ONCE, wanted) }, signal));
    while (pages.next && pages.items.length < wanted) pages = joined(pages, await get(path, { ...asked, page_size: Math.min(MOST_AT_ONCE, wanted - pages.items.length), page_token: pages.next }, signal));
    return pages;
  }, [path, asked]);
  useLive(list, isIn(path));
  if (list.data) shown.current = list.data;
  return {
    ...list,
    data: list.data ?? (list.error ? undefined : shown.current),
    /** Load the next page. */
    more() {
      if (list.loading || !list.data?.next) return;
      grown.current = list.data;
      list.reload();
    },
  };
}

/** @param {Pages | null} before @param {any} page @returns {Pages} */
const joined = (before, page) => ({
  items: before ? [...before.items, ...page.items] : page.items,
  total: before ? before.total : page.total,
  facets: before ? before.facets : page.facets,
  next: page.next_page_token,
});

/** A value once it has stopped changing. @template T @param {T} value @returns {T} */
export function useSettled(value) {
  const word = JSON.stringify(value);
  const [settled, setSettled] = useState(word);
  useEffect(() => {
    if (word === settled) return undefined;
    const timer = setTimeout(() => setSettled(word), TYPING_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [word, settled]);
  return JSON.parse(settled);
}

/** Calls `work` whenever the end of a list comes near the screen. */
export function End({ of: list }) {
  const mark = useRef(null);
  const latest = useRef(list);
  latest.current = list;
  useEffect(() => {
    const watcher = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && latest.current.more(), { rootMargin: "600px" });
    watcher.observe(mark.current);
    return () => watcher.disconnect();
  }, [list.data?.items.length, list.loading]);
  return html`<div ref=${mark} class="end">${list.data?.next && html`<button class="button small" onClick=${list.more}>Show more</button>`}</div>`;
}

/** A choice among the values of a facet, each with its number. */
export function FacetChoice({ of: list, name, label, empty, value, onChange, text = words }) {
  const values = list.data?.facets.find((facet) => facet.name === name)?.values ?? [];
  const options = values.map((item) => [item.value, `${text(item.value)} (${count(item.count)})`]);
  if (value && !values.some((item) => item.value === value)) options.unshift([value, text(value)]);
  return html`<${Choice} hidden label=${label} value=${value} empty=${empty} options=${options} onChange=${onChange} />`;
}
