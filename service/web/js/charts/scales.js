// Scales and ticks.

/** Maps a range of values to a range of pixels. @param {[number, number]} domain @param {[number, number]} range */
export function linear([low, high], [from, to]) {
  const span = high - low || 1;
  const scale = (value) => from + ((value - low) / span) * (to - from);
  scale.invert = (pixel) => low + ((pixel - from) / (to - from || 1)) * span;
  return scale;
}

/** Round values between two others. @param {number} low @param {number} high @param {number} [wanted] */
export function ticks(low, high, wanted = 5) {
  const span = high - low;
  if (!(span > 0)) return [low];
  const raw = span / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= raw) ?? 10 * power;
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}

/** The smallest and the greatest of the finite values, with a margin. @param {number[]} values @param {number} [margin] @returns {[number, number]} */
export function extent(values, margin = 0.06) {
  const finite = values.filter((value) => Number.isFinite(value));
  if (!finite.length) return [0, 1];
  const low = finite.reduce((least, value) => Math.min(least, value), Infinity);
  const high = finite.reduce((most, value) => Math.max(most, value), -Infinity);
  const room = (high - low || Math.abs(high) || 1) * margin;
  return [low - room, high + room];
}

/** A tick as text. @param {number} value */
export const tickText = (value) => (Math.abs(value) >= 1e6 || (value !== 0 && Math.abs(value) < 1e-3) ? value.toExponential(0) : String(Number(value.toPrecision(6))));

/** The class of a category's color; they repeat after the seventh. @param {number} index */
export const category = (index) => `c${((index % 7) + 7) % 7}`;
