"""When a text that a model writes is complete, and what is then the answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.tokens import TAIL, opening, until
from harness.types import Answer, Request, Sampling, Usage


@dataclass(frozen=True, slots=True)
class Ending:
    """What ends the text that answers ``request``: a token of ``final``, a stop as ``until`` finds it, or as many
    tokens as it may have. ``begun`` is the tag of a thought that the prompt ends by opening."""

    request: Request
    how: Sampling
    begun: str
    tokenizer: Any
    final: frozenset[int]

    @classmethod
    def of(cls, request: Request, tokenizer: Any, final: frozenset[int]) -> Ending:
        """That of ``request``, where the tokens ``final`` end any text."""
        assert request.sampling is not None
        begun = opening(tokenizer.decode(list(request.prompt[-TAIL:])))
        return cls(request, request.sampling, begun, tokenizer, final)

    def reached(self, made: Sequence[int]) -> bool:
        """Whether the last token of ``made`` completes it."""
        return made[-1] in self.final or len(made) >= self.how.max_tokens or self.stopped(made)

    def stopped(self, made: Sequence[int]) -> bool:
        """Whether a stop occurs, which did not before the last token. All is decoded only where that may be one's
        end."""
        if not self.how.stop:
            return False
        late = self.tokenizer.decode(list(made[-2:]), skip_special_tokens=True)
        # A token may be a part of a character.
        if "\ufffd" not in late and not any(stop[-1] in late for stop in self.how.stop):
            return False
        return until(self._text(made), self.how.stop)[1]

    def cut(self, made: Sequence[int]) -> list[int]:
        """``made`` up to where it was complete, for whoever went on."""
        for count in range(1, len(made)):
            if self.reached(made[:count]):
                return list(made[:count])
        return list(made)

    def answer(self, made: Sequence[int], computed: int) -> Answer:
        """The answer that the tokens ``made`` are, which cost ``computed`` tokens that were read."""
        ended = made[-1] in self.final
        text, stopped = until(self._text(made[:-1] if ended else made), self.how.stop)
        usage = Usage(len(self.request.prompt), computed, len(made))
        return Answer(self.request.key, text, "stop" if ended or stopped else "length", usage=usage)

    def _text(self, made: Sequence[int]) -> str:
        return self.begun + str(self.tokenizer.decode(list(made), skip_special_tokens=True))


def criteria(endings: Sequence[Ending], width: int) -> Any:
    """What transformers' own loop ends its rows by where a stop occurs; they are written from column ``width`` on."""
    import torch
    from transformers import StoppingCriteriaList

    def done(ids: Any, scores: Any, **_: Any) -> Any:
        rows = zip(endings, ids[:, width:].tolist(), strict=True)
        return torch.tensor([ending.stopped(row) for ending, row in rows], device=ids.device)

    return StoppingCriteriaList([done] if any(ending.how.stop for ending in endings) else [])
