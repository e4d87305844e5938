"""When requests to a server may go: at which rates, how often again, and not while it asks to be left alone."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from harness.errors import InputError


@dataclass(frozen=True, slots=True)
class Manners:
    """How a server is treated. ``backoff``: seconds that the first new attempt waits at most, each later one up to
    twice as long; ``timeout``: seconds in which an attempt must be answered to the end; a rate of 0 is none."""

    concurrency: int = 16
    retries: int = 6
    timeout: float = 300.0
    backoff: float = 0.5
    requests_per_minute: int = 0
    tokens_per_minute: int = 0

    def __post_init__(self) -> None:
        if self.concurrency < 1 or not self.timeout > 0:
            raise InputError("concurrency must be at least 1, and timeout more than 0 seconds.")
        if min(self.retries, self.backoff, self.requests_per_minute, self.tokens_per_minute) < 0:
            raise InputError("retries, backoff, requests_per_minute and tokens_per_minute must not be negative.")


class Pace:
    """When requests may go: evenly, at the rates allowed, and not while the server asks to be left alone."""

    def __init__(self, manners: Manners) -> None:
        self._manners = manners
        self._free = 0.0  # on the monotonic clock

    def turn(self, tokens: int) -> float:
        """Seconds until a request of ``tokens`` may go. Its share of the rates is taken."""
        now, how = time.monotonic(), self._manners
        start = max(now, self._free)
        share = 60 / how.requests_per_minute if how.requests_per_minute else 0.0
        if how.tokens_per_minute:
            share = max(share, 60 * tokens / how.tokens_per_minute)
        self._free = start + share
        return start - now

    def hold(self, seconds: float) -> None:
        """Nothing goes for ``seconds``."""
        self._free = max(self._free, time.monotonic() + seconds)


def pause(headers: Mapping[str, str]) -> float:
    """Seconds that a server asks to be left alone: ``Retry-After`` (seconds or a date), else the shortest of the
    ``x-ratelimit-reset-*`` (such as 1m2.5s), for it does not say which limit was met; 0 where it asks nothing, or
    nothing that can be."""
    with suppress(ValueError):
        return _sound(float(headers.get("retry-after-ms", "")) / 1000)
    after = headers.get("retry-after", "")
    with suppress(ValueError):
        return _sound(float(after))
    with suppress(ValueError, TypeError, OverflowError):
        then = parsedate_to_datetime(after)
        zoned = then if then.tzinfo else then.replace(tzinfo=UTC)  # a date in HTTP is one of Greenwich
        return _sound((zoned - datetime.now(UTC)).total_seconds())
    resets = [value for name, value in headers.items() if name.lower().startswith("x-ratelimit-reset")]
    return _sound(min(map(_seconds, resets), default=0.0))


def _sound(seconds: float) -> float:
    return seconds if math.isfinite(seconds) and seconds > 0 else 0.0


def _seconds(text: str) -> float:
    """Of 1h, 6m0s, 1m2.5s or 20ms; 0 for anything else."""
    if not re.fullmatch(r"(\d+(\.\d+)?(ms|s|m|h))+", text):
        return 0.0
    units = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
    return sum(float(number) * units[unit] for number, _, unit in re.findall(r"(\d+(\.\d+)?)(ms|s|m|h)", text))
