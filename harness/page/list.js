// A list of any length: only the rows that are seen are in the document.

import { badge, element, said } from "./element.js";
import { at } from "./store.js";
import { references } from "./target.js";

/** @import { Looked } from "./filters.js" */
/** @import { Columns } from "./store.js" */

const HEIGHT = 52; // of a row in pixels, as `items.css` has it
const TALLEST = 12_000_000; // pixels that every browser can scroll
const AROUND = 4; // rows beyond what is seen
const SNIPPET = 240;

export class List {
  /** @type {Looked | null} */
  #looked = null;
  /** @type {Texts | null} */
  #texts = null;
  #places = new Int32Array(0);
  /** @type {Map<number, HTMLElement>} */
  #rows = new Map();
  #cursor = 0;
  #open = -1;
  #drawing = false;
  #inner = element("div", { class: "inner", role: "presentation" });

  /** @param {(item: number) => void} open */
  constructor(open) {
    const heads = ["item", "text", "target", "a", "b"].map((name, i) =>
      element("span", { class: name === "item" ? "id" : name }, ["item", "text", "right answer", "A", "B"][i]),
    );
    this.heads = element("div", { class: "row heads", "aria-hidden": "true" }, ...heads);
    this.element = element(
      "div",
      { class: "list", role: "listbox", tabindex: 0, "aria-label": "Items", scroll: () => this.#soon() },
      this.#inner,
    );
    this.element.addEventListener("click", (event) => {
      const row = /** @type {Element} */ (event.target).closest("[data-at]");
      if (!row) return;
      this.#cursor = Number(row.getAttribute("data-at"));
      open(this.#places[this.#cursor]);
    });
    new ResizeObserver(() => this.#soon()).observe(this.element);
  }

  /** How many items are listed. */
  get length() {
    return this.#places.length;
  }

  /** The item that the cursor is on; -1 where there is none. */
  get item() {
    return this.#places[this.#cursor] ?? -1;
  }

  /**
   * Lists items by their places. The cursor stays on its item where that is still listed.
   * @param {Looked} looked
   * @param {Int32Array<ArrayBuffer>} places in ascending order
   * @param {Texts | null} texts
   */
  show(looked, places, texts) {
    const item = this.item;
    this.#looked = looked;
    this.#texts = texts;
    this.#places = places;
    const stays = placeOf(places, item);
    this.#inner.style.height = `${Math.min(places.length * HEIGHT, TALLEST)}px`;
    if (stays < 0) this.element.scrollTop = 0;
    this.#cursor = Math.max(stays, 0);
    this.#redraw();
    if (stays > 0) this.#reveal();
  }

  /**
   * Marks the item that is open, and brings it into sight.
   * @param {number} item -1 where none is
   */
  opened(item) {
    const place = placeOf(this.#places, item);
    this.#open = item;
    if (place >= 0) {
      this.#cursor = place;
      this.#reveal();
    }
    this.#redraw();
  }

  /**
   * Moves the cursor and says on which item it is then.
   * @param {number} steps
   */
  move(steps) {
    this.#cursor = Math.max(0, Math.min(this.#places.length - 1, this.#cursor + steps));
    this.#reveal();
    this.#redraw();
    return this.item;
  }

  /** How far down an item stands, such as "3 of 57". @param {number} item */
  standing(item) {
    return placeOf(this.#places, item) + 1;
  }

  #soon() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      this.#draw();
    });
  }

  /** The row at the top of what is seen: of more rows than can be scrolled, pixels are shared out. */
  #first() {
    const whole = this.#places.length * HEIGHT;
    const { scrollTop, clientHeight } = this.element;
    if (whole <= TALLEST) return scrollTop / HEIGHT;
    return ((scrollTop / (TALLEST - clientHeight)) * (whole - clientHeight)) / HEIGHT;
  }

  #reveal() {
    const seenRows = this.element.clientHeight / HEIGHT;
    const first = this.#first();
    if (this.#cursor < first) this.#scroll(this.#cursor);
    else if (this.#cursor + 1 > first + seenRows) this.#scroll(this.#cursor + 1 - seenRows);
  }

  /** @param {number} first */
  #scroll(first) {
    const whole = this.#places.length * HEIGHT;
    const { clientHeight } = this.element;
    const scale = whole <= TALLEST ? 1 : (TALLEST - clientHeight) / (whole - clientHeight);
    this.element.scrollTop = first * HEIGHT * scale;
  }

  #redraw() {
    for (const row of this.#rows.values()) row.remove();
    this.#rows.clear();
    this.#draw();
  }

  #draw() {
    const first = this.#first();
    const from = Math.max(0, Math.floor(first) - AROUND);
    const to = Math.min(this.#places.length, Math.ceil(first + this.element.clientHeight / HEIGHT) + AROUND);
    for (const [place, row] of this.#rows) {
      if (place < from || place >= to) {
        row.remove();
        this.#rows.delete(place);
      }
    }
    const scaled = this.#places.length * HEIGHT > TALLEST;
    for (let place = from; place < to; place++) {
      let row = this.#rows.get(place);
      if (!row) {
        row = this.#row(place);
        this.#rows.set(place, row);
        this.#inner.append(row);
        if (!scaled) row.style.transform = `translateY(${place * HEIGHT}px)`;
      }
      if (scaled) row.style.transform = `translateY(${this.element.scrollTop + (place - first) * HEIGHT}px)`;
    }
    const current = this.#rows.get(this.#cursor);
    if (current) this.element.setAttribute("aria-activedescendant", current.id);
    else this.element.removeAttribute("aria-activedescendant");
  }

  /** @param {number} place */
  #row(place) {
    const { view, table, items } = /** @type {Looked} */ (this.#looked);
    const i = this.#places[place];
    const { graded } = table.kind;
    const target = references(at(items.targets, i) ?? "", table).join(" · ");
    const begins = (this.#texts?.inputs ?? []).map(({ texts }) => texts[i].slice(0, SNIPPET));
    return element(
      "div",
      {
        class: place === this.#cursor ? "row current" : "row",
        id: `row-${place}`,
        role: "option",
        "aria-selected": String(i === this.#open),
        "aria-posinset": place + 1,
        "aria-setsize": this.#places.length,
        "data-at": place,
      },
      element("span", { class: "id" }, said(items.ids[i])),
      element("span", { class: "text" }, said(begins.join(" · "))),
      element("span", { class: "target" }, said(target.slice(0, SNIPPET))),
      answered("A", items, view.a, i, graded),
      view.a !== view.b && answered("B", items, view.b, i, graded),
    );
  }
}

/**
 * Right or wrong, or how good, in a word.
 * @param {number} score
 * @param {boolean} graded
 */
export function grade(score, graded) {
  if (graded) return element("span", { class: "grade" }, score.toFixed(2));
  const right = score === 1;
  return element(
    "span",
    { class: right ? "grade right" : "grade wrong" },
    element("span", { "aria-hidden": "true" }, right ? "✓" : "✗"),
    element("span", { class: "sr" }, right ? "right" : "wrong"),
  );
}

/**
 * @param {"A" | "B"} letter
 * @param {Columns} items
 * @param {number} row
 * @param {number} i
 * @param {boolean} graded
 */
function answered(letter, { rows }, row, i, graded) {
  const { outputs, scores, status } = rows[row];
  const answer = at(outputs, i) ?? at(status, i) ?? "";
  return element(
    "span",
    { class: `answered ${letter.toLowerCase()}` },
    badge(letter),
    " ",
    grade(scores[i], graded),
    " ",
    said(answer.slice(0, SNIPPET)),
  );
}

/**
 * Where a value stands in an ascending list; -1 where it does not.
 * @param {Int32Array} places
 * @param {number} value
 */
function placeOf(places, value) {
  let low = 0;
  let high = places.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    if (places[middle] === value) return middle;
    if (places[middle] < value) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
