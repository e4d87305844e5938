// Data made to fit where they are shown, as `harness.escape` does: what no reader sees is written out.

// Control characters, line ends other than a newline, marks that turn the direction of what follows, halves of
// surrogate pairs and what is no character at all.
const UNSEEN =
  /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff\ufffe\uffff]/gu;

/**
 * Text of several lines.
 * @param {string} text
 */
export function seen(text) {
  return text.replace(UNSEEN, (found) => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/**
 * Text on one line: a name, a cell, a row of the list.
 * @param {string} text
 */
export function oneLine(text) {
  return seen(text).replaceAll("\n", "\\n").replaceAll("\t", "\\t");
}

/**
 * The words of a command as a shell takes them, whatever is in them.
 * @param {string[]} words
 */
export function quoted(words) {
  return words.map(quote).join(" ");
}

/** @param {string} word */
function quote(word) {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  if (!/[\0-\x1f\x7f]/.test(word)) return `'${word.replaceAll("'", `'"'"'`)}'`;
  // A terminal would obey what stands in plain quotes.
  const written = word.replace(/[\\']/g, "\\$&").replace(/[\0-\x1f\x7f]/g, (found) => {
    return `\\x${found.charCodeAt(0).toString(16).padStart(2, "0")}`;
  });
  return `$'${written}'`;
}
