// The blocks of the file, each unpacked when it is first asked for.

/**
 * A row's columns: scores in [0, 1], and codes into the values said.
 * @typedef {{scores: Float32Array, outputs: Column, status: Column, confused: (number | number[])[] | null,
 *   stated: [number, number][][] | null}} Answered
 * @typedef {{values: string[], codes: Int32Array}} Column
 * @typedef {{n: number, ids: string[], places: Map<string, number>, targets: Column, clusters: Column | null,
 *   tags: Map<string, Column>, parts: (number | number[])[][], rows: Answered[]}} Columns
 */

/** @param {Coded} coded @returns {Column} */
function column({ values, codes }) {
  return { values, codes: Int32Array.from(codes) };
}

/**
 * What item `i` has in a column; null where it has none.
 * @param {Column} from
 * @param {number} i
 */
export function at({ values, codes }, i) {
  return codes[i] < 0 ? null : values[codes[i]];
}

/** @param {Items} items @returns {Columns} */
function columns(items) {
  return {
    n: items.ids.length,
    ids: items.ids,
    places: new Map(items.ids.map((id, i) => [id, i])),
    targets: column(items.targets),
    clusters: items.clusters && column(items.clusters),
    tags: new Map(Object.entries(items.tags).map(([name, coded]) => [name, column(coded)])),
    parts: items.parts,
    rows: items.rows.map((row) => ({
      scores: Float32Array.from(row.scores),
      outputs: column(row.outputs),
      status: column(row.status),
      confused: row.confused,
      stated: row.stated,
    })),
  };
}

/**
 * JSON, gzipped, in base64.
 * @param {string} text
 */
async function unpacked(text) {
  const binary = atob(text.trim());
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
}

/** Each block is unpacked once; its text is let go then. */
export class Store {
  /** @type {Map<string, Promise<any>>} */
  #blocks = new Map();

  /** @param {string} name @param {(block: any) => any} [prepare] */
  #block(name, prepare = (block) => block) {
    let block = this.#blocks.get(name);
    if (!block) {
      block = this.#read(name, prepare);
      this.#blocks.set(name, block);
    }
    return block;
  }

  /** @param {string} name @param {(block: any) => any} prepare */
  async #read(name, prepare) {
    const holder = document.getElementById(name);
    if (!holder) return null;
    const text = holder.textContent ?? "";
    holder.remove();
    try {
      return prepare(await unpacked(text));
    } catch (error) {
      throw new Error(`The block ${name} of this file cannot be read: ${error}`);
    }
  }

  /** @returns {Promise<Summary | null>} */
  summary() {
    return this.#block("summary");
  }

  /** @param {number} table @returns {Promise<Columns | null>} */
  items(table) {
    return this.#block(`items-${table}`, columns);
  }

  /** @param {number} table @returns {Promise<Texts | null>} */
  texts(table) {
    return this.#block(`texts-${table}`);
  }

  /** @param {number} table @param {number} row @returns {Promise<Answers | null>} */
  answers(table, row) {
    return this.#block(`answers-${table}-${row}`);
  }

  /** @param {number} table @param {number} row @returns {Promise<Prompts | null>} */
  prompts(table, row) {
    return this.#block(`prompts-${table}-${row}`);
  }
}
