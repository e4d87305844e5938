"""What all fine-tuned baselines share: load, adapt, train, keep, predict."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, Self

from harness import logs
from harness.engines.transformers import Transformers
from harness.errors import InputError, unknown
from harness.kinds import Kind
from harness.models.checkpoint import KEPT, Model
from harness.predictors.augment import AUGMENTATIONS
from harness.predictors.chooser import Chooser
from harness.predictors.linear import within
from harness.predictors.networks import Network, headed, pretrained
from harness.predictors.prompted import Prompted
from harness.predictors.training import Recipe, train
from harness.predictors.writer import Writer
from harness.prompt.encode import Encoder
from harness.prompt.selectors.fixed import Fixed
from harness.prompt.template import Template
from harness.results.vault import Vault
from harness.types import Example, Prediction, Signature

# Parameters that cannot change a score, or told apart.
UNSCORED = ("kind", "template", "log", "log_dir", "vault", "checkpointing")
PRECISIONS = ("auto", "float32", "bfloat16")
ENCODER, WRITES = (
    "minilm",
    "smollm2",
)  # the model where none is named: one that reads, or where answers are written, writes


@dataclass
class Trained:
    """A pretrained ``model`` (``minilm``, ``tiny``, a path or hub name) trained on the train split.

    An encoder gets the head that the kind of answers needs. A causal language model is asked with ``template``, without
    demonstrations, and trained to find the right answer likeliest, or to write it; it is then asked as prompts are.
    Without a ``model`` it is minilm, or smollm2 where only a language model can answer. See ``Recipe`` for the other
    parameters. ``log`` is none, tensorboard, wandb or mlflow, below ``log_dir``."""

    kind: Kind
    model: str = ""
    template: Template | None = None
    epochs: int = 10
    min_steps: int = 200
    lr: float = 1e-4
    head_lr: float = 1e-3
    batch: int = 16
    warmup: float = 0.1
    weight_decay: float = 0.01
    patience: int = 3
    class_weights: bool = False
    augment: str = "none"
    adversarial: float = 0.0
    accumulate: int = 1
    checkpointing: bool = False
    precision: str = "auto"
    log: str = field(default="none", repr=False)
    log_dir: str = field(default="results/logs", repr=False)
    seed: int = 0
    vault: Vault | None = field(default=None, repr=False, compare=False)

    name: ClassVar[str]
    drawn: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self.model = self.model or (ENCODER if self.kind.head else WRITES)
        if self.precision not in PRECISIONS:
            raise unknown("precision", self.precision, PRECISIONS)
        if self.class_weights and not self.kind.outputs:
            raise InputError(
                f"baseline {self.name!r}: class_weights are for items of one label each; an answer of kind "
                f"{self.kind.name} is none."
            )
        if self.augment not in AUGMENTATIONS:
            raise unknown("augmentation", self.augment, AUGMENTATIONS)
        logs.find(self.log)
        within(self.name, 1, math.inf, batch=self.batch, patience=self.patience, accumulate=self.accumulate)
        rates = {"lr": self.lr, "head_lr": self.head_lr, "weight_decay": self.weight_decay}
        within(self.name, 0, math.inf, epochs=self.epochs, min_steps=self.min_steps, adversarial=self.adversarial)
        within(self.name, 0, 100, **rates)
        within(self.name, 0, 1, warmup=self.warmup)
        self.history: Sequence[Mapping[str, float]] = ()

    @property
    def settings(self) -> Mapping[str, Any]:
        asked = self._asked
        return {"model": self.model, "template": asked.name if asked else None}

    @property
    def _home(self) -> Path:
        return self.vault.root if self.vault else KEPT

    @cached_property
    def _files(self) -> Model:
        return Model(self.model, home=self._home)

    @property
    def _asked(self) -> Template | None:
        """The template, where the model is one to be asked."""
        if not self._files.causal:
            return None
        if self.template is None:
            raise InputError(
                f"baseline '{self.name}:{self.model}': a causal language model is trained with a template, and this "
                "task has none named plain. Name one: --with template=NAME."
            )
        return self.template

    @property
    def signature(self) -> Signature:
        import torch

        asked = self._asked
        params = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in (*UNSCORED, "model")}
        return Signature.of(
            predictor=self.name,
            model=self.model,
            weights=self._files.fingerprint,
            quantization=self._files.quantization,
            template=f"{asked.name}@{asked.digest[:8]}" if asked else None,
            **self._manner,
            **params,
            device="cuda" if torch.cuda.is_available() else "cpu",
            torch=torch.__version__,
            transformers=version("transformers"),
        )

    @cached_property
    def _manner(self) -> Mapping[str, str]:
        asked = self._asked
        return Encoder(self._files.tokenizer, asked, asked.scored, not asked.scored).manner if asked else {}

    @property
    def recipe(self) -> Recipe:
        return Recipe(**{f.name: getattr(self, f.name) for f in fields(Recipe)})

    @property
    def made_by(self) -> Signature:
        """Besides the signature, what a head's rows and a prompt's choices follow: the labels, their order, words and
        descriptions. A run names them by its task; a kept model must not be loaded for others."""
        asked = self._asked
        return self.signature + Signature.of(labels=self.kind.members, asked=asked.labels if asked else None)

    def fit(self, train_split: Sequence[Example], dev: Sequence[Example] = ()) -> Self:
        key = self.vault.key(self.made_by, train_split, dev) if self.vault else ""
        folder = self.vault.fetch(key) if self.vault else None
        if folder is None:
            self.begin()
            self._train(train_split, dev)
            if self.vault:
                self.vault.keep(key, self._save)
        else:
            self._network = self._load(folder)
            self.history = json.loads((folder / "history.json").read_text(encoding="utf-8"))
        return self

    def begin(self, body: Any = None) -> Network:
        """The untrained network, on the ``body`` of another task's where one is given; new weights are drawn by the
        seed."""
        import torch

        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            if body is None:
                body = self.adapted(pretrained(self._files), self._files.causal)
            self._network = self._around(body)
        return self._network

    def _around(self, body: Any) -> Network:
        asked = self._asked
        if asked is None:
            return headed(self._files, body, self.kind)
        return Chooser(self._files, body, asked) if asked.scored else Writer(self._files, body, asked)

    def _train(self, examples: Sequence[Example], dev: Sequence[Example]) -> None:
        digest = sha256(str(self.signature).encode()).hexdigest()[:8]  # so that two settings do not share a curve
        title = f"{self.name}-{Path(self.model).name}-n{len(examples)}-s{self.seed}-{digest}"
        log = logs.find(self.log)(Path(self.log_dir), "", title, dict(self.signature.pairs))
        try:
            self.history = train(self._network, self.recipe, self.kind.outputs, examples, dev, log)
        finally:
            log.close()

    def adapted(self, body: Any, causal: bool) -> Any:
        """``body`` with what this method trains in it."""
        return body

    def restored(self, folder: Path, causal: bool) -> Any:
        """The body that ``save_pretrained`` wrote."""
        return pretrained(Model(str(folder)))

    def answering(self, body: Any) -> Any:
        """The body as the engine is to run it."""
        return body

    def _save(self, folder: Path) -> None:
        from safetensors.torch import save_file

        self._network.body.save_pretrained(folder)
        if self._network.head is not None:
            save_file(self._network.head.state_dict(), folder / "head.safetensors")
        (folder / "history.json").write_text(json.dumps(self.history), encoding="utf-8")

    def _load(self, folder: Path) -> Network:
        from safetensors.torch import load_file

        network = self._around(self.restored(folder, self._files.causal))
        if network.head is not None:
            network.head.load_state_dict(load_file(folder / "head.safetensors"))
        network.module.eval()
        return network

    def predict(self, examples: Sequence[Example]) -> Iterator[Prediction]:
        asked = self._asked
        if asked:
            # The same path as a prompt's, with the trained weights in the engine.
            engine = Transformers(self.model, dtype="float32", lm=self.answering(self._network.body), home=self._home)
            yield from Prompted(asked, engine, Fixed()).fit(()).predict(examples)
            return
        yield from self._network.predict(examples)
