"""A project for benches: a task of as many items as asked for, made of finsentiment's, and models."""

from __future__ import annotations

import json
from pathlib import Path

from llama import SHAPES
from rival import Asked

from harness.models.checkpoint import Model
from harness.prompt import selectors, template
from harness.task import definition
from harness.types import Example

NAME, SHOTS = "bench", 5
BODY = """{% for shot in shots %}
Text: {{ shot.text }}
Label: {{ shot.answer }}

{% endfor %}
Text: {{ text }}
Label:
"""
# Labels of one token, and of two to four, under the embedded model's tokenizer.
TEMPLATES = {
    "short": BODY,
    "long": f"---\nverbalizer: {{positive: price up, negative: going down, neutral: no direction}}\n---\n{BODY}",
}


def write(folder: Path, items: int) -> None:
    """The task and its templates below ``folder``. Items are finsentiment's test, dev and then train, and what is left
    of train is the pool; past those, a text is two of theirs, one after the other, with the label of the first."""
    source = definition.load("finsentiment")
    given = [example for split in ("test", "dev", "train") for example in source.examples(split)]
    pool = given[-len(source.examples("train")) // 2 :]
    asked = given[: len(given) - len(pool)]
    own = len(asked)
    for i in range(items - own):
        first, second = asked[i % own], asked[(i * 7 + i // own + 1) % own]
        asked.append(Example(f"pair-{i:06}", {"text": f"{first.text} {second.text}"}, first.target))
    home = folder / "tasks" / NAME
    home.mkdir(parents=True)
    for split, examples in (("train", pool), ("test", asked[:items])):
        rows = ({"id": e.id, "text": e.inputs["text"], "label": e.target} for e in examples)
        (home / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (home / "task.yaml").write_text(
        f"kind: classification\ninputs: [text]\ntarget: label\nid: id\nlabels: {list(source.kind.outputs)}\n"
        "splits: {train: train.jsonl, test: test.jsonl}\nmetrics: [accuracy, macro-f1, mcc, ece]\n"
        "main_metric: macro-f1\n"
    )
    prompts = folder / "prompts" / NAME
    prompts.mkdir(parents=True)
    for name, text in TEMPLATES.items():
        (prompts / f"{name}.j2").write_text(text)


def prompts(name: str, selector: str) -> list[Asked]:
    """What the project in the working folder asks, item by item, as ``harness run`` renders it."""
    made = definition.load(NAME)
    loaded = template.load(name, made)
    pick = selectors.Selection(selectors.create(selector), made.examples("train"), SHOTS, "ascending", 0)
    found = []
    for item in made.examples("test"):
        prompt = loaded.render(item, pick(item).examples)
        found.append(Asked(item.id, str(prompt.content), prompt.choices or (), made.kind.outputs.index(item.target)))
    return found


def model(name: str, folder: Path) -> str:
    """What ``--model`` takes: ``tiny``, the folder of smollm2, or one of the shape ``name`` with random weights."""
    if name == "tiny":
        return name
    if name == "smollm2":
        return Model(name, home=folder / "models").path
    if not (folder / name).exists():
        SHAPES[name].write(folder / name)
    return str(folder / name)
