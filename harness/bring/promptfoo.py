"""The prompts and tests of a promptfooconfig.yaml as a task with its templates."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness import paths
from harness.bring import foreign, project
from harness.bring.lm_eval.question import check, literal
from harness.errors import InputError
from harness.task import definition, files

TARGETS = ("equals", "contains", "iequals", "icontains")
_FILE = "file://"


def bring(file: Path, name: str | None, into: Path) -> list[str]:
    """Write what ``file`` asks and expects as ``tasks/NAME`` and ``prompts/NAME`` below ``into``, and say so. Raises
    InputError for a file that is none, and where nothing can be expected of its answers."""
    config = _config(file)
    name = paths.name("task", name or file.resolve().parent.name)
    folder, prompts = into / "tasks" / name, into / "prompts" / name
    if folder.exists():
        raise InputError(f"{folder} exists already. Choose another --name, or delete it.")
    said = list[str]()
    rows = _rows(config, file, said)
    columns = list(dict.fromkeys(key for _, held, _ in rows for key in held))
    named = project.names(columns)
    templates = [(stem, _template(text, named, file)) for stem, text in _prompts(config, file)]
    fields = _fields(file, rows, named)
    said += _loosened(rows)
    folder.mkdir(parents=True)
    prompts.mkdir(parents=True, exist_ok=True)
    lines = [
        {"id": f"test-{number}", **{key: held.get(key, "") for key in columns}, "target": target}
        for number, (_, held, target) in enumerate(rows, 1)
    ]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (folder / "test.jsonl").write_text(text, encoding="utf-8")
    (folder / "task.yaml").write_text(project.dumped(fields), encoding="utf-8")
    for stem, body in templates:
        (prompts / f"{stem}.j2").write_text(body, encoding="utf-8", newline="")
    definition.read(name, folder)
    return [f"wrote {folder} and {prompts}: {len(rows)} items, {len(templates)} templates", *said]


def _config(file: Path) -> Mapping[str, Any]:
    found = foreign.read(file)
    if not isinstance(found, dict) or "prompts" not in found or "tests" not in found:
        raise InputError(f"{file}: has no `prompts` and `tests`, so it is no promptfooconfig.yaml.")
    return found


def _prompts(config: Mapping[str, Any], file: Path) -> list[tuple[str, str]]:
    """Name and text of each prompt."""
    held = config["prompts"]
    found = list[tuple[str, str]]()
    for place, each in enumerate(held if isinstance(held, list) else [held], 1):
        said = each.get("raw", each.get("id")) if isinstance(each, dict) else each
        label = each.get("label") if isinstance(each, dict) else None
        if not isinstance(said, str):
            raise InputError(f"{file}: prompt {place} is no text and no file.")
        text = said
        if said.startswith(_FILE):
            path = file.parent / said.removeprefix(_FILE)
            if path.suffix not in (".txt", ".md", ".j2", ".json", ".yaml", ".yml") or ":" in path.name:
                raise InputError(f"{file}: prompt {place} is made by {path.name}; only texts are read, no programs.")
            try:
                text = paths.text(path, foreign.LONGEST)
            except (OSError, UnicodeDecodeError) as error:
                raise InputError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}.") from None
            label = label or path.stem
        stem = re.sub(r"[^\w.-]+", "-", str(label or f"prompt-{place}")).strip("-.").lower()
        found.append((paths.name("template", stem or f"prompt-{place}"), text))
    return found


def _template(text: str, named: Mapping[str, str], file: Path) -> str:
    """A prompt as a template: messages of a chat as turns, its variables by the names that they have here."""
    check(text, str(file))
    for own, column in named.items():
        if own != column:
            raise InputError(f"{file}: a variable is called {column!r}, which templates cannot; call it {own!r}.")
    matter = {"description": "From promptfoo.", "strip": False, "max_tokens": 256, "stop": []}
    turns = _turns(text)
    between = literal("\n\n")
    values = "".join(f"{{% set {name} = shot.{name} %}}" for name in named)
    if turns is None:
        asked = text.strip()
        body = f"{{% for shot in shots %}}{values}{asked}\n{{{{ shot.answer }}}}{between}{{% endfor %}}{asked}"
    else:
        asked = "".join(f"{{% {role} %}}{said}{{% end{role} %}}" for role, said in turns if role != "system")
        first = "".join(f"{{% {role} %}}{said}{{% end{role} %}}" for role, said in turns if role == "system")
        answer = "{% assistant %}{{ shot.answer }}{% endassistant %}"
        body = f"{first}{{% for shot in shots %}}{values}{asked}{answer}{{% endfor %}}{asked}"
    return f"---\n{project.dumped(matter)}---\n{body}"


def _turns(text: str) -> list[tuple[str, str]] | None:
    """The messages that a prompt is, where it is JSON or YAML of such."""
    if not text.lstrip().startswith(("[", "- role")):
        return None
    try:
        found = foreign.parse(text, "the prompt")
    except foreign.Unreadable:
        return None
    roles = ("system", "user", "assistant")
    if not isinstance(found, list) or not all(isinstance(each, dict) and each.get("role") in roles for each in found):
        return None
    return [(each["role"], str(each.get("content", ""))) for each in found]


Test = tuple[str, Mapping[str, str], str]
"""How an answer is held against what is expected, the variables, and what is expected."""


def _rows(config: Mapping[str, Any], file: Path, said: list[str]) -> list[Test]:
    tests = config["tests"]
    if isinstance(tests, str):
        tests = _table(file, tests)
    default = config.get("defaultTest") if isinstance(config.get("defaultTest"), dict) else {}
    found, without = list[Test](), 0
    for place, test in enumerate(tests if isinstance(tests, list) else [], 1):
        if not isinstance(test, dict):
            raise InputError(f"{file}: test {place} is no mapping of vars and assert.")
        held = {**_vars(default, file, place), **_vars(test, file, place)}
        target = _target([*(test.get("assert") or ()), *((default or {}).get("assert") or ())], held)
        if target is None:
            without += 1
            continue
        found.append((target[0], held, target[1]))
    if not found:
        raise InputError(
            f"{file}: no test says what an answer has to be. Read are the asserts {', '.join(TARGETS)}; what a program "
            "or a model judges has no right answer to compare with."
        )
    if without:
        said.append(f"left out {without} tests that say of no text that it is, or is in, the answer")
    return found


def _vars(test: Any, file: Path, place: int) -> dict[str, str]:
    held = test.get("vars") if isinstance(test, dict) else None
    if held is not None and not isinstance(held, dict):
        raise InputError(f"{file}: the vars of test {place} are no mapping.")
    made = {}
    for key, value in (held or {}).items():
        if isinstance(value, list | dict):
            raise InputError(f"{file}: the variable {key!r} of test {place} is a list; write a test for each.")
        made[str(key)] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        if made[str(key)].startswith(_FILE):
            raise InputError(f"{file}: the variable {key!r} of test {place} is a file; write its text.")
    return made


def _target(asserts: Sequence[Any], held: Mapping[str, str]) -> tuple[str, str] | None:
    for each in asserts:
        if isinstance(each, dict) and each.get("type") in TARGETS and isinstance(each.get("value"), str | int | float):
            value = str(each["value"])
            named = re.fullmatch(r"\{\{\s*(\w+)\s*\}\}", value)
            return str(each["type"]), held.get(named[1], value) if named else value
    return None


def _table(file: Path, said: str) -> list[dict[str, Any]]:
    """The tests in a table: a variable a column, and what is expected under ``__expected``."""
    path = file.parent / said.removeprefix(_FILE)
    made = []
    for _, row in files.read(path).rows:
        expected = str(row.get("__expected", ""))
        kind, _, value = expected.partition(":")
        known = kind.strip() in TARGETS and value
        one = {"type": kind.strip(), "value": value.strip()} if known else {"type": "equals", "value": expected}
        held = {key: value for key, value in row.items() if not key.startswith("__")}
        made.append({"vars": held, "assert": [one] if expected else []})
    return made


CONTAINED, CASELESS = ("contains", "icontains"), ("iequals", "icontains")


def _loosened(rows: Sequence[Test]) -> list[str]:
    """The tests that are held against their text less strictly than they say, as a task holds all its items alike."""
    said = []
    for loose, instead in (
        (CONTAINED, "is anywhere in the answer, as others say"),
        (CASELESS, "stands in any case of letters, as others say"),
    ):
        strict = sum(kind not in loose for kind, _, _ in rows)
        if 0 < strict < len(rows):
            said.append(f"{strict} tests hold here where their text {instead}: put them in a file of their own")
    return said


def _fields(file: Path, rows: Sequence[Test], named: Mapping[str, str]) -> dict[str, Any]:
    kinds = {kind for kind, _, _ in rows}
    found: dict[str, Any] = {
        "kind": "exact",
        "description": "The tests of a promptfoo configuration.",
        "source": file.name,
        "inputs": list(named),
        "target": "target",
        "id": "id",
        "multiline": True,
        "splits": {"test": "test.jsonl"},
        "metrics": ["accuracy", "parse-failure-rate"],
        "main_metric": "accuracy",
    }
    found |= {"contained": True} if kinds.intersection(CONTAINED) else {}
    return {**found, "ignore_case": True} if kinds.intersection(CASELESS) else found
