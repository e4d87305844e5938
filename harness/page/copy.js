// A button that copies, in a file that was opened from a disk too.

import { element } from "./element.js";

/** @param {string} text */
async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Not allowed, or not there: the old way.
    const field = element("textarea", { class: "sr", "aria-hidden": "true" });
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand("copy");
    field.remove();
    return done;
  }
}

/**
 * @param {string} name
 * @param {() => string} text
 */
export function copier(name, text) {
  const made = element("button", { type: "button", class: "copy" }, element("span", { "aria-live": "polite" }, name));
  const words = /** @type {HTMLElement} */ (made.firstChild);
  made.addEventListener("click", async () => {
    words.textContent = (await copied(text())) ? "Copied" : "Cannot copy here";
    setTimeout(() => (words.textContent = name), 1500);
  });
  return made;
}
