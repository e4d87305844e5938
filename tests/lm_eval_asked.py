"""What lm-evaluation-harness asks and scores, and what is asked and scored here, in one form, to be held side by side.

python tests/lm_eval_asked.py        # with lm_eval installed: makes tests/lm_eval_golden.json anew
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import random
import sys
from pathlib import Path

import numpy as np

from harness import metrics
from harness.bring.lm_eval import bring
from harness.bring.lm_eval.document import load
from harness.calibration import length
from harness.prompt.selectors import Selection, create
from harness.prompt.template import load as load_template
from harness.task import asis, definition
from harness.types import Message, Prediction, Status

HERE = Path(__file__).parent
DIALECT = HERE / "lm_eval_dialect"
GOLDEN = HERE / "lm_eval_golden.json"


def theirs(file, splits, shots, replies=()):
    """What lm_eval asks of each item of ``splits`` (contexts, continuations, the chat), and its scores of ``replies``
    or, of choices, of made up likelihoods."""
    import datasets
    from lm_eval.api.task import ConfigurableTask
    from lm_eval.tasks._yaml_loader import load_yaml

    config = {key: value for key, value in load_yaml(file).items() if key not in ("tag", "group", "dataset_kwargs")}
    held = datasets.DatasetDict({name: datasets.Dataset.from_list(rows) for name, rows in splits.items()})
    config |= {"custom_dataset": lambda **_: held, "num_fewshot": shots}
    made = []
    for chat in (False, True):
        task = ConfigurableTask(config=dict(config))
        task.set_fewshot_seed(1234)
        with contextlib.redirect_stderr(io.StringIO()):
            task.build_all_requests(
                apply_chat_template=chat,
                fewshot_as_multiturn=chat,
                chat_template=(lambda said, add_generation_prompt: json.dumps(said)) if chat else None,
            )
        made.append(task)
    plain, turns = (_requests(task) for task in made)
    chats = [(json.loads(context), [each[1] for each in group]) for group in turns for context in [group[0][0]]]
    return {"plain": plain, "chat": chats, "scores": _scores(made[0], replies)}


def _requests(task):
    groups = {}
    for instance in task.instances:
        written = task.OUTPUT_TYPE == "generate_until"
        pair = [instance.args[0], None if written else instance.args[1]]
        groups.setdefault(instance.doc_id, []).append(pair)
    return list(groups.values())


def likelihoods(place, count):
    """Made up, the same on both sides."""
    draw = random.Random(place)
    return [-draw.uniform(1, 60) for _ in range(count)]


def _scores(task, replies):
    from lm_eval.api.registry import get_aggregation

    assert get_aggregation
    docs = list(task.eval_docs)
    groups = {}
    for instance in task.instances:
        groups.setdefault(instance.doc_id, []).append(instance)
    found = {}
    if task.OUTPUT_TYPE == "generate_until":
        for instance in task.instances:
            instance.resps = [replies[instance.doc_id]]
        task.apply_filters()
        name = next(iter(task.instances[0].filtered_resps))
        results = [task.process_results(doc, [groups[i][0].filtered_resps[name]]) for i, doc in enumerate(docs)]
    else:
        results = [
            task.process_results(doc, [(value, False) for value in likelihoods(i, len(groups[i]))])
            for i, doc in enumerate(docs)
        ]
    for name in results[0]:
        if name in ("acc", "acc_norm", "acc_bytes", "exact_match", "bleu", "chrf", "ter", "mcc"):
            found[name] = float(task.aggregation()[name]([each[name] for each in results]))
    return found


def ours(file, splits, shots, folder, replies=()):
    """The same, as imported into ``folder``."""
    data = folder / "data"
    data.mkdir(parents=True)
    for name, rows in splits.items():
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (data / f"{name}.jsonl").write_text(text, encoding="utf-8")
    bring(str(file), folder, None, data)
    (name,) = (each.name for each in (folder / "tasks").iterdir())
    task = definition.read(name, folder / "tasks" / name)
    study = asis.load((folder / "tasks" / name / "study.yaml").read_text(encoding="utf-8"))
    items = task.examples("test")
    pool = task.examples("train") if shots else ()
    selector = create(selector_of(file, study)) if shots else create("first")
    selection = Selection(selector, pool, shots, "as-is", 0)
    demos = [each.examples for each in selection.all(list(items))]
    asked = []
    for template in ("lm-eval", "lm-eval-chat"):
        made = load_template(str(folder / "prompts" / name / f"{template}.j2"), task)
        asked.append([made.render(item, shown) for item, shown in zip(items, demos, strict=True)])
    plain = [[[each.content, word] for word in each.choices or [None]] for each in asked[0]]
    return {"plain": plain, "chat": [_chat(each) for each in asked[1]], "scores": _own(task, items, asked[0], replies)}


def selector_of(file, study):
    """The study's, or where it shows none, the one that a study of more shots would have."""
    from harness.bring.lm_eval.definition import define

    return study.get("selector") or define(load(file), file, local=True).selector


def _chat(prompt):
    content = [prompt.content] if isinstance(prompt.content, Message) else prompt.content
    return [{"role": each.role, "content": each.content} for each in content], list(prompt.choices or [None])


def _own(task, items, prompts, replies):
    kind, found = task.kind, {}
    words = kind.words(None, "here")
    if not prompts[0].choices:
        said = [kind.recorded(reply, item).output for reply, item in zip(replies, items, strict=True)]
        status = [Status.OK if each is not None else Status.UNPARSED for each in said]
        made = [Prediction(e.id, o, s) for e, o, s in zip(items, said, status, strict=True)]
        names = {"accuracy": "exact_match", "bleu": "bleu", "chrf": "chrf", "ter": "ter"}
        for name in task.spec.metrics:
            if name in names:
                found[names[name]] = _score(name, kind, items, made)
        return found
    for by, metric, name in (
        ("sum", "accuracy", "acc"),
        ("characters", "accuracy", "acc_norm"),
        ("sum", "mcc", "mcc"),
    ):
        made = []
        for place, item in enumerate(items):
            choices = kind.choices(item, words)
            texts = [each.word for each in choices]
            row = length.row([[value] for value in likelihoods(place, len(choices))], texts, by)
            made.append(Prediction(item.id, kind.decide(choices, row)[0]))
        if metric in (*kind.metrics, *kind.measures):
            found[name] = _score(metric, kind, items, made)
    return found


def _score(name, kind, items, made):
    metric = metrics.METRICS.find(name)(kind)
    totals = metric.statistics(list(items), made).sum(axis=0)
    return float(np.atleast_1d(metric.score(totals))[0])


def same_scores(one, other):
    """The scores that both give, which are to be one at least, alike."""
    names = one.keys() & other.keys()
    return bool(names) and all(math.isclose(one[name], other[name], rel_tol=1e-9, abs_tol=1e-9) for name in names)


def dialect():
    """Each YAML of our own with its items, how many are shown, and replies."""
    for file in sorted(DIALECT.glob("[!_]*.yaml")):
        held = json.loads((DIALECT / f"{file.stem}.json").read_text(encoding="utf-8"))
        yield file, held["splits"], held["shots"], held.get("replies", ())


def main():
    import lm_eval

    made = {
        "provenance": f"made by lm_eval {lm_eval.__version__} from the YAML and the items in tests/lm_eval_dialect, "
        "which are this project's own (python tests/lm_eval_asked.py)",
        "cases": {file.stem: theirs(file, splits, shots, replies) for file, splits, shots, replies in dialect()},
    }
    GOLDEN.write_text(json.dumps(made, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
