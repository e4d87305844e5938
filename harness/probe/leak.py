"""Whether the items may have been seen before: in the train split, in demonstrations, in a model's own training."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np

from harness.chance import rng
from harness.compare.finding import Finding, Line
from harness.engines.journal import Journal
from harness.errors import InputError
from harness.predictors.prompted import Prompted
from harness.probe import likelihood, variants
from harness.probe.asked import Asked
from harness.probe.words import pieces
from harness.results.vault import Vault
from harness.stats import intervals
from harness.stats.intervals import Estimate
from harness.stats.resample import Array
from harness.study import grid
from harness.types import Engine

SHORTEST = 3  # words of an n-gram: of two words, texts share some by chance
LOWEST = 0.2  # share of an item's tokens, the least likely, that Min-K% looks at
LISTED = 3
PERMUTATIONS = 9999
MOST = 512  # tokens of a stretch of items


class Leak:
    """Overlap of the items with train and with demonstrations, in n-grams of words (in Chinese, of characters). Where
    an engine gives log-probabilities: whether it finds the items likelier in their file's order than shuffled
    (``shards`` stretches of ``size`` items, ``shuffles`` of each), and which of ``items`` it finds suspiciously likely
    (Min-K%)."""

    name: ClassVar[str] = "leak"
    source: ClassVar[str] = "Oren et al. 2023; Shi et al. 2023"

    def __init__(self, longest: int = 8, shards: int = 16, size: int = 8, shuffles: int = 7, items: int = 100) -> None:
        if min(longest, size) < 2 or min(shards, shuffles) < 1 or items < 0:
            raise InputError(
                f"probe 'leak': longest={longest}, size={size}, shards={shards}, shuffles={shuffles}, items={items}: "
                "give 2 words or items or more, 1 stretch and shuffle or more, 0 items or more."
            )
        self.longest, self.shards, self.size, self.shuffles, self.items = longest, shards, size, shuffles, items

    def look(self, asked: Asked) -> Finding:
        found = [*self._overlap(asked)]
        with Journal(asked.root / "journal.sqlite", asked.tell) as journal:
            for engine in asked.engines:
                name = engine.identity["model"]
                if engine.tokenizer is None:
                    found.append(
                        f"{name}: its server gives no log-probabilities of texts; its memory is not looked at."
                    )
                    continue
                found += self._order(asked, engine, journal)
                found += self._likely(asked, engine, journal)
        lines = tuple(each for each in found if isinstance(each, Line))
        return Finding(self.name, self.source, lines, tuple(each for each in found if isinstance(each, str)))

    def _overlap(self, asked: Asked) -> Iterator[Line | str]:
        items, train = asked.items, asked.task.examples("train")
        n = length([words(item.text) for item in items], self.longest)
        own = [grams(words(item.text), n) for item in items]
        seen = [grams(words(example.text), n) for example in train]
        whole = frozenset[tuple[str, ...]]().union(*seen)
        shares = [len(each & whole) / len(each) if each else 0.0 for each in own]
        what = f"share of items with {n} words in a row of"
        yield Line(
            "train", f"{what} train", intervals.wilson(sum(share > 0 for share in shares), len(items)), len(items)
        )
        for place in sorted(range(len(items)), key=lambda place: -shares[place])[:LISTED]:
            if shares[place]:
                nearest = max(range(len(train)), key=lambda other: len(own[place] & seen[other]))
                yield (
                    f"item {items[place].id}: {100 * shares[place]:.0f} % of its {n}-grams are in train, most of them "
                    f"in {train[nearest].id}."
                )
        grams_of = {example.id: each for example, each in zip(train, seen, strict=True)}
        vault = Vault(asked.root / "indexes", asked.tell)
        for planned in grid.plan(asked.task, asked.prompts, asked.engines, indexes=vault):
            prompt = planned.predictor.fit(planned.train)
            if isinstance(prompt, Prompted) and prompt.shots:
                shown = prompt.demos(items)
                met = sum(
                    any(each & grams_of[demo.id] for demo in demos.examples)
                    for each, demos in zip(own, shown, strict=True)
                )
                barred = sum(bool(demos.excluded) for demos in shown)
                title = variants.titled(prompt)
                yield Line(title, f"{what} its demonstrations", intervals.wilson(met, len(items)), len(items))
                if barred:
                    yield f"{title}: for {barred:,} items, demonstrations that nearly are the item were left out."

    def _order(self, asked: Asked, engine: Engine, journal: Journal) -> Iterator[Line | str]:
        """Items in the order of their file, and shuffled: a model that has read the file knows what comes next."""
        examples, name = asked.task.examples(asked.spec.split), engine.identity["model"]
        count = min(self.shards, len(examples) // self.size)
        if count < 2:
            yield f"{name}: too few items for a test of their order."
            return
        draw = rng("shuffles", asked.seed)
        starts = sorted(draw.permutation(len(examples) // self.size)[:count] * self.size)
        texts = []
        for start in starts:
            stretch = [examples[int(place)].text for place in range(start, start + self.size)]
            orders = [range(self.size), *(draw.permutation(self.size) for _ in range(self.shuffles))]
            texts += ["\n".join(stretch[int(place)] for place in order) for order in orders]
        rows = likelihood.tokens(engine, texts)
        if max(map(len, rows)) > min(MOST, engine.max_length - 1):
            # Cut, the orders would not be of the same items.
            yield f"{name}: {self.size} items take more than {MOST} tokens. Use --probe-with leak.size=2."
            return
        found = likelihood.logprobs(engine, journal, rows)
        if not all(map(len, found)):
            yield f"{name}: some texts have no log-probabilities, so the items' order is not looked at."
            return
        table = np.array([each.sum() for each in found]).reshape(count, -1)
        gain, p = ordered(table / self.size, rng("permutations", asked.seed))
        yield Line(name, "log-likelihood of an item in its file's order minus shuffled", gain, count * self.size, p=p)

    def _likely(self, asked: Asked, engine: Engine, journal: Journal) -> Iterator[Line | str]:
        items = asked.items[: self.items]
        rows = likelihood.tokens(engine, [item.text for item in items])
        found = likelihood.logprobs(engine, journal, rows)
        scores = [lowest(each) for each in found]
        order = sorted((place for place, score in enumerate(scores) if np.isfinite(score)), key=lambda i: -scores[i])
        if order:
            listed = ", ".join(f"{items[place].id} ({scores[place]:.2f})" for place in order[:LISTED])
            middle = float(np.median([scores[place] for place in order]))
            yield (
                f"{engine.identity['model']}: of {len(order)} items those with the likeliest rare tokens are {listed}; "
                f"the median item has {middle:.2f} (Min-{100 * LOWEST:.0f}%, nats a token): a list to look at, no test."
            )


def words(text: str) -> list[str]:
    """Words in lower case; each Chinese character is one."""
    return [found[0] for found in pieces(text.lower())]


def length(texts: Sequence[Sequence[str]], longest: int) -> int:
    """Words of an n-gram: ``longest``, or fewer where one text in twenty is shorter than that."""
    few = int(np.quantile([len(each) for each in texts], 0.05)) if texts else longest
    return min(longest, max(SHORTEST, few))


def grams(each: Sequence[str], n: int) -> frozenset[tuple[str, ...]]:
    """The runs of ``n`` words."""
    return frozenset(tuple(each[start : start + n]) for start in range(len(each) - n + 1))


def lowest(logprobs: Array) -> float:
    """Min-K% (Shi et al., 2023): the mean log-probability of the least likely tokens; NaN where there are none."""
    if not len(logprobs):
        return np.nan
    return float(np.sort(logprobs)[: max(1, round(LOWEST * len(logprobs)))].mean())


def ordered(table: Array, draw: np.random.Generator) -> tuple[Estimate, float]:
    """Of (shards, orders) likelihoods, whose first order is the file's: its mean gain over the others with Student's
    interval over shards, and a one-sided p. Where the file was never read, each order of a shard might as well be the
    first: one is drawn in each, again and again (after Oren et al., 2023, whose test asks for many more shuffles)."""
    from scipy import stats

    gains = table[:, 0] - table[:, 1:].mean(1)
    spread = float(gains.std(ddof=1) / np.sqrt(len(gains))) * float(stats.t.ppf(0.975, len(gains) - 1))
    deviation = table.std(axis=1, keepdims=True)
    scaled = np.divide(table - table.mean(1, keepdims=True), deviation, out=np.zeros_like(table), where=deviation > 0)
    picked = draw.integers(table.shape[1], size=(PERMUTATIONS, len(table)))
    others = scaled[np.arange(len(table)), picked].sum(1)
    p = (1 + int(np.sum(others >= scaled[:, 0].sum() - 1e-9))) / (1 + PERMUTATIONS)
    value = float(gains.mean())
    return Estimate(value, value - spread, value + spread), p
