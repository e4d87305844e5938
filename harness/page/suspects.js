// Items whose label may be wrong: many rows agree with each other, and not with it.

import { element, said, scrolled } from "./element.js";
import { count } from "./numbers.js";
import { oneLine, seen } from "./seen.js";
import { at } from "./store.js";

/** @import { Looked } from "./filters.js" */

const FIRST = 12;

/** @param {Looked} looked */
export function suspectsDrawn({ table, items }) {
  const { suspects } = table;
  if (!suspects) return null;
  const { planted } = suspects;
  const body = element("tbody");
  const more = element("button", { type: "button", click: () => show(suspects.items.length) });
  const show = (/** @type {number} */ n) => {
    body.replaceChildren(...suspects.items.slice(0, n).map((each) => suspectDrawn(each, table, items)));
    more.textContent = `Show all ${count(suspects.items.length)}`;
    more.hidden = n >= suspects.items.length;
  };
  show(FIRST);
  const titles = ["doubt", "item", "right answer as given", "what rows say", "said by"];
  const head = titles.map((title, i) => element("th", { scope: "col", class: i ? null : "figures" }, title));
  const list = element("table", { class: "suspects" }, element("thead", {}, element("tr", {}, ...head)), body);
  return element(
    "div",
    {},
    element("p", { dir: "auto" }, seen(planted)),
    suspects.items.length ? scrolled("Suspect labels", list) : element("p", {}, "No item is suspect."),
    more,
  );
}

/**
 * @param {Suspects["items"][number]} suspect
 * @param {Table} table
 * @param {Looked["items"]} items
 */
function suspectDrawn(suspect, table, items) {
  const id = items.ids[suspect.item];
  const rows = suspect.rows.map((row) => table.rows[row]?.title ?? "");
  const of = `${count(rows.length)} of ${count(table.rows.length)} rows`;
  return element(
    "tr",
    {},
    element("td", { class: "figures" }, suspect.doubt.toFixed(2)),
    element(
      "th",
      { scope: "row" },
      element("button", { type: "button", class: "link", "data-open": suspect.item }, said(id)),
    ),
    element("td", {}, said(at(items.targets, suspect.item) ?? "")),
    element("td", {}, said(suspect.said)),
    element("td", { title: oneLine(rows.join(", ")) }, of),
  );
}
