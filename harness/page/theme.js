// Light or dark: as the system has it, until somebody chooses.

import { element } from "./element.js";

const KEPT = "harness-theme";

/** What was chosen before; a file opened from a mail may not keep anything. */
function remembered() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null;
  }
}

/** @param {string} theme */
function remember(theme) {
  try {
    localStorage.setItem(KEPT, theme);
  } catch {
    // Chosen for as long as the page is open.
  }
}

/** A button that turns light into dark and back. */
export function themeSwitch() {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const now = () => root.dataset.theme ?? (dark.matches ? "dark" : "light");
  const before = remembered();
  if (before === "dark" || before === "light") root.dataset.theme = before;
  const made = element("button", { type: "button", class: "theme" });
  const name = () => (made.textContent = now() === "dark" ? "Light" : "Dark");
  made.addEventListener("click", () => {
    root.dataset.theme = now() === "dark" ? "light" : "dark";
    remember(root.dataset.theme);
    name();
  });
  dark.addEventListener("change", name);
  name();
  return made;
}
