// What an answer has and the right one has not, word by word; of Chinese, character by character.

import { element } from "./element.js";
import { seen } from "./seen.js";

/** @typedef {{kind: "same" | "missing" | "added", text: string}} Change */

const MOST = 4_000_000; // pairs of words that are looked at

/** @param {string} text */
function wordsOf(text) {
  const han = /\p{Script=Han}/u;
  if (typeof Intl.Segmenter !== "function") {
    return text.match(/\s+|\p{Script=Han}|(?:(?!\p{Script=Han})[\p{L}\p{M}\p{N}])+|./gsu) ?? [];
  }
  const segmenter = new Intl.Segmenter(undefined, { granularity: "word" });
  const words = Array.from(segmenter.segment(text), (each) => each.segment);
  return words.flatMap((word) => (han.test(word) ? Array.from(word) : [word]));
}

/**
 * A shortest way from one text to the other, by the longest common subsequence; null where they are too long for it.
 * @param {string} right
 * @param {string} answer
 * @returns {Change[] | null}
 */
function changes(right, answer) {
  const [from, to] = [wordsOf(right), wordsOf(answer)];
  let head = 0;
  while (head < from.length && head < to.length && from[head] === to[head]) head++;
  let tail = 0;
  while (tail < from.length - head && tail < to.length - head && from.at(-1 - tail) === to.at(-1 - tail)) tail++;
  const middle = between(from.slice(head, from.length - tail), to.slice(head, to.length - tail));
  if (!middle) return null;
  const same = (/** @type {string} */ text) => /** @type {Change} */ ({ kind: "same", text });
  return joined([...from.slice(0, head).map(same), ...middle, ...from.slice(from.length - tail).map(same)]);
}

/**
 * @param {string[]} from
 * @param {string[]} to
 * @returns {Change[] | null}
 */
function between(from, to) {
  if (from.length * to.length > MOST) return null;
  const width = to.length + 1;
  // How long the longest common part of the ends is, from each two places on.
  const common = new Uint16Array((from.length + 1) * width);
  for (let i = from.length - 1; i >= 0; i--) {
    for (let j = to.length - 1; j >= 0; j--) {
      const skip = Math.max(common[(i + 1) * width + j], common[i * width + j + 1]);
      common[i * width + j] = from[i] === to[j] ? common[(i + 1) * width + j + 1] + 1 : skip;
    }
  }
  /** @type {Change[]} */
  const found = [];
  let [i, j] = [0, 0];
  while (i < from.length || j < to.length) {
    if (i < from.length && j < to.length && from[i] === to[j]) {
      found.push({ kind: "same", text: from[i++] });
      j++;
    } else if (j === to.length || (i < from.length && common[(i + 1) * width + j] >= common[i * width + j + 1])) {
      found.push({ kind: "missing", text: from[i++] });
    } else found.push({ kind: "added", text: to[j++] });
  }
  return found;
}

/** @param {Change[]} found @returns {Change[]} */
function joined(found) {
  /** @type {Change[]} */
  const runs = [];
  for (const { kind, text } of found) {
    const last = runs.at(-1);
    if (last?.kind === kind) last.text += text;
    else runs.push({ kind, text });
  }
  return runs;
}

/** @param {Change[]} found */
function changed(found) {
  return found.reduce((sum, { kind, text }) => sum + (kind === "same" ? 0 : text.length), 0);
}

/**
 * Against the right answer that is nearest.
 * @param {string[]} rights
 * @param {string} answer
 */
export function diffDrawn(rights, answer) {
  const ways = rights.map((right) => changes(right, answer)).filter((way) => way !== null);
  const [found] = ways.sort((one, other) => changed(one) - changed(other));
  if (!found) return element("p", { class: "note" }, "Too long to be compared word by word.");
  const tags = /** @type {const} */ ({ same: "span", missing: "del", added: "ins" });
  return element(
    "div",
    { class: "text diff", dir: "auto" },
    ...found.map(({ kind, text }) => element(tags[kind], {}, seen(text))),
  );
}
