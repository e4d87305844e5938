"""Endless in-context classification episodes from the domain files: what the embedded model is trained on.

An episode is one prompt in one of several styles: some demonstrations with their answers, over a label set drawn
anew. Label sets are a domain's own, or put together from several domains; answers are the labels' names, letters, or
words that mean nothing here, so that only the demonstrations can tell what they stand for.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

FOLDER = Path(__file__).parent / "domains"
SLOT = re.compile(r"\{(\w+)\}")
# Other words for the same three answers: the zero-shot vocabulary of sentiment.
SENTIMENT = (
    ("positive", "negative", "neutral"),
    ("good", "bad", "neither"),
    ("利好", "利空", "中性"),
    ("positive", "negative", "neutral"),
)
PLAIN_FIELDS = (("Text", "Label"), ("News", "Sentiment"), ("Input", "Output"), ("Sentence", "Class"), ("Q", "A"))
WORDS = [
    "foo",
    "bar",
    "baz",
    "red",
    "blue",
    "green",
    "one",
    "two",
    "three",
    "four",
    "x",
    "y",
    "z",
    "alpha",
    "beta",
    "gamma",
    "delta",
    "yes",
    "no",
    "left",
    "right",
    "up",
    "down",
    "cat",
    "dog",
    "sun",
    "moon",
    "true",
    "false",
    "first",
    "second",
    "apple",
    "stone",
    "river",
    "cloud",
    "north",
    "south",
    "gold",
    "iron",
]


@dataclass(frozen=True)
class Domain:
    """One label set and the patterns that make its texts."""

    name: str
    field: str
    question: str
    slots: dict[str, list[str]]
    labels: dict[str, list[str]]

    def text(self, label: str, rng: random.Random) -> str:
        """A text of ``label``: a pattern with its slots filled."""
        out = rng.choice(self.labels[label])
        for _ in range(4):  # fillers may hold slots themselves
            out = SLOT.sub(lambda m: str(rng.choice(self.slots[m[1]])), out)
        if rng.random() < 0.7:
            out = out[:1].upper() + out[1:]
        if out[-1] not in ".!?。！？" and rng.random() < 0.5:
            out += "."
        return out


def load(held_out: bool = False) -> list[Domain]:
    """The training domains, or the held-out ones (``heldout-*``), which training never sees."""
    domains = []
    for path in sorted(FOLDER.glob("*.yaml")):
        if path.stem.startswith("heldout-") == held_out:
            raw = yaml.safe_load(path.read_text(encoding="utf-8"))
            domains.append(Domain(raw["name"], raw["field"], raw["question"], raw.get("slots") or {}, raw["labels"]))
    return domains


@dataclass(frozen=True)
class Item:
    """A text with the index of its answer."""

    text: str
    answer: int


@dataclass(frozen=True)
class Episode:
    """A prompt cut in pieces; ``learn`` marks the answers that can be known from what stands before them."""

    pieces: tuple[str, ...]
    learn: tuple[bool, ...]


class Corpus:
    """Draws episodes. ``rng`` is the only source of chance. ``easy`` is the share of exercises in looking back
    (`_repeat` and the simplest of `_signs`), which training starts with: what shows a label set is learnt far sooner
    by a model that can already find where a word stood before."""

    def __init__(self, domains: list[Domain], rng: random.Random, focus: str = "finance-sentiment") -> None:
        self.domains, self.rng, self.easy = domains, rng, 0.1
        self.focus = [d for d in domains if d.name == focus]
        self.sentiment = [d for d in domains if set(d.labels) == set(SENTIMENT[0])]
        drawn = (d.text(label, rng) for d in domains for label in d.labels for _ in range(60))
        self.vocabulary = sorted({word.lower() for text in drawn for word in re.findall(r"[A-Za-z]{3,}", text)})
        self.names = sorted({label for d in domains for label in d.labels if label.isascii()})

    def __iter__(self) -> Iterator[Episode]:
        while True:
            yield self.episode()

    def episode(self) -> Episode:
        rng = self.rng
        if rng.random() < self.easy:
            return self._repeat() if rng.random() < 0.6 else self._signs(1, 0, 24)
        draw = rng.random()
        if draw < 0.30 and self.focus:
            return self._own(rng.choice(self.focus))
        if draw < 0.35 and self.sentiment:
            return self._own(rng.choice(self.sentiment))
        if draw < 0.45:
            return self._own(rng.choice(self.domains))
        if draw < 0.65:
            return self._mixed()
        return self._signs(rng.randint(1, 4), rng.randint(0, 5), rng.randint(6, 18))

    def _own(self, domain: Domain) -> Episode:
        rng = self.rng
        labels = list(domain.labels)
        if set(labels) == set(SENTIMENT[0]):
            labels = list(SENTIMENT[0])
            words = list(rng.choice(SENTIMENT))
        else:
            if len(labels) > 3 and rng.random() < 0.6:
                labels = rng.sample(labels, rng.randint(2, min(6, len(labels))))
            words = list(labels)
        known = rng.random() < 0.72
        if not known:
            words = self._meaningless(len(labels))
        return self._render([(domain, label) for label in labels], words, known, domain)

    def _mixed(self) -> Episode:
        rng = self.rng
        pairs: list[tuple[Domain, str]] = []
        for domain in rng.sample(self.domains, min(rng.randint(2, 5), len(self.domains))):
            label = rng.choice(list(domain.labels))
            if label not in [name for _, name in pairs]:
                pairs.append((domain, label))
        known = rng.random() < 0.3
        words = [label for _, label in pairs] if known else self._meaningless(len(pairs))
        return self._render(pairs, words, known, None)

    def _repeat(self) -> Episode:
        """Words drawn anew, then the same words again: all of the second time can be known."""
        words = " ".join(self.rng.sample(self.vocabulary, self.rng.randint(8, 40)))
        return Episode((words + "\n", words), (False, True))

    def _signs(self, width: int, noise: int, shots: int) -> Episode:
        """Label sets without end: a label is at most ``width`` words drawn anew, a text of it some of them among at
        most ``noise`` others. Only what the demonstrations show can tell which belongs to which."""
        rng = self.rng
        count = rng.randint(2, 5)
        signs = [rng.sample(self.vocabulary, rng.randint(1, width)) for _ in range(count)]
        words = self._meaningless(count)
        items = []
        for i in rng.choices(range(count), k=shots):
            shown = rng.sample(signs[i], rng.randint(1, len(signs[i])))
            text = shown + rng.sample(self.vocabulary, rng.randint(0, noise))
            rng.shuffle(text)
            items.append(Item(" ".join(text), i))
        return compose(items, words, False, None, rng)

    def _meaningless(self, n: int) -> list[str]:
        return self.rng.sample(WORDS if self.rng.random() < 0.5 else self.names, n)

    def _render(self, pairs: list[tuple[Domain, str]], words: list[str], known: bool, domain: Domain | None) -> Episode:
        rng = self.rng
        shots = rng.choice((1, 2, 3, 4, 6, 6, 9)) if known else rng.choice((4, 6, 8, 9, 10))
        order = (
            [i % len(pairs) for i in range(shots)] if rng.random() < 0.5 else rng.choices(range(len(pairs)), k=shots)
        )
        rng.shuffle(order)
        items = [Item(pairs[i][0].text(pairs[i][1], rng), i) for i in order]
        return compose(items, words, known, domain, rng)


def compose(items: list[Item], words: list[str], known: bool, domain: Domain | None, rng: random.Random) -> Episode:
    """The episode's prompt in a style drawn by ``rng``. Answers whose word has not occurred yet are not learnt from
    where the word means nothing."""
    style = rng.choice(("plain", "plain", "named", "instruction", "question", "letters", "chat", "chinese"))
    listing = ", ".join(words[:-1]) + " or " + words[-1]
    text_field, answer_field = rng.choice(PLAIN_FIELDS)
    if domain and rng.random() < 0.4:
        text_field = domain.field
    ask = rng.choice([f"{text_field}: {{t}}\n{answer_field}:", "{t} =>", f"{{t}}\n{answer_field}:"])
    head, before, after, gap = "", "", "\n\n", " "
    if style == "plain":
        ask = "Text: {t}\nLabel:"
    elif style == "instruction":
        head = rng.choice(
            (
                f"Classify the financial news as {listing} for the company named first.\n\n",
                f"Classify the text as {listing}.\n\n",
                f"Say whether the {text_field.lower()} is {listing}.\n\n",
            )
        )
        ask = "News: {t}\nSentiment:" if "news" in head else ask
    elif style == "question":
        question = (
            f"Is this {listing} for the company?" if domain is None or "sentiment" in domain.name else domain.question
        )
        ask = f"Headline: {{t}}\nQuestion: {question}\nAnswer:"
    elif style == "letters":
        letters = [chr(65 + i) for i in range(len(words))]
        ask = "Text: {t}\n" + "".join(f"{a}. {w}\n" for a, w in zip(letters, words, strict=True)) + "Answer:"
        words = letters
    elif style == "chat":
        if rng.random() < 0.8:
            head = f"<|system|>\nYou label financial news as {listing}. Answer with one word.<|end|>\n"
        before, ask, after, gap = "<|user|>\n", "{t}<|end|>\n<|assistant|>\n", "<|end|>\n", ""
    elif style == "chinese":
        head = rng.choice(("判断新闻对首先提到的公司是利好、利空还是中性。\n\n", f"把文本分为{'、'.join(words)}。\n\n"))
        ask, gap = "新闻：{t}\n判断：", ""
    pieces, learn, seen = [head], [False], set()
    for item in items:
        answer = words[item.answer]
        pieces += [before + ask.replace("{t}", item.text), gap + answer, after]
        learn += [False, known or item.answer in seen, False]
        seen.add(item.answer)
    return Episode(tuple(pieces), tuple(learn))
