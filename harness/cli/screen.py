"""What commands say goes out here, whatever its characters, whatever the terminal can write and whoever still reads;
secrets of this process do not."""

from __future__ import annotations

import codecs
import io
import os
import sys
from contextlib import suppress
from typing import Any, TextIO

import click

from harness import escape, secret

DRAWN = range(0x2500, 0x2580)  # the lines of tables


def prepare() -> None:
    """Before anything is said: what the encoding of stdout or stderr lacks is replaced, never fatal."""
    codecs.register_error("replaced", _replaced)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replaced")


def _replaced(error: UnicodeError) -> tuple[str, int]:
    """Lines of tables become hyphens, and other characters what JSON writes for them, so that JSON stays JSON."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join("-" if ord(each) in DRAWN else _spelt(each) for each in missing), error.end


def _spelt(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex()}" for i in range(0, len(units), 2))


def say(text: str, **style: Any) -> None:
    """A line or more on stdout; ``style`` is click's, for a terminal."""
    shown = escape.terminal(secret.hidden(text))
    _write(click.style(shown, **style) if style else shown, sys.stdout)


def note(text: str) -> None:
    """A line or more on stderr. Where that cannot be written nobody is left to be told; the exit code stands."""
    with suppress(OSError):
        _write(escape.terminal(secret.hidden(text)), sys.stderr)


def paragraph(error: BaseException | str) -> str:
    """An error's text as one paragraph, as every message of the command line is."""
    return " ".join(line.strip() for line in str(error).split("\n") if line.strip())


def _write(text: str, stream: TextIO) -> None:
    """Straight to ``stream``: click alone would write UTF-8 to one whose encoding is ASCII."""
    try:
        click.echo(text, file=stream)
    except OSError as error:
        # Nothing more can go there, nor at Python's end, whose exit code would then stand for the command's.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        # Where whoever read it has gone (``| head``) the work goes on, and its exit code says how it ended.
        if not isinstance(error, BrokenPipeError):
            raise
