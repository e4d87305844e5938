// The head of the page: what it is about, and the way to its sections.

import { copier } from "./copy.js";
import { element, said } from "./element.js";
import { oneLine } from "./seen.js";
import { themeSwitch } from "./theme.js";

/**
 * @param {Summary} summary
 * @param {{choose: (table: number) => void, help: () => void}} acts
 */
export function topDrawn(summary, { choose, help }) {
  return element(
    "header",
    { class: "top" },
    element("h1", {}, said(summary.title)),
    element("span", { class: "acts" }, element("button", { type: "button", click: help }, "Keys"), themeSwitch()),
    element(
      "p",
      { class: "command" },
      element("span", { class: "note" }, oneLine(`harness ${summary.harness}`)),
      element("code", { title: oneLine(summary.command) }, oneLine(summary.command)),
      copier("Copy", () => summary.command),
    ),
    tablesDrawn(summary.tables, choose),
  );
}

/**
 * @param {Table[]} tables
 * @param {(table: number) => void} choose
 */
function tablesDrawn(tables, choose) {
  if (tables.length < 2) return null;
  const named = tables.map(({ task, metric, n }, i) =>
    element("option", { value: i }, oneLine(`${task}: ${metric} on ${n} items`)),
  );
  const change = () => choose(Number(select.value));
  /** @type {HTMLSelectElement} */
  const select = element("select", { id: "tables", "aria-label": "Table", change }, ...named);
  return element("label", { class: "control tables" }, "Table ", select);
}

/**
 * @param {{id: string, title: string}[]} sections
 */
export function waysDrawn(sections) {
  const links = sections.map(({ id, title }) =>
    element(
      "li",
      {},
      element("button", { type: "button", class: "link", click: () => showSection(id) }, title),
    ),
  );
  return element("ul", {}, ...links);
}

/**
 * Brings a section to the top, without a word in the address, which says what is looked at.
 * @param {string} id
 */
export function showSection(id) {
  document.getElementById(id)?.scrollIntoView({ block: "start" });
}
