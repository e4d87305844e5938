"""`harness transfer`: learnt on one task, tested on another."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from cloup import command, option, option_group

from harness.cli import completion
from harness.cli.options import (
    answer_options,
    baselines_option,
    calibrate_option,
    demonstration_options,
    engine_options,
    many,
    metric_option,
    one_prompt,
    pairs,
    params_option,
    reading_options,
    results_option,
    said_of_engine,
    seeds_option,
    selector_option,
    taken,
    template_option,
)
from harness.cli.screen import note, say
from harness.errors import InputError


@command()
@option_group(
    "What is transferred",
    many("--train", required=True, help="Tasks that are learnt on.", shell_complete=completion.tasks),
    many("--test", required=True, help="Tasks that are tested on.", shell_complete=completion.tasks),
    many("--map", "said", help="Labels that mean the same, besides those of one name: news.good=reviews.positive."),
    baselines_option,
    params_option,
    option("--then", is_flag=True, help="Also train on one task and go on with the one that is tested on."),
    seeds_option,
    metric_option,
    option("--format", "form", default="terminal", show_default=True, help="terminal, markdown or json."),
    results_option,
)
@option_group(
    "A prompt whose demonstrations come from another task",
    option("--shots", type=click.IntRange(0), default=0, show_default=True, help="How many; 0: no prompt."),
    template_option,
)
@engine_options(option("--model", default="tiny", show_default=True, help="Folder, GGUF file or hub name."))
@demonstration_options(selector_option)
@reading_options(calibrate_option)
@answer_options
def transfer(
    train: Sequence[str],
    test: Sequence[str],
    said: Sequence[str],
    params: Sequence[str],
    then: bool,
    metric: str | None,
    form: str,
    results: Path,
    model: str,
    engine: str,
    **options: Any,
) -> None:
    """What is learnt on one task worth on another?

    Baselines learn on each --train task and are tested on each --test task, whose labels are translated; prompts show
    demonstrations from there. Each stands beside itself, learnt on the task that it is tested on, item by item.
    """
    from harness.engines import create
    from harness.progress import Bars
    from harness.report import transfer as report
    from harness.study import grid
    from harness.study.transfer import Counterparts, Transfer
    from harness.task import definition

    report.known(form)
    dealt = pairs("--with", params, "epochs=5 or lora.rank=4")
    spec = grid.Spec(**one_prompt(options), **taken(grid.Spec, options), params=dealt)
    if not (spec.baselines or any(spec.shots)):
        raise InputError("nothing learns: name a --baseline, or show demonstrations with --shots 5.")
    tasks = {name: definition.load(name) for name in dict.fromkeys((*train, *test))}
    given = said_of_engine(options)
    asked = create(engine, model, results / "models", **given) if any(spec.shots) else None
    with Bars() as bars:
        made = Transfer(
            train=[tasks[name] for name in train],
            test=[tasks[name] for name in test],
            spec=spec,
            counterparts=Counterparts(said, tasks.values()),
            root=results,
            engine=asked,
            then=then,
            metric=metric,
            progress=bars,
            tell=note,
        )
        cells = list(made.cells())
    say(report.render(cells, form))
