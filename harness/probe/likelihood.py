"""How likely texts are to a model, token by token."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.engines import inference
from harness.engines.journal import Journal, request_key
from harness.prompt.encode import Encoder
from harness.stats.resample import Array
from harness.types import Engine, Request, Tokens


def tokens(engine: Engine, texts: Sequence[str]) -> list[Tokens]:
    """The texts' tokens, as many as the model takes."""
    return [row[: engine.max_length] for row in Encoder(engine.tokenizer).tokens(texts)]


def logprobs(engine: Engine, journal: Journal | None, rows: Sequence[Tokens]) -> list[Array]:
    """The natural-log probability of each token of ``rows`` after those before it; the first is given. Empty where an
    engine has failed, or there is one token only."""
    requests = {}
    for row in rows:
        if len(row) > 1:
            prompt, choices = row[:1], (row[1:],)
            requests[row] = Request(request_key(engine.identity, prompt, choices, None), prompt, choices)
    found = {}
    for answer in inference.answers(engine, journal, requests.values()):
        if not answer.failure and answer.choice_logprobs:
            found[answer.key] = np.array(answer.choice_logprobs[0])
    empty: Array = np.array([])
    return [found.get(requests[row].key, empty) if row in requests else empty for row in rows]
