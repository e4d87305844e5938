"""What baselines without a model and without parameters share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self

from harness.kinds import Kind
from harness.types import Example, Prediction, Signature, Status


class Simple:
    """``fit`` learns nothing unless a subclass does; ``answer`` is what is said to an item, None for nothing."""

    name: ClassVar[str]
    history = ()
    drawn = False

    def __init__(self, kind: Kind, seed: int = 0) -> None:
        self.kind, self.seed = kind, seed

    @property
    def settings(self) -> Mapping[str, Any]:
        return {}

    @property
    def signature(self) -> Signature:
        return Signature.of(predictor=self.name)

    def fit(self, train: Sequence[Example], dev: Sequence[Example] = ()) -> Self:
        return self

    def answer(self, example: Example) -> str | None:
        """The canonical answer."""
        raise NotImplementedError

    def predict(self, examples: Sequence[Example]) -> Iterator[Prediction]:
        for example in examples:
            output = self.answer(example)
            status = Status.UNPARSED if output is None else Status.OK
            yield Prediction(example.id, output, status)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(kind={self.kind!r}, seed={self.seed!r})"
