"""What a score owes to the order of its demonstrations, and to their draw."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from harness.chance import rng
from harness.compare import groups
from harness.compare.finding import Finding, Line
from harness.compare.spread import Spread
from harness.errors import InputError
from harness.probe import variants
from harness.probe.asked import Asked
from harness.probe.perturbed import Perturbed
from harness.results.store import Run
from harness.stats.resample import Array
from harness.study.grid import Spec
from harness.task import budgets


class Order:
    """Each of several draws of the demonstrations in many orders. Says how much of the score's variance is that of
    orders, of draws and of items, how evenly each order answers (GlobalE, LocalE), and what choosing the most even
    order gains. ``probing`` unlabelled train items, which no prompt shows, are what it is chosen on."""

    name: ClassVar[str] = "order"
    source: ClassVar[str] = "Lu et al. 2022"

    def __init__(self, orders: int = 24, draws: int = 10, probing: int = 64) -> None:
        if orders < 2:
            raise InputError(f"probe 'order': orders={orders}: there is a spread among 2 or more.")
        if draws < 1 or probing < 0:
            raise InputError(f"probe 'order': draws={draws}, probing={probing}: give 1 draw or more, 0 items or more.")
        self.orders, self.draws, self.probing = orders, draws, probing

    def look(self, asked: Asked) -> Finding:
        asked.check_prompts(self.name)
        found: list[Line | str] = []
        for shots in several(asked, self.name, 2):
            specs = self._specs(asked, shots)
            made, workload = asked.together(specs)
            runs = [run for each in made for run in each]
            found.append(variants.cost(workload, runs))
            probing = self._unshown(asked, runs)
            even: list[Run] = []
            if probing is not None:
                probed = [replace(s, split=probing.added, limit=None, without_overlap=False) for s in specs]
                made, workload = asked.together(probed, probing)
                even = [run for each in made for run in each]
                said = f"Entropies are over {len(probing.changed)} unlabelled train items that no prompt shows: "
                found.append(said + variants.cost(workload, even))
            for places in variants.alike(runs, ("seed", "order")):
                base = [runs[place] for place in places]
                found += self._told(base, asked.measured, [even[place] for place in places] if even else [])
        lines = tuple(each for each in found if isinstance(each, Line))
        return Finding(self.name, self.source, lines, tuple(each for each in found if isinstance(each, str)))

    def _specs(self, asked: Asked, shots: int) -> list[Spec]:
        """A spec for each order. Draws are seeds."""
        draw, every = rng("orders", asked.seed, shots), math.factorial(shots)
        orders: dict[tuple[int, ...], None] = {}
        while len(orders) < min(self.orders, every):
            orders[tuple(int(place) for place in draw.permutation(shots))] = None
        spec = replace(asked.spec, shots=(shots,), seeds=drawn(asked, self.draws))
        return [replace(spec, order="-".join(map(str, order))) for order in sorted(orders)]

    def _told(self, base: Sequence[Run], metric: str, even: Sequence[Run]) -> Iterator[Line | str]:
        title, spread = titled(base[0]), Spread.of(base, metric)
        yield from variants.told(spread, title, "orders and draws", None)
        yield from variants.parts(base, title, metric)
        yield f"{title}: noise alone would show {spread.noise:.3f} from lowest to highest."
        for what, entropy in (("GlobalE", global_entropy), ("LocalE", local_entropy)):
            values = np.array([entropy(run) for run in even])
            if not len(values) or np.isnan(values).any():
                continue
            gain = spread.contrast(chosen([run.spec["seed"] for run in base], values))
            mean = float(spread.values.mean())
            measure = f"{metric}: mean order to the order with the highest {what}"
            yield Line(title, measure, gain, spread.n, mean, mean + gain.value)
            yield f"{title}: {what} of the orders is from {values.min():.3f} to {values.max():.3f} nats."

    def _unshown(self, asked: Asked, runs: Sequence[Run]) -> Perturbed | None:
        """The task with a split of train items that are no demonstration; None where none is asked for, or where
        answers are not of a fixed set, whose entropy says something."""
        if not self.probing or not asked.task.kind.outputs:
            return None
        task, shown = asked.task, {demo for run in runs for p in run.predictions if p.trace for demo in p.trace.demos}
        rest = [example for example in task.examples("train") if example.id not in shown]
        if not rest:
            return None
        places = budgets.by_ids((example.id for example in rest), min(self.probing, len(rest)))
        probing = [rest[place] for place in places]
        return Perturbed(task.name, task.folder, task.spec, task.kind, "train~unshown", probing)


class Draw:
    """The demonstrations drawn anew, their order kept: how far the scores of ``draws`` lie apart, and where the draw
    that was given stands among them."""

    name: ClassVar[str] = "draw"
    source: ClassVar[str] = "Lu et al. 2022; Zhao et al. 2021"

    def __init__(self, draws: int = 10) -> None:
        if draws < 2:
            raise InputError(f"probe 'draw': draws={draws}: there is a spread among 2 or more.")
        self.draws = draws

    def look(self, asked: Asked) -> Finding:
        asked.check_prompts(self.name)
        seeds = drawn(asked, self.draws)
        if len(seeds) < 2:
            raise InputError("probe 'draw': these selectors draw nothing. Use --selector random or balanced.")
        lines, notes = [], []
        for shots in several(asked, self.name, 1):
            (runs,), workload = asked.together([replace(asked.spec, shots=(shots,), seeds=seeds)])
            notes.append(variants.cost(workload, runs))
            for places in variants.alike(runs, ("seed",)):
                base = [runs[place] for place in places]
                title, spread = titled(base[0]), Spread.of(base, asked.measured)
                lines += variants.told(spread, title, "draws")
                lines += variants.parts(base, title, asked.measured)
                notes.append(f"{title}: noise alone would show {spread.noise:.3f} from lowest to highest.")
        return Finding(self.name, self.source, tuple(lines), tuple(notes))


def several(asked: Asked, name: str, least: int) -> Sequence[int]:
    """The numbers of shots that are probed. Raises InputError where none shows ``least`` demonstrations."""
    found = [shots for shots in asked.spec.shots if shots >= least]
    if not found:
        raise InputError(
            f"probe {name!r}: it needs prompts with {least} demonstrations or more. Use --shots, such as 5."
        )
    return found


def drawn(asked: Asked, draws: int) -> Sequence[int]:
    """So many seeds from the one given on; that one alone where no selector draws by it."""
    spec, first = asked.spec, asked.spec.seeds[0]
    by_seed = any(hasattr(spec.select_by(name, first, asked.task.kind), "seed") for name in spec.selectors)
    return tuple(range(first, first + (draws if by_seed else 1)))


def titled(run: Run) -> str:
    """The run's prompt without its seed and its order."""
    return groups.of_prompt({**run.spec, "order": None})


def chosen(draws: Sequence[int], entropies: Array) -> Array:
    """(g, k) weights: in each draw its order of highest entropy minus the mean of its orders."""
    draws_of = np.array(draws)
    rows = []
    for each in dict.fromkeys(draws):
        mine = draws_of == each
        row = np.where(mine, -1.0 / mine.sum(), 0.0)
        row[int(np.argmax(np.where(mine, entropies, -np.inf)))] += 1
        rows.append(row)
    return np.array(rows)


def global_entropy(run: Run) -> float:
    """Entropy of the answers' shares, in nats (Lu et al., 2022, equation 4). An item without an answer counts as one
    answer more."""
    shares = np.array(list(Counter(p.output for p in run.predictions).values())) / len(run.predictions)
    return float(np.sum(-shares * np.log(shares))) + 0.0


def local_entropy(run: Run) -> float:
    """Mean entropy of the probabilities stated for an item, in nats (equation 5); NaN where none are stated."""
    rows = [p.label_logprobs for p in run.predictions if p.label_logprobs]
    if not rows:
        return math.nan
    logs = np.array(rows)
    return float(-np.mean(np.sum(np.exp(logs) * np.where(np.isfinite(logs), logs, 0.0), axis=1)))
