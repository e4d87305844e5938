"""A frozen encoder with a logistic-regression head."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self

from harness.choice import chosen
from harness.kinds import Kind
from harness.models.embed import Embedder, Encoder
from harness.predictors.head import Head
from harness.predictors.linear import STRENGTHS, within
from harness.predictors.several import cut, indicators, outputs, several
from harness.types import Example, Prediction, Signature, Trace


class Embedding:
    """Logistic regression over the vectors of a frozen encoder; where an item may have several labels, one for each.

    Texts are mean-pooled and scaled to length 1; ``C`` is the inverse regularisation strength."""

    name = "embedding"
    history = ()
    drawn = False  # nothing is drawn: the solver is deterministic

    def __init__(
        self,
        kind: Kind,
        model: str = "minilm",
        C: float = 10.0,
        class_weights: bool = False,
        seed: int = 0,
    ) -> None:
        within(self.name, *STRENGTHS, C=C)
        self.kind, self.model, self.C, self.class_weights, self.seed = kind, model, C, class_weights, seed

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"model": self.model}

    @property
    def signature(self) -> Signature:
        return signature(self.name, self.model, C=self.C, class_weights="balanced" if self.class_weights else None)

    def fit(self, train: Sequence[Example], dev: Sequence[Example] = ()) -> Self:
        rows = sorted(train, key=lambda example: example.id)
        texts = [example.text for example in rows]
        self._embed = Embedder(self.model).fit(texts)
        self._head = Head(self.C, self.class_weights, self.seed)
        vectors = self._embed(texts)
        if several(self.kind):
            held, self._each = indicators(self.kind, rows), self._against_the_rest()
            self._cut = cut(self._each, vectors, held)
            self._each.fit(vectors, held)
        else:
            self._head.fit(vectors, [example.target for example in rows])
        return self

    def predict(self, examples: Sequence[Example]) -> Iterator[Prediction]:
        if not examples:
            return
        texts = [example.text for example in examples]
        if several(self.kind):
            yield from self._several(examples, texts)
            return
        yield from stated(
            examples,
            self.kind.outputs,
            self._head.logprobs(self._embed(texts), self.kind.outputs),
            self._embed.unread(texts),
        )

    def _several(self, examples: Sequence[Example], texts: Sequence[str]) -> Iterator[Prediction]:
        """Each label against the rest."""
        said = outputs(self.kind, self._each.decision_function(self._embed(texts)) > self._cut)
        for example, output, unread in zip(examples, said, self._embed.unread(texts), strict=True):
            yield Prediction(example.id, output, trace=Trace(unread=unread))

    def _against_the_rest(self) -> Any:
        from sklearn.linear_model import LogisticRegression
        from sklearn.multiclass import OneVsRestClassifier

        weights = "balanced" if self.class_weights else None
        return OneVsRestClassifier(
            LogisticRegression(C=self.C, class_weight=weights, max_iter=2000, random_state=self.seed)
        )

    def __repr__(self) -> str:
        return (
            f"Embedding(kind={self.kind!r}, model={self.model!r}, C={self.C!r}, "
            f"class_weights={self.class_weights!r}, seed={self.seed!r})"
        )


def stated(
    examples: Sequence[Example],
    labels: tuple[str, ...],
    rows: Iterable[Sequence[float]],
    unread: Iterable[int],
) -> Iterator[Prediction]:
    """The likeliest label of each example; ``rows`` are log-probabilities in the order of ``labels``, ``unread`` the
    tokens that did not fit the encoder."""
    for example, scores, beyond in zip(examples, rows, unread, strict=True):
        yield chosen(example.id, labels, scores, Trace(unread=beyond))


def signature(name: str, model: str, **fields: Any) -> Signature:
    """What all that stands on an encoder names: the weights, and the versions and accelerator that run them."""
    import sklearn
    import torch
    import transformers

    encoder = None if model == "lsa" else Encoder(model)
    return Signature.of(
        predictor=name,
        model=model,
        weights=encoder.files.fingerprint if encoder else None,
        pooling="mean" if encoder else None,
        **fields,
        device="cuda" if encoder and encoder.device == "cuda" else None,
        sklearn=sklearn.__version__,
        torch=torch.__version__,
        transformers=transformers.__version__,
    )
