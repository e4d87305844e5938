// The keyboard, and the sentence that each key is explained by.

import { element } from "./element.js";

/** @typedef {{keys: string[], words: string, act: () => void}} Key */

/**
 * Listens to keys that are pressed outside of fields and dialogs.
 * @param {Key[]} known
 */
export function listen(known) {
  document.addEventListener("keydown", (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    const typing = target.matches("input[type=search], select, textarea");
    if (typing) {
      if (event.key === "Escape") target.blur();
      return;
    }
    // These open and choose what has the focus.
    const own = event.key === "Enter" && target.matches("button, summary, a, input");
    const key = known.find(({ keys }) => keys.includes(event.key));
    if (!key || own) return;
    if (event.key.startsWith("Arrow") && !target.matches(".list")) return;
    event.preventDefault();
    key.act();
  });
}

const CLICKS =
  "Every count in a table is a button: it keeps the items that it counts. " +
  "The address says it all, so that a link shows the same to others.";

/** @param {Key[]} known */
export function helpDrawn(known) {
  const lines = known.map(({ keys, words }) =>
    element(
      "div",
      {},
      element("dt", {}, ...keys.map((key) => element("kbd", {}, key.replace("Arrow", "")))),
      element("dd", {}, words),
    ),
  );
  const close = element("button", { type: "button", click: () => made.close() }, "Close");
  const made = element(
    "dialog",
    { "aria-label": "Keys" },
    element("h2", {}, "Keys"),
    element("dl", { class: "keys" }, ...lines),
    element("p", {}, CLICKS),
    close,
  );
  return made;
}
