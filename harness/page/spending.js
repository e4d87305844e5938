// What a row takes against what it scores.

import { framed, room, scoreScale, spread } from "./axes.js";
import { mark } from "./curves.js";
import { drawn, element, folded, said, scrolled } from "./element.js";
import { amount, DASH, interval } from "./numbers.js";
import { oneLine } from "./seen.js";

/**
 * @import { View } from "./address.js"
 * @import { Frame } from "./axes.js"
 */

/** @typedef {"tokens" | "seconds" | "cost"} Expense */

const SORTS = { prompt: 0, trained: 1, recorded: 3 }; // to the shape of the mark
const SORT_WORDS = { prompt: "prompts", trained: "trained models", recorded: "recorded answers" };

/**
 * @param {Table} table
 * @param {View} view
 */
export function spendingDrawn(table, view) {
  /** @type {Expense[]} */
  const all = ["cost", "seconds", "tokens"];
  const known = all.filter((name) => table.rows.some((row) => row[name]));
  if (!known.length || table.rows.length < 2) return null;
  const holder = element("div");
  const choose = (/** @type {Expense} */ name) => holder.replaceChildren(diagram(table, view, name));
  choose(known[0]);
  const choices = known.map((name, i) =>
    element(
      "label",
      {},
      element("input", { type: "radio", name: "expense", value: name, checked: !i, change: () => choose(name) }),
      ` ${name}`,
    ),
  );
  return element(
    "figure",
    {},
    element("figcaption", {}, oneLine(`${table.metric} against what it takes`)),
    element("fieldset", { class: "switch" }, element("legend", { class: "sr" }, "Against"), ...choices),
    holder,
    legend(table),
    folded("The numbers", () => expenses(table, known)),
  );
}

/**
 * @param {Table} table
 * @param {View} view
 * @param {Expense} name
 */
function diagram(table, view, name) {
  const all = table.rows.map((row, place) => ({ ...row, place, spent: row[name] }));
  const rows = all.filter(({ spent }) => spent !== null);
  const title = `${table.metric} against ${name}`;
  const across = spread(rows.map(({ spent }) => spent ?? 0));
  const up = scoreScale(rows.map((row) => row.score));
  const frame = framed({ width: room(), height: 300, across, up, acrossName: name, upName: table.metric, title });
  frame.svg.append(...rows.map((row) => point(row, row.spent ?? 0, letterOf(view, row.place), frame)));
  return frame.svg;
}

/** @param {View} view @param {number} place */
function letterOf(view, place) {
  return view.a === view.b ? "" : place === view.a ? "A" : place === view.b ? "B" : "";
}

/**
 * @param {Row} row
 * @param {number} spent
 * @param {string} letter
 * @param {Frame} frame
 */
function point(row, spent, letter, { x, y }) {
  const [value, low, high] = row.score;
  if (value === null) return drawn("g");
  const px = x(spent);
  return drawn(
    "g",
    { class: `spent ${letter.toLowerCase()}` },
    drawn("title", {}, oneLine(`${row.title}: ${interval(row.score)} at ${amount(spent)}`)),
    low !== null && high !== null && drawn("line", { class: "reach", x1: px, x2: px, y1: y(low), y2: y(high) }),
    mark(SORTS[row.sort], px, y(value)),
    letter && drawn("text", { class: "letter", x: px + 8, y: y(value) + 4 }, letter),
  );
}

/** @param {Table} table */
function legend(table) {
  const sorts = [...new Set(table.rows.map((row) => row.sort))];
  const symbol = (/** @type {Row["sort"]} */ sort) =>
    drawn("svg", { class: "sample spent", width: 14, height: 12, "aria-hidden": "true" }, mark(SORTS[sort], 7, 6));
  return element(
    "ul",
    { class: "legend" },
    ...sorts.map((sort) => element("li", {}, symbol(sort), SORT_WORDS[sort])),
  );
}

/** @param {Table} table @param {Expense[]} known */
function expenses(table, known) {
  const titles = ["", table.metric, ...known].map((title, i) =>
    i ? element("th", { scope: "col", class: "figures" }, said(title)) : element("td"),
  );
  const body = table.rows.map((row) =>
    element(
      "tr",
      {},
      element("th", { scope: "row" }, said(row.title)),
      element("td", { class: "figures" }, interval(row.score)),
      ...known.map((name) => element("td", { class: "figures" }, row[name] === null ? DASH : amount(row[name] ?? 0))),
    ),
  );
  return scrolled(
    "What each row takes",
    element("table", {}, element("thead", {}, element("tr", {}, ...titles)), element("tbody", {}, ...body)),
  );
}
