// The frame of a diagram: scales, ticks and grid lines.

import { drawn } from "./element.js";
import { amount } from "./numbers.js";
import { oneLine } from "./seen.js";

/**
 * Where a value stands between 0 and 1, and the values that are named.
 * @typedef {{place: (value: number) => number, ticks: number[]}} Scale
 * @typedef {{svg: SVGSVGElement, x: (value: number) => number, y: (value: number) => number}} Frame
 */

const MARGIN = { left: 46, right: 14, top: 12, bottom: 42 };

/**
 * Round steps that cover a range.
 * @param {number} low
 * @param {number} high
 * @param {number} [steps]
 * @returns {Scale}
 */
export function linear(low, high, steps = 5) {
  const rough = Math.max(high - low, 1e-9) / steps;
  const ten = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * ten).find((each) => each >= rough) ?? rough;
  const first = Math.floor(low / step + 1e-9);
  const last = Math.max(Math.ceil(high / step - 1e-9), first + 1);
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
  return { place: (value) => (value / step - first) / (last - first), ticks };
}

/**
 * Logarithmic where values lie far apart, and still with a place for nothing.
 * @param {number[]} values none below 0
 * @returns {Scale}
 */
export function spread(values) {
  const positive = values.filter((value) => value > 0);
  const most = Math.max(...positive, 0);
  const least = Math.min(...positive, most);
  if (!positive.length || most / least < 20) return linear(0, most || 1);
  const nothing = positive.length < values.length;
  const unit = nothing ? least : 0;
  const bend = (/** @type {number} */ value) => Math.log10(nothing ? 1 + value / unit : value);
  const [from, to] = nothing ? [0, bend(most)] : [bend(least), bend(most)];
  const room = (to - from) * 0.06;
  const tens = [];
  for (let power = Math.floor(Math.log10(least)); power <= Math.ceil(Math.log10(most)); power++) tens.push(10 ** power);
  const [low, high] = [nothing ? 0 : from - room, to + room];
  const inside = tens.filter((ten) => bend(ten) >= low && bend(ten) <= high);
  return {
    place: (value) => (bend(value) - low) / (high - low),
    ticks: [...(nothing ? [0] : []), ...(inside.length > 1 || nothing ? inside : [least, most])],
  };
}

/**
 * An empty diagram.
 * @param {{width: number, height: number, across: Scale, up: Scale, acrossName: string, upName: string,
 *   title: string}} wanted
 * @returns {Frame}
 */
export function framed({ width, height, across, up, acrossName, upName, title }) {
  const right = width - MARGIN.right;
  const foot = height - MARGIN.bottom;
  const x = (/** @type {number} */ value) => MARGIN.left + across.place(value) * (right - MARGIN.left);
  const y = (/** @type {number} */ value) => foot - up.place(value) * (foot - MARGIN.top);
  const digits = Math.max(...up.ticks.map((tick) => (String(Number(tick.toPrecision(6))).split(".")[1] ?? "").length));
  const svg = drawn(
    "svg",
    { class: "diagram", viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": oneLine(title) },
    ...up.ticks.map((tick) => drawn("line", { class: "grid", x1: MARGIN.left, x2: right, y1: y(tick), y2: y(tick) })),
    drawn("line", { class: "axis", x1: MARGIN.left, x2: right, y1: foot, y2: foot }),
    ...up.ticks.map((tick) =>
      drawn("text", { class: "tick up", x: MARGIN.left - 8, y: y(tick) + 4 }, tick.toFixed(digits)),
    ),
    ...across.ticks.map((tick) => drawn("line", { class: "axis", x1: x(tick), x2: x(tick), y1: foot, y2: foot + 4 })),
    ...across.ticks.map((tick) => drawn("text", { class: "tick", x: x(tick), y: foot + 18 }, amount(tick))),
    drawn("text", { class: "title", x: right, y: height - 6 }, oneLine(acrossName)),
    drawn("text", { class: "title up", x: -MARGIN.top, y: 11, transform: "rotate(-90)" }, oneLine(upName)),
  );
  return { svg, x, y };
}

/**
 * The scale of scores: all that intervals reach.
 * @param {Bounds[]} scores
 * @returns {Scale}
 */
export function scoreScale(scores) {
  const known = scores.flat().filter((each) => each !== null);
  return known.length ? linear(Math.max(0, Math.min(...known)), Math.max(...known)) : linear(0, 1);
}

/** The width of a diagram: half of a page, or all of a narrow one. */
export function room() {
  return Math.max(300, Math.min(570, document.documentElement.clientWidth - 32));
}
