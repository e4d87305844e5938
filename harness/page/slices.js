// Parts of the items, such as those of one label: how A and B do there. Every part is a filter.

import { badge, drawn, element, said, scrolled } from "./element.js";
import { count, interval, probability, score, signed, turned } from "./numbers.js";
import { pairOf } from "./pairs.js";
import { oneLine } from "./seen.js";

/** @import { Looked } from "./filters.js" */
/** @typedef {{cut: number, part: number, by: string, name: string, n: number, a: Bounds, b: Bounds, gap: Bounds,
 *   p: number | null, adjusted: number | null}} Slice */

/** @type {Record<string, (slice: Slice) => string | number | null>} */
const ORDERS = {
  part: (slice) => slice.name,
  n: (slice) => slice.n,
  A: (slice) => slice.a[0],
  B: (slice) => slice.b[0],
  "A − B": (slice) => slice.gap[0],
  p: (slice) => slice.p,
  "p (Holm)": (slice) => slice.adjusted,
};

/** @param {Looked} looked */
export function slicesDrawn({ view, table }) {
  if (!table.cuts.length) return null;
  const slices = sliced(table, view.a, view.b);
  const wide = slices.flatMap(({ gap }) => gap.map((each) => Math.abs(each ?? 0)));
  const reach = wide.reduce((max, each) => Math.max(max, each), 0.05);
  const pairs = view.a !== view.b;
  const body = element("tbody");
  const titles = Object.keys(ORDERS)
    .filter((name) => pairs || ["part", "n", "A"].includes(name))
    .map((name) => element("th", { scope: "col", class: name === "part" ? null : "figures" }, order(name)));
  let by = /** @type {string | null} */ (null);
  let sorted = { name: "", down: false };
  const fill = () => {
    const shown = slices.filter((slice) => by === null || String(slice.cut) === by);
    if (sorted.name) shown.sort(comparing(ORDERS[sorted.name], sorted.down));
    const named = by === null && table.cuts.length > 1;
    body.replaceChildren(...shown.map((slice) => sliceDrawn(slice, reach, pairs, named)));
  };
  const head = element("tr", {}, ...titles);
  head.addEventListener("click", (event) => {
    const name = /** @type {Element} */ (event.target).closest("button")?.value;
    if (name === undefined) return;
    sorted = { name, down: sorted.name === name ? !sorted.down : name !== "part" && !name.startsWith("p") };
    for (const title of titles) {
      const own = title.querySelector("button")?.value === name;
      title.setAttribute("aria-sort", own ? (sorted.down ? "descending" : "ascending") : "none");
    }
    fill();
    body.dispatchEvent(new Event("redrawn", { bubbles: true }));
  });
  fill();
  const choice = cuts(table, (value) => {
    by = value;
    fill();
    body.dispatchEvent(new Event("redrawn", { bubbles: true }));
  });
  const made = element("table", { class: "slices" }, element("thead", {}, head), element("tbody"));
  made.tBodies[0].replaceWith(body);
  return element(
    "div",
    {},
    element(
      "p",
      { class: "note" },
      oneLine(`Means of the items' scores (${table.kind.score}). Holm: p for having looked at all parts here.`),
    ),
    choice,
    scrolled("Slices", made),
  );
}

/**
 * @param {Table} table
 * @param {number} a
 * @param {number} b
 * @returns {Slice[]}
 */
function sliced(table, a, b) {
  const pair = pairOf(table, a, b);
  return table.cuts.flatMap(({ by, parts }, cut) =>
    parts.map(({ name, n, rows, gaps, ps, adjusted }, part) => {
      /** @type {Bounds} */
      const gap = pair ? gaps[pair.place] : [null, null, null];
      return {
        cut,
        part,
        by,
        name,
        n,
        a: rows[a],
        b: rows[b],
        gap: pair?.turned ? turned(gap) : gap,
        p: pair && ps[pair.place],
        adjusted: pair && adjusted[pair.place],
      };
    }),
  );
}

/**
 * Unknown values come last, whichever way it goes.
 * @param {(slice: Slice) => string | number | null} key
 * @param {boolean} down
 */
function comparing(key, down) {
  return (/** @type {Slice} */ one, /** @type {Slice} */ other) => {
    const [x, y] = [key(one), key(other)];
    if (x === null || y === null) return Number(x === null) - Number(y === null);
    return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1);
  };
}

/** @param {string} name */
function order(name) {
  const shown = name === "A" || name === "B" ? badge(name) : name;
  return element("button", { type: "button", class: "order", value: name }, shown);
}

/**
 * @param {Table} table
 * @param {(value: string | null) => void} choose
 */
function cuts(table, choose) {
  if (table.cuts.length < 2) return null;
  /** @type {HTMLSelectElement} */
  const select = element(
    "select",
    { "aria-label": "Cut by", change: () => choose(select.value || null) },
    element("option", { value: "" }, "every way"),
    ...table.cuts.map(({ by }, place) => element("option", { value: place }, oneLine(by))),
  );
  return element("label", { class: "control" }, "Cut by ", select);
}

/**
 * @param {Slice} slice
 * @param {number} reach the largest difference that the bars show
 * @param {boolean} pairs
 * @param {boolean} named whether the cut is named too
 */
function sliceDrawn(slice, reach, pairs, named) {
  const button = element(
    "button",
    { type: "button", class: "cell", "data-filter": `part${slice.cut}=${slice.part}`, "aria-pressed": "false" },
    named && element("span", { class: "by" }, said(slice.by), " "),
    said(slice.name),
  );
  const figure = (/** @type {string} */ text) => element("td", { class: "figures" }, text);
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, button),
    figure(count(slice.n)),
    figure(score(slice.a[0])),
    pairs && figure(score(slice.b[0])),
    pairs && element("td", { class: "figures gap" }, bar(slice.gap, reach), interval(slice.gap, signed)),
    pairs && figure(probability(slice.p)),
    pairs && figure(probability(slice.adjusted)),
  );
}

/**
 * A difference and its interval around nothing, to the right where A is better.
 * @param {Bounds} gap
 * @param {number} reach
 */
function bar([value, low, high], reach) {
  const [width, height] = [120, 16];
  const x = (/** @type {number} */ each) => width / 2 + (each / reach) * (width / 2 - 4);
  const colour = value !== null && value < 0 ? "b" : "a";
  return drawn(
    "svg",
    { class: "gap-bar", viewBox: `0 0 ${width} ${height}`, width, height, "aria-hidden": "true" },
    drawn("line", { class: "zero", x1: width / 2, x2: width / 2, y1: 0, y2: height }),
    low !== null && high !== null && drawn("line", { class: colour, x1: x(low), x2: x(high), y1: 8, y2: 8 }),
    value !== null && drawn("circle", { class: colour, cx: x(value), cy: 8, r: 3.5 }),
  );
}
