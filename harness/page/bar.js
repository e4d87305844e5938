// The bar above the items: how many are kept, by what, and the search.

import { element, said } from "./element.js";
import { count } from "./numbers.js";

const PATIENCE_MS = 150; // after the last letter

export class Bar {
  #status = element("p", { class: "count", role: "status" });
  #chips = element("ul", { class: "chips", "aria-label": "Filters" });
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #waiting;

  /**
   * @param {{search: (text: string) => void, drop: (name: string | null) => void, show: () => void}} acts
   */
  constructor(acts) {
    this.acts = acts;
    this.field = element("input", {
      type: "search",
      placeholder: "Search",
      "aria-label": "Search ids, inputs and answers",
      autocomplete: "off",
      spellcheck: "false",
      dir: "auto",
    });
    this.field.addEventListener("input", () => {
      clearTimeout(this.#waiting);
      this.#waiting = setTimeout(() => this.#search(), PATIENCE_MS);
    });
    this.field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      this.#search();
      acts.show();
    });
    const go = element("button", { type: "button", class: "go", click: acts.show }, "Show items");
    this.element = element(
      "div",
      { class: "bar", role: "search", "aria-label": "Which items" },
      this.#status,
      this.field,
      this.#chips,
      go,
    );
    // How much of the window is left for the items.
    new ResizeObserver(() => {
      document.documentElement.style.setProperty("--bar", `${this.element.offsetHeight}px`);
    }).observe(this.element);
  }

  #search() {
    clearTimeout(this.#waiting);
    this.#waiting = undefined;
    this.acts.search(this.field.value);
  }

  /**
   * @param {string} search
   * @param {{name: string, words: string}[]} filters
   */
  filters(search, filters) {
    // Letters that are being typed stay.
    if (this.#waiting === undefined && this.field.value !== search) this.field.value = search;
    const chip = (/** @type {string | null} */ name, /** @type {string} */ words, /** @type {string} */ label) =>
      element(
        "li",
        {},
        element(
          "button",
          { type: "button", class: "chip", "aria-label": label, click: () => this.acts.drop(name) },
          said(words),
          element("span", { "aria-hidden": "true" }, " ✕"),
        ),
      );
    const chips = filters.map(({ name, words }) => chip(name, words, `Remove the filter ${words}`));
    if (filters.length > 1) chips.push(chip(null, "all filters", "Remove all filters"));
    this.#chips.replaceChildren(...chips);
  }

  /** @param {number} kept @param {number} n */
  counted(kept, n) {
    this.#status.replaceChildren(
      element("strong", {}, count(kept)),
      kept === n ? (n === 1 ? " item" : " items") : ` of ${count(n)} items`,
    );
  }

  searching() {
    this.#status.textContent = "Searching …";
  }
}
