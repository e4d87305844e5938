"""What is asked of an engine and what it will cost: planned over a whole study, each token computed once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from functools import cached_property
from typing import Protocol

from harness.engines import trie
from harness.engines.journal import Journal
from harness.types import Answer, Engine, Example, Prediction, Request, Usage

WINDOW = 8192  # prompts planned and held at once: bounds the memory of a run of any length


@dataclass(frozen=True, slots=True)
class Workload:
    """The tokens behind a study's prompts. ``prompts`` counts them with repeats, ``requests`` without; ``submitted`` is
    what a straightforward harness would feed (prompt and choice, for each choice, with repeats), ``trie`` the distinct
    nodes of all, each of which must be computed once; ``known`` requests are answered by the journal, and ``missing``
    is the trie of the others: what is left to compute, and ``generated`` the most they may generate. Beyond ``WINDOW``
    prompts, what windows share counts in each."""

    prompts: int = 0
    requests: int = 0
    submitted: int = 0
    trie: int = 0
    known: int = 0
    missing: int = 0
    generated: int = 0

    def __add__(self, other: Workload) -> Workload:
        return Workload(*map(sum, zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True, slots=True)
class Asked:
    """An item that a request is for, the demonstrations it is shown, how many of them were dropped to fit, those that
    were barred, and whether a server may read control tokens in their data."""

    example: Example
    demos: tuple[str, ...]
    dropped: int
    excluded: tuple[str, ...]
    control: bool = False


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a prompt asks about some items: its requests by key, what each is for, and the items that do not fit."""

    requests: dict[str, Request] = field(default_factory=dict)
    asked: dict[str, list[Asked]] = field(default_factory=dict)
    skipped: list[Prediction] = field(default_factory=list)


class Asker(Protocol):
    """A fitted prompt: renders a sheet of requests, and reads their answers. ``trie_tokens`` is what it is told that
    its requests have of distinct trie nodes."""

    engine: Engine
    journal: Journal | None
    trie_tokens: int

    def sheet(self, examples: Sequence[Example]) -> Sheet: ...
    def read(self, asked: Asked, answer: Answer, usage: Usage) -> Prediction: ...


class Inquiry:
    """What several prompts ask one engine about some items, planned as one, so that what they share is computed once.

    The prompts share engine, mode and journal. They are rendered and measured before anything is asked, so that a bad
    one stops the study before it costs anything (InputError). Where they are too many to hold, that is done window by
    window: a bad one stops it then, and what is answered is kept."""

    def __init__(self, askers: Sequence[Asker], examples: Sequence[Example]) -> None:
        self.askers = askers
        step = max(1, WINDOW // max(1, len(askers)))
        self._windows = [range(start, min(start + step, len(examples))) for start in range(0, len(examples), step)]
        self._examples = examples
        self._first = self._render(self._windows[0]) if examples else []

    def _render(self, window: range) -> list[Sheet]:
        items = list(self._examples[window.start : window.stop])
        return [asker.sheet(items) for asker in self.askers]

    @cached_property
    def workload(self) -> Workload:
        """What there is to compute, over all windows. Raises InputError for a bad prompt in any."""
        return sum((self._measure(sheets) for sheets in self._sheets()), Workload())

    def _sheets(self) -> Iterator[list[Sheet]]:
        for place, window in enumerate(self._windows):
            yield self._render(window) if place else self._first

    def _measure(self, sheets: Sequence[Sheet]) -> Workload:
        requests = _joined(sheets)
        counts = Counter(key for sheet in sheets for key, asked in sheet.asked.items() for _ in asked)
        journal = self.askers[0].journal
        known = journal.known(requests) if journal else set()
        left = [request for key, request in requests.items() if key not in known]
        nodes = trie.nodes(requests.values())
        return Workload(
            counts.total(),
            len(requests),
            sum(counts[key] * trie.submitted(request) for key, request in requests.items()),
            nodes,
            len(known),
            trie.nodes(left) if known else nodes,
            sum(request.sampling.max_tokens for request in left if request.sampling),
        )

    def predictions(self) -> Iterator[tuple[int, Prediction]]:
        """The place of a prompt and a prediction of it, as answers come."""
        for sheets in self._sheets():
            for place, (asker, sheet) in enumerate(zip(self.askers, sheets, strict=True)):
                asker.trie_tokens += trie.nodes(sheet.requests.values())
                yield from ((place, prediction) for prediction in sheet.skipped)
            yield from self._read(sheets)

    def _read(self, sheets: Sequence[Sheet]) -> Iterator[tuple[int, Prediction]]:
        first = self.askers[0]
        for answer in _answers(first.engine, first.journal, _joined(sheets)):
            usage = answer.usage
            for place, (asker, sheet) in enumerate(zip(self.askers, sheets, strict=True)):
                for asked in sheet.asked.get(answer.key, ()):
                    yield place, asker.read(asked, answer, usage)
                    usage = Usage()  # one computation, however many prompts and items asked for it


def _joined(sheets: Iterable[Sheet]) -> dict[str, Request]:
    return {key: request for sheet in sheets for key, request in sheet.requests.items()}


def _answers(engine: Engine, journal: Journal | None, requests: Mapping[str, Request]) -> Iterator[Answer]:
    """Answers to ``requests`` (by key; all to be scored, or all to be generated): first those the journal holds, at no
    cost, then the engine's, each recorded before it is yielded."""
    known = set()
    for answer in journal.look_up(requests) if journal else ():
        known.add(answer.key)
        usage = Usage(submitted=answer.usage.submitted)
        yield Answer(answer.key, answer.text, answer.finish, answer.choice_logprobs, usage)
    rest = [request for key, request in requests.items() if key not in known]
    if not rest:
        return
    for answer in (engine.generate if rest[0].choices is None else engine.score)(rest):
        if journal:
            journal.record(answer)
        yield answer
