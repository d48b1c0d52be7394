// Numbers with units and times, alike everywhere.
const NUMBER = new Intl.NumberFormat("en-US");
const UNITS = ["", "K", "M", "G", "T", "P"];

/** 12,345 @param {number | null | undefined} value */
export const count = (value) => (value === null || value === undefined ? "–" : NUMBER.format(value));

/** A number with a fixed number of decimals. @param {number | null | undefined} value @param {number} [decimals] */
export const fixed = (value, decimals = 3) => (value === null || value === undefined || !Number.isFinite(value) ? "–" : value.toFixed(decimals));

/** 87.3 % @param {number | null | undefined} share */
export const percent = (share, decimals = 1) => (share === null || share === undefined ? "–" : `${(100 * share).toFixed(decimals)} %`);

/** 11.7 M @param {number | null | undefined} value @param {string} [unit] */
export function short(value, unit = "") {
  if (value === null || value === undefined) return "–";
  let step = 0;
  let rest = Math.abs(value);
  while (rest >= 999.5 && step < UNITS.length - 1) {
    rest /= 1000;
    step += 1;
  }
  const text = step === 0 ? NUMBER.format(Math.round(rest)) : rest.toPrecision(3).replace(/\.0+$/, "");
  return `${value < 0 ? "−" : ""}${text}${UNITS[step] || unit ? " " : ""}${UNITS[step]}${unit}`;
}

/** 44.7 MB @param {number | null | undefined} value */
export function bytes(value) {
  if (value === null || value === undefined) return "–";
  const names = ["B", "KB", "MB", "GB", "TB"];
  let step = 0;
  let rest = value;
  while (rest >= 999.5 && step < names.length - 1) {
    rest /= 1000;
    step += 1;
  }
  return `${step === 0 ? rest : rest.toPrecision(3)} ${names[step]}`;
}

/** 2 min 5 s @param {number | null | undefined} seconds */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  if (seconds < 1) return `${Math.max(1, Math.round(1000 * seconds))} ms`;
  if (seconds < 59.5) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** 5 minutes ago @param {string} time @param {number} [now] */
export function ago(time, now = Date.now()) {
  const seconds = (now - Date.parse(time)) / 1000;
  const future = seconds < -1;
  const rest = Math.abs(seconds);
  if (rest < 5) return "just now";
  const [amount, unit] = rest < 60 ? [rest, "second"] : rest < 3600 ? [rest / 60, "minute"] : rest < 86400 ? [rest / 3600, "hour"] : rest < 30 * 86400 ? [rest / 86400, "day"] : rest < 365 * 86400 ? [rest / (30 * 86400), "month"] : [rest / (365 * 86400), "year"];
  const whole = Math.floor(amount);
  const text = `${whole} ${unit}${whole === 1 ? "" : "s"}`;
  return future ? `in ${text}` : `${text} ago`;
}

/** The exact time, for a hint. @param {string} time */
export const exact = (time) => new Date(time).toLocaleString("en-US", { dateStyle: "long", timeStyle: "long" });

/** 1 model, 2 models @param {number} number @param {string} noun @param {string} [plural] */
export const plural = (number, noun, plural = `${noun}s`) => `${count(number)} ${number === 1 ? noun : plural}`;

/** linear_probe → linear probe @param {string} name */
export const words = (name) => name.replaceAll("_", " ");

/** What a network takes: pixels, or a part of clips. @param {any} model */
export const inputText = (model) => (model.reader ? (model.reader.modality === "audio" ? "sound of clips" : "lips in clips") : model.input ? `${model.input.width} × ${model.input.height}` : "–");
