// A against B: their items by right and wrong, each cell a filter, and the paired difference.

import { badge, element, said } from "./element.js";
import { count, interval, percent, probability, signed } from "./numbers.js";
import { pairOf } from "./pairs.js";
import { seen } from "./seen.js";
import { better, quadrants } from "./tally.js";

/**
 * @import { Looked } from "./filters.js"
 * @import { Column } from "./store.js"
 */

/** @param {Looked} looked */
export function versusDrawn({ view, table, items }) {
  const a = items.rows[view.a].scores;
  const b = items.rows[view.b].scores;
  if (view.a === view.b) return alone(a, table);
  return element(
    "div",
    { class: "versus" },
    table.kind.graded ? graded(a, b) : square(a, b),
    element(
      "div",
      {},
      names(table, view.a, view.b),
      verdict(table, view.a, view.b),
      outcomes("A", view.a, items.rows[view.a].status),
      outcomes("B", view.b, items.rows[view.b].status),
    ),
  );
}

/**
 * Which rows the letters stand for.
 * @param {Table} table
 * @param {number} a
 * @param {number} b
 */
export function names(table, a, b) {
  return element(
    "ul",
    { class: "names" },
    element("li", {}, badge("A"), " ", said(table.rows[a].title)),
    a !== b && element("li", {}, badge("B"), " ", said(table.rows[b].title)),
  );
}

/**
 * @param {string} value of the filter `pair`
 * @param {number} found
 * @param {number} n
 * @param {string} words what a screen reader says before the count
 */
function cell(value, found, n, words) {
  return element(
    "button",
    { type: "button", class: "cell", "data-filter": `pair=${value}`, "aria-pressed": "false", disabled: !found },
    element("span", { class: "sr" }, `${words}: `),
    element("strong", {}, count(found)),
    " ",
    element("span", { class: "share" }, percent(found, n)),
  );
}

/** @param {Float32Array} a @param {Float32Array} b */
function square(a, b) {
  const [both, onlyA, onlyB, neither] = quadrants(a, b);
  const n = a.length;
  const title = (/** @type {string} */ scope, /** @type {"A" | "B"} */ letter, /** @type {string} */ words) =>
    element("th", { scope }, badge(letter), ` ${words}`);
  return element(
    "table",
    { class: "square" },
    element("caption", { class: "sr" }, "Items by whether A and B are right; a cell filters the items"),
    element("thead", {}, element("tr", {}, element("td"), title("col", "B", "right"), title("col", "B", "wrong"))),
    element(
      "tbody",
      {},
      element(
        "tr",
        {},
        title("row", "A", "right"),
        element("td", {}, cell("both-right", both, n, "A and B right")),
        element("td", { class: "for-a" }, cell("only-a", onlyA, n, "only A right")),
      ),
      element(
        "tr",
        {},
        title("row", "A", "wrong"),
        element("td", { class: "for-b" }, cell("only-b", onlyB, n, "only B right")),
        element("td", {}, cell("both-wrong", neither, n, "A and B wrong")),
      ),
    ),
  );
}

/** @param {Float32Array} a @param {Float32Array} b */
function graded(a, b) {
  const [forA, alike, forB] = better(a, b);
  const n = a.length;
  return element(
    "table",
    { class: "square" },
    element("caption", { class: "sr" }, "Items by whether A or B is better; a cell filters the items"),
    element(
      "thead",
      {},
      element(
        "tr",
        {},
        element("th", { scope: "col" }, badge("A"), " better"),
        element("th", { scope: "col" }, "alike"),
        element("th", { scope: "col" }, badge("B"), " better"),
      ),
    ),
    element(
      "tbody",
      {},
      element(
        "tr",
        {},
        element("td", { class: "for-a" }, cell("a-better", forA, n, "A better")),
        element("td", {}, cell("alike", alike, n, "A and B alike")),
        element("td", { class: "for-b" }, cell("b-better", forB, n, "B better")),
      ),
    ),
  );
}

/**
 * @param {Table} table
 * @param {number} a
 * @param {number} b
 */
function verdict(table, a, b) {
  const pair = pairOf(table, a, b);
  if (!pair) return element("p", {}, "These rows are not compared.");
  const fact = (/** @type {string} */ name, /** @type {string} */ value) =>
    element("div", {}, element("dt", {}, said(name)), element("dd", {}, value));
  const other = table.kind.score !== table.metric;
  return element(
    "div",
    {},
    element("p", { class: "lead", dir: "auto" }, seen(pair.words)),
    element(
      "dl",
      { class: "facts" },
      fact(`A − B, ${table.metric}`, interval(pair.gap, signed)),
      other && fact(`A − B, ${table.kind.score}`, interval(pair.gapOfItems, signed)),
      fact("p", probability(pair.p)),
      pair.looked > 1 && fact(`p for ${pair.looked} pairs`, probability(pair.adjusted)),
    ),
  );
}

/**
 * What became of a row's answers, where that differs; each outcome is a filter.
 * @param {"A" | "B"} letter
 * @param {number} row
 * @param {Column} status
 */
function outcomes(letter, row, { values, codes }) {
  if (values.length < 2) return null;
  const counts = values.map(() => 0);
  for (const code of codes) counts[code]++;
  const buttons = values.map((value, code) =>
    element(
      "button",
      { type: "button", class: "cell", "data-filter": `status${row}=${value}`, "aria-pressed": "false" },
      `${count(counts[code])} `,
      said(value),
    ),
  );
  return element("p", { class: "outcomes" }, badge(letter), ...buttons);
}

/** @param {Float32Array} scores @param {Table} table */
function alone(scores, table) {
  const right = scores.reduce((sum, each) => sum + Number(each === 1), 0);
  const words = table.kind.graded ? "with a full score" : "right";
  return element("p", { class: "lead" }, `One row: ${count(right)} of ${count(scores.length)} items are ${words}.`);
}
