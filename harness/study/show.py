"""``harness show``: a prompt exactly as the model gets it, and what each part of it costs in tokens."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from harness.errors import unknown
from harness.predictors.prompted import Prompted
from harness.results.store import Run
from harness.task.definition import Task
from harness.types import Messages, Prompt


@dataclass(frozen=True, slots=True)
class Shown:
    """``text`` is decoded from the very tokens, special ones visible. ``parts`` are (name, tokens) that add up to
    ``prompt_tokens``; ``choices`` are (text, tokens) of what may follow. Where the engine has no tokenizer, ``text`` is
    what its server is sent, and there is nothing to count. ``notes`` say what else becomes of the prompt."""

    text: str
    prompt_tokens: int | None
    parts: tuple[tuple[str, int], ...]
    choices: tuple[tuple[str, int], ...]
    excluded: tuple[str, ...]
    notes: tuple[str, ...] = ()


NOTES = {
    "end": "Each choice is scored with the end of an answer, {}: one choice begins another.",
    "system": "The system text stands in the user turn after it: the model's chat template takes no system role.",
    "thought": "The thought that the model's chat template opens is closed, empty, before the choices.",
}


def show(predictor: Prompted, task: Task, split: str, example_id: str | None) -> Shown:
    """What ``predictor``, fitted on the train split, asks about an example (the split's first one by default)."""
    examples = {example.id: example for example in task.examples(split)}
    if example_id is not None and example_id not in examples:
        raise unknown("example", example_id, examples, f"task {task.name!r}, split {split!r}")
    example = examples[example_id] if example_id is not None else next(iter(examples.values()))
    (demos,) = predictor.fit(task.examples("train")).demos([example])
    # A part's cost is what it adds: the template with no demonstration, then with one more each time.
    prompts = [predictor.template.render(example, demos.examples[:k]) for k in range(len(demos.examples) + 1)]
    prompt, rows = prompts[-1], [row for row in predictor.encode(prompts) if row]
    if not rows:
        return Shown(sent(prompt.content), None, (), (), demos.excluded)
    counts, encoded, tokenizer = [len(row.prompt) for row in rows], rows[-1], predictor.engine.tokenizer
    item = sum(map(len, tokenizer([*example.inputs.values()], add_special_tokens=False)["input_ids"]))
    added = [
        (f"demonstration {k} ({demo.id}, {demo.target})", counts[k] - counts[k - 1])
        for k, demo in enumerate(demos.examples, 1)
    ]
    return Shown(
        tokenizer.decode(list(encoded.prompt), skip_special_tokens=False),
        len(encoded.prompt),
        (("template", counts[0] - item), *added, (f"item ({example.id})", item)),
        tuple((text, len(ids)) for text, ids in zip(prompt.choices or (), encoded.choices or (), strict=True)),
        demos.excluded,
        tuple(_notes(predictor, prompt)),
    )


def _notes(predictor: Prompted, prompt: Prompt) -> Iterator[str]:
    for key, value in predictor.manner.items():
        yield NOTES[key].format(value)
    if predictor.forged(prompt):
        yield "The data hold control tokens: they are encoded as plain text, and only look like others here."


def command(run: Run) -> list[str] | None:
    """The words that show a prompt of ``run``, which end before the item's id; None where it asked none."""
    spec, signed = run.spec, dict(run.signature.pairs)
    if spec["predictor"] != "prompt":
        return None
    engine = signed.get("engine", "").partition("-")[0]
    said = {"task": run.task, "template": spec["template"], "split": spec["split"]}
    said["model"] = signed.get("tokenizer") if engine == "null" else spec["model"]
    if engine != "transformers":
        said["engine"] = engine
    words = [word for name, value in said.items() if value for word in (f"--{name}", str(value))]
    if spec["shots"]:
        words += ["--shots", str(spec["shots"]), "--seed", str(spec["seed"]), "--selector", str(spec["selector"])]
        words += [] if spec["order"] == "ascending" else ["--order", str(spec["order"])]
        words += _chosen(signed.get("selector", ""))
    return ["harness", "show", *words, "--example"]


def _chosen(selector: str) -> Iterator[str]:
    """How a selector chooses, from what a signature says of it."""
    call = ast.parse(selector.partition(" with recall")[0], mode="eval").body
    assert isinstance(call, ast.Call)
    said = {each.arg: ast.literal_eval(each.value) for each in call.keywords}
    for name in ("draw", "embedder", "index"):
        if name in said and not (name == "draw" and said[name] == "shared"):
            yield from (f"--{name}", str(said[name]))
    for demo in said.get("ids", ()):
        yield from ("--demo", demo)


def sent(content: str | Messages) -> str:
    """What a server is sent that makes tokens of it itself."""
    if isinstance(content, str):
        return content
    return "\n\n".join(f"[{message.role}]\n{message.content}" for message in content)
