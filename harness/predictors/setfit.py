"""SetFit: an encoder tuned on pairs of training examples, then a logistic-regression head."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from harness.chance import rng
from harness.kinds import Kind
from harness.models.embed import Encoder, unit
from harness.predictors.embedding import signature, stated
from harness.predictors.head import Head
from harness.predictors.linear import STRENGTHS, within
from harness.results.vault import Vault
from harness.types import Example, Prediction, Signature

Pair = tuple[int, int, float]


class SetFit:
    """An encoder tuned by contrast on pairs of training examples, then logistic regression (Tunstall et al., 2022).

    For every training example ``iterations`` times a pair with one of its label (cosine 1) and a pair with one of
    another (cosine 0), ``max_pairs`` at most, seen ``epochs`` times; the mean squared error of their cosines is
    minimised by AdamW at rate ``lr`` after a linear warmup over a share ``warmup`` of the steps, then falling linearly
    to 0. With training data of one label nothing is tuned. ``C`` is that of ``embedding``: over vectors of length 1 and
    many labels, scikit-learn's 1 shrinks the head too much."""

    name = "setfit"
    drawn = True

    def __init__(
        self,
        kind: Kind,
        model: str = "minilm",
        iterations: int = 20,
        max_pairs: int = 12000,
        epochs: int = 1,
        batch: int = 16,
        lr: float = 2e-5,
        warmup: float = 0.1,
        C: float = 10.0,
        seed: int = 0,
        vault: Vault | None = None,
    ) -> None:
        within(self.name, 0, math.inf, iterations=iterations, max_pairs=max_pairs, lr=lr)
        within(self.name, 1, math.inf, epochs=epochs, batch=batch)
        within(self.name, 0, 1, warmup=warmup)
        within(self.name, *STRENGTHS, C=C)
        self.kind, self.model, self.iterations, self.max_pairs = kind, model, iterations, max_pairs
        self.epochs, self.batch, self.lr, self.warmup = epochs, batch, lr, warmup
        self.C, self.seed, self.vault = C, seed, vault
        self.history: Sequence[Mapping[str, float]] = ()

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"model": self.model}

    @property
    def signature(self) -> Signature:
        params = {key: getattr(self, key) for key in ("iterations", "max_pairs", "batch", "lr", "warmup", "C", "seed")}
        # Named where it is not the published 1, so that models kept before it could be set are still found.
        return signature(self.name, self.model, **params, epochs=self.epochs if self.epochs != 1 else None)

    def fit(self, train: Sequence[Example], dev: Sequence[Example] = ()) -> Self:
        self._head = Head(self.C, seed=self.seed)
        key = self.vault.key(self.signature, train) if self.vault else ""
        folder = self.vault.fetch(key) if self.vault else None
        if folder is None:
            self._train(sorted(train, key=lambda example: example.id))
            if self.vault:
                self.vault.keep(key, self._save)
        else:
            self._encoder = Encoder(self.model, folder)
            self._head.load(folder)
            self.history = json.loads((folder / "history.json").read_text(encoding="utf-8"))
        return self

    def _train(self, train: Sequence[Example]) -> None:
        texts, targets = [example.text for example in train], [example.target for example in train]
        self._encoder = Encoder(self.model)
        pairs = self.pairs(targets) * self.epochs
        self.history = self._tune(texts, pairs) if pairs else ()
        self._head.fit(unit(self._encoder.vectors(texts)), targets)

    def pairs(self, targets: Sequence[str]) -> list[Pair]:
        """(i, j, cosine): for each item, in turns, one partner of its label and one of another, drawn by the seed.
        Empty where there is one label only."""
        draw = rng("pairs", self.seed)
        groups = {label: np.flatnonzero([t == label for t in targets]) for label in sorted(set(targets))}
        others = {label: np.flatnonzero([t != label for t in targets]) for label in groups}
        if len(groups) < 2:
            return []
        found: list[Pair] = []
        while len(found) < min(self.max_pairs, 2 * self.iterations * len(targets)):
            for i in draw.permutation(len(targets)):
                same, other = groups[targets[i]], others[targets[i]]
                found.append((int(i), int(draw.choice(same)), 1.0))
                found.append((int(i), int(draw.choice(other)), 0.0))
        return found[: self.max_pairs]

    def _tune(self, texts: Sequence[str], pairs: Sequence[Pair]) -> list[dict[str, float]]:
        """Ten lines of history: the mean loss of each tenth of the steps."""
        import torch

        steps = -(-len(pairs) // self.batch)
        model = self._encoder.model.train()
        with torch.random.fork_rng():  # for dropout
            torch.manual_seed(self.seed)
            optimizer = torch.optim.AdamW(model.parameters(), lr=self.lr)
            schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: _rate(step, steps, self.warmup))
            losses = []
            for step in range(steps):
                losses.append(self._step(texts, pairs[step * self.batch : (step + 1) * self.batch]))
                torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                schedule.step()
                optimizer.zero_grad(set_to_none=True)
        model.eval()
        parts = np.array_split(np.array(losses), min(10, steps))
        return [
            {"epoch": self.epochs * (i + 1) / len(parts), "loss": float(part.mean())} for i, part in enumerate(parts)
        ]

    def _step(self, texts: Sequence[str], pairs: Sequence[Pair]) -> float:
        import torch

        cuda = self._encoder.device == "cuda"
        with torch.autocast(self._encoder.device, dtype=torch.bfloat16, enabled=cuda):
            both = self._encoder.pooled([texts[i] for i, _, _ in pairs] + [texts[j] for _, j, _ in pairs])
            cosine = torch.nn.functional.cosine_similarity(both[: len(pairs)], both[len(pairs) :])
            wanted = torch.tensor([w for _, _, w in pairs], device=cosine.device, dtype=cosine.dtype)
            loss: Any = torch.nn.functional.mse_loss(cosine, wanted)
        loss.backward()
        return float(loss.item())

    def _save(self, folder: Path) -> None:
        self._encoder.model.save_pretrained(folder)
        self._encoder.files.tokenizer.save_pretrained(folder)
        self._head.save(folder)
        (folder / "history.json").write_text(json.dumps(self.history), encoding="utf-8")

    def predict(self, examples: Sequence[Example]) -> Iterator[Prediction]:
        if not examples:
            return
        texts = [example.text for example in examples]
        rows = self._head.logprobs(unit(self._encoder.vectors(texts)), self.kind.outputs)
        yield from stated(examples, self.kind.outputs, rows, self._encoder.unread(texts))

    def __repr__(self) -> str:
        params = ("kind", "model", "iterations", "max_pairs", "epochs", "batch", "lr", "warmup", "C", "seed")
        return f"SetFit({', '.join(f'{param}={getattr(self, param)!r}' for param in params)})"


def _rate(step: int, steps: int, warmup: float) -> float:
    """The learning rate's factor: up over the warmup, then down to 0."""
    first = max(1, round(warmup * steps))
    return (step + 1) / first if step < first else max(0.0, (steps - step) / max(1, steps - first))
