"""The smallest change of an item that flips its answer, searched word by word, for all items at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from harness.chance import rng
from harness.kinds import Kind
from harness.probe.paraphrase import synonyms_of
from harness.probe.perturbed import edited, free
from harness.probe.typos import HEARD, misspelt
from harness.probe.words import HAN, is_han, words, written_in
from harness.types import Edit, Example, Prediction, Status

Ask = Callable[[Sequence[Example]], Sequence[Prediction]]
"""The answers to items, in their order."""
_PIECE = re.compile(rf"{HAN}|(?:(?!{HAN}).)+")  # of a run of letters
SLIPS = 2  # misspellings tried of a word


@dataclass(frozen=True, slots=True)
class Word:
    """A word, or a Chinese character, with the edits to try on it, the closest to it first; the last takes it out."""

    candidates: tuple[Edit, ...]


@dataclass
class Search:
    """What is known of an item: the ``words`` left to try, in order, how ``sure`` the right answer is (None where that
    is not told), the ``edits`` made, how many ``queries`` it took, and whether the answer is ``flipped``, to what."""

    item: Example
    words: list[Word]
    sure: float | None
    edits: list[Edit] = field(default_factory=list)
    queries: int = 0
    flipped: bool = False
    said: str | None = None

    def changed(self, kind: Kind, *more: Edit) -> Example:
        """The item after the edits so far, and ``more``."""
        order = list(self.item.inputs)
        return edited(kind, self.item, sorted([*self.edits, *more], key=lambda e: (order.index(e.input), e.start)))


def search(
    kind: Kind,
    items: Sequence[Example],
    answers: Sequence[Prediction],
    ask: Ask,
    language: str,
    seed: int,
    most: int,
    budget: int,
) -> list[Search]:
    """What flips each of ``items``, to which ``answers`` were right: at most ``most`` words are changed, and at most
    ``budget`` questions asked, of each. A round asks about all items at once."""
    found = []
    for item, answer in zip(items, answers, strict=True):
        known = list(_words(kind, item, language, rng("attack", seed, item.id)))
        found.append(Search(item, known, _sure(kind, item, answer)))
    _rank(kind, found, ask, seed, budget)
    while trying := [each for each in found if _goes_on(each, most, budget)]:
        tried = [each.words.pop(0).candidates[: budget - each.queries] for each in trying]
        variants = [[each.changed(kind, edit) for edit in edits] for each, edits in zip(trying, tried, strict=True)]
        told = _asked(ask, variants)
        for each, edits, made, said in zip(trying, tried, variants, told, strict=True):
            each.queries += len(edits)
            _take(kind, each, edits, made, said)
    return found


def _goes_on(each: Search, most: int, budget: int) -> bool:
    return not each.flipped and bool(each.words) and len(each.edits) < most and each.queries < budget


def _take(kind: Kind, each: Search, edits: Sequence[Edit], made: Sequence[Example], said: Sequence[Prediction]) -> None:
    """Keeps the first edit that flips the answer; else that which makes the right one least sure, if it does. Where
    that is not told, the first."""
    for edit, variant, answer in zip(edits, made, said, strict=True):
        if wrong(kind, variant, answer):
            each.edits.append(edit)
            each.flipped, each.said = True, answer.output
            return
    told = ((_sure(kind, variant, answer), n) for n, (variant, answer) in enumerate(zip(made, said, strict=True)))
    least, place = min(((sure, n) for sure, n in told if sure is not None), default=(None, 0))
    if least is None or each.sure is None or least < each.sure:
        each.edits.append(edits[place])
        each.sure = least


def _rank(kind: Kind, found: Sequence[Search], ask: Ask, seed: int, budget: int) -> None:
    """Puts the words first without which the right answer is least sure, or none. Where there are more of them than
    half the budget, so many are drawn."""
    for each in found:
        if len(each.words) > budget // 2:
            draw = rng("attack words", seed, each.item.id)
            each.words = [each.words[i] for i in sorted(draw.permutation(len(each.words))[: budget // 2])]
    variants = [[each.changed(kind, word.candidates[-1]) for word in each.words] for each in found]
    for each, made, said in zip(found, variants, _asked(ask, variants), strict=True):
        each.queries += len(made)
        left = []
        for variant, answer in zip(made, said, strict=True):
            sure = _sure(kind, variant, answer)
            left.append((not wrong(kind, variant, answer), 0.0 if sure is None else sure))
        each.words = [each.words[i] for i in sorted(range(len(left)), key=left.__getitem__)]


def wrong(kind: Kind, item: Example, answer: Prediction) -> bool:
    """Whether it is a wrong answer; that there is none, since a server failed or a prompt is too long, is no flip."""
    return answer.status in (Status.OK, Status.UNPARSED) and kind.right(item, answer.output) < 1


def _asked(ask: Ask, variants: Sequence[Sequence[Example]]) -> list[list[Prediction]]:
    """The answers to the variants of each item, all asked at once."""
    flat = [replace(each, id=f"{each.id}~{n}") for made in variants for n, each in enumerate(made)]
    told = iter(ask(flat) if flat else ())
    return [[next(told) for _ in made] for made in variants]


def _sure(kind: Kind, item: Example, answer: Prediction) -> float | None:
    """The log-probability of the right answer; None where it is not told."""
    if answer.label_logprobs is None:
        return None
    outputs = [choice.output for choice in kind.choices(item, kind.words(None, kind.name)) or ()]
    return answer.label_logprobs[outputs.index(item.target)] if item.target in outputs else None


def _words(kind: Kind, item: Example, language: str, draw: np.random.Generator) -> Iterator[Word]:
    """The words of an item that its right answer does not stand on."""
    for name, text in item.inputs.items():
        own = written_in(text, language)
        synonyms = {edit[:2]: edit[2] for edit in synonyms_of(text, own)} if own else {}
        for start, end in _spans(text, list(synonyms)):
            word = text[start:end]
            others = [synonyms[start, end]] if (start, end) in synonyms else []
            others += list(HEARD.get(word, ""))
            others += filter(None, (misspelt(word, draw) for _ in range(SLIPS) if start != end))
            gone = Edit(name, start, end + (text[end : end + 1] == " "), "")
            made = [Edit(name, start, end, other) for other in dict.fromkeys(others)]
            edits = tuple(edit for edit in (*made, gone) if free(kind, item, edit))
            if edits and edits[-1] == gone:
                yield Word(edits)


def _spans(text: str, phrases: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Phrases that have a synonym, and of the rest the words, of Chinese the characters."""
    found = list(phrases)
    for each in words(text):
        parts = [piece.span() for piece in _PIECE.finditer(text, *each.span())] if is_han(each[0]) else [each.span()]
        found += [(s, e) for s, e in parts if all(e <= start or end <= s for start, end in phrases)]
    return sorted(found)
