"""What is trained: a pretrained network with what its answers are read off."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from harness.errors import InputError
from harness.kinds import Kind
from harness.models.checkpoint import Model
from harness.plugins import Table
from harness.types import Example, Prediction

HEADS = Table(
    "head",
    "harness.predictors",
    "harness.heads",
    {
        "label": "label_head:Classifier",
        "labels": "labels_head:Tagger",
        "options": "options_head:Ranker",
        "tags": "tags_head:SpanTagger",
        "answer": "span_head:Reader",
    },
)
SCORED = 64  # examples looked at side by side


class Network(Protocol):
    """``module`` holds the parameters, ``body`` the model without a head of ours, ``head`` that one, if there is one.

    ``loss`` is the mean over examples, to be minimised; ``weight`` are those of the labels, where there are any.
    ``watch`` is what dev data are told by: ``dev_loss``, and a score to stop by where one is cheap to have."""

    module: Any
    body: Any
    head: Any

    def loss(self, examples: Sequence[Example], weight: Any = None) -> Any: ...
    def watch(self, dev: Sequence[Example]) -> Mapping[str, float]: ...
    def predict(self, examples: Sequence[Example]) -> Iterator[Prediction]: ...


def pretrained(model: Model) -> Any:
    """The network of ``model`` in float32: a causal language model with its head, or an encoder without one. Raises
    InputError where it is neither, or cannot be loaded."""
    import torch
    from transformers import AutoModel, AutoModelForCausalLM

    if getattr(model.config, "is_encoder_decoder", False):
        raise InputError(
            f"model {model.name!r}: an encoder-decoder, which no baseline trains. Use an encoder, such as minilm, or a "
            "causal language model."
        )
    body = model.load(AutoModelForCausalLM if model.causal else AutoModel, dtype=torch.float32)
    return body.to("cuda" if torch.cuda.is_available() else "cpu")


def reserved(body: Any) -> int:
    """Positions that peft's virtual tokens take from the text."""
    adapters = getattr(body, "peft_config", {}).values()
    return sum(getattr(adapter, "num_virtual_tokens", None) or 0 for adapter in adapters)


def headed(model: Model, body: Any, kind: Kind) -> Network:
    """An encoder's network with the head that answers of this ``kind`` need. Raises InputError where there is none."""
    if kind.head is None:
        raise InputError(
            f"model {model.name!r}: an encoder writes nothing, and an answer of kind {kind.name} is written. Name a "
            "causal language model, such as smollm2."
        )
    made: Network = HEADS.find(kind.head)(model, body, kind)
    return made


def blocks(examples: Sequence[Example]) -> Iterator[Sequence[Example]]:
    """``examples`` in order, so many at once as are looked at side by side."""
    for start in range(0, len(examples), SCORED):
        yield examples[start : start + SCORED]
