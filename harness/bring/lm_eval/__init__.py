"""Tasks and prompts of lm-evaluation-harness, taken over without it and without Python of theirs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.bring.lm_eval import folder, write
from harness.bring.lm_eval.definition import define
from harness.bring.lm_eval.document import load
from harness.bring.lm_eval.refusal import Refusal


def bring(
    given: str, into: Path, path: Path | None = None, data: Path | None = None, pipeline: str | None = None
) -> list[str]:
    """Write what ``given``, a file of a task or group, or the name of one, becomes below ``into``, and say so, a line
    each. Of several tasks those that are refused are left out, and told; raises Refusal where it is the only one, or
    all are."""
    named = list(found(given, path))
    made, refused = list[write.Made](), list[Refusal]()
    for file, more in named:
        try:
            task = define({**load(file), **more}, file, pipeline, data is not None)
            made.append(write.made(task, folder.version(file), data, into))
        except Refusal as refusal:
            refused.append(refusal)
    if refused and not made:
        raise refused[0]
    said = [line for each in made for line in write.write(each, into)]
    return [*said, *(f"left out: {refusal}" for refusal in refused)]


def found(given: str, path: Path | None) -> Iterator[tuple[Path, Mapping[str, Any]]]:
    """The files of the tasks that ``given`` names, with what a group says of each besides."""
    file = Path(given)
    if file.suffix in (".yaml", ".yml") or file.is_file():
        yield from folder.Folder(path or file.parent).members(file)
        return
    yield from folder.located(path).named(given)
