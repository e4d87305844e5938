"""What a score owes to how it was asked. A probe is one file and one line here; it says what it changed, what became of
each predictor's score, and where that is known from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from harness import params
from harness.compare.finding import Finding
from harness.plugins import Table
from harness.probe.asked import Asked

PROBES = Table(
    "probe",
    "harness.probe",
    "harness.probes",
    {
        "typos": "typos:Typos",
        "case": "case:Case",
        "space": "space:Space",
        "unicode": "unicode:Unicode",
        "numbers": "numbers:Numbers",
        "negation": "negation:Negation",
        "paraphrase": "paraphrase:Paraphrase",
        "swap": "swap:Swap",
        "attack": "attack:Attack",
        "crows-pairs": "crows:CrowsPairs",
        "winobias": "winobias:WinoBias",
        "bbq": "bbq:Bbq",
        "format": "format:Formats",
        "order": "order:Order",
        "draw": "order:Draw",
        "leak": "leak:Leak",
        "explain": "explain:Explain",
        "repeat": "repeat:Repeat",
    },
)


class Probe(Protocol):
    """Asks what it has to, and says what came of it. ``source`` is where it is known from. One that says of itself that
    it is ``named`` is none of ``--all``."""

    name: str
    source: str

    def look(self, asked: Asked) -> Finding: ...


def create(name: str, **given: str) -> Probe:
    """The probe called ``name``, with the parameters ``given`` as text. Raises InputError for an unknown name."""
    kind = PROBES.find(name)
    known = params.parameters(kind)
    made: Probe = kind(**{key: params.read(f"probe {name!r}", known[key], value) for key, value in given.items()})
    return made


def several(names: Iterable[str], given: Mapping[str, str]) -> list[Probe]:
    """The probes called ``names``; what is ``given`` (``budget``, or ``format.budget`` for one) is dealt among them."""
    takers = {name: params.parameters(PROBES.find(name)) for name in names}
    dealt = params.dealt(given, takers, "parameter of the probes", "--probe-with")
    return [create(name, **dealt[name]) for name in takers]
