"""SIGINT and SIGTERM: the first unwinds a command, so that all it holds is closed; a second ends it at once."""

from __future__ import annotations

import os
import signal
from types import FrameType

SIGNALS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}


class Interrupted(BaseException):
    """A signal that ends the command; ``kept`` says what stays of its work. No Exception, so that nothing on its way
    takes it for an error to go on after, and no KeyboardInterrupt, which click ends with words of its own."""

    def __init__(self, number: int, kept: str = "") -> None:
        super().__init__(f"{SIGNALS[signal.Signals(number)]}{kept and '; '}{kept}.")
        self.number = number
        self.exit_code = 128 + number  # as a shell says it


def listen() -> None:
    """From now on the first signal raises Interrupted in the main thread. A process that is forked off is its library's
    to end, as if nothing were heard."""
    _handle(_raise)
    os.register_at_fork(after_in_child=leave)


def leave() -> None:
    """From now on a signal ends the process, whatever it is at."""
    _handle(signal.SIG_DFL)


def behind(error: BaseException | None) -> Interrupted | None:
    """The signal that ``error`` came of while all was unwound: a library whose processes got it too may fail then."""
    while error is not None and not isinstance(error, Interrupted):
        error = error.__context__
    return error


def _handle(handler: object) -> None:
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:  # as a shell has it for what runs in the background
            signal.signal(number, handler)  # type: ignore[arg-type]


def _raise(number: int, frame: FrameType | None) -> None:
    leave()
    raise Interrupted(number)
