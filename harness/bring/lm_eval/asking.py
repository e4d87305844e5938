"""Runs within the Python that has lm_eval, in a process of its own, as a script that knows nothing of harness: what a
task asks of each item, as texts. Called with the task, the folder of more tasks (or nothing), the most items of a split
(or 0), and the folder to write to, where each task gets one of its own number."""

from __future__ import annotations

import functools
import itertools
import json
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any

TEXTS = ("target_delimiter", "fewshot_delimiter", "output_type", "num_fewshot", "repeats", "description", "gen_prefix")
LISTS = ("metric_list", "filter_list", "generation_kwargs")


def leaves(found: Any) -> Iterator[Any]:
    """The tasks in what lm_eval loads: groups of groups of tasks."""
    if isinstance(found, dict):
        for each in found.values():
            yield from leaves(each)
    else:
        yield found


def plain(value: Any) -> Any:
    """``value`` as JSON has it; what runs is named by a mark."""
    if callable(value):
        return {"!python": getattr(value, "__name__", "a function")}
    if isinstance(value, dict):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)


def rendered(task: Any, text: Any, doc: Any) -> Any:
    """A field that may be Jinja, for one item."""
    return task.resolve_field(doc, text) if isinstance(text, str) and hasattr(task, "resolve_field") else text


def row(task: Any, doc: Any) -> dict[str, Any]:
    made = {"text": task.doc_to_text(doc), "target": plain(task.doc_to_target(doc))}
    if task.config.doc_to_choice is not None:
        made["choices"] = plain(task.doc_to_choice(doc))
    made["description"] = rendered(task, task.config.description, doc) or ""
    made["gen_prefix"] = rendered(task, task.config.gen_prefix, doc) or ""
    return made


def split(task: Any, docs: Iterable[Any], most: int, path: str) -> None:
    with open(path, "w", encoding="utf-8") as file:
        for doc in itertools.islice(docs, most or None):
            file.write(json.dumps(row(task, doc), ensure_ascii=False) + "\n")


def _held(config: Any, name: str, default: Any = None) -> Any:
    return getattr(config, name, default)


def shown(task: Any) -> tuple[Any, dict[str, Any], bool]:
    """The pool of demonstrations, and what is said of it; nothing where it is what is judged."""
    config = task.config.fewshot_config
    get: Any = config.get if isinstance(config, dict) else functools.partial(_held, config)
    sampler = get("sampler", "default") or "default"
    named = get("split") or task.config.fewshot_split
    judged = task.config.test_split or task.config.validation_split
    pool = named or task.config.training_split or task.config.validation_split or task.config.test_split
    own = get("samples") if named is None else None
    docs = None if own is None and pool == judged else list(task.fewshot_docs() or ())
    return docs, {"sampler": sampler if isinstance(sampler, str) else "python"}, named == task.config.test_split


def main(name: str, more: str, most: str, folder: str) -> None:
    from lm_eval import __version__
    from lm_eval.tasks import TaskManager, get_task_dict

    manager = TaskManager(include_path=more) if more else TaskManager()
    for number, task in enumerate(leaves(get_task_dict([name], manager))):
        into = os.path.join(folder, str(number))
        os.makedirs(into)
        config = task.config
        said = {field: plain(getattr(config, field, None)) for field in (*TEXTS, *LISTS)}
        said["process_results"] = plain(config.process_results)
        pool, said["fewshot_config"], spare = shown(task)
        said.update(task=config.task, lm_eval=__version__, spare=spare, shows=pool is not None)
        split(task, task.eval_docs, int(most), os.path.join(into, "test.jsonl"))
        if pool is not None:
            split(task, pool, int(most), os.path.join(into, "train.jsonl"))
        with open(os.path.join(into, "task.json"), "w", encoding="utf-8") as file:
            json.dump(said, file, ensure_ascii=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
