// Which items say something: in their ids, inputs, right answers, and in what A and B answered.

import { at } from "./store.js";

/** @import { Columns } from "./store.js" */

const PAUSE_MS = 12; // how long the page may not answer
const CHUNK = 500;

/** Lets the browser draw and listen in between. */
function pause() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = resolve;
    port2.postMessage(null);
  });
}

/**
 * Calls `each` for every number below `n`, in stretches; false where `still` said no in between.
 * @param {number} n
 * @param {(i: number) => void} each
 * @param {() => boolean} still
 */
async function inStretches(n, each, still) {
  let begun = performance.now();
  for (let from = 0; from < n; from += CHUNK) {
    const to = Math.min(n, from + CHUNK);
    for (let i = from; i < to; i++) each(i);
    if (performance.now() - begun > PAUSE_MS) {
      await pause();
      if (!still()) return false;
      begun = performance.now();
    }
  }
  return true;
}

/** Finds words in the items of a table. What it has made small letters of, it keeps. */
export class Finder {
  /** @type {string[]} */
  #own = [];
  /** @type {Map<number, string[]>} */
  #raw = new Map();

  /**
   * @param {Columns} items
   * @param {Texts | null} texts
   */
  constructor(items, texts) {
    this.items = items;
    this.inputs = (texts?.inputs ?? []).map((input) => input.texts);
    this.tags = [...items.tags.values()];
  }

  /**
   * Marks the items where `query` stands, in small or capital letters; null where the search was given up.
   * @param {string} query
   * @param {{row: number, answers: Answers | null}[]} answered
   * @param {() => boolean} still whether the answer is still waited for
   * @returns {Promise<Uint8Array | null>}
   */
  async find(query, answered, still) {
    const { items } = this;
    const wanted = query.toLowerCase();
    const found = new Uint8Array(items.n);
    const coded = [items.targets, ...answered.map(({ row }) => items.rows[row].outputs)].map(({ values, codes }) => {
      return { codes, hits: Uint8Array.from(values, (value) => Number(value.toLowerCase().includes(wanted))) };
    });
    const raws = answered.map(({ row, answers }) => ({ row, raw: answers?.raw ?? [], small: this.#smallRaw(row) }));
    const look = (/** @type {number} */ i) => {
      for (const { codes, hits } of coded) if (hits[codes[i]]) found[i] = 1;
      if (!found[i] && this.#text(i).includes(wanted)) found[i] = 1;
      if (found[i]) return;
      for (const { raw, small } of raws) {
        const text = raw[i];
        if (text && (small[i] ??= text.toLowerCase()).includes(wanted)) found[i] = 1;
      }
    };
    return (await inStretches(items.n, look, still)) ? found : null;
  }

  /** @param {number} row */
  #smallRaw(row) {
    let small = this.#raw.get(row);
    if (!small) this.#raw.set(row, (small = []));
    return small;
  }

  /** @param {number} i */
  #text(i) {
    const kept = this.#own[i];
    if (kept !== undefined) return kept;
    let text = this.items.ids[i];
    for (const texts of this.inputs) text += `\n${texts[i]}`;
    for (const tag of this.tags) text += `\n${at(tag, i) ?? ""}`;
    return (this.#own[i] = text.toLowerCase());
  }
}
