// The table as it is printed; two narrow columns choose A and B.

import { element, folded, said, scrolled } from "./element.js";
import { oneLine, seen } from "./seen.js";

const FIGURE = /^(?:[-+−<]?[\d.,]+(?: \[.*\])?|\d+ : \d+|–|reference)$/;

/** @import { View } from "./address.js" */

/**
 * @param {Table} table
 * @param {View} view
 */
export function tableDrawn(table, view) {
  const choose = table.rows.length > 1;
  const titles = table.header.map((title, i) => element("th", { scope: "col", class: figures(table, i) }, said(title)));
  const head = element(
    "tr",
    {},
    choose && element("th", { scope: "col", class: "choice" }, element("abbr", { title: "the row that is A" }, "A")),
    choose && element("th", { scope: "col", class: "choice" }, element("abbr", { title: "the row that is B" }, "B")),
    ...titles,
  );
  const body = table.rows.map((row, place) => rowDrawn(table, row, place, choose));
  const made = element("table", { class: "result" }, element("thead", {}, head), element("tbody", {}, ...body));
  const whole = scrolled("The table", made);
  chosen(whole, view);
  return whole;
}

/**
 * What is printed below the table, and what of the items the file does not have.
 * @param {Table} table
 */
export function notesDrawn(table) {
  const lines = [...table.footer, ...table.notes];
  return element(
    "div",
    {},
    ...lines.map((note) => element("p", { class: "note", dir: "auto" }, seen(note))),
    folded("How each row can be repeated", () => signatures(table)),
  );
}

/**
 * The class of a column of figures, which stand under each other.
 * @param {Table} table
 * @param {number} column
 */
function figures(table, column) {
  const cells = table.rows.map((row) => row.cells[column]).filter(Boolean);
  return column && cells.every((cell) => FIGURE.test(cell)) ? "figures" : null;
}

/**
 * @param {Table} table
 * @param {Row} row
 * @param {number} place
 * @param {boolean} choose
 */
function rowDrawn(table, row, place, choose) {
  const choice = (/** @type {"a" | "b"} */ name) =>
    element(
      "td",
      { class: "choice" },
      element("input", {
        type: "radio",
        name,
        value: place,
        class: name,
        "aria-label": `${name.toUpperCase()} is ${oneLine(row.title)}`,
      }),
    );
  const cells = row.cells.map((cell, i) =>
    i ? element("td", { class: figures(table, i) }, said(cell)) : element("th", { scope: "row" }, said(cell)),
  );
  return element("tr", { "data-row": place }, choose && choice("a"), choose && choice("b"), ...cells);
}

/** @param {Table} table */
function signatures(table) {
  const lines = table.rows.flatMap((row) => row.signatures);
  const items = lines.map((each) => element("li", {}, element("code", {}, said(each))));
  return element("ul", { class: "signatures" }, ...items);
}

/**
 * Shows which rows are A and B.
 * @param {Element} whole
 * @param {View} view
 */
export function chosen(whole, view) {
  for (const input of whole.querySelectorAll("input")) {
    input.checked = Number(input.value) === (input.name === "a" ? view.a : view.b);
  }
  for (const row of whole.querySelectorAll("tr[data-row]")) {
    const place = Number(row.getAttribute("data-row"));
    row.classList.toggle("is-a", place === view.a && view.a !== view.b);
    row.classList.toggle("is-b", place === view.b && view.a !== view.b);
  }
}
