// Counts of items, cell by cell.

import { BINS, binOf } from "./filters.js";

/**
 * Items by A's answer and B's: [both right, only A, only B, both wrong].
 * @param {Float32Array} a
 * @param {Float32Array} b
 */
export function quadrants(a, b) {
  const cells = [0, 0, 0, 0];
  for (let i = 0; i < a.length; i++) cells[(a[i] === 1 ? 0 : 2) + (b[i] === 1 ? 0 : 1)]++;
  return cells;
}

/**
 * Items by which is better: [A, neither, B].
 * @param {Float32Array} a
 * @param {Float32Array} b
 */
export function better(a, b) {
  const cells = [0, 0, 0];
  for (let i = 0; i < a.length; i++) cells[a[i] > b[i] ? 0 : a[i] === b[i] ? 1 : 2]++;
  return cells;
}

/**
 * Items by the bins of A's and B's scores: cell `a * BINS + b`.
 * @param {Float32Array} a
 * @param {Float32Array} b
 */
export function binned(a, b) {
  const cells = new Int32Array(BINS * BINS);
  for (let i = 0; i < a.length; i++) cells[binOf(a[i]) * BINS + binOf(b[i])]++;
  return cells;
}

/**
 * A confusion matrix: how often each cell comes up.
 * @param {(number | number[])[]} confused
 * @param {number} size
 */
export function matrixOf(confused, size) {
  const cells = new Int32Array(size);
  for (const cell of confused) {
    if (typeof cell !== "number") for (const each of cell) cells[each]++;
    else if (cell >= 0) cells[cell]++;
  }
  return cells;
}
