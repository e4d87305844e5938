"""What the runs do not keep, and the page shows where it is known: texts, demonstrations, prompts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from harness.types import Example


@dataclass(frozen=True, slots=True)
class Written:
    """Prompts, one an item; ``exact`` says that they are as the model got them."""

    texts: Iterable[str]
    exact: bool


@dataclass(frozen=True, slots=True)
class Given:
    """``items`` are a table's, with their inputs, in its order; None where their texts are not known. ``demos`` are
    those that any row showed, by id. Of each row ``prompts`` makes its prompts (None where they are not known), and
    ``show`` are the words of the command that shows one. ``notes`` say what is missing, and why."""

    items: Sequence[Example] | None = None
    demos: Mapping[str, Example] = field(default_factory=dict)
    prompts: Sequence[Callable[[], Written] | None] = ()
    show: Sequence[Sequence[str] | None] = ()
    notes: Sequence[str] = ()
