// Score against score, for kinds of answers without classes: five bins of A's by five of B's, each cell a filter.

import { badge, element, scrolled } from "./element.js";
import { BINS, binWords } from "./filters.js";
import { count } from "./numbers.js";
import { binned } from "./tally.js";

/** @import { Looked } from "./filters.js" */

/** @param {Looked} looked */
export function binsDrawn({ view, table, items }) {
  if (table.classes || !table.kind.graded || view.a === view.b) return null;
  const cells = binned(items.rows[view.a].scores, items.rows[view.b].scores);
  const most = cells.reduce((max, each) => Math.max(max, each), 1);
  const bins = Array.from({ length: BINS }, (_, bin) => bin);
  const box = (/** @type {number} */ a, /** @type {number} */ b) => {
    const found = cells[a * BINS + b];
    if (!found) return element("td", { class: "none" }, "·");
    const label = `${count(found)}: A scores ${binWords(a)}, B ${binWords(b)}`;
    const made = element(
      "td",
      { class: a === b ? "even" : a > b ? "for-a" : "for-b" },
      element(
        "button",
        {
          type: "button",
          class: "cell",
          "data-filter": `bins=${a}.${b}`,
          "aria-pressed": "false",
          "aria-label": label,
        },
        count(found),
      ),
    );
    made.style.setProperty("--share", String(found / most));
    return made;
  };
  const corner = element("th", { scope: "col" }, badge("A"), " ↓ ", badge("B"), " →");
  const head = bins.map((b) => element("th", { scope: "col" }, binWords(b)));
  // As in a diagram: the best of A on top.
  const body = bins
    .toReversed()
    .map((a) => element("tr", {}, element("th", { scope: "row" }, binWords(a)), ...bins.map((b) => box(a, b))));
  return scrolled(
    "Score against score",
    element(
      "table",
      { class: "matrix" },
      element("caption", {}, `Items by the ${table.kind.score} of A (up) and of B (to the right)`),
      element("thead", {}, element("tr", {}, corner, ...head)),
      element("tbody", {}, ...body),
    ),
  );
}
