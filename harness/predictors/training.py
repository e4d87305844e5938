"""The training loop: AdamW, warmup, early stopping on dev, adversarial training by option."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from harness.chance import rng
from harness.errors import InputError
from harness.logs import Log
from harness.predictors.adversary import Adversary
from harness.predictors.augment import augmented
from harness.predictors.networks import Network
from harness.types import Example

WATCHED = ("dev_macro_f1", "dev_score")  # what an epoch is judged by, before its loss


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train. ``lr`` is the rate of what is pretrained (or of an adapter), ``head_lr`` of a new head; both rise
    over a share ``warmup`` of the steps and then fall linearly to 0. Small data is passed over more often, until
    ``min_steps`` (Mosbach et al., 2021: fine-tuning on little data fails for want of steps). Training stops after
    ``patience`` epochs without a better score on dev (macro-F1 of labels, the items' mean score of what else can be
    read off quickly, the loss of what is written) and the best epoch's weights are kept; without dev data, the last
    epoch's. A ``batch`` goes through in ``accumulate`` parts, whose gradients add up; ``checkpointing`` computes
    activations anew rather than keep them; ``precision`` is float32, bfloat16 (of the activations) or auto: bfloat16 on
    a GPU. ``adversarial`` is the size of a perturbation of each text's word embeddings along their gradient (FGM;
    Miyato et al., 2017), whose loss is added; 0 is off."""

    epochs: int
    min_steps: int
    lr: float
    head_lr: float
    batch: int
    warmup: float
    weight_decay: float
    patience: int
    class_weights: bool
    augment: str
    adversarial: float
    accumulate: int
    checkpointing: bool
    precision: str
    seed: int


def train(
    network: Network,
    recipe: Recipe,
    labels: tuple[str, ...],
    examples: Sequence[Example],
    dev: Sequence[Example],
    log: Log,
) -> list[dict[str, float]]:
    """Train ``network`` in place; returns one mapping an epoch: loss, and dev loss, accuracy and macro-F1 where there
    is dev data. The global random state is left as it was. Raises InputError where there are no examples."""
    import torch

    if not examples:
        raise InputError("there is nothing to train on: the training data is empty. Give the train split some items.")
    with torch.random.fork_rng(), Adversary(network.body, recipe.adversarial) as adversary:
        torch.manual_seed(recipe.seed)
        return _Training(network, recipe, labels, examples, adversary).run(dev, log)


class _Training:
    def __init__(
        self,
        network: Network,
        recipe: Recipe,
        labels: tuple[str, ...],
        examples: Sequence[Example],
        adversary: Adversary,
    ) -> None:
        import torch

        self.network, self.recipe, self.adversary = network, recipe, adversary
        self.examples = sorted(examples, key=lambda example: example.id)
        self.place = {label: i for i, label in enumerate(labels)}
        steps = math.ceil(len(self.examples) / recipe.batch)
        self.epochs = max(recipe.epochs, math.ceil(recipe.min_steps / steps)) if recipe.epochs else 0
        body = {id(p) for p in network.body.parameters()}
        new = [p for p in network.module.parameters() if p.requires_grad and id(p) not in body]
        old = [p for p in network.body.parameters() if p.requires_grad]
        groups = [{"params": old, "lr": recipe.lr}] + ([{"params": new, "lr": recipe.head_lr}] if new else [])
        self.trained = [*old, *new]
        self.optimizer = torch.optim.AdamW(groups, weight_decay=recipe.weight_decay)
        total, first = max(1, steps * self.epochs), max(1, round(recipe.warmup * steps * self.epochs))
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, lambda step: min((step + 1) / first, max(0.0, (total - step) / max(1, total - first)))
        )
        self.device = next(network.module.parameters()).device.type
        self.weight = self._class_weights() if recipe.class_weights else None
        if recipe.checkpointing:
            network.body.enable_input_require_grads()  # of a frozen layer nothing would come back else
            network.body.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})

    def _class_weights(self) -> Any:
        """n / (labels x items of the label), as scikit-learn's ``balanced``; labels never seen weigh nothing."""
        import torch

        counts = np.bincount([self.place[e.target] for e in self.examples], minlength=len(self.place))
        seen = np.count_nonzero(counts)
        weights = np.divide(len(self.examples), seen * counts, out=np.zeros(len(counts)), where=counts > 0)
        return torch.tensor(weights, dtype=torch.float32, device=self.device)

    def run(self, dev: Sequence[Example], log: Log) -> list[dict[str, float]]:
        history: list[dict[str, float]] = []
        best: tuple[float, float] = (-math.inf, -math.inf)
        kept, since = None, 0
        for epoch in range(1, self.epochs + 1):
            row = {"epoch": float(epoch), "loss": self._epoch(epoch)}
            if dev:
                self.network.module.eval()
                row |= self.network.watch(dev)
                found = (next((row[name] for name in WATCHED if name in row), 0.0), -row["dev_loss"])
                if found > best:
                    best, since = found, 0
                    kept = [p.detach().clone() for p in self.trained]
                else:
                    since += 1
            history.append(row)
            log.write(row, epoch)
            if dev and since >= self.recipe.patience:
                break
        if kept is not None:
            self._restore(kept)
        self.network.module.eval()
        return history

    def _restore(self, kept: Sequence[Any]) -> None:
        import torch

        with torch.no_grad():
            for parameter, value in zip(self.trained, kept, strict=True):
                parameter.copy_(value)

    def _epoch(self, epoch: int) -> float:
        """The mean loss over the epoch's steps."""
        import torch

        self.network.module.train()
        order = rng("epoch", self.recipe.seed, epoch).permutation(len(self.examples))
        losses = []
        for start in range(0, len(order), self.recipe.batch):
            batch = [self.examples[i] for i in order[start : start + self.recipe.batch]]
            seen = [augmented(e, self.recipe.augment, self.recipe.seed, epoch) for e in batch]
            losses.append(
                sum(self._learn(part, len(part) / len(seen)) for part in _parts(seen, self.recipe.accumulate))
            )
            torch.nn.utils.clip_grad_norm_(self.trained, 1.0)
            self.optimizer.step()
            self.schedule.step()
            self.network.module.zero_grad(set_to_none=True)
        return float(np.mean(losses))

    def _learn(self, part: Sequence[Example], share: float) -> float:
        """Adds the gradients of a part of a batch, and returns its share of the batch's loss."""
        loss = self._loss(part, share)
        loss.backward()
        self.adversary.attack(partial(self._loss, part, share))
        return float(loss.item())

    def _loss(self, part: Sequence[Example], share: float) -> Any:
        import torch

        low = self.recipe.precision == "bfloat16" or (self.recipe.precision == "auto" and self.device == "cuda")
        with torch.autocast(self.device, dtype=torch.bfloat16, enabled=low):
            return self.network.loss(part, self.weight) * share


def _parts(batch: Sequence[Example], count: int) -> Iterator[Sequence[Example]]:
    """``batch`` in ``count`` parts of about one size, none empty."""
    size = math.ceil(len(batch) / count)
    for start in range(0, len(batch), size):
        yield batch[start : start + size]
