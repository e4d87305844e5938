"""Texts through a pretrained encoder: what all heads on one share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.errors import InputError
from harness.kinds import Kind
from harness.models.checkpoint import Model
from harness.predictors.networks import blocks, reserved
from harness.types import Example, Prediction


class Encoded:
    """The encoder ``body`` of ``model`` with a linear ``head`` of ``width`` outputs, after dropout. Of a text longer
    than the encoder takes, the beginning is read."""

    def __init__(self, model: Model, body: Any, kind: Kind, width: int) -> None:
        import torch

        self.body, self.model, self.kind, self.tokenizer = body, model, kind, model.tokenizer
        self.longest = model.longest_text - reserved(body)
        if self.longest < 8:
            raise InputError(
                f"model {model.name!r}: {reserved(body)} virtual tokens leave no room for a text. It takes "
                f"{model.max_length} tokens in all; use fewer: --with tokens=20."
            )
        hidden = model.config.get_text_config().hidden_size
        self.head = torch.nn.Linear(hidden, width, device=body.device)
        torch.nn.init.normal_(self.head.weight, std=0.02)
        torch.nn.init.zeros_(self.head.bias)
        self.dropout = torch.nn.Dropout(0.1)
        self.module = torch.nn.ModuleList([body, self.head, self.dropout])

    def loss(self, examples: Sequence[Example], weight: Any = None) -> Any:
        """See ``Network``."""
        raise NotImplementedError

    def predict(self, examples: Sequence[Example]) -> Iterator[Prediction]:
        """See ``Network``."""
        raise NotImplementedError

    def watch(self, dev: Sequence[Example]) -> Mapping[str, float]:
        """The mean loss, and the items' mean score, over ``dev``."""
        import torch

        self.module.eval()
        with torch.inference_mode():
            losses = [float(self.loss(block)) * len(block) for block in blocks(dev)]
        said = {prediction.example_id: prediction.output for prediction in self.predict(dev)}
        right = [self.kind.right(example, said[example.id]) for example in dev]
        return {"dev_loss": sum(losses) / len(dev), "dev_score": sum(right) / len(right)}

    def unread(self, examples: Sequence[Example]) -> list[int]:
        """Tokens of each example that lie beyond what the encoder takes."""
        return self.model.beyond([example.text for example in examples], self.longest)

    def read(self, texts: Sequence[str], seconds: Sequence[str] | None = None, **how: Any) -> Any:
        """The texts, or pairs of texts, as the tokenizer's batch. Control tokens in data are text."""
        # Virtual tokens have no types of their own, so that with them none can be given.
        types = seconds is not None and not reserved(self.body) and "token_type_ids" in self.tokenizer.model_input_names
        return self.tokenizer(
            list(texts),
            None if seconds is None else list(seconds),
            padding=True,
            truncation=how.pop("truncation", True),
            max_length=self.longest,
            return_tensors="pt",
            return_token_type_ids=types,
            split_special_tokens=True,
            **how,
        )

    def hidden(self, batch: Any) -> Any:
        """(n, tokens, width) hidden states of a batch. Virtual tokens, which prompt tuning puts in front, are not the
        text's."""
        known = ("input_ids", "attention_mask", "token_type_ids")
        given = {name: batch[name].to(self.body.device) for name in known if name in batch}
        return self.body(**given).last_hidden_state[:, -given["input_ids"].shape[1] :]

    def pooled(self, batch: Any) -> Any:
        """(n, outputs): the head over the mean of the tokens' hidden states."""
        hidden = self.hidden(batch)
        mask = batch["attention_mask"].to(hidden.device)[..., None].to(hidden.dtype)
        return self.head(self.dropout((hidden * mask).sum(1) / mask.sum(1)))
