// The sections of the report above the items, in order.

import { binsDrawn } from "./bins.js";
import { confusionDrawn } from "./confusion.js";
import { curvesDrawn } from "./curves.js";
import { element } from "./element.js";
import { slicesDrawn } from "./slices.js";
import { spendingDrawn } from "./spending.js";
import { suspectsDrawn } from "./suspects.js";
import { notesDrawn } from "./table.js";
import { names, versusDrawn } from "./versus.js";

/** @import { Looked } from "./filters.js" */
/**
 * `of` says what a section has to be drawn again for.
 * @typedef {{id: string, title: string, of: "pair" | "table",
 *   draw: (looked: Looked) => (HTMLElement | null)[]}} Section
 */

/** @type {Section[]} */
const SECTIONS = [
  { id: "versus", title: "A against B", of: "pair", draw: (looked) => [versusDrawn(looked)] },
  { id: "notes", title: "About the table", of: "table", draw: ({ table }) => [notesDrawn(table)] },
  { id: "confusion", title: "Confusion", of: "pair", draw: (looked) => [confusionDrawn(looked)] },
  { id: "bins", title: "Score against score", of: "pair", draw: (looked) => [binsDrawn(looked)] },
  { id: "slices", title: "Slices", of: "pair", draw: (looked) => [slicesDrawn(looked)] },
  {
    id: "curves",
    title: "Curves and cost",
    of: "pair",
    draw: ({ table, view }) => [abreast([...curvesDrawn(table), spendingDrawn(table, view)])],
  },
  { id: "suspects", title: "Suspect labels", of: "table", draw: (looked) => [suspectsDrawn(looked)] },
];

/** @param {(HTMLElement | null)[]} figures */
function abreast(figures) {
  const known = figures.filter((figure) => figure !== null);
  return known.length ? element("div", { class: "figures-row" }, ...known) : null;
}

const LETTERED = ["confusion", "bins", "slices"];

/** Draws the sections, and again when what they show has changed. */
export class Sections {
  /** @type {Map<string, string>} */
  #drawn = new Map();

  constructor() {
    this.elements = new Map(
      SECTIONS.map(({ id, title }) => {
        const heading = element("h2", { id: `${id}-title` }, title);
        return [id, element("section", { id, hidden: true, "aria-labelledby": heading.id }, heading)];
      }),
    );
  }

  /**
   * @param {Looked} looked
   * @param {boolean} resized whether diagrams need another width
   */
  draw(looked, resized = false) {
    const { view, table } = looked;
    for (const { id, of, draw } of SECTIONS) {
      const key = of === "pair" ? `${view.table} ${view.a} ${view.b}` : String(view.table);
      if (this.#drawn.get(id) === key && !(resized && id === "curves")) continue;
      this.#drawn.set(id, key);
      const parts = draw(looked).filter((part) => part !== null);
      const section = /** @type {HTMLElement} */ (this.elements.get(id));
      const title = /** @type {Element} */ (section.firstElementChild);
      section.hidden = !parts.length;
      section.replaceChildren(title, ...(LETTERED.includes(id) ? [names(table, view.a, view.b)] : []), ...parts);
    }
  }

  /** The sections that have something to show. @returns {{id: string, title: string}[]} */
  get shown() {
    return SECTIONS.filter(({ id }) => !this.elements.get(id)?.hidden);
  }
}
