"""``harness show``: a prompt exactly as the model gets it, and what each part of it costs in tokens."""

from __future__ import annotations

from dataclasses import dataclass

from harness.encode import Encoder
from harness.errors import unknown
from harness.predictors.prompted import Prompted
from harness.task import Task


@dataclass(frozen=True, slots=True)
class Shown:
    """``text`` is decoded from the very tokens, special ones visible. ``parts`` are (name, tokens) that add up to
    ``prompt_tokens``; ``choices`` are (text, tokens) of what may follow."""

    text: str
    prompt_tokens: int
    parts: tuple[tuple[str, int], ...]
    choices: tuple[tuple[str, int], ...]
    excluded: tuple[str, ...]


def show(predictor: Prompted, task: Task, split: str, example_id: str | None) -> Shown:
    """What ``predictor``, fitted on the train split, asks about an example (the split's first one by default)."""
    examples = {example.id: example for example in task.examples(split)}
    if example_id is not None and example_id not in examples:
        raise unknown("example", example_id, examples, f"task {task.name!r}, split {split!r}")
    example = examples[example_id] if example_id is not None else next(iter(examples.values()))
    demos = predictor.fit(task.examples("train")).demos(example)
    encoder = Encoder(predictor.engine.tokenizer)
    # A part's cost is what it adds: the template with no demonstration, then with one more each time.
    prompts = [predictor.template.render(example, demos.examples[:k]) for k in range(len(demos.examples) + 1)]
    rows = encoder.encode(prompts)
    counts = [len(row.prompt) for row in rows]
    item = sum(len(encoder.tokenizer(text, add_special_tokens=False)["input_ids"]) for text in example.inputs.values())
    prompt, encoded = prompts[-1], rows[-1]
    added = [
        (f"demonstration {k} ({demo.id}, {demo.target})", counts[k] - counts[k - 1])
        for k, demo in enumerate(demos.examples, 1)
    ]
    return Shown(
        encoder.tokenizer.decode(list(encoded.prompt), skip_special_tokens=False),
        len(encoded.prompt),
        (("template", counts[0] - item), *added, (f"item ({example.id})", item)),
        tuple((text, len(ids)) for text, ids in zip(prompt.choices or (), encoded.choices or (), strict=True)),
        demos.excluded,
    )
