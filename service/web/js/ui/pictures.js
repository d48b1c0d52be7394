// Pictures: images of datasets and heat maps. Looking at one never starts work.
import { html, useEffect, useRef, useState } from "../lib.js";
import { ApiError, address, send } from "../api.js";
import { useResource } from "./resource.js";

/**
 * A picture behind the API as an address for an `img`, or why there is none.
 * @param {string | null} path @param {Record<string, any>} [query] @param {any} [turn] changes when it should be asked for again
 */
export function usePicture(path, query = {}, turn = 0) {
  const picture = useResource(path ? async (signal) => URL.createObjectURL(await (await send("GET", path, { query, signal })).blob()) : null, [path, query, turn]);
  useEffect(() => () => picture.data && URL.revokeObjectURL(picture.data), [picture.data]);
  return picture;
}

/** Whether an error says that nobody has measured this yet. @param {ApiError | null} error */
export const isUnmeasured = (error) => error?.code === "not_measured";

/** An image of a dataset, loaded when it comes near the screen. */
export const DatasetImage = ({ dataset, index, name = "" }) =>
  html`<${Thumb} path=${`datasets/${dataset}/images/${index}`} alt=${name || `Image ${index}`} title=${name} />`;

/** The middle frame of a clip. */
export const ClipPoster = ({ dataset, index, name = "" }) =>
  html`<${Thumb} path=${`datasets/${dataset}/clips/${index}/poster`} alt=${`Middle frame of ${name || `clip ${index}`}`} title=${name} />`;

const Thumb = ({ path, alt, title }) =>
  html`<span class="thumb"><img loading="lazy" decoding="async" alt=${alt} title=${title} src=${address(path)} onError=${(event) => event.target.classList.add("broken")} /></span>`;

/**
 * A heat map on its image.
 * @param {{model: string, dataset: string, index: number, name?: string, look: {style: string, method: string, layer?: string | null}, opacity?: number, turn?: number, onMissing?: (index: number) => void}} props
 */
export function HeatMap({ model, dataset, index, name = "", look, opacity = 1, turn = 0, onMissing }) {
  const box = useRef(null);
  const [near, setNear] = useState(false);
  useEffect(() => {
    const watcher = new IntersectionObserver(([entry]) => entry.isIntersecting && setNear(true), { rootMargin: "200px" });
    watcher.observe(box.current);
    return () => watcher.disconnect();
  }, []);
  const query = { style: look.style, method: look.method, layer: look.layer };
  const picture = usePicture(near ? `models/${model}/attributions/${dataset}/${index}.png` : null, query, turn);
  const unmeasured = isUnmeasured(picture.error);
  useEffect(() => {
    if (unmeasured) onMissing?.(index);
  }, [unmeasured]);
  return html`<span class="heat-map" ref=${box}>
    <${DatasetImage} dataset=${dataset} index=${index} name=${name} />
    ${picture.data && html`<img class="over" style=${{ opacity }} src=${picture.data} alt=${`Where the network looks on ${name || `image ${index}`}`} />`}
    ${unmeasured && html`<span class="missing">not measured</span>`}
    ${picture.error && !unmeasured && html`<span class="missing" title=${picture.error.message}>failed</span>`}
  </span>`;
}
