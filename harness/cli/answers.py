"""`--answers`: files of answers made elsewhere, as predictors of a command."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from harness.cli.screen import note

if TYPE_CHECKING:
    from harness.predictors.recorded import Recorded
    from harness.task.definition import Task


def recorded(task: Task, split: str, given: Sequence[str], calibrations: Sequence[str] = ("none",)) -> list[Recorded]:
    """A predictor for each of the answers in the files ``given`` and each calibration that they allow."""
    from harness.bring import answers
    from harness.predictors.calibrated import NONE
    from harness.predictors.recorded import Recorded

    made = []
    for file in given:
        for each in answers.read(file, task, split):
            for line in each.told:
                note(f"harness: {line}")
            plain = Recorded(task.kind, each.recordings, each.name, each.digest, each.model, each.draw)
            made.append(plain)
            for name in calibrations:
                if name != NONE and plain.scored and plain.calibrates(name):
                    made.append(
                        Recorded(task.kind, each.recordings, each.name, each.digest, each.model, each.draw, name)
                    )
    return made
