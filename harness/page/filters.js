// Filters: which items one keeps, and how it is said. A view has one filter of a name at most.
//
//   pair=only-a       the items of one cell of A against B
//   bins=4.0          where A's score lies in the fifth bin and B's in the first
//   confusedROW=2.0   a cell of a row's confusion matrix: right answer, answer
//   statusROW=failed  what became of a row's answer
//   partCUT=3         a part of a cut

import { at } from "./store.js";
import { oneLine } from "./seen.js";

/**
 * @import { View } from "./address.js"
 * @import { Columns } from "./store.js"
 * @typedef {{view: View, table: Table, items: Columns}} Looked
 * @typedef {{words: string, keeps: (i: number) => boolean}} Filter
 */

export const BINS = 5;

/** @type {Record<string, {words: string, keeps: (a: number, b: number) => boolean}>} */
const FLIPS = {
  "both-right": { words: "A and B right", keeps: (a, b) => a === 1 && b === 1 },
  "only-a": { words: "only A right", keeps: (a, b) => a === 1 && b !== 1 },
  "only-b": { words: "only B right", keeps: (a, b) => a !== 1 && b === 1 },
  "both-wrong": { words: "A and B wrong", keeps: (a, b) => a !== 1 && b !== 1 },
  "a-better": { words: "A better", keeps: (a, b) => a > b },
  alike: { words: "A and B alike", keeps: (a, b) => a === b },
  "b-better": { words: "B better", keeps: (a, b) => a < b },
};

/**
 * The bin a score lies in, of five.
 * @param {number} score
 */
export function binOf(score) {
  // 0.6 is 0.60000002 or 0.5999999 as a 32-bit number.
  return Math.min(BINS - 1, Math.floor(score * BINS + 1e-4));
}

/** @param {number} bin */
export function binWords(bin) {
  return `${(bin / BINS).toFixed(1)}–${((bin + 1) / BINS).toFixed(1)}`;
}

/**
 * Whether an item that is in one part, in several or in none is in this one.
 * @param {number | number[]} parts
 * @param {number} part
 */
function among(parts, part) {
  return typeof parts === "number" ? parts === part : parts.includes(part);
}

/** @param {string} value @returns {[number, number] | null} */
function two(value) {
  const found = /^(\d+)\.(\d+)$/.exec(value);
  return found && [Number(found[1]), Number(found[2])];
}

/**
 * The letter or the title of a row.
 * @param {Looked} looked
 * @param {number} row
 */
function called({ view, table }, row) {
  return row === view.a ? "A" : row === view.b ? "B" : oneLine(table.rows[row].title);
}

/**
 * A filter by its name and value; null where there is no such filter here.
 * @param {string} name
 * @param {string} value
 * @param {Looked} looked
 * @returns {Filter | null}
 */
export function filter(name, value, looked) {
  const { view, items } = looked;
  const [, kind, place] = /^([a-z]+)(\d*)$/.exec(name) ?? [];
  const of = Number(place || NaN);
  if (name === "pair") return flips(value, items.rows[view.a].scores, items.rows[view.b].scores);
  if (name === "bins") return bins(value, items.rows[view.a].scores, items.rows[view.b].scores);
  if (kind === "part") return part(of, Number(value), looked);
  if (kind === "confused" && looked.table.rows[of]) return confused(of, value, looked);
  if (kind === "status" && looked.table.rows[of]) return status(of, value, looked);
  return null;
}

/** @param {string} value @param {Float32Array} a @param {Float32Array} b @returns {Filter | null} */
function flips(value, a, b) {
  if (!Object.hasOwn(FLIPS, value)) return null;
  const { words, keeps } = FLIPS[value];
  return { words, keeps: (i) => keeps(a[i], b[i]) };
}

/** @param {string} value @param {Float32Array} a @param {Float32Array} b @returns {Filter | null} */
function bins(value, a, b) {
  const cell = two(value);
  if (!cell || Math.max(...cell) >= BINS) return null;
  const words = `A scores ${binWords(cell[0])}, B ${binWords(cell[1])}`;
  return { words, keeps: (i) => binOf(a[i]) === cell[0] && binOf(b[i]) === cell[1] };
}

/** @param {number} cut @param {number} place @param {Looked} looked @returns {Filter | null} */
function part(cut, place, { table, items }) {
  const found = table.cuts[cut]?.parts[place];
  if (!found) return null;
  const parts = items.parts[cut];
  return { words: oneLine(`${table.cuts[cut].by}: ${found.name}`), keeps: (i) => among(parts[i], place) };
}

/** @param {number} row @param {string} value @param {Looked} looked @returns {Filter | null} */
function confused(row, value, looked) {
  const { classes } = looked.table;
  const cells = looked.items.rows[row].confused;
  const [truth, answer] = two(value) ?? [-1, -1];
  if (!classes || !cells || !(truth in classes.truth) || !(answer in classes.said)) return null;
  const cell = truth * classes.said.length + answer;
  const words = `${called(looked, row)}: ${oneLine(classes.truth[truth])} → ${oneLine(classes.said[answer])}`;
  return { words, keeps: (i) => among(cells[i], cell) };
}

/** @param {number} row @param {string} value @param {Looked} looked @returns {Filter | null} */
function status(row, value, looked) {
  const column = looked.items.rows[row].status;
  if (!column.values.includes(value)) return null;
  return { words: `${called(looked, row)}: ${oneLine(value)}`, keeps: (i) => at(column, i) === value };
}

/**
 * The places of the items that all filters keep, in order.
 * @param {Filter[]} filters
 * @param {number} n
 * @param {Uint8Array | null} found what a search found
 */
export function kept(filters, n, found) {
  const places = new Int32Array(n);
  let length = 0;
  for (let i = 0; i < n; i++) {
    if ((!found || found[i]) && filters.every(({ keeps }) => keeps(i))) places[length++] = i;
  }
  return places.subarray(0, length);
}
