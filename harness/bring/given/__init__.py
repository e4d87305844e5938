"""Runs for other programs: the answers of one, or its task, in their format. A format is a file here, and a line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from harness import aside
from harness.bring.given import every_eval, hub, lm_eval
from harness.bring.given.finished import Finished, finished
from harness.errors import unknown

FORMS: Mapping[str, Callable[[Finished], Mapping[str, str]]] = {
    "hub": hub.files,
    "lm-eval": lm_eval.files,
    "eee": every_eval.files,
}


def export(form: str, run: str, into: Path, results: Path) -> list[str]:
    """Write ``run``, a name or a folder, in ``form`` below ``into``, and say so. Raises InputError for an unknown form
    or run, and where the task is not there, or is no longer the one that the run is of."""
    if form not in FORMS:
        raise unknown("form", form, FORMS)
    found = finished(run, results)
    said = []
    for name, text in FORMS[form](found).items():
        aside.write(into / name, text)
        said.append(f"wrote {into / name}")
    return [*said, *found.told]
