// Modules that are loaded when they are needed, and what to do when one does not arrive.
import { lost } from "./api.js";

/** The address of the icon, in the same version as this module. */
export const ICON = new URL("../icon.svg", import.meta.url).href;
const VERSION = new URL("..", import.meta.url).pathname;

/**
 * A module did not arrive. If the zoo serves another version of the page by now, the page loads again;
 * otherwise the connection was lost, also where it is back already, and the module is asked for again.
 * @param {unknown} error
 */
export async function notLoaded(error) {
  if (!(error instanceof TypeError)) throw error;
  try {
    const page = await (await fetch(document.baseURI.split("#")[0], { cache: "no-store" })).text();
    if (!page.includes(VERSION.replace(new URL(".", document.baseURI).pathname, ""))) return location.reload();
  } catch {
    // Nothing answers, which `lost` announces.
  }
  return lost();
}
