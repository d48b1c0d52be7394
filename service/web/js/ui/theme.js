// The theme: the system's, or the one that was chosen.
import { Store } from "../store.js";

const KEY = "zooscope.theme";
const system = matchMedia("(prefers-color-scheme: dark)");

/** "system", "light" or "dark". */
export const chosenTheme = new Store(document.documentElement.dataset.theme || "system");
/** The theme that is shown; pictures and canvases are drawn for it. */
export const shownTheme = new Store(shown());

function shown() {
  return chosenTheme.value === "system" ? (system.matches ? "dark" : "light") : chosenTheme.value;
}

system.addEventListener("change", () => shownTheme.set(shown()));

/** Choose a theme. @param {string} theme */
export function chooseTheme(theme) {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  try {
    if (theme === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, theme);
  } catch {
    // Storage is blocked: the choice lasts until the page is closed.
  }
  chosenTheme.set(theme);
  shownTheme.set(shown());
}

/** The colors of style sheets for a canvas, by the name of their variable. @param {string[]} names */
export function colors(...names) {
  const probe = document.createElement("span");
  document.body.append(probe);
  const values = names.map((name) => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  });
  probe.remove();
  return values;
}
