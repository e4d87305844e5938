// Elements, made of nodes and never of markup: what data say is text wherever it stands.

import { oneLine } from "./seen.js";

const SVG = "http://www.w3.org/2000/svg";

/**
 * @typedef {Node | string | number | null | undefined | false} Child
 * @typedef {Record<string, string | number | boolean | null | undefined | ((event: any) => void)>} Attributes
 */

/**
 * Puts attributes on an element: functions become listeners of the event they are named after.
 * @param {Element} on
 * @param {Attributes} attributes
 */
function dress(on, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") on.addEventListener(name, value);
    else if (value !== null && value !== undefined && value !== false) {
      on.setAttribute(name, value === true ? "" : String(value));
    }
  }
}

/**
 * @param {Element} into
 * @param {Child[]} children
 */
function fill(into, children) {
  for (const child of children) {
    if (child !== null && child !== undefined && child !== false) {
      into.append(typeof child === "number" ? String(child) : child);
    }
  }
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {Child[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  dress(made, attributes);
  fill(made, children);
  return made;
}

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {Child[]} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function drawn(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  dress(made, attributes);
  fill(made, children);
  return made;
}

/**
 * A name or an answer on one line, in its own direction.
 * @param {string} text
 */
export function said(text) {
  return element("bdi", {}, oneLine(text));
}

/**
 * The letter that stands for a row in the whole page.
 * @param {"A" | "B"} letter
 */
export function badge(letter) {
  return element("span", { class: `badge ${letter.toLowerCase()}` }, letter);
}

/**
 * A table in a box of its own that scrolls where the page is too narrow for it.
 * @param {string} name what a screen reader calls the box
 * @param {Child[]} children
 */
export function scrolled(name, ...children) {
  return element("div", { class: "scrolled", role: "group", "aria-label": name, tabindex: 0 }, ...children);
}

/**
 * A part that is drawn when it is first opened, and says then that it was.
 * @param {Child} title
 * @param {() => Child | Promise<Child>} draw
 * @param {boolean} [open]
 */
export function folded(title, draw, open = false) {
  const made = element("details", { open }, element("summary", {}, title));
  let begun = false;
  const show = async () => {
    if (!made.open || begun) return;
    begun = true;
    fill(made, [await draw()]);
    made.dispatchEvent(new Event("redrawn", { bubbles: true }));
  };
  made.addEventListener("toggle", show);
  if (open) show();
  return made;
}
