"""What must not be said: keys and passwords, in every form in which they may come back.

What is kept here is this process's own, so that whoever prints, logs or seals something leaves it out."""

from __future__ import annotations

import json
import logging
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable
from functools import lru_cache
from html import escape
from urllib.parse import quote

MARK = "…"
CHANCE = 8  # characters: what is shorter may stand in a text by chance
LOGGERS = ("httpx", *(f"httpcore.{part}" for part in ("connection", "http11", "http2", "proxy")))

# Of a part of an address between slashes, or of a value in its query.
_PREFIX = re.compile(r"(?:sk|pk|rk|key|token|secret|hf|gsk|xai|ghp|nvapi|api[-_]?key)[-_]|AIza|eyJ", re.IGNORECASE)
_RUN = re.compile(r"(?=\w*\d)(?=\w*[^\W\d])\w{12,}|\w{20,}")  # no word, nor a model's name or a date
_WORD = re.compile(r"[A-Z]?[a-z]{0,18}|[A-Z]{0,19}|[\d.eE+-]*")

_known: set[str] = set()
_telling: set[str] = set()


def keep(secret: str) -> None:
    """From now on ``secret`` is not said: as it is, percent-encoded, in base64, or as JSON, Python or HTML have it."""
    if not secret:
        return
    raw = secret.encode()
    encoded = {quote(secret, safe=safe) for safe in ("", "/", "/:@!$&'()*+,;=")}
    encoded |= {re.sub("%..", lambda found: found[0].lower(), each) for each in encoded}
    packed = {make(raw).decode().rstrip("=") for make in (b64encode, urlsafe_b64encode)}
    written = {json.dumps(secret)[1:-1], json.dumps(secret)[1:-1].replace("/", "\\/"), repr(secret)[1:-1]}
    forms = {secret, escape(secret)} | encoded | packed | written
    _known.update(forms)
    _telling.update(filter(_tells, forms))


def hidden(text: str) -> str:
    """``text`` without the secrets that cannot stand in it by chance: those that are long, and no words or numbers."""
    return _without(text, _telling)


def silent(text: str) -> str:
    """``text`` without any secret: a short one, or one that is a word, where it stands as a word of its own."""
    return _without(text, _known)


def looks_secret(text: str) -> bool:
    """Whether ``text``, a piece of an address, may be a key: it begins as keys do, or a long run of its characters
    is none that a person would type."""
    return bool(_PREFIX.match(text) or any(_RUN.fullmatch(run) for run in re.split(r"[^A-Za-z0-9]+", text)))


def quiet(record: logging.LogRecord) -> bool:
    """A filter of a logger, which lets all records pass without secrets."""
    record.msg, record.args = silent(record.getMessage()), ()
    return True


def hush() -> None:
    """Have httpx, which logs addresses and headers where it is asked to, leave secrets out."""
    for name in LOGGERS:
        logging.getLogger(name).addFilter(quiet)


def _tells(form: str) -> bool:
    return len(form) >= CHANCE and not _WORD.fullmatch(form)


def _without(text: str, forms: Iterable[str]) -> str:
    found = frozenset(forms)
    return _pattern(found).sub(MARK, text) if found else text


@lru_cache(maxsize=4)
def _pattern(forms: frozenset[str]) -> re.Pattern[str]:
    """The longest first: one may be the beginning of another."""
    ordered = sorted(forms, key=lambda form: (-len(form), form))
    return re.compile(
        "|".join(re.escape(form) if _tells(form) else rf"(?<!\w){re.escape(form)}(?!\w)" for form in ordered)
    )
