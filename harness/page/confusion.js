// Confusion matrices of A and B: every cell that is not empty is a filter.

import { badge, element, folded, said, scrolled } from "./element.js";
import { count } from "./numbers.js";
import { oneLine } from "./seen.js";
import { matrixOf } from "./tally.js";

/** @import { Looked } from "./filters.js" */
/** @typedef {{truth: string[], said: string[]}} Classes */

const WIDE = 12; // classes that fit side by side
const LISTED = 20; // pairs of classes that are listed

/** @param {Looked} looked */
export function confusionDrawn({ view, table, items }) {
  const { classes } = table;
  if (!classes) return null;
  const size = classes.truth.length * classes.said.length;
  const rows = view.a === view.b ? [view.a] : [view.a, view.b];
  const matrices = rows.map((row) => matrixOf(items.rows[row].confused ?? [], size));
  const grids = () =>
    element(
      "div",
      { class: "matrices" },
      ...rows.map((row, i) => grid(classes, matrices[i], row, i ? "B" : "A")),
    );
  if (classes.said.length <= WIDE) return grids();
  return element("div", {}, worst(classes, matrices, rows), folded("The whole matrices", grids));
}

/**
 * @param {Classes} classes
 * @param {Int32Array} cells
 * @param {number} row
 * @param {"A" | "B"} letter
 */
function grid(classes, cells, row, letter) {
  const width = classes.said.length;
  const small = width > WIDE;
  const head = element(
    "tr",
    {},
    element("th", { scope: "col", class: "corner" }, "right ↓ ", badge(letter), " →"),
    ...classes.said.map((name) =>
      element("th", { scope: "col", title: oneLine(name) }, element("span", {}, said(name))),
    ),
    element("th", { scope: "col" }, element("span", {}, "all")),
  );
  const body = classes.truth.map((name, truth) => {
    const part = cells.subarray(truth * width, (truth + 1) * width);
    const all = part.reduce((sum, each) => sum + each, 0);
    return element(
      "tr",
      {},
      element("th", { scope: "row", title: oneLine(name) }, said(name)),
      ...Array.from(part, (found, answer) => box(classes, row, truth, answer, found, all)),
      element("td", { class: "all" }, count(all)),
    );
  });
  const table = element(
    "table",
    { class: small ? "matrix small" : "matrix" },
    element("caption", { class: "sr" }, `Right answers against answers of ${letter}; a cell filters the items`),
    element("thead", {}, head),
    element("tbody", {}, ...body),
  );
  return scrolled(`Confusion matrix of ${letter}`, table);
}

/**
 * @param {Classes} classes
 * @param {number} row
 * @param {number} truth
 * @param {number} answer
 * @param {number} found
 * @param {number} all items of this right answer
 */
function box(classes, row, truth, answer, found, all) {
  if (!found) return element("td", { class: "none" }, "·");
  const right = classes.truth[truth] === classes.said[answer];
  const made = element("td", { class: right ? "right" : "wrong" }, toggle(classes, row, truth, answer, found));
  made.style.setProperty("--share", String(found / all));
  return made;
}

/**
 * @param {Classes} classes
 * @param {number} row
 * @param {number} truth
 * @param {number} answer
 * @param {number} found
 */
function toggle(classes, row, truth, answer, found) {
  if (!found) return element("span", {}, "0");
  return element(
    "button",
    {
      type: "button",
      class: "cell",
      "data-filter": `confused${row}=${truth}.${answer}`,
      "aria-pressed": "false",
      "aria-label": `${count(found)}: ${oneLine(classes.truth[truth])}, answered ${oneLine(classes.said[answer])}`,
    },
    count(found),
  );
}

/**
 * The pairs of classes that are taken for each other most often, by either row.
 * @param {Classes} classes
 * @param {Int32Array[]} matrices
 * @param {number[]} rows
 */
function worst(classes, matrices, rows) {
  const width = classes.said.length;
  const mistakes = [];
  for (let cell = 0; cell < matrices[0].length; cell++) {
    const most = Math.max(...matrices.map((cells) => cells[cell]));
    const truth = Math.floor(cell / width);
    if (most && classes.truth[truth] !== classes.said[cell % width]) mistakes.push({ cell, truth, most });
  }
  mistakes.sort((one, other) => other.most - one.most);
  const lines = mistakes.slice(0, LISTED).map(({ cell, truth }) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, said(classes.truth[truth])),
      element("td", {}, said(classes.said[cell % width])),
      ...rows.map((row, i) =>
        element("td", { class: "figures" }, toggle(classes, row, truth, cell % width, matrices[i][cell])),
      ),
    ),
  );
  const listed = `${count(lines.length)} of ${count(mistakes.length)} kinds of mistakes, the most frequent first`;
  const titles = ["right answer", "answered"].map((title) => element("th", { scope: "col" }, title));
  const letters = rows.map((_, i) => element("th", { scope: "col", class: "figures" }, badge(i ? "B" : "A")));
  return scrolled(
    "The classes most often taken for each other",
    element(
      "table",
      { class: "worst" },
      element("caption", {}, listed),
      element("thead", {}, element("tr", {}, ...titles, ...letters)),
      element("tbody", {}, ...lines),
    ),
  );
}
