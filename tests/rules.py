"""Studies whose predictors answer by a rule, so that what a probe should find is known."""

from dataclasses import dataclass, field

from harness.compare import groups
from harness.probe.asked import Asked
from harness.study import grid
from harness.study.draft import Planned
from harness.study.grid import Spec
from harness.types import Prediction, Signature


class Rule:
    """Answers with ``says`` of an item; ``sure`` gives the labels' log-probabilities, where there are some."""

    drawn, history, seed = False, (), 0

    def __init__(self, name, says, sure=None):
        self.name, self.says, self.sure, self.asked, self.rounds, self.fits = name, says, sure, 0, 0, 0
        self.settings = {"model": None}
        self.signature = Signature.of(predictor=name)

    def fit(self, train, dev=()):
        self.fits += 1
        return self

    def predict(self, examples):
        self.rounds += 1
        for example in examples:
            self.asked += 1
            yield Prediction(example.id, self.says(example), label_logprobs=self.sure and self.sure(example))


@dataclass
class Planted(Asked):
    """A study of ``rules``."""

    rules: list = field(default_factory=list)

    def run(self, task, **changes):
        split = changes.get("split", "test")
        items = self.items if split == "test" else task.examples(split)
        return groups.grouped([grid.execute(task, Planned(rule, ()), items, split) for rule in self.rules])

    def fitted(self):
        from contextlib import nullcontext

        return nullcontext([(group[0], rule) for group, rule in zip(self.before, self.rules, strict=True)])


def planted(task, root, *rules, seed=0):
    return Planted(task, Spec(), [], root, seed, rules=list(rules))
