"""Where a server is: its address and its key, and what of them may be said."""

from __future__ import annotations

import os
from collections.abc import Iterable
from hashlib import pbkdf2_hmac
from itertools import pairwise
from typing import Any
from urllib.parse import unquote

from harness import secret
from harness.errors import InputError

SHOWN = 300  # characters of a server's message
ROUNDS = 100_000  # so that a short secret is not found by trying all
NAMED = ("key", "token", "secret", "sig", "signature", "password", "auth", "code")  # what a secret's name ends in


class Address:
    """A server at ``base_url`` (its path included, such as http://localhost:8000/v1), whose key is in the environment
    variable ``key_name``.

    ``name`` says where it is without what may be secret: login, query, and pieces of the path that look like a key.
    ``identity`` tells it from others that differ in the query or in such pieces, by a few digits of a hash of those.
    ``login`` are a user and a password, or None. ``met``: whether anything was there."""

    def __init__(self, base_url: str, key_name: str) -> None:
        import httpx

        try:
            url = httpx.URL(base_url)
        except httpx.InvalidURL:
            url = httpx.URL()
        if url.scheme not in ("http", "https") or not url.host:
            raise InputError("base_url is no address of a server: give one such as http://localhost:8000/v1.")
        self.key_name, self.met = key_name, False
        self.login = (url.username, url.password) if url.userinfo else None
        for each in (url.password, url.userinfo.decode("ascii"), ":".join(self.login or ())):
            secret.keep(each)
        self._url = url.copy_with(userinfo=b"", fragment=None)
        pieces = url.raw_path.partition(b"?")[0].decode().rstrip("/").split("/")
        private = _private(pieces)
        named = [value for name, value in url.params.multi_items() if name.lower().endswith(NAMED)]
        for each in (*(unquote(pieces[place]) for place in private), *named):
            secret.keep(each)
        bare = str(self._url.copy_with(raw_path=b"/")).rstrip("/")
        self.name = bare + "/".join(secret.MARK if place in private else piece for place, piece in enumerate(pieces))
        self.identity = self.name
        if private or url.query:
            whole = self._url.raw_path.rstrip(b"/")
            self.identity += f"#{pbkdf2_hmac('sha256', whole, bare.encode(), ROUNDS).hex()[:8]}"

    @property
    def key(self) -> str:
        """Read when it is needed; only what must not be said of it is kept."""
        key = os.environ.get(self.key_name, "").strip()
        if not key.isascii() or not key.isprintable():
            raise InputError(f"the environment variable {self.key_name} holds no key: it has characters no key has.")
        secret.keep(key)
        return key

    def to(self, path: str) -> Any:
        """The URL of ``path`` below the address."""
        place, mark, query = self._url.raw_path.partition(b"?")
        return self._url.copy_with(raw_path=b"%s/%s%s%s" % (place.rstrip(b"/"), path.encode(), mark, query))

    def told(self, text: str) -> str:
        """What the server, or an exception about it, says: on one line, bounded, without secrets."""
        return secret.silent(" ".join(secret.silent(text).split()))[:SHOWN]


def _private(pieces: Iterable[str]) -> set[int]:
    """The places of pieces of a path that look like a key, or stand behind a piece that announces one."""
    numbered = list(enumerate(pieces))
    announced = {place for (_, before), (place, _) in pairwise(numbered) if before.lower().endswith(NAMED)}
    return announced | {place for place, piece in numbered if secret.looks_secret(piece)}
