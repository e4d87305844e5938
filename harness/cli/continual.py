"""`harness continual`: tasks learnt one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from cloup import command, option, option_group

from harness.cli import completion
from harness.cli.options import (
    answer_options,
    calibrate_option,
    demonstration_options,
    engine_options,
    many,
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


@command()
@option_group(
    "What is learnt",
    many("--task", "tasks", required=True, help="Tasks, in the order of learning.", shell_complete=completion.tasks),
    option("--baseline", default="finetune:minilm", show_default=True, help="finetune:MODEL, lora:MODEL, ..."),
    params_option,
    many("--strategy", "strategies", default=("none", "replay", "ewc"), help="What is done against forgetting."),
    option(
        "--buffer",
        type=click.IntRange(1),
        default=50,
        show_default=True,
        help="replay: examples of each earlier task that are trained on again.",
    ),
    option(
        "--strength",
        type=click.FloatRange(0),
        default=10_000.0,
        show_default=True,
        help="ewc: how firmly weights are held.",
    ),
    seeds_option,
)
@option_group(
    "The prompt beside it",
    template_option,
    option("--shots", type=click.IntRange(0), default=0, show_default=True, help="Number of demonstrations."),
    option("--baselines-only", is_flag=True, help="Run no prompt."),
    option("--format", "form", default="terminal", show_default=True, help="terminal, markdown or json."),
    option("--figure", type=click.Path(path_type=Path), help="Draw the scores into this folder; needs [figures]."),
    results_option,
)
@engine_options(
    option("--model", help="Folder, GGUF file or hub name; else tiny, or smollm2 where answers are written.")
)
@demonstration_options(selector_option)
@reading_options(calibrate_option)
@answer_options
def continual(
    tasks: Sequence[str],
    baseline: str,
    params: Sequence[str],
    strategies: Sequence[str],
    buffer: int,
    strength: float,
    seeds: Sequence[int],
    baselines_only: bool,
    form: str,
    figure: Path | None,
    results: Path,
    model: str | None,
    engine: str,
    **options: Any,
) -> None:
    """What does a model forget that learns one task after the other?

    One body is trained on the tasks in turn, with a head for each, and asked about all of them after each. Beside it
    stand joint training, and the prompt, which learns nothing and forgets nothing.
    """
    from harness.compare import retention
    from harness.engines import create
    from harness.progress import Bars
    from harness.report import continual as report
    from harness.results import store
    from harness.study import defaults, grid
    from harness.study.continual import Course, prompted
    from harness.task import definition

    report.known(form)
    spec = grid.Spec(**one_prompt(options), **taken(grid.Spec, options), seeds=seeds)
    course = Course(
        tasks=[definition.load(name) for name in tasks],
        name=baseline,
        params=pairs("--with", params, "epochs=5"),
        strategies=strategies,
        seeds=seeds,
        buffer=buffer,
        strength=strength,
        split=spec.split,
        limit=spec.limit,
    )
    store.check_writable(results)
    said = said_of_engine(options)
    with Bars() as bars:
        beside = []
        if not baselines_only:  # first, so that a prompt that cannot be asked is told before anything is trained
            names = {task.name: model or defaults.model(task, spec.templates) for task in course.tasks}
            made = {name: create(engine, name, results / "models", **said) for name in set(names.values())}
            asked = {task: made[name] for task, name in names.items()}
            beside = [prompted(course, spec, asked, results, bars, note)]
        learnt = [*course.learn(lambda text: bars.say(text) if bars.shown else None), *beside]
    items = [course.items(task) for task in course.tasks]
    rows = retention.retentions(learnt, [store.clusters(each) for each in items])
    found = retention.Course(tuple(tasks), tuple(map(len, items)), baseline, len(seeds), tuple(rows))
    say(report.render(found, form))
    if figure:
        paths = report.draw(found, figure)
        note(f"Wrote {', '.join(map(str, paths))}")
