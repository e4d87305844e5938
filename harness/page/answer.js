// What one row said to an item: the answer read, what was written, how sure it is, and what it was asked.

import { copier } from "./copy.js";
import { diffDrawn } from "./diff.js";
import { badge, element, folded, said } from "./element.js";
import { grade } from "./list.js";
import { count } from "./numbers.js";
import { oneLine, quoted, seen } from "./seen.js";
import { at } from "./store.js";
import { freely, references } from "./target.js";

/** @import { Looked } from "./filters.js" */
/**
 * @typedef {{row: number, letter: "A" | "B", answers: Answers | null, texts: Texts | null,
 *   prompts: () => Promise<Prompts | null>}} Side
 */

/**
 * @param {Looked} looked
 * @param {number} i
 * @param {Side} side
 */
export function answerDrawn({ table, items }, i, { row, letter, answers, texts, prompts }) {
  const { outputs, status, scores, stated } = items.rows[row];
  const answer = at(outputs, i);
  const came = at(status, i);
  const target = at(items.targets, i);
  const free = freely(table) && !texts?.marks;
  return element(
    "section",
    { class: `answer ${letter.toLowerCase()}`, "aria-label": `Answer of ${letter}` },
    element("h3", {}, badge(letter), " ", said(table.rows[row].title)),
    element(
      "div",
      { class: "read" },
      grade(scores[i], table.kind.graded),
      " ",
      answer === null
        ? element("em", {}, "no answer")
        : element("span", { dir: "auto", class: "text" }, seen(answer)),
      came !== null && came !== "ok" && element("span", { class: "status" }, oneLine(came)),
    ),
    free && answer && target && differing(references(target, table), answer),
    stated && probabilities(stated[i] ?? [], table.kind.outputs),
    texts && answers && asWritten(answers, i, texts),
    spent(answers, i),
    asked(table.rows[row].show, items.ids[i], prompts, i),
  );
}

/** @param {string[]} rights @param {string} answer */
function differing(rights, answer) {
  if (rights.includes(answer)) return null;
  return element(
    "div",
    {},
    element("h4", {}, "Against the right answer: ", element("del", {}, "missing"), " ", element("ins", {}, "added")),
    diffDrawn(rights, answer),
  );
}

/** @param {[number, number][]} stated @param {string[]} outputs */
function probabilities(stated, outputs) {
  if (!stated.length) return null;
  const lines = stated.map(([place, thousandths]) => {
    const made = element("i", { class: "fill" });
    made.style.width = `${thousandths / 10}%`;
    return element(
      "tr",
      {},
      element("th", { scope: "row" }, said(outputs[place] ?? String(place))),
      element("td", { class: "track" }, element("span", { "aria-hidden": "true" }, made)),
      element("td", { class: "figures" }, (thousandths / 1000).toFixed(3)),
    );
  });
  return element(
    "table",
    { class: "stated" },
    element("caption", {}, "Probabilities stated"),
    element("tbody", {}, ...lines),
  );
}

/** @param {Answers} answers @param {number} i @param {Texts} texts */
function asWritten(answers, i, texts) {
  const raw = answers.raw[i] ?? null;
  const thought = answers.thought[i] ?? null;
  const block = (/** @type {string} */ text) => element("pre", { dir: "auto" }, seen(text));
  const shown = demonstrations(answers, i);
  return element(
    "div",
    {},
    raw !== null && folded("As written", () => block(raw), raw.length < 600),
    thought !== null && folded("Thought", () => block(thought)),
    shown.length > 0 && folded(`Demonstrations (${count(shown.length)})`, () => demos(shown, texts)),
  );
}

/**
 * The ids of what an item was shown.
 * @param {Answers} answers
 * @param {number} i
 */
function demonstrations({ shown, demos: places }, i) {
  const own = places[i];
  const mine = Array.isArray(own) ? own : /** @type {number[]} */ (places.filter((each) => typeof each === "number"));
  return mine.map((place) => shown[place]);
}

/** @param {string[]} ids @param {Texts} texts */
function demos(ids, texts) {
  const lines = ids.map((id) => {
    const demo = Object.hasOwn(texts.demos, id) ? texts.demos[id] : null;
    return element(
      "li",
      {},
      element("span", { class: "id" }, said(id)),
      ...Object.values(demo?.inputs ?? {}).map((text) => element("div", { class: "text", dir: "auto" }, seen(text))),
      demo && element("div", { class: "text target", dir: "auto" }, seen(demo.target)),
    );
  });
  return element("ol", { class: "demos" }, ...lines);
}

/** @param {Answers | null} answers @param {number} i */
function spent(answers, i) {
  const tokens = answers?.tokens?.[i];
  const seconds = answers?.seconds?.[i];
  const parts = [
    tokens !== undefined && tokens !== null && `${count(tokens)} tokens`,
    seconds !== undefined && seconds !== null && `${seconds.toPrecision(3)} s`,
  ].filter((part) => part !== false);
  return parts.length > 0 && element("p", { class: "note" }, parts.join(", "));
}

/**
 * @param {string[] | null} show
 * @param {string} id
 * @param {() => Promise<Prompts | null>} prompts
 * @param {number} i
 */
function asked(show, id, prompts, i) {
  const command = show && quoted([...show, id]);
  return element(
    "div",
    {},
    folded("Prompt", async () => {
      const block = await prompts();
      const text = block && promptOf(block, i);
      const unknown = `This file has no prompt of it.${command ? " The command shows it." : ""}`;
      if (!text) return element("p", { class: "note" }, unknown);
      const exact = block.exact ? "As the model got it." : "As the template makes it, without special tokens.";
      return element(
        "div",
        {},
        element("p", { class: "note" }, exact),
        copier("Copy the prompt", () => text),
        element("pre", { dir: "auto" }, seen(text)),
      );
    }),
    command &&
      element(
        "div",
        { class: "command" },
        element("code", {}, oneLine(command)),
        copier("Copy the command", () => command),
      ),
  );
}

/**
 * The prompt of an item, put together from the lines that many share; empty where it is not known.
 * @param {Prompts} prompts
 * @param {number} i
 */
export function promptOf({ lines, heads, items }, i) {
  const [head, ...rest] = items[i] ?? [];
  if (head === undefined) return "";
  return [...(heads[head] ?? []), ...rest].map((line) => lines[line]).join("");
}
