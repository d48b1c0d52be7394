// Long tables: only the rows near the screen exist.
import { useEffect, useState } from "../lib.js";

const MARGIN_ROWS = 12;
const ALL_BELOW = 120;

/**
 * Which of many rows of one height to draw, and how much space the others take.
 * @param {{current: HTMLElement | null}} body @param {number} total @param {number} height
 */
export function useWindow(body, total, height) {
  const [range, setRange] = useState({ from: 0, to: 60 });
  const small = total <= ALL_BELOW;
  useEffect(() => {
    if (small) return undefined;
    const place = () => {
      const top = body.current ? body.current.getBoundingClientRect().top : 0;
      const first = Math.floor(-top / height) - MARGIN_ROWS;
      const count = Math.ceil(window.innerHeight / height) + 2 * MARGIN_ROWS;
      const from = Math.max(0, Math.min(first, Math.max(0, total - count)));
      setRange((before) => (before.from === from && before.to === from + count ? before : { from, to: from + count }));
    };
    place();
    addEventListener("scroll", place, { passive: true });
    addEventListener("resize", place);
    return () => {
      removeEventListener("scroll", place);
      removeEventListener("resize", place);
    };
  }, [total, height, small]);
  const from = small ? 0 : range.from;
  const to = small ? total : Math.min(total, range.to);
  return {
    from,
    to,
    before: from * height,
    after: Math.max(0, (total - to) * height),
    /** Scroll so that a row is on the screen. @param {number} index */
    reveal(index) {
      if (index < 0 || !body.current) return;
      const top = body.current.getBoundingClientRect().top + index * height;
      if (top < 80) window.scrollBy(0, top - 120);
      else if (top + height > window.innerHeight) window.scrollBy(0, top + height - window.innerHeight + 40);
    },
  };
}

/** A position in a list of `total` that stays inside it; -1 before the first key. @param {number} total @returns {[number, (index: number) => void]} */
export function useFocus(total) {
  const [index, setIndex] = useState(-1);
  return [Math.min(index, total - 1), (next) => setIndex(Math.max(0, Math.min(total - 1, next)))];
}
