"""Several tasks on one pretrained body, each with its own head: trained together, in turn, or held in place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.predictors.networks import Network
from harness.predictors.training import WATCHED
from harness.task import budgets
from harness.types import Example, Prediction

MARK = "\n"  # between a task's name and an item's id: no task is called so
FISHER = 200  # examples that the importance of weights is estimated on


def of_task(task: str, examples: Sequence[Example]) -> list[Example]:
    """``examples`` with ids that tell their task."""
    return [replace(example, id=f"{task}{MARK}{example.id}") for example in examples]


class Anchor:
    """Holds weights where they were, each as firmly as it mattered: elastic weight consolidation (Kirkpatrick et al.,
    2017), ``strength`` / 2 x the sum of F x (change)^2, F being the diagonal of the empirical Fisher information of
    the task that was learnt: the mean square of the gradient of a single example's loss."""

    def __init__(self, network: Network, examples: Sequence[Example], strength: float) -> None:
        import torch

        self.strength = strength
        self.weights = [p for p in network.body.parameters() if p.requires_grad]
        self.before = [p.detach().clone() for p in self.weights]
        self.fisher = [torch.zeros_like(p) for p in self.weights]
        network.module.eval()
        chosen = budgets.by_ids((example.id for example in examples), min(FISHER, len(examples)))
        for place in chosen:
            network.module.zero_grad(set_to_none=True)
            network.loss([examples[place]]).backward()
            for mean, weight in zip(self.fisher, self.weights, strict=True):
                if weight.grad is not None:
                    mean.addcmul_(weight.grad, weight.grad, value=1 / len(chosen))
        network.module.zero_grad(set_to_none=True)

    def penalty(self) -> Any:
        """What is added to the loss."""
        rows = zip(self.fisher, self.weights, self.before, strict=True)
        return self.strength / 2 * sum(((weight - old) ** 2 * f).sum() for f, weight, old in rows)


class Shared:
    """The networks of several tasks, by name, that have one body, as one network: an example's task is told by its id
    (see ``of_task``), and a batch may mix tasks. ``anchors`` hold the body."""

    head = None

    def __init__(self, parts: Mapping[str, Network], anchors: Sequence[Anchor] = ()) -> None:
        import torch

        self.parts, self.anchors = parts, anchors
        self.body = next(iter(parts.values())).body
        self.module = torch.nn.ModuleList([part.module for part in parts.values()])

    def _by_task(self, examples: Sequence[Example]) -> dict[str, list[Example]]:
        found: dict[str, list[Example]] = {}
        for example in examples:
            task, _, own = example.id.partition(MARK)
            found.setdefault(task, []).append(replace(example, id=own))
        return found

    def loss(self, examples: Sequence[Example], weight: Any = None) -> Any:
        """The mean over the examples, each by its task's loss, and the penalties."""
        parts = self._by_task(examples).items()
        mean = sum(self.parts[task].loss(own) * (len(own) / len(examples)) for task, own in parts)
        return mean + sum(anchor.penalty() for anchor in self.anchors)

    def watch(self, dev: Sequence[Example]) -> Mapping[str, float]:
        """Of each task's loss and of its first score that training is stopped by, the mean over the tasks."""
        rows = [self.parts[task].watch(own) for task, own in self._by_task(dev).items()]
        scores = [next((row[name] for name in WATCHED if name in row), 0.0) for row in rows]
        return {
            "dev_loss": sum(row["dev_loss"] for row in rows) / len(rows),
            "dev_score": sum(scores) / len(scores),
        }

    def predict(self, examples: Sequence[Example]) -> Iterator[Prediction]:
        """Each task's answers, under the ids that tell the task."""
        for task, own in self._by_task(examples).items():
            for said in self.parts[task].predict(own):
                yield replace(said, example_id=f"{task}{MARK}{said.example_id}")
