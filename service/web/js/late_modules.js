// Modules that are loaded when they are needed, and what to do when one does not arrive.
import { connection, lost } from "./api.js";

/** The address of the icon, in the same version as this module. */
export const ICON = new URL("../icon.svg", import.meta.url).href;
const VERSION = new URL("..", import.meta.url).pathname;

/**
 * A module did not arrive. Browsers remember that, so only a page that loads again gets it: at once if the zoo
 * serves another version of the page by now, otherwise when the zoo answers again.
 * @param {unknown} error
 */
export async function notLoaded(error) {
  if (!(error instanceof TypeError)) throw error;
  const page = await fetch(document.baseURI.split("#")[0], { cache: "no-store" }).then((answer) => answer.text(), () => "");
  if (page && !page.includes(VERSION.replace(new URL(".", document.baseURI).pathname, ""))) return location.reload();
  connection.watch(() => connection.value.online && location.reload());
  return lost();
}
