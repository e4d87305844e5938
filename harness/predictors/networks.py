"""What is trained: a network that gives every label a score for every example."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from harness.errors import InputError
from harness.models.checkpoint import Model
from harness.prompt.encode import Encoder
from harness.prompt.template import Template
from harness.types import Example, Tokens


class Network(Protocol):
    """``module`` holds the parameters, ``body`` the model without a head of ours; ``scores`` are (n, labels), whose
    softmax over the labels is what is stated."""

    module: Any
    body: Any

    def scores(self, examples: Sequence[Example]) -> Any: ...


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


class Classifier:
    """An encoder, mean-pooled over the text's tokens, dropout, and a linear head over the labels. Of a text longer than
    the encoder takes, the beginning is read."""

    def __init__(self, model: Model, body: Any, labels: tuple[str, ...]) -> None:
        import torch

        self.body, self._model, self._tokenizer = body, model, model.tokenizer
        self._longest = model.longest_text - reserved(body)
        if self._longest < 8:
            raise InputError(
                f"model {model.name!r}: {reserved(body)} virtual tokens leave no room for a text. It takes "
                f"{model.max_length} tokens in all; use fewer: --with tokens=20."
            )
        width = model.config.get_text_config().hidden_size
        self.head = torch.nn.Linear(width, len(labels), device=body.device)
        torch.nn.init.normal_(self.head.weight, std=0.02)
        torch.nn.init.zeros_(self.head.bias)
        self._dropout = torch.nn.Dropout(0.1)
        self.module = torch.nn.ModuleList([body, self.head, self._dropout])

    def unread(self, examples: Sequence[Example]) -> list[int]:
        """Tokens of each example that lie beyond what the encoder takes."""
        return self._model.beyond([example.text for example in examples], self._longest)

    def scores(self, examples: Sequence[Example]) -> Any:
        texts = [example.text for example in examples]
        read = self._tokenizer(
            texts,
            padding=True,
            truncation=True,
            max_length=self._longest,
            return_tensors="pt",
            return_token_type_ids=False,
            split_special_tokens=True,  # control tokens in data are text
        )
        batch = read.to(self.body.device)
        hidden = self.body(**batch).last_hidden_state
        # Virtual tokens, which prompt tuning puts in front, are not the text's.
        hidden = hidden[:, -batch["input_ids"].shape[1] :]
        mask = batch["attention_mask"][..., None].to(hidden.dtype)
        return self.head(self._dropout((hidden * mask).sum(1) / mask.sum(1)))


class Chooser:
    """A causal language model asked with a template: a label's score is the log-likelihood of its answer word, the very
    score that prompts are judged by."""

    def __init__(self, model: Model, body: Any, template: Template) -> None:
        import torch

        self.body, self._template, self._longest = body, template, model.max_length - reserved(body)
        self._encoder = Encoder(model.tokenizer, template)
        self.module = torch.nn.ModuleList([body])

    def scores(self, examples: Sequence[Example]) -> Any:
        import torch

        encoded = self._encoder.encode([self._template.render(example) for example in examples])
        rows: dict[Tokens, int] = {}
        for each in encoded:
            for choice in each.choices or ():
                rows.setdefault(each.prompt + choice[:-1], len(rows))
        width = max(map(len, rows))
        if width >= self._longest:
            raise InputError(
                f"a training prompt takes {width + 1} tokens with its answer, but the model takes {self._longest}. Use "
                "a shorter template (--with template=NAME) or shorter texts."
            )
        ids = torch.tensor([[*row, *[0] * (width - len(row))] for row in rows], device=self.body.device)
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows], device=self.body.device)
        # Virtual tokens, which prompt tuning puts in front, are not the prompt's.
        logits = self.body(input_ids=ids, attention_mask=mask).logits[:, -width:]
        out = []
        for each in encoded:
            first = len(each.prompt) - 1
            sums = []
            for choice in each.choices or ():
                part = logits[rows[each.prompt + choice[:-1]], first : first + len(choice)].float().log_softmax(-1)
                sums.append(part[range(len(choice)), list(choice)].sum())
            out.append(torch.stack(sums))
        return torch.stack(out)
