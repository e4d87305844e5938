// The right answer of an item, as it is read: of a text, any of several; of options, the place of one.

/**
 * What is right: texts of which each would be, where an answer is a text of its own words.
 * @param {string} target
 * @param {Table} table
 * @returns {string[]}
 */
export function references(target, table) {
  if (!freely(table)) return [target];
  try {
    const listed = JSON.parse(target);
    const texts = Array.isArray(listed) && listed.length > 0 && listed.every((each) => typeof each === "string");
    return texts ? listed : [target];
  } catch {
    return [target];
  }
}

/**
 * Whether answers are texts of the model's own words.
 * @param {Table} table
 */
export function freely({ kind, classes }) {
  return kind.graded && !classes && !kind.outputs.length;
}
