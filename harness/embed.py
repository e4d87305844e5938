"""Texts to unit vectors."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from harness.model import Model

DEFAULT = "lsa"
BATCH = 64
Vectors = npt.NDArray[np.float32]


class Embedder:
    """``lsa``: TF-IDF of words and character n-grams reduced by truncated SVD on the texts it was fitted on
    (Deerwester et al., 1990), which needs no model. Anything else: an ``Encoder``."""

    def __init__(self, name: str = DEFAULT) -> None:
        self.name = name

    def fit(self, texts: Sequence[str]) -> Self:
        self._encode = _lsa(texts) if self.name == "lsa" else Encoder(self.name).vectors
        return self

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """(n, d) float32 rows of length 1 (or 0, for a text with no known feature)."""
        return unit(self._encode(list(texts)))

    def unread(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text that lie beyond the encoder's length."""
        return [0] * len(texts) if self.name == "lsa" else Encoder(self.name).unread(texts)


def unit(rows: Any) -> Vectors:
    """(n, d) rows scaled to length 1; those of 0 stay 0."""
    rows = np.asarray(rows, dtype=np.float32)
    norm = np.linalg.norm(rows, axis=1, keepdims=True)
    out: Vectors = np.divide(rows, norm, out=np.zeros_like(rows), where=norm > 0)
    return out


def _lsa(texts: Sequence[str]) -> Any:
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline, make_union

    features = make_union(
        TfidfVectorizer(sublinear_tf=True, token_pattern=r"(?u)\b\w+\b"),
        TfidfVectorizer(sublinear_tf=True, analyzer="char_wb", ngram_range=(2, 4)),
    )
    width = features.fit_transform(texts).shape
    dimensions = min(128, *(n - 1 for n in width))
    if dimensions < 2:  # a pool of one text: there is nothing to reduce
        return lambda rows: features.transform(rows).toarray()
    pipeline = make_pipeline(features, TruncatedSVD(dimensions, algorithm="arpack", random_state=0))
    with np.errstate(divide="ignore", invalid="ignore"):  # a pool of equal texts has no variance to explain
        return pipeline.fit(texts).transform


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
        read = {"padding": True, "truncation": True, "max_length": self.files.longest_text}
        batch = self.files.tokenizer(list(texts), **read, return_tensors="pt").to(self.device)
        hidden = self.model(**batch).last_hidden_state
        mask = batch["attention_mask"][..., None].to(hidden.dtype)
        return (hidden * mask).sum(1) / mask.sum(1)

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
        out = np.empty_like(rows)
        out[order] = rows
        return out
