"""Texts to unit vectors."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from harness.errors import HarnessError
from harness.models.checkpoint import Model
from harness.models.lsa import DIMENSIONS, SAMPLE, Lsa
from harness.types import Signature

DEFAULT = "lsa"
BATCH = 64
PIECE = 65_536  # texts whose vectors are held twice, at most
Vectors = npt.NDArray[np.float32]


class Embedder:
    """``lsa``: latent semantic analysis of the texts it was fitted on, which needs no model. Anything else: an
    ``Encoder``."""

    def __init__(self, name: str = DEFAULT) -> None:
        self.name = name

    def fit(self, texts: Sequence[str]) -> Self:
        self._encode = Lsa().fit(texts) if self.name == "lsa" else Encoder(self.name).vectors
        return self

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """(n, d) float32 rows of length 1 (or 0, for a text with no known feature)."""
        if len(texts) <= PIECE:
            return unit(self._encode(list(texts)))
        first = self(texts[:PIECE])
        out = np.empty((len(texts), first.shape[1]), dtype=np.float32)
        out[:PIECE] = first
        for start in range(PIECE, len(texts), PIECE):
            out[start : start + PIECE] = self(texts[start : start + PIECE])
        return out

    def alone(self, texts: Sequence[str]) -> Vectors:
        """The rows of texts that do not depend, to the last bit, on the others: an encoder gets them one by one, since
        what they are padded to shows in the last bits."""
        return self(texts) if self.name == "lsa" else np.concatenate([self([text]) for text in texts])

    @property
    def identity(self) -> Signature:
        """What decides its vectors, besides the texts that it is fitted on."""
        import sklearn
        import torch
        import transformers

        if self.name == "lsa":
            return Signature.of(embedder="lsa", dimensions=DIMENSIONS, sample=SAMPLE, sklearn=sklearn.__version__)
        encoder = Encoder(self.name)
        return Signature.of(
            embedder=encoder.files.fingerprint,
            device=encoder.device,
            torch=torch.__version__,
            transformers=transformers.__version__,
        )

    def save(self, folder: Path) -> None:
        """Write what ``fit`` learnt to ``folder``."""
        if isinstance(self._encode, Lsa):
            self._encode.save(folder)

    def load(self, folder: Path) -> Self:
        """Be as the one that wrote ``folder``."""
        self._encode = Lsa.load(folder) if self.name == "lsa" else Encoder(self.name).vectors
        return self

    def unread(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text that lie beyond the encoder's length."""
        return [0] * len(texts) if self.name == "lsa" else Encoder(self.name).unread(texts)


def unit(rows: Any) -> Vectors:
    """(n, d) rows scaled to length 1; those of 0 stay 0."""
    rows = np.asarray(rows, dtype=np.float32)
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    out: Vectors = np.divide(rows, norm, out=np.zeros_like(rows), where=norm > 0)
    return out


class Encoder:
    """A transformer encoder, mean-pooled over the attention mask, as sentence-transformers does for this family.
    ``minilm``, a local path or a hub name; ``folder`` overrides where its files lie (a fine-tuned copy)."""

    def __init__(self, name: str, folder: Path | None = None) -> None:
        self.name, self.folder = name, folder

    @cached_property
    def files(self) -> Model:
        """The model's files, and their fingerprint."""
        return Model(str(self.folder or self.name))

    @cached_property
    def device(self) -> str:
        import torch

        return "cuda" if torch.cuda.is_available() else "cpu"

    @cached_property
    def model(self) -> Any:
        """The network, in evaluation mode. Raises InputError where none can be loaded."""
        from transformers import AutoModel

        _ = self.files.config
        return self.files.load(AutoModel).to(self.device).eval()

    def pooled(self, texts: Sequence[str]) -> Any:
        """(n, d) tensor of means over the tokens, with gradients where they are on."""
        batch = self._read(texts)
        hidden = self.model(**batch).last_hidden_state
        mask = batch["attention_mask"][..., None].to(hidden.dtype)
        return (hidden * mask).sum(1) / mask.sum(1)

    def tokens(self, texts: Sequence[str]) -> list[Vectors]:
        """(tokens, d) unit rows of each text, in the order given: what the encoder makes of each token in its place,
        those that it adds of its own left out."""
        import torch

        found: dict[int, Vectors] = {}
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for start in range(0, len(order), BATCH):
            places = order[start : start + BATCH]
            batch = self._read([texts[i] for i in places], return_special_tokens_mask=True)
            own = (batch["attention_mask"] * (1 - batch.pop("special_tokens_mask"))).bool().cpu().numpy()
            with torch.inference_mode():
                hidden = self.model(**batch).last_hidden_state.float().cpu().numpy()
            found.update({place: unit(rows[kept]) for place, rows, kept in zip(places, hidden, own, strict=True)})
        return [found[place] for place in range(len(texts))]

    def _read(self, texts: Sequence[str], **how: Any) -> Any:
        """The texts as the tokenizer's batch. Control tokens in data are text."""
        read = {"padding": True, "truncation": True, "max_length": self.files.longest_text}
        made = self.files.tokenizer(list(texts), **read, split_special_tokens=True, return_tensors="pt", **how)
        return made.to(self.device)

    def unread(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text that lie beyond the encoder's length."""
        return self.files.beyond(texts, self.files.longest_text)

    def vectors(self, texts: Sequence[str]) -> Any:
        """(n, d) float32 array. Texts of like length go through together: the least padding."""
        import torch

        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        parts = []
        with torch.inference_mode():
            for start in range(0, len(order), BATCH):
                batch = [texts[i] for i in order[start : start + BATCH]]
                parts.append(self.pooled(batch).float().cpu().numpy())
        rows = np.concatenate(parts)
        if not np.isfinite(rows).all():
            raise HarnessError(
                f"the encoder {self.name!r} turns texts into vectors that are not numbers (NaN or infinite): its "
                "weights or its training are broken. Fetch the model again, or train it with a lower learning rate."
            )
        out = np.empty_like(rows)
        out[order] = rows
        return out
