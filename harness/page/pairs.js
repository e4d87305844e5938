// Two rows compared, whichever of them is A.

import { turned } from "./numbers.js";

/**
 * What the table knows of A minus B; null where they are one row. `place` is that of `Table.pairs`.
 * @param {Table} table
 * @param {number} a
 * @param {number} b
 * @returns {{place: number, turned: boolean, gap: Bounds, gapOfItems: Bounds, p: number | null,
 *   adjusted: number | null, looked: number, words: string} | null}
 */
export function pairOf(table, a, b) {
  const place = table.pairs.findIndex((pair) => pair.a === Math.min(a, b) && pair.b === Math.max(a, b));
  if (place < 0) return null;
  const pair = table.pairs[place];
  if (a < b) return { ...pair, place, turned: false, words: pair.words[0] };
  return {
    ...pair,
    place,
    turned: true,
    gap: turned(pair.gap),
    gapOfItems: turned(pair.gapOfItems),
    words: pair.words[1],
  };
}
