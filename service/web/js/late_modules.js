// Modules that are loaded when they are needed, and what to do when one does not arrive.
import { connection, lost } from "./api.js";

/** The address of the icon, in the same version as this module. */
export const ICON = new URL("../icon.svg", import.meta.url).href;
const PAUSE_MILLISECONDS = 1000;

/**
 * A module did not arrive. A browser may remember that for as long as the page lives, so the page loads
 * again: soon where the zoo answers, else when it does.
 * @param {unknown} error
 */
export async function notLoaded(error) {
  if (!(error instanceof TypeError)) throw error;
  try {
    await fetch(document.baseURI.split("#")[0], { cache: "no-store" });
  } catch {
    connection.watch(() => connection.value.online && location.reload());
    return lost();
  }
  // Not at once: what is always missing shall not keep the zoo busy.
  return setTimeout(() => location.reload(), PAUSE_MILLISECONDS);
}
