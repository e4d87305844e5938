"""Prompts and answers as rows of tokens for training: heads that answers share are run once, and logits are made only
where an answer's tokens are read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import InputError
from harness.predictors.networks import reserved
from harness.prompt.encode import Encoded
from harness.types import Tokens


@dataclass(frozen=True, slots=True)
class Row:
    """One row: ``tokens`` at the positions ``depths``; of each token ``parent`` is the place of the one before it,
    which it sees with all that that one sees. ``reads`` are, for each answer, the places after which its tokens
    come."""

    tokens: list[int]
    depths: list[int]
    parents: list[int]
    reads: list[list[int]]


class Rows:
    """Logits of the causal language model ``body`` at the answers of encoded prompts.

    Where its attention takes a tree mask, each prompt is one row, with its answers as branches behind it; else a row
    for each answer. ``longest`` are the tokens that the model takes."""

    def __init__(self, body: Any, longest: int) -> None:
        self._body, self.longest = body, longest - reserved(body)
        text = body.config.get_text_config()
        layers = set(getattr(text, "layer_types", None) or ())
        sliding = not layers and getattr(text, "sliding_window", None)
        self._trees = not (layers - {"full_attention"} or sliding or reserved(body))

    def logprobs(self, encoded: Sequence[Encoded]) -> list[list[Any]]:
        """For each prompt, for each of its answers, the (tokens,) natural-log probabilities of its tokens.

        Raises InputError for a row that the model does not take."""
        import torch

        rows = [row for each in encoded for row in self._rows(each)]
        width = max(len(row.tokens) for row in rows)
        deepest = max(max(row.depths) for row in rows) + 1
        if deepest >= self.longest:
            raise InputError(
                f"a training prompt takes {deepest + 1} tokens with its answer, but the model takes {self.longest}. "
                "Use a shorter template (--with template=NAME) or shorter texts."
            )
        # Rows without a tree are padded at their end: virtual tokens stand right before the first token then.
        gaps = [width - len(row.tokens) if self._trees else 0 for row in rows]
        kept = width - min(min(places[0] for places in row.reads) + gap for row, gap in zip(rows, gaps, strict=True))
        logits = self._logits(rows, gaps, width, kept)
        found: list[list[Any]] = []
        place = 0
        for each in encoded:
            mine: list[Any] = []
            while len(mine) < len(each.choices or ()):
                skipped = width - kept - gaps[place]
                for reads in rows[place].reads:
                    answer = (each.choices or ())[len(mine)]
                    part = logits[place, [read - skipped for read in reads]].float().log_softmax(-1)
                    mine.append(part[torch.arange(len(answer)), torch.tensor(answer)])
                place += 1
            found.append(mine)
        return found

    def _rows(self, each: Encoded) -> list[Row]:
        answers = each.choices or ()
        return [_row(each.prompt, answers)] if self._trees else [_row(each.prompt, [answer]) for answer in answers]

    def _logits(self, rows: Sequence[Row], gaps: Sequence[int], width: int, kept: int) -> Any:
        """(rows, kept, vocabulary) at the last places of rows with so many places of padding before them."""
        import torch

        def filled(tokens: list[int], gap: int) -> list[int]:
            return [0] * gap + tokens + [0] * (width - gap - len(tokens))

        device, pairs = self._body.device, list(zip(rows, gaps, strict=True))
        ids = torch.tensor([filled(row.tokens, gap) for row, gap in pairs], device=device)
        if not self._trees:
            mask = torch.tensor([filled([1] * len(row.tokens), gap) for row, gap in pairs], device=device)
            return self._body(input_ids=ids, attention_mask=mask, logits_to_keep=kept).logits
        seen = torch.stack([_seen(row, gap) for row, gap in pairs]).to(device)
        mask = torch.zeros(seen.shape, dtype=self._body.dtype, device=device)
        mask = mask.masked_fill_(~seen, torch.finfo(mask.dtype).min)[:, None]
        places = torch.tensor([filled(row.depths, gap) for row, gap in pairs], device=device)
        return self._body(input_ids=ids, attention_mask=mask, position_ids=places, logits_to_keep=kept).logits


def _row(prompt: Tokens, answers: Sequence[Tokens]) -> Row:
    """The prompt with its answers as branches behind it, each without its last token, which is read and never fed."""
    last = len(prompt) - 1
    tokens, depths, parents = list(prompt), list(range(len(prompt))), list(range(-1, last))
    nodes: dict[Tokens, int] = {(): last}
    for answer in answers:
        for depth in range(1, len(answer)):
            beginning = answer[:depth]
            if beginning not in nodes:
                parents.append(nodes[beginning[:-1]])
                nodes[beginning] = len(tokens)
                tokens.append(beginning[-1])
                depths.append(last + depth)
    reads = [[nodes[answer[:depth]] for depth in range(len(answer))] for answer in answers]
    return Row(tokens, depths, parents, reads)


def _seen(row: Row, gap: int) -> Any:
    """(width, width): whether a place of the left-padded row sees another. Padding sees itself alone, so that no row of
    the attention is empty."""
    import torch

    width = gap + len(row.tokens)
    seen = torch.eye(width, dtype=torch.bool)
    straight = next((i for i, parent in enumerate(row.parents) if parent != i - 1), len(row.tokens))
    seen[gap : gap + straight, gap : gap + straight] |= torch.ones(straight, straight, dtype=torch.bool).tril()
    for place in range(straight, len(row.tokens)):
        seen[gap + place] |= seen[gap + row.parents[place]]
    return seen
