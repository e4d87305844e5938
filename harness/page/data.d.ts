// What Python hands to the page (`data.py`), and the page reads (`store.js`).
//
// The file holds blocks, each `<script type="text/plain" id="NAME">` with JSON, gzipped, in base64:
//   summary            Summary: all that the first screen shows; small
//   items-TABLE        Items: a column per fact, in the order of the table's items; filters read only this
//   texts-TABLE        Texts: what the items say; read once the first screen stands
//   answers-TABLE-ROW  Answers: what one row said to each item; read when an item is opened, or searched for
//   prompts-TABLE-ROW  Prompts: what one row's model got; absent where it is not known; read when an item is opened
// TABLE and ROW are places (0, 1, …) in `Summary.tables` and `Table.rows`.

/** Value and 95 % interval; null where the data say nothing. */
type Bounds = [value: number | null, low: number | null, high: number | null];

/** Texts that recur: `values[codes[i]]` is item i's; -1 is none. */
interface Coded {
  values: string[];
  codes: number[];
}

interface Summary {
  version: 1;
  title: string;
  /** The version of harness. */
  harness: string;
  /** The command that writes this page. */
  command: string;
  tables: Table[];
}

interface Table {
  task: string;
  metric: string;
  n: number;
  kind: KindOfAnswer;
  /** The table as `harness report` prints it: titles, one list of cells per row (see `Row.cells`), notes below it. */
  header: string[];
  footer: string[];
  rows: Row[];
  /** The place of the row that the others are compared with. */
  reference: number;
  /** The rows that the page opens with as A and B. */
  first: [a: number, b: number];
  /** Each two rows once, a < b: A minus B. */
  pairs: Pair[];
  /** The ways to cut the items. */
  cuts: Cut[];
  /** The classes on either side of a confusion matrix, `kind.nothing` last among `said`, and among `truth` where classes
   * may be invented; null where the kind has no classes. */
  classes: { truth: string[]; said: string[] } | null;
  curves: Curve[];
  crossover: Crossover | null;
  suspects: Suspects | null;
  /** What is missing of the texts and prompts, and why. */
  notes: string[];
}

interface KindOfAnswer {
  name: string;
  /** Answers are better or worse, and not right or wrong: scores lie between 0 and 1. */
  graded: boolean;
  /** What the mean of the items' scores is called, such as "accuracy". */
  score: string;
  /** What stands in a confusion matrix for no class: "none", in brackets where a class is called so. */
  nothing: string;
  /** All answers there are, in order, where they are a closed set. */
  outputs: string[];
}

interface Row {
  title: string;
  label: string;
  cells: string[];
  /** One line per run, from which it can be repeated. */
  signatures: string[];
  sort: "prompt" | "trained" | "recorded";
  score: Bounds;
  /** The mean of the items' scores. */
  mean: Bounds;
  seconds: number;
  tokens: number;
  cost: number | null;
  /** States probabilities: `RowItems.stated` is there. */
  stated: boolean;
  /** The command that shows a prompt of this row, as words; an item's id is put after the last. null where there is none. */
  show: string[] | null;
}

interface Pair {
  a: number;
  b: number;
  /** By the table's metric, then by the items' scores. */
  gap: Bounds;
  gapOfItems: Bounds;
  p: number | null;
  /** p for having looked at this many pairs: against the reference as in the table, else all pairs (Holm). */
  adjusted: number | null;
  looked: number;
  /** The difference said in words, "A is better by 0.043 macro-f1 …": where row a stands as A, then where row b does. A
   * and B stand for the two rows, and nothing else. */
  words: [string, string];
}

/** One way to cut the items into parts, such as by label: which item is in which is `Items.parts`. */
interface Cut {
  by: string;
  parts: Part[];
}

interface Part {
  name: string;
  n: number;
  /** Each row's mean of the items' scores. */
  rows: Bounds[];
  /** In the order of `Table.pairs`: A minus B of the items' scores. */
  gaps: Bounds[];
  ps: (number | null)[];
  /** p for all parts of all cuts, of this pair (Holm). */
  adjusted: (number | null)[];
}

interface Curve {
  name: string;
  across: "shots" | "n_train";
  points: { x: number; score: Bounds; row: number }[];
}

interface Crossover {
  /** What was found, a sentence each. */
  sentences: string[];
  /** Fitted lines: of baselines, against training examples, with their bands; flat ones are prompts'. */
  lines: { name: string; sort: "prompt" | "trained"; points: { x: number; score: Bounds }[] }[];
  /** Where a baseline overtakes a prompt, in labelled examples; null bounds are beyond what can be said. */
  crossings: { baseline: string; prompt: string; at: Bounds }[];
}

/** Items that many rows answer alike and against the label. */
interface Suspects {
  /** The worst first. `doubt` lies between 0 and 1, `said` is what those rows answer. */
  items: { item: number; doubt: number; said: string; rows: number[] }[];
  /** In words: how many of labels that were changed on purpose the same list finds. */
  planted: string;
}

interface Items {
  ids: string[];
  targets: Coded;
  clusters: Coded | null;
  tags: Record<string, Coded>;
  /** Per `Table.cuts`: each item's part or parts; -1 is none. */
  parts: (number | number[])[][];
  rows: RowItems[];
}

/** A row's items. Where a row is over several seeds, those of its first run. */
interface RowItems {
  outputs: Coded;
  status: Coded;
  /** In [0, 1], to thousandths. */
  scores: number[];
  /** Per item the cells `truth * classes.said.length + said` of the confusion matrix; null where there are no classes. */
  confused: (number | number[])[] | null;
  /** Per item up to five [place in `KindOfAnswer.outputs`, probability in thousandths], the likeliest first. */
  stated: [number, number][][] | null;
}

interface Texts {
  /** The inputs' names, and for each the items' texts; empty where the items' texts are not known. */
  inputs: { name: string; texts: string[] }[];
  /** Options of an item's own, where the kind has such. */
  options: string[][] | null;
  /** What is marked of the right answer in an input, where the kind's answers lie in one. */
  marks: Mark[][] | null;
  /** The demonstrations that any row showed, by id. */
  demos: Record<string, { inputs: Record<string, string>; target: string }>;
}

/** A stretch of an input, in code points. */
type Mark = [input: number, start: number, end: number, name: string];

interface Answers {
  /** What was written, where it is not the answer itself; null elsewhere. */
  raw: (string | null)[];
  thought: (string | null)[];
  /** Which demonstrations an item was shown: places in `shown`. */
  shown: string[];
  demos: number[][] | number[];
  marks: Mark[][] | null;
  tokens: number[] | null;
  seconds: (number | null)[] | null;
}

/**
 * Prompts, line by line: an item's is `heads[item[0]]` and then the rest of `item`, places in `lines`; lines keep their
 * ends. Empty where an item was not asked.
 */
interface Prompts {
  lines: string[];
  heads: number[][];
  items: number[][];
  /** Whether special tokens are in it, as the model got it; else what a template makes of it. */
  exact: boolean;
}
