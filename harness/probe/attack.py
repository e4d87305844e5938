"""The fewest words that flip an answer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import ClassVar

from harness.compare import groups
from harness.compare.finding import Finding, Flip, Line
from harness.errors import InputError
from harness.probe import greedy
from harness.probe.asked import Asked
from harness.probe.greedy import Search
from harness.results.store import Run
from harness.stats import intervals
from harness.types import Example, Prediction, Predictor

LEAST = 10  # questions about an item: fewer cannot rank its words and try some


class Attack:
    """Searches the smallest change of an item that flips its answer, of three words at most. Words are ranked by what
    the right answer's log-probability loses without each, then changed in that order: for a synonym of ours, a
    misspelling, or nothing. Says how many right answers one, two and three words flip, and how many of those changed
    items another predictor gets wrong too. ``budget`` bounds the questions about an item, ``words`` what is changed.

    After TextFooler (Jin et al. 2020). Not as there: synonyms are of our lists and not of word vectors, misspellings
    and deletions are tried too, no sentence encoder judges how like the two texts are, stop words may change, and no
    more than ``words`` words do. Where no log-probabilities are told, words are ranked by flips alone."""

    name: ClassVar[str] = "attack"
    source: ClassVar[str] = "after TextFooler, Jin et al. 2020"
    named: ClassVar[bool] = True

    def __init__(self, budget: int = 60, words: int = 3) -> None:
        if budget < LEAST or words < 1:
            raise InputError(f"probe {self.name!r}: budget is {LEAST} or more, words 1 or more.")
        self.budget, self.words = budget, words

    def look(self, asked: Asked) -> Finding:
        if asked.spec.draw == "per-item" and any(asked.spec.shots):
            raise InputError(
                f"probe {self.name!r}: with --draw per-item each changed item would get other demonstrations. Use "
                "--draw shared."
            )
        lines: list[Line] = []
        flips: list[Flip] = []
        notes: list[str] = []
        with asked.fitted() as fitted:
            attacked = []
            for run, predictor in fitted:
                found = self.attack(asked, run, predictor)
                attacked.append(found)
                title = groups.title([run])
                lines += self.counted(title, found)
                flips += _flips(title, run, found)
                queries = sum(each.queries for each in found)
                notes.append(f"{title}: {queries:,} questions about {len(found):,} items that were right.")
            for (one, own), (two, other) in permutations(zip(fitted, attacked, strict=True), 2):
                lines.append(transferred(asked, own, one[0], two, {each.item.id for each in other}))
        return Finding(self.name, self.source, tuple(lines), tuple(notes), tuple(flips))

    def attack(self, asked: Asked, run: Run, predictor: Predictor) -> list[Search]:
        """The search for each item that ``run`` has right."""
        kind = asked.task.kind
        answers = {answer.example_id: answer for answer in run.predictions}
        right = [item for item in asked.items if kind.right(item, answers[item.id].output) == 1]
        told = [answers[item.id] for item in right]
        language = asked.task.spec.language

        def ask(items: Sequence[Example]) -> list[Prediction]:
            return _answers(predictor, items)

        return greedy.search(kind, right, told, ask, language, asked.seed, self.words, self.budget)

    def counted(self, title: str, found: Sequence[Search]) -> list[Line]:
        """How many right answers are flipped by so many words, or fewer."""
        made = []
        for words in range(1, self.words + 1):
            flipped = sum(each.flipped and len(each.edits) <= words for each in found)
            measure = f"flipped by {words} word{'s' if words > 1 else ''}"
            made.append(Line(title, measure, intervals.wilson(flipped, len(found)), len(found)))
        return made


def transferred(asked: Asked, own: Sequence[Search], run: Run, other: tuple[Run, Predictor], right: set[str]) -> Line:
    """Of the changed items that flip ``run``, and that the ``other`` had ``right``: how many flip that too."""
    kind = asked.task.kind
    items = [each.changed(kind) for each in own if each.flipped and each.item.id in right]
    said = _answers(other[1], items)
    wrong = sum(greedy.wrong(kind, item, answer) for item, answer in zip(items, said, strict=True))
    return Line(
        groups.title([other[0]]),
        f"flipped by what flips {groups.title([run])}",
        intervals.wilson(wrong, len(items)),
        len(items),
    )


def _answers(predictor: Predictor, items: Sequence[Example]) -> list[Prediction]:
    told = {answer.example_id: answer for answer in predictor.predict(items)} if items else {}
    return [told[item.id] for item in items]


def _flips(title: str, run: Run, found: Sequence[Search]) -> list[Flip]:
    said = {answer.example_id: answer.output for answer in run.predictions}
    return [
        Flip(
            title,
            each.item.id,
            each.item.text,
            each.changed(run.kind).text,
            said[each.item.id],
            each.said,
            each.item.target,
        )
        for each in found
        if each.flipped
    ]
