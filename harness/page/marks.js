// Spans marked in a text: those of the right answer, of A's and of B's, told apart by line and label.

import { element } from "./element.js";
import { oneLine, seen } from "./seen.js";

/** @typedef {"right" | "A" | "B"} Whose */
/** @typedef {{start: number, end: number, name: string, whose: Whose}} Span */

/**
 * The spans of one input.
 * @param {number} input
 * @param {{whose: Whose, marks: Mark[] | undefined}[]} sources
 * @returns {Span[]}
 */
export function spansIn(input, sources) {
  return sources.flatMap(({ whose, marks }) =>
    (marks ?? []).filter((mark) => mark[0] === input).map(([, start, end, name]) => ({ start, end, name, whose })),
  );
}

/**
 * @param {string} text
 * @param {Span[]} spans in code points
 */
export function marked(text, spans) {
  const made = element("div", { class: "text", dir: "auto" });
  if (!spans.length) {
    made.append(seen(text));
    return made;
  }
  const points = Array.from(text);
  const edges = [...new Set([0, points.length, ...spans.flatMap(({ start, end }) => [start, end])])]
    .filter((edge) => edge >= 0 && edge <= points.length)
    .sort((one, other) => one - other);
  for (let i = 0; i + 1 < edges.length; i++) {
    const [from, to] = [edges[i], edges[i + 1]];
    const covering = spans.filter(({ start, end }) => start <= from && end >= to);
    for (const span of covering) if (span.start === from) made.append(label(span));
    const words = seen(points.slice(from, to).join(""));
    const whose = [...new Set(covering.map((span) => span.whose.toLowerCase()))].map((each) => `of-${each}`);
    made.append(covering.length ? element("mark", { class: whose.join(" ") }, words) : words);
  }
  return made;
}

/** @param {Span} span */
function label({ name, whose }) {
  return element("span", { class: `label of-${whose.toLowerCase()}` }, oneLine(name ? `${whose} ${name}` : whose));
}
