// One item, opened: what it asks, what is right, and the answers of A and B side by side.

import { answerDrawn } from "./answer.js";
import { copier } from "./copy.js";
import { badge, element, said } from "./element.js";
import { marked, spansIn } from "./marks.js";
import { count } from "./numbers.js";
import { seen } from "./seen.js";
import { at } from "./store.js";
import { references } from "./target.js";

/** @import { Looked } from "./filters.js" */
/** @import { Store } from "./store.js" */

export class Sheet {
  #turn = 0;

  /**
   * @param {Store} store
   * @param {{close: () => void, step: (by: number) => void}} acts
   */
  constructor(store, acts) {
    this.store = store;
    this.acts = acts;
    this.element = element("article", { class: "sheet", tabindex: -1, hidden: true, "aria-label": "Open item" });
  }

  hide() {
    this.#turn++;
    this.element.hidden = true;
    this.element.replaceChildren();
  }

  /** @param {string} id that no item has */
  missing(id) {
    this.#turn++;
    this.element.hidden = false;
    this.element.replaceChildren(this.#head(id, ""), element("p", {}, "No item of this table has this id."));
  }

  /**
   * @param {Looked} looked
   * @param {number} i
   * @param {string} standing such as "3 of 57"
   */
  async show(looked, i, standing) {
    const turn = ++this.#turn;
    const { view, items } = looked;
    const rows = view.a === view.b ? [view.a] : [view.a, view.b];
    this.element.hidden = false;
    const head = this.#head(items.ids[i], standing);
    if (this.element.childElementCount) this.element.firstElementChild?.replaceWith(head);
    else this.element.append(head);
    const [texts, ...answers] = await Promise.all([
      this.store.texts(view.table),
      ...rows.map((row) => this.store.answers(view.table, row)),
    ]);
    if (turn !== this.#turn) return;
    const sides = rows.map((row, n) =>
      answerDrawn(looked, i, {
        row,
        letter: n ? "B" : "A",
        answers: answers[n],
        texts,
        prompts: () => this.store.prompts(view.table, row),
      }),
    );
    const open = new Set(this.#folds().flatMap(({ text, fold }) => (fold.open ? [text] : [])));
    this.element.replaceChildren(
      head,
      question(looked, i, texts, answers),
      element("div", { class: "answers" }, ...sides),
    );
    // Who reads prompt after prompt unfolds the first of them only.
    for (const { text, fold } of this.#folds()) if (open.has(text)) fold.open = true;
    this.element.scrollTop = 0;
  }

  #folds() {
    return [...this.element.querySelectorAll("details")].map((fold) => ({ text: fold.firstChild?.textContent, fold }));
  }

  /** @param {string} id @param {string} standing */
  #head(id, standing) {
    const { close, step } = this.acts;
    const button = (/** @type {string} */ name, /** @type {string} */ shown, /** @type {() => void} */ click) =>
      element("button", { type: "button", "aria-label": name, title: name, click }, shown);
    return element(
      "header",
      {},
      element("h2", {}, said(id)),
      element("span", { class: "note" }, standing),
      element(
        "span",
        { class: "acts" },
        copier("Copy link", () => location.href),
        button("Previous item", "↑", () => step(-1)),
        button("Next item", "↓", () => step(1)),
        button("Close", "✕", close),
      ),
    );
  }
}

/**
 * Inputs, options, the right answer and what else is known of an item.
 * @param {Looked} looked
 * @param {number} i
 * @param {Texts | null} texts
 * @param {(Answers | null)[]} answers
 */
function question({ view, table, items }, i, texts, answers) {
  const sources = [
    { whose: /** @type {const} */ ("right"), marks: texts?.marks?.[i] },
    ...answers.map((each, n) => ({ whose: /** @type {"A" | "B"} */ (n ? "B" : "A"), marks: each?.marks?.[i] })),
  ];
  const inputs = (texts?.inputs ?? []).map(({ name, texts: all }, place) =>
    element("div", {}, element("h3", {}, said(name)), marked(all[i], spansIn(place, sources))),
  );
  const options = texts?.options?.[i] ?? [];
  const rows = view.a === view.b ? [view.a] : [view.a, view.b];
  const chosenBy = [
    { answer: at(items.targets, i), mark: element("span", { class: "label of-right" }, "right") },
    ...rows.map((row, n) => ({ answer: at(items.rows[row].outputs, i), mark: badge(n ? "B" : "A") })),
  ];
  const target = at(items.targets, i);
  const facts = [
    ...(items.clusters ? [["cluster", at(items.clusters, i)]] : []),
    ...[...items.tags].map(([name, column]) => [name, at(column, i)]),
  ].filter(([, value]) => value !== null);
  return element(
    "section",
    { class: "question", "aria-label": "Item" },
    ...(inputs.length ? inputs : [element("p", { class: "note" }, "This file does not have the item's text.")]),
    options.length > 0 &&
      element(
        "div",
        {},
        element("h3", {}, `Options (${count(options.length)})`),
        element(
          "ol",
          {},
          ...options.map((option, place) => {
            const whose = chosenBy.filter(({ answer }) => answer === String(place + 1)).map(({ mark }) => [" ", mark]);
            return element("li", {}, said(option), ...whose.flat());
          }),
        ),
      ),
    element(
      "div",
      {},
      element("h3", {}, "Right answer"),
      ...(target === null ? ["–"] : references(target, table)).map((right) => {
        return element("div", { class: "text target", dir: "auto" }, seen(right));
      }),
    ),
    facts.length > 0 &&
      element(
        "dl",
        { class: "facts" },
        ...facts.map(([name, value]) =>
          element("div", {}, element("dt", {}, said(name ?? "")), element("dd", {}, said(value ?? ""))),
        ),
      ),
  );
}
