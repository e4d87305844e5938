"""What cannot be taken over, and why."""

from __future__ import annotations

from harness.errors import InputError

# What a refusal is counted under, and what it says of the cause.
REASONS = {
    "python": "it calls Python",
    "class": "it is a class of Python",
    "media": "it shows images or sound",
    "kind": "its output type has no counterpart",
    "metric": "its metric has no counterpart",
    "filter": "its filter has no counterpart",
    "data": "its data set runs code, or is files that it names itself",
    "splits": "its demonstrations are the items that it judges, or it judges none",
    "fields": "a field says what is not known here",
    "jinja": "its Jinja asks for what the sandbox has not",
    "file": "the file cannot be read, or includes what is not there",
}


class Refusal(InputError):
    """A definition that is not taken over; ``reason`` is one of ``REASONS``."""

    def __init__(self, where: str, reason: str, why: str) -> None:
        assert reason in REASONS
        super().__init__(f"{where}: not imported: {why}")
        self.reason = reason
