// What is looked at, as it stands in the address: readable, and the same after a reload or in another's browser.

/**
 * Places of the table and of the rows A and B; filters by name, such as `pair` → `only-a` (see `filters.js`).
 * @typedef {{table: number, a: number, b: number, filters: Map<string, string>, search: string,
 *   id: string | null}} View
 */

/**
 * @param {string | null} text
 * @param {number} length
 * @param {number} otherwise
 */
function place(text, length, otherwise) {
  const value = text !== null && /^\d+$/.test(text) ? Number(text) : NaN;
  return value < length ? value : otherwise;
}

/**
 * Whatever the address says: what makes no sense is left out.
 * @param {string} hash
 * @param {Table[]} tables
 * @returns {View}
 */
export function parsed(hash, tables) {
  const words = new URLSearchParams(hash.replace(/^#/, ""));
  const table = place(words.get("table"), tables.length, 0);
  const { rows, first } = tables[table];
  let a = place(words.get("a"), rows.length, first[0]);
  let b = place(words.get("b"), rows.length, first[1]);
  if (a === b) [a, b] = first;
  const filters = new Map();
  for (const [name, value] of words) {
    if (!["table", "a", "b", "search", "id"].includes(name)) filters.set(name, value);
  }
  return { table, a, b, filters, search: words.get("search") ?? "", id: words.get("id") };
}

/**
 * The shortest address of a view: what a page opens with is left out.
 * @param {View} view
 * @param {Table[]} tables
 */
export function written(view, tables) {
  const words = new URLSearchParams();
  const { first } = tables[view.table];
  if (view.table) words.set("table", String(view.table));
  if (view.a !== first[0] || view.b !== first[1]) {
    words.set("a", String(view.a));
    words.set("b", String(view.b));
  }
  for (const [name, value] of view.filters) words.set(name, value);
  if (view.search) words.set("search", view.search);
  if (view.id !== null) words.set("id", view.id);
  return `#${words}`;
}

const PATIENCE = 100; // ms: browsers refuse addresses that change too often

/** The browser's address, which follows what is looked at. */
export class Address {
  #now = location.hash || "#";
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #waiting;

  /** @param {(hash: string) => void} moved told when the reader goes back, or writes an address */
  constructor(moved) {
    addEventListener("hashchange", () => {
      if ((location.hash || "#") === this.#now) return;
      this.#now = location.hash || "#";
      moved(this.#now);
    });
  }

  /**
   * @param {string} hash
   * @param {boolean} instead of the address that was there, so that the way back leaves it out
   */
  write(hash, instead) {
    if (hash === this.#now) return;
    if (!instead) this.#flush();
    this.#now = hash;
    clearTimeout(this.#waiting);
    if (instead) this.#waiting = setTimeout(() => this.#flush(), PATIENCE);
    // An empty hash written as `location.hash` would scroll to the top.
    else history.pushState(null, "", hash);
  }

  #flush() {
    if (this.#waiting === undefined) return;
    clearTimeout(this.#waiting);
    this.#waiting = undefined;
    history.replaceState(null, "", this.#now);
  }
}
