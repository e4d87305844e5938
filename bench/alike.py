"""Whether what is imported from lm-evaluation-harness asks and scores as it does: all its tasks, on items made up.

    python bench/alike.py LM_EVAL_TASKS_FOLDER SECONDS [OUT.json]      # with lm_eval and datasets installed

Items are made of the names that a task's Jinja asks for. A task of which lm_eval takes none of four shapes of them is
passed over. Compared are prompts with demonstrations, chats, requests and scores.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from jinja2 import meta

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from lm_eval_asked import ours, same_scores, theirs

from harness.bring.lm_eval import folder
from harness.bring.lm_eval.definition import Definition, define
from harness.bring.lm_eval.document import load
from harness.bring.lm_eval.question import jinja
from harness.errors import InputError

WORDS = ("kettle", "violin", "map", "clock", "lantern", "ferry", "barn", "bicycle", "glass", "stone")
REPLIES = ["kettle", "A"]


def names(*texts: Any) -> set[str]:
    """The columns that the Jinja of fields asks for."""
    env = jinja2.Environment()
    trees = [env.parse(jinja(text)) for text in texts if isinstance(text, str)]
    return {name for tree in trees for name in meta.find_undeclared_variables(tree)}


def item(task: Definition, place: int, shape: int) -> dict[str, Any]:
    """An item of one of four shapes: the target a number, a letter, a number as text, a text."""
    words = [WORDS[(place + step) % 10] for step in range(5)]
    listed = [f"{word} {step}" for step, word in enumerate(words)]
    targets = names(task.target)
    made: dict[str, Any] = {}
    for name in sorted(names(task.text, task.choices, task.target)):
        if name in targets:
            made[name] = (place % 2, "AB"[place % 2], str(place % 2 + 1), f"{words[0]} {name}")[shape]
        elif name in ("choices", "options"):
            made[name] = listed if shape % 2 == 0 else {"text": listed, "label": list("ABCDE")}
        else:
            made[name] = f" {words[0]} {name} {words[3] * 2} {place}"
    return made


def splits(task: Definition, document: Mapping[str, Any], shape: int) -> dict[str, list[dict[str, Any]]]:
    made = {task.splits.test: [item(task, place, shape) for place in range(2)]}
    if task.splits.train:
        made[task.splits.train] = [item(task, place, shape) for place in range(3, 7)]
    for field in ("training_split", "validation_split"):
        if name := document.get(field):
            made.setdefault(name, [item(task, place, shape) for place in range(7, 9)])
    return made


def outcome(path: Path) -> str:
    """``same``, ``other``, ``refused``, or ``passed over``."""
    try:
        document = load(path)
        task = define(document, path)
    except InputError:
        return "refused"
    shots = min(2, len(task.splits.samples)) if task.splits.samples else 2 if task.splits.train else 0
    for shape in range(4):
        held = splits(task, document, shape)
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                asked = theirs(path, held, shots, REPLIES)
        except Exception:  # lm_eval takes no items of this shape
            continue
        try:
            with tempfile.TemporaryDirectory() as scratch:
                made = ours(path, held, shots, Path(scratch), REPLIES)
        except InputError:
            continue
        equal = all(
            json.loads(json.dumps(asked[part])) == json.loads(json.dumps(made[part])) for part in ("plain", "chat")
        )
        return "same" if equal and same_scores(asked["scores"], made["scores"]) else "other"
    return "passed over"


def main() -> None:
    root, end = Path(sys.argv[1]), time.time() + float(sys.argv[2])
    out = Path(sys.argv[3] if len(sys.argv) > 3 else "bench/results/alike.json")
    logging.disable(logging.CRITICAL)
    files = sorted(root.rglob("*.yaml"))
    random.Random(5).shuffle(files)
    found: Counter[str] = Counter()
    families = set()
    for path in files:
        if time.time() > end:
            break
        what = outcome(path)
        found[what] += 1
        if what == "same":
            families.add(path.relative_to(root).parts[0])
        if what == "other":
            print(path, file=sys.stderr)
    result = {"source": folder.version(root), "looked_at": sum(found.values()), "of": len(files), **found}
    result |= {"families": len(families)}
    out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
