// Scores against demonstrations or training examples, with bands of 95 % intervals.

import { framed, room, scoreScale, spread } from "./axes.js";
import { drawn, element, folded, said, scrolled } from "./element.js";
import { amount, interval } from "./numbers.js";
import { seen } from "./seen.js";

/** @import { Frame } from "./axes.js" */
/** @typedef {{name: string, points: {x: number, score: Bounds}[]}} Strand */

const TITLES = { shots: "demonstrations", n_train: "training examples" };
const HUES = 6;

/**
 * A figure for each way that rows grow, and one for where lines cross.
 * @param {Table} table
 */
export function curvesDrawn(table) {
  /** @type {("shots" | "n_train")[]} */
  const ways = ["shots", "n_train"];
  const figures = ways
    .map((across) => ({ across, lines: table.curves.filter((curve) => curve.across === across) }))
    .filter(({ lines }) => lines.some(({ points }) => points.length > 1))
    .map(({ across, lines }) => {
      return figure(`${table.metric} against ${TITLES[across]}`, lines, TITLES[across], table.metric);
    });
  const { crossover } = table;
  if (crossover) figures.push(crossing(crossover, table.metric));
  return figures;
}

/** @param {Crossover} crossover @param {string} metric */
function crossing(crossover, metric) {
  const made = figure("Where a baseline overtakes a prompt", crossover.lines, TITLES.n_train, metric);
  made.append(...crossover.sentences.map((sentence) => element("p", { dir: "auto" }, seen(sentence))));
  if (crossover.crossings.length) {
    const lines = crossover.crossings.map(({ baseline, prompt, at: [value, low, high] }) =>
      element(
        "tr",
        {},
        element("th", { scope: "row" }, said(baseline)),
        element("td", {}, said(prompt)),
        ...[value, low, high].map((each) => element("td", { class: "figures" }, each === null ? "–" : amount(each))),
      ),
    );
    const titles = ["baseline", "overtakes", "at examples", "95 % from", "to"];
    const head = element("tr", {}, ...titles.map((title) => element("th", { scope: "col" }, title)));
    made.append(
      scrolled("Crossings", element("table", {}, element("thead", {}, head), element("tbody", {}, ...lines))),
    );
  }
  return made;
}

/**
 * @param {string} title
 * @param {Strand[]} lines
 * @param {string} acrossName
 * @param {string} upName
 */
function figure(title, lines, acrossName, upName) {
  const points = lines.flatMap((line) => line.points);
  const across = spread(points.map(({ x }) => x));
  const up = scoreScale(points.map((point) => point.score));
  const frame = framed({ width: room(), height: 300, across, up, acrossName, upName, title });
  frame.svg.append(...lines.map((line, i) => band(line, i, frame)), ...lines.map((line, i) => strand(line, i, frame)));
  return element(
    "figure",
    {},
    element("figcaption", {}, said(title)),
    frame.svg,
    element("ul", { class: "legend" }, ...lines.map((line, i) => element("li", {}, sample(i), said(line.name)))),
    folded("The numbers", () => numbers(lines, acrossName, upName)),
  );
}

/** @param {Strand} line @param {number} i @param {Frame} frame */
function band(line, i, { x, y }) {
  const known = line.points.filter(({ score: [, low, high] }) => low !== null && high !== null);
  const edge = (/** @type {1 | 2} */ side) => known.map((point) => `${x(point.x)},${y(point.score[side] ?? 0)}`);
  const points = [...edge(2), ...edge(1).toReversed()].join(" ");
  return drawn("polygon", { class: `band hue-${i % HUES}`, points });
}

/** @param {Strand} line @param {number} i @param {Frame} frame */
function strand(line, i, { x, y }) {
  const known = line.points.filter(({ score: [value] }) => value !== null);
  const places = known.map((point) => [x(point.x), y(point.score[0] ?? 0)]);
  return drawn(
    "g",
    { class: `strand hue-${i % HUES}` },
    drawn("polyline", { points: places.map((place) => place.join(",")).join(" ") }),
    // A fitted line has many points, and none of them was measured.
    ...(known.length > 20 ? [] : places.map(([px, py]) => mark(i, px, py))),
  );
}

/**
 * A point whose shape tells its line, as its colour does.
 * @param {number} i
 * @param {number} x
 * @param {number} y
 */
export function mark(i, x, y) {
  const r = 4;
  const shapes = [
    () => drawn("circle", { cx: x, cy: y, r }),
    () => drawn("rect", { x: x - r, y: y - r, width: 2 * r, height: 2 * r }),
    () => drawn("polygon", { points: `${x},${y - r - 1} ${x + r + 1},${y + r} ${x - r - 1},${y + r}` }),
    () => drawn("polygon", { points: `${x},${y - r - 1} ${x + r + 1},${y} ${x},${y + r + 1} ${x - r - 1},${y}` }),
    () => drawn("path", { class: "stroked", d: `M${x - r} ${y - r}l${2 * r} ${2 * r}m0 ${-2 * r}l${-2 * r} ${2 * r}` }),
    () => drawn("path", { class: "stroked", d: `M${x - r - 1} ${y}h${2 * r + 2}M${x} ${y - r - 1}v${2 * r + 2}` }),
  ];
  return shapes[i % shapes.length]();
}

/** @param {number} i */
function sample(i) {
  return drawn(
    "svg",
    { class: `sample strand hue-${i % HUES}`, width: 28, height: 12, "aria-hidden": "true" },
    drawn("polyline", { points: "1,6 27,6" }),
    mark(i, 14, 6),
  );
}

/** @param {Strand[]} lines @param {string} acrossName @param {string} upName */
function numbers(lines, acrossName, upName) {
  const body = lines.flatMap((line) =>
    line.points.map(({ x, score }) =>
      element(
        "tr",
        {},
        element("th", { scope: "row" }, said(line.name)),
        element("td", { class: "figures" }, amount(x)),
        element("td", { class: "figures" }, interval(score)),
      ),
    ),
  );
  const titles = ["", acrossName, upName].map((title, i) =>
    i ? element("th", { scope: "col", class: "figures" }, said(title)) : element("td"),
  );
  return scrolled(
    "The numbers",
    element("table", {}, element("thead", {}, element("tr", {}, ...titles)), element("tbody", {}, ...body)),
  );
}
