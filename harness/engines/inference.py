"""What is asked of an engine and what it will cost: planned over a whole study, each token computed once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field, replace
from functools import cached_property
from itertools import chain
from typing import Protocol

from harness.choice import flaw
from harness.engines import trie
from harness.engines.costs import Costs, shares
from harness.engines.journal import Journal
from harness.types import Answer, Engine, Example, Prediction, Request, Usage

WINDOW = 8192  # prompts planned and held at once: bounds the memory of a run of any length
POLL = 0.5  # seconds between two looks for what another process asks


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
    """An example that a request is for, the demonstrations it is shown, how many of them were dropped to fit, those
    that were barred, and whether a server may read control tokens in their data. ``item`` says that it is one of the
    items, and not asked besides them. ``tokens`` is the prompt's length, 0 where only a server knows it."""

    example: Example
    demos: tuple[str, ...]
    dropped: int
    excluded: tuple[str, ...]
    control: bool = False
    item: bool = True
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a prompt asks about some items: its requests by key, what each is for, and the items that do not fit."""

    requests: dict[str, Request] = field(default_factory=dict)
    asked: dict[str, list[Asked]] = field(default_factory=dict)
    skipped: list[Prediction] = field(default_factory=list)

    def add(self, other: Sheet) -> None:
        """Ask what ``other`` asks as well."""
        self.requests.update(other.requests)
        for key, asked in other.asked.items():
            self.asked.setdefault(key, []).extend(asked)
        self.skipped.extend(other.skipped)


class Asker(Protocol):
    """A fitted prompt: renders sheets of requests, and reads their answers. ``begin`` is what it asks besides items,
    ``read`` gives no prediction as long as that is not answered, and then all that it held; ``close`` gives what it
    still holds when all was asked. ``trie_tokens`` is what it is told that its requests have of distinct trie nodes."""

    engine: Engine
    journal: Journal | None
    trie_tokens: int

    def begin(self) -> Sheet: ...
    def sheet(self, examples: Sequence[Example]) -> Sheet: ...
    def read(self, asked: Asked, answer: Answer, usage: Usage) -> Iterator[Prediction]: ...
    def close(self) -> Iterator[Prediction]: ...


class Inquiry:
    """What several prompts ask one engine about some items, planned as one, so that what they share is computed once.

    The prompts share engine, mode and journal. ``costs`` is what each owes for the answers that have come, ``damaged``
    counts the items of each whose answers were kept, but are damaged and asked again. The prompts are rendered and
    measured before anything is asked, so that a bad one stops the study before it costs anything (InputError). Where
    they are too many to hold, that is done window by window: a bad one stops it then, and what is answered is kept."""

    def __init__(self, askers: Sequence[Asker], examples: Sequence[Example]) -> None:
        self.askers = askers
        self.costs = Costs(len(askers))
        self.damaged = [0] * len(askers)
        step = max(1, WINDOW // max(1, len(askers)))
        self._windows = [range(start, min(start + step, len(examples))) for start in range(0, len(examples), step)]
        self._examples = examples
        self._first = self._render(self._windows[0]) if examples else []

    def _render(self, window: range) -> list[Sheet]:
        items = list(self._examples[window.start : window.stop])
        sheets = [asker.sheet(items) for asker in self.askers]
        if window.start == 0:
            for asker, sheet in zip(self.askers, sheets, strict=True):
                sheet.add(asker.begin())
        return sheets

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
        known = _known(journal, requests)
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
        for place, asker in enumerate(self.askers):
            yield from ((place, prediction) for prediction in asker.close())

    def _read(self, sheets: Sequence[Sheet]) -> Iterator[tuple[int, Prediction]]:
        first, requests = self.askers[0], _joined(sheets)
        known = _known(first.journal, requests)
        if first.journal:
            lost = first.journal.damaged - known.keys()
            for place, sheet in enumerate(sheets):
                self.damaged[place] += sum(len(sheet.asked.get(key, ())) for key in lost)
        owed = self._owed(request for key, request in requests.items() if key not in known)
        for answer in _answers(first.engine, first.journal, requests, known):
            usage = answer.usage
            asking = [len(sheet.asked.get(answer.key, ())) for sheet in sheets]
            self.costs.charge(answer, asking, owed.get(answer.key))
            for place, (asker, sheet) in enumerate(zip(self.askers, sheets, strict=True)):
                for asked in sheet.asked.get(answer.key, ()):
                    yield from ((place, prediction) for prediction in asker.read(asked, answer, usage))
                    usage = Usage()  # one computation, however many prompts and items asked for it

    def _owed(self, requests: Iterable[Request]) -> Mapping[str, float]:
        """What each request owes in what is computed together, where there are prompts to share it and its tokens are
        known."""
        return shares(request for request in requests if request.prompt) if len(self.askers) > 1 else {}


def answers(engine: Engine, journal: Journal | None, requests: Iterable[Request]) -> Iterator[Answer]:
    """Answers to ``requests``, all of them to be scored or all to be generated: the journal's, and the engine's, which
    are recorded."""
    found = {request.key: request for request in requests}
    return _answers(engine, journal, found, _known(journal, found))


def _joined(sheets: Iterable[Sheet]) -> dict[str, Request]:
    return {key: request for sheet in sheets for key, request in sheet.requests.items()}


def _known(journal: Journal | None, requests: Mapping[str, Request]) -> dict[str, Answer]:
    """The answers to ``requests`` that the journal holds, by key. One that does not fit its request, or is none, is not
    known."""
    found = journal.look_up(requests) if journal else ()
    return {answer.key: answer for answer in found if _fits(answer, requests[answer.key]) and not _flaw(answer)}


def _fits(answer: Answer, request: Request) -> bool:
    if request.choices is None or answer.choice_logprobs is None:
        return request.choices is answer.choice_logprobs
    return list(map(len, request.choices)) == list(map(len, answer.choice_logprobs))


def _flaw(answer: Answer) -> str:
    """Why there is no answer; empty where there is."""
    return answer.failure or flaw(chain.from_iterable(answer.choice_logprobs or ()))


def _answers(
    engine: Engine, journal: Journal | None, requests: Mapping[str, Request], known: Mapping[str, Answer]
) -> Iterator[Answer]:
    """Answers to ``requests`` (by key; all to be scored, or all to be generated): first those ``known``, at no cost,
    then the engine's, each recorded before it is yielded. A failure is not recorded: who asks again may be luckier.
    What another process is asking at the time is not asked again: its answers are taken as they come, and what it
    leaves is asked then."""
    yield from map(_free, known.values())
    missing = set(requests.keys() - known.keys())
    if not missing:
        return
    if journal is None:
        yield from _asked(engine, list(requests.values()), ())
        return
    planned = journal.planned(requests, missing)
    company = [request for key, request in requests.items() if key in planned]
    waiting = False
    try:
        while missing:
            mine = journal.claim(missing)
            others = _known(journal, {key: requests[key] for key in missing})  # what came in before the claim
            yield from map(_free, others.values())
            missing -= others.keys()
            if mine := mine & missing:
                for answer in _asked(engine, company, requests.keys() - mine):
                    if not answer.failure:
                        journal.record(answer)
                    yield answer
                missing -= mine
                journal.release()
            elif missing:
                if not waiting:
                    journal.tell(f"{len(missing)} answers are being asked for by another process, and are awaited.")
                waiting = True
                time.sleep(POLL)
    finally:
        journal.release()
    journal.done(requests)


def _asked(engine: Engine, company: Sequence[Request], known: Container[str]) -> Iterator[Answer]:
    """The engine's answers to those of ``company`` that are not ``known``."""
    for answer in (engine.generate if company[0].choices is None else engine.score)(company, known):
        yield replace(answer, failure=_flaw(answer), written=answer.usage.generated)


def _free(answer: Answer) -> Answer:
    """A known answer, which costs nothing now."""
    return replace(answer, usage=Usage(submitted=answer.usage.submitted), written=answer.usage.generated)
