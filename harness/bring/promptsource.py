"""Templates of promptsource: a YAML of them as templates of a task that is there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from harness import paths
from harness.bring import foreign
from harness.bring.lm_eval.question import check, literal
from harness.bring.lm_eval.refusal import Refusal
from harness.bring.project import dumped
from harness.errors import InputError
from harness.prompt import template
from harness.task import definition
from harness.task.definition import Task

BETWEEN = "\n\n"  # what stands between demonstrations, of which promptsource says nothing
TAGS = ("!Template", "!TemplateMetadata")  # the two objects that such a file has, which are mappings
_SPLIT = "|||"


def bring(file: Path, name: str, into: Path) -> list[str]:
    """Write each template of ``file`` that the task ``name`` can be asked with below ``into``, and say so, also of
    those that it cannot. Raises InputError for a file that is none, and where no template is left."""
    task = definition.load(name)
    folder, said, written = into / "prompts" / name, list[str](), 0
    for each in _templates(file):
        title = str(each.get("name") or each.get("id") or "")
        try:
            stem, text = _made(each, title, file, task)
            template.parse(stem, folder / f"{stem}.j2", text, task)
        except InputError as error:
            said.append(f"left out: {error}")
            continue
        path = folder / f"{stem}.j2"
        if path.exists():
            said.append(f"left out: {path} exists already")
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
        said.append(f"wrote {path}")
        written += 1
    if not written:
        raise InputError(f"{file}: no template was taken over. {' '.join(said)}")
    return said


def _mapping(loader: Any, node: yaml.Node) -> Any:
    return loader.construct_mapping(node, deep=True)


def _templates(file: Path) -> Iterator[Mapping[str, Any]]:
    found = foreign.read(file, dict.fromkeys(TAGS, _mapping))
    held = found.get("templates") if isinstance(found, dict) else None
    if not isinstance(held, dict) or not all(isinstance(each, dict) for each in held.values()):
        raise InputError(f"{file}: has no `templates`, so it is no file of promptsource's.")
    yield from held.values()


def _made(each: Mapping[str, Any], title: str, file: Path, task: Task) -> tuple[str, str]:
    """The name and the text of one template."""
    where = f"{file}, template {title!r}"
    jinja = each.get("jinja")
    if not isinstance(jinja, str) or jinja.count(_SPLIT) != 1:
        raise Refusal(where, "fields", f"its `jinja` has not the one {_SPLIT} that parts prompt from answer.")
    asked, answer = (part.strip() for part in jinja.split(_SPLIT))
    check(asked, where)
    check(answer, where)
    words = each.get("answer_choices")
    matter: dict[str, Any] = {"description": f"promptsource: {title}.", "strip": False, "answer_prefix": "\n"}
    listed = [] if words is None else [part.strip() for part in str(words).split(_SPLIT)]
    if listed and (outputs := task.kind.outputs):
        if len(listed) != len(outputs) or any("{" in word for word in listed):
            raise Refusal(
                where,
                "fields",
                f"its answer_choices are {len(listed)} ({', '.join(listed)}), and the task has the labels "
                f"{', '.join(outputs)}: none can be told for the other.",
            )
        if listed != list(outputs):
            matter["verbalizer"] = dict(zip(outputs, listed, strict=True))
    chosen = f"{{% set answer_choices = {json.dumps(listed, ensure_ascii=False)} %}}" if listed else ""
    names = list(task.spec.inputs)
    shown = "".join(f"{{% set {name} = shot.{name} %}}" for name in names)
    body = f"{chosen}{{% for shot in shots %}}{shown}{asked}\n{{{{ shot.answer }}}}{literal(BETWEEN)}{{% endfor %}}"
    return _stem(title), f"---\n{dumped(matter)}---\n{body}{asked}"


def _stem(title: str) -> str:
    return paths.name("template", re.sub(r"[^\w.-]+", "-", title).strip("-.").lower() or "template")
