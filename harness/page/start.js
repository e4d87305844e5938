// The page: draws what the address says, and writes the address when the reader looks elsewhere.

import { Address, parsed, written } from "./address.js";
import { Bar } from "./bar.js";
import { element } from "./element.js";
import { filter, kept } from "./filters.js";
import { helpDrawn, listen } from "./keys.js";
import { List } from "./list.js";
import { count } from "./numbers.js";
import { Finder } from "./search.js";
import { Sections } from "./sections.js";
import { Sheet } from "./sheet.js";
import { Store } from "./store.js";
import { chosen, tableDrawn } from "./table.js";
import { showSection, topDrawn, waysDrawn } from "./top.js";

/** @import { View } from "./address.js" */
/** @import { Looked } from "./filters.js" */

const FILTER = /^(\w+)=(.*)$/s;

class Page {
  #turn = 0;
  #drawnTable = -1;
  /** @type {Map<number, Texts | null>} */
  #texts = new Map();
  /** @type {Map<number, Finder>} */
  #finders = new Map();
  /** @type {{key: string, found: Uint8Array | null}} */
  #search = { key: "", found: null };
  /** @type {Looked | null} */
  #looked = null;

  /**
   * @param {Store} store
   * @param {Summary} summary
   */
  constructor(store, summary) {
    this.store = store;
    this.summary = summary;
    this.view = parsed(location.hash, summary.tables);
    this.address = new Address((hash) => this.#moved(parsed(hash, summary.tables)));
    this.sections = new Sections();
    this.bar = new Bar({
      search: (search) => this.go({ search }, true),
      drop: (name) => this.#drop(name),
      show: () => this.#showItems(),
    });
    this.list = new List((item) => this.open(item));
    this.sheet = new Sheet(store, { close: () => this.close(), step: (by) => this.#step(by, true) });
    this.result = element("section", { id: "result", "aria-label": "Result" });
    this.ways = element("nav", { class: "ways", "aria-label": "Sections" });
    const parts = [this.list.heads, this.list.element, this.sheet.element];
    this.items = element("section", { id: "items", "aria-label": "Items" }, ...parts);
  }

  build() {
    const keys = [
      { keys: ["j", "ArrowDown"], words: "next item", act: () => this.#step(1, false) },
      { keys: ["k", "ArrowUp"], words: "item before", act: () => this.#step(-1, false) },
      { keys: ["Enter", "o"], words: "open the item", act: () => this.open(this.list.item) },
      { keys: ["Escape"], words: "close it", act: () => this.close() },
      { keys: ["/"], words: "search", act: () => this.bar.field.focus() },
      { keys: ["x"], words: "change A and B about", act: () => this.go({ a: this.view.b, b: this.view.a }) },
      { keys: ["?"], words: "this help", act: () => help.showModal() },
    ];
    const help = helpDrawn(keys);
    const top = topDrawn(this.summary, { choose: (table) => this.#otherTable(table), help: () => help.showModal() });
    const parts = [this.result, ...this.sections.elements.values(), this.bar.element, this.items];
    const main = element("main", { id: "page" }, ...parts);
    document.getElementById("page")?.replaceWith(top, this.ways, main, help);
    listen(keys);
    document.addEventListener("click", (event) => this.#clicked(event));
    document.addEventListener("redrawn", () => this.#press());
    document.addEventListener("change", (event) => this.#chosen(event));
    matchMedia("(max-width: 700px)").addEventListener("change", () => {
      if (this.#looked) this.sections.draw(this.#looked, true);
    });
  }

  /**
   * Looks elsewhere: the address says so, and the browser's way back leads here again.
   * @param {Partial<View>} change
   * @param {boolean} [instead] of what the address says now
   */
  async go(change, instead = false) {
    this.view = { ...this.view, ...change };
    this.address.write(written(this.view, this.summary.tables), instead);
    await this.show();
  }

  /** @param {View} view that the reader went back to, or wrote into the address */
  async #moved(view) {
    const opens = view.id !== null && view.id !== this.view.id;
    this.view = view;
    await this.show();
    if (opens) showSection("items");
  }

  /** Draws what is looked at; what goes wrong is said. */
  async show() {
    await this.#shown().catch(failed);
  }

  /** A later call overtakes one that waits for data. */
  async #shown() {
    const turn = ++this.#turn;
    const { view } = this;
    const table = this.summary.tables[view.table];
    if (this.#drawnTable !== view.table) {
      this.#drawnTable = view.table;
      this.result.replaceChildren(tableDrawn(table, view));
      const select = /** @type {HTMLSelectElement | null} */ (document.getElementById("tables"));
      if (select) select.value = String(view.table);
    } else chosen(this.result, view);
    const items = await this.store.items(view.table);
    if (turn !== this.#turn) return;
    if (!items) throw new Error("This file has no items for its table.");
    this.#looked = { view, table, items };
    this.sections.draw(this.#looked);
    this.ways.replaceChildren(waysDrawn([...this.sections.shown, { id: "items", title: "Items" }]));
    this.#press();
    const filters = [...view.filters].flatMap(([name, value]) => {
      const found = filter(name, value, { view, table, items });
      return found ? [{ name, ...found }] : [];
    });
    this.bar.filters(view.search, filters);
    const found = view.search ? await this.#found(this.#looked, () => turn === this.#turn) : null;
    if (turn !== this.#turn) return;
    const places = kept(filters, items.n, found);
    this.list.show(this.#looked, places, this.#texts.get(view.table) ?? null);
    this.bar.counted(places.length, items.n);
    this.#showOpen(this.#looked);
    if (this.#texts.has(view.table)) return;
    const texts = await this.store.texts(view.table);
    this.#texts.set(view.table, texts);
    if (turn === this.#turn) this.list.show(this.#looked, places, texts);
  }


  /**
   * @param {Looked} looked
   * @param {() => boolean} still
   */
  async #found({ view, items }, still) {
    const key = JSON.stringify([view.table, view.a, view.b, view.search]);
    if (this.#search.key === key) return this.#search.found;
    this.bar.searching();
    const rows = [...new Set([view.a, view.b])];
    const [texts, ...answers] = await Promise.all([
      this.store.texts(view.table),
      ...rows.map((row) => this.store.answers(view.table, row)),
    ]);
    let finder = this.#finders.get(view.table);
    if (!finder) this.#finders.set(view.table, (finder = new Finder(items, texts)));
    const sides = rows.map((row, i) => ({ row, answers: answers[i] }));
    const found = await finder.find(view.search, sides, still);
    if (found) this.#search = { key, found };
    return found;
  }

  /** @param {Looked} looked */
  #showOpen(looked) {
    const { id } = looked.view;
    const item = id === null ? -1 : (looked.items.places.get(id) ?? -1);
    this.items.classList.toggle("opened", id !== null);
    this.list.opened(item);
    if (id === null) this.sheet.hide();
    else if (item < 0) this.sheet.missing(id);
    else {
      const place = this.list.standing(item);
      const standing = place ? `${count(place)} of ${count(this.list.length)}` : "not among the items kept";
      this.sheet.show(looked, item, standing).catch(failed);
    }
  }

  /** Says by which filters the items are kept, on the buttons that set them. */
  #press() {
    for (const button of document.querySelectorAll("[data-filter]")) {
      const [, name, value] = FILTER.exec(button.getAttribute("data-filter") ?? "") ?? [];
      button.setAttribute("aria-pressed", String(this.view.filters.get(name) === value));
    }
  }

  /** @param {Event} event */
  #clicked(event) {
    const target = /** @type {Element} */ (event.target);
    const wanted = target.closest("[data-filter]")?.getAttribute("data-filter");
    const opened = target.closest("[data-open]")?.getAttribute("data-open");
    if (wanted) {
      const [, name, value] = FILTER.exec(wanted) ?? [];
      this.#filtered(name, this.view.filters.get(name) === value ? null : value);
    } else if (opened) this.open(Number(opened));
  }

  /** @param {Event} event */
  #chosen(event) {
    const { name, value } = /** @type {HTMLInputElement} */ (event.target);
    const row = Number(value);
    const { a, b } = this.view;
    // The row that was the other one changes places with this one.
    if (name === "a") this.go({ a: row, b: row === b ? a : b });
    if (name === "b") this.go({ b: row, a: row === a ? b : a });
  }

  /** @param {string} name @param {string | null} value */
  #filtered(name, value) {
    const filters = new Map(this.view.filters);
    if (value === null) filters.delete(name);
    else filters.set(name, value);
    this.go({ filters });
  }

  /** @param {string | null} name null for all of them */
  #drop(name) {
    if (name === null) this.go({ filters: new Map() });
    else this.#filtered(name, null);
    this.list.element.focus({ preventScroll: true });
  }

  /** @param {number} table */
  #otherTable(table) {
    const [a, b] = this.summary.tables[table].first;
    this.go({ table, a, b, filters: new Map(), search: "", id: null });
  }

  #showItems() {
    showSection("items");
    this.list.element.focus({ preventScroll: true });
  }

  /** @param {number} by @param {boolean} always whether the item is opened too where none is open */
  #step(by, always) {
    const item = this.list.move(by);
    if (item >= 0 && (always || this.view.id !== null)) this.go({ id: this.#looked?.items.ids[item] ?? null }, true);
  }

  /** @param {number} item */
  async open(item) {
    const id = this.#looked?.items.ids[item];
    if (id === undefined) return;
    await this.go({ id });
    showSection("items");
    this.sheet.element.focus({ preventScroll: true });
  }

  close() {
    if (this.view.id === null) return;
    this.go({ id: null });
    this.list.element.focus({ preventScroll: true });
  }
}

/** @param {unknown} error */
function failed(error) {
  const words = error instanceof Error ? error.message : String(error);
  document.getElementById("wait")?.remove();
  document.body.prepend(element("p", { class: "sorry", role: "alert" }, words));
}

async function start() {
  if (typeof DecompressionStream !== "function" || !CSS.supports("color", "light-dark(red, red)")) {
    throw new Error(
      "This browser is too old for this page: open it in Chrome, Edge, Firefox or Safari of 2024 or later.",
    );
  }
  const store = new Store();
  const summary = await store.summary();
  if (!summary) throw new Error("This file has no results in it.");
  const page = new Page(store, summary);
  page.build();
  await page.show();
  // Once the bar has its height.
  if (page.view.id !== null) requestAnimationFrame(() => requestAnimationFrame(() => showSection("items")));
}

start().catch(failed);
