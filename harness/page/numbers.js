// Numbers as the page writes them. What is unknown is a dash.

export const DASH = "–";

const GROUPED = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/**
 * A whole number, such as 12,345.
 * @param {number} value
 */
export function count(value) {
  return GROUPED.format(value);
}

/**
 * A score with three decimals.
 * @param {number | null | undefined} value
 */
export function score(value) {
  return value === null || value === undefined ? DASH : value.toFixed(3);
}

/**
 * A difference with its sign.
 * @param {number | null} value
 */
export function signed(value) {
  return value === null ? DASH : `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;
}

/**
 * Value and interval, such as 0.812 [0.764, 0.852].
 * @param {Bounds} bounds
 * @param {(value: number | null) => string} [write]
 */
export function interval([value, low, high], write = score) {
  if (value === null || low === null || high === null) return write(value);
  return `${write(value)} [${write(low)}, ${write(high)}]`;
}

/** @param {number | null} value */
export function probability(value) {
  return value === null ? DASH : value < 0.001 ? "<0.001" : value.toFixed(3);
}

/**
 * A part of a whole, such as 42 %.
 * @param {number} part
 * @param {number} whole
 */
export function percent(part, whole) {
  return whole ? `${((100 * part) / whole).toFixed(part && part < whole / 100 ? 1 : 0)} %` : DASH;
}

/**
 * An amount of any size with three digits, such as 0.0021, 1.25 or 48,100.
 * @param {number} value
 */
export function amount(value) {
  if (value === 0) return "0";
  return Math.abs(value) >= 1000 ? count(Number(value.toPrecision(3))) : String(Number(value.toPrecision(3)));
}

/**
 * Seen from the other side: B minus A.
 * @param {Bounds} bounds
 * @returns {Bounds}
 */
export function turned([value, low, high]) {
  return [value === null ? null : -value, high === null ? null : -high, low === null ? null : -low];
}
