"""How much of lm-evaluation-harness's own tasks is taken over natively, and why the rest is not.

    python bench/imported.py LM_EVAL_TASKS_FOLDER [OUT.json]

Each YAML that defines a task is read, refused with a reason, or made into task and templates, which are read back.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from pathlib import Path

from harness.bring.lm_eval import folder, write
from harness.bring.lm_eval.definition import define
from harness.bring.lm_eval.document import load
from harness.bring.lm_eval.refusal import REASONS, Refusal
from harness.errors import InputError
from harness.prompt import template
from harness.task import definition


def outcome(path: Path, scratch: Path) -> tuple[str, str]:
    """What became of a file: ``imported``, ``group``, ``part`` (it is only included), ``refused`` or ``crashed``, and
    the reason or kind."""
    try:
        document = load(path)
        if isinstance(document.get("task"), list) or "group" in document:
            return "group", ""
        if not isinstance(document.get("task"), str):
            return "part", ""
        task = define(document, path)
        made = write.made(task, "measured", None, scratch)
        home = scratch / made.name
        home.mkdir(exist_ok=True)
        files = {Path(name).name: text for name, text in made.files.items()}
        (home / "task.yaml").write_text(files["task.yaml"], encoding="utf-8", newline="")
        read = definition.read(made.name, home)
        for name in (write.TEMPLATE, write.CHAT):
            template.parse("lm-eval", home / name, files[name], read)
    except Refusal as refusal:
        return "refused", refusal.reason
    except InputError as error:
        return "crashed", str(error)
    except Exception as error:  # what this script is there to find
        return "crashed", f"{type(error).__name__}: {error}"
    return "imported", read.kind.name


def main() -> None:
    root = Path(sys.argv[1])
    out = Path(sys.argv[2] if len(sys.argv) > 2 else "bench/results/imported.json")
    found: Counter[tuple[str, str]] = Counter()
    families: dict[str, Counter[str]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for path in sorted(root.rglob("*.yaml")):
            what, why = outcome(path, Path(scratch))
            found[what, why] += 1
            families.setdefault(path.relative_to(root).parts[0], Counter())[what] += 1
            if what == "crashed":
                print(path, why, file=sys.stderr)
    kinds = {kind: n for (what, kind), n in found.most_common() if what == "imported"}
    refused = {reason: n for (what, reason), n in found.most_common() if what == "refused"}
    tasks = sum(kinds.values()) + sum(refused.values())
    result = {
        "source": folder.version(root),
        "files": sum(found.values()),
        "groups": sum(n for (what, _), n in found.items() if what == "group"),
        "parts": sum(n for (what, _), n in found.items() if what == "part"),
        "tasks": tasks,
        "imported": sum(kinds.values()),
        "share": round(sum(kinds.values()) / tasks, 4),
        "kinds": kinds,
        "refused": refused,
        "reasons": {reason: REASONS[reason] for reason in refused},
        "crashed": sum(n for (what, _), n in found.items() if what == "crashed"),
        "families_with_any_imported": sum(bool(each["imported"]) for each in families.values()),
        "families": len(families),
    }
    out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
