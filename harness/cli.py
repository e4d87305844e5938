"""The command line: words in, calls out. Everything heavy is imported inside the command that needs it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from harness.errors import HarnessError, InputError, unknown

FORMATS = ("terminal", "markdown", "csv", "json", "html")
RESULTS = Path("results")


Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError(text)
    return number


def _many(*names: str, default: Sequence[Any] = (), item: Callable[[str], Any] = str, **extra: Any) -> Decorator:
    """An option that may be repeated or take commas; each value counts once."""

    def flat(_: click.Context, param: click.Parameter, values: Sequence[str]) -> tuple[Any, ...]:
        try:
            return tuple(
                dict.fromkeys(item(part.strip()) for value in values for part in value.split(",") if part.strip())
            )
        except ValueError:
            raise click.BadParameter(f"{','.join(values)!r}: give whole numbers from 0 up, such as 0,5.") from None

    shown = [",".join(map(str, default))] if default else []
    kind = "name,…" if item is str else "n,…"
    return click.option(
        *names, multiple=True, metavar=kind, callback=flat, default=shown, show_default=bool(shown), **extra
    )


class Group(click.Group):
    """Turns the package's errors into one paragraph on stderr and their exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except HarnessError as error:
            click.echo(f"harness: {error}", err=True)
            ctx.exit(error.exit_code)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="prompt-harness")
def main() -> None:
    """Does this few-shot prompt beat a small model trained on the same data, on these items, and by how much?

    Exit codes: 0 done, 1 failed while running, 2 wrong usage or bad input.
    """


def _prompt_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What `run` and `show` share: the choice of demonstrations, model and engine."""
    for option in reversed(
        (
            click.option(
                "--order", default="ascending", show_default=True, help="ascending (nearest last), random or as-is."
            ),
            click.option(
                "--draw",
                default="shared",
                show_default=True,
                help="random and balanced: shared (one draw for all items) or per-item.",
            ),
            _many("--demo", help="The fixed selector's demonstrations, by train id."),
            click.option(
                "--embedder",
                default="lsa",
                show_default=True,
                help="For knn: lsa, minilm, or an encoder's path or hub name.",
            ),
            click.option(
                "--engine",
                default="auto",
                show_default=True,
                help="transformers, vllm, or auto: vllm where it is installed with a GPU.",
            ),
            click.option("--revision", help="A hub model's branch, tag or commit."),
            click.option("--dtype", default="auto", show_default=True, help="auto, float32, float16 or bfloat16."),
            click.option(
                "--trust-remote-code", is_flag=True, help="Let a hub model run its own code. Off unless you ask."
            ),
            click.option("--split", default="test", show_default=True, help="The items to answer."),
        )
    ):
        command = option(command)
    return command


@main.command()
@_many("--task", "tasks", required=True, help="Task names.")
@_many("--shots", default=(0,), item=_count, help="Numbers of demonstrations.")
@_many("--template", "templates", default=("plain",), help="Template names, or .j2 files.")
@_many(
    "--selector",
    "selectors",
    default=("balanced",),
    help="How demonstrations are chosen; `harness list selectors` names them.",
)
@_many("--seed", "seeds", default=(0,), item=_count, help="Seeds.")
@_many(
    "--baseline", "baselines", help="Baselines trained on the same train split; `harness list baselines` names them."
)
@_many("--model", "models", default=("tiny",), help="Local paths or hub names; tiny is the embedded model.")
@_prompt_options
@click.option(
    "--mode", default="score", show_default=True, help="score the labels by likelihood, or generate and parse."
)
@click.option(
    "--on-overlength",
    "overlength",
    default="error",
    show_default=True,
    help="A prompt that does not fit: error, drop-demos or skip.",
)
@click.option("--baselines-only", is_flag=True, help="Run no prompts.")
@click.option("--limit", type=click.IntRange(1), help="Only the first N items.")
@click.option("--metric", help="Compare by this metric; else by the task's main one.")
@click.option("--reference", help="Compare with this one of the baselines; else with the best.")
@click.option(
    "--results", type=click.Path(path_type=Path), default=RESULTS, show_default=True, help="Where runs are kept."
)
@click.option("--format", "form", default="terminal", show_default=True, help=f"{', '.join(FORMATS)}.")
def run(
    tasks: Sequence[str],
    models: Sequence[str],
    baselines_only: bool,
    engine: str,
    revision: str | None,
    dtype: str,
    trust_remote_code: bool,
    demo: Sequence[str],
    metric: str | None,
    reference: str | None,
    results: Path,
    form: str,
    **grid: Any,
) -> None:
    """Run prompts and baselines on a task, and compare them item by item.

    Options marked with dots repeat or take commas: --shots 0,5 --template plain,chat --seed 0,1,2.
    """
    _known_format(form)
    from harness import compare, study, task
    from harness.engines import create
    from harness.progress import Bars
    from harness.report import render

    spec = study.Spec(**grid, demos=demo)
    options = {"revision": revision, "dtype": dtype, "trust_remote_code": trust_remote_code}
    engines = [] if baselines_only else [create(engine, model, **options) for model in models]
    chosen = [task.load(name) for name in tasks]
    for each in chosen:
        study.check_task(each, metric)
    if reference is not None and reference not in spec.baselines:
        raise unknown("baseline to refer to", reference, spec.baselines, "--reference")
    comparisons, folders = [], []
    for each in chosen:
        with Bars() as bars:
            made = list(study.run(each, spec, engines, results, bars))
        folders += [folder for _, folder in made]
        comparisons.append(compare.compare([sealed for sealed, _ in made], metric, reference))
    click.echo(render(comparisons, form))
    if form == "terminal":
        click.echo("\nResults:")
        for folder in folders:
            click.echo(f"  {folder}")


@main.command()
@click.option("--task", "name", required=True, help="Task name.")
@click.option("--template", default="plain", show_default=True, help="Template name, or a .j2 file.")
@click.option("--shots", type=click.IntRange(0), default=0, show_default=True, help="Number of demonstrations.")
@click.option("--selector", default="balanced", show_default=True, help="How demonstrations are chosen.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--model", default="tiny", show_default=True, help="Local path or hub name.")
@_prompt_options
@click.option("--example", help="The item's id; else the split's first.")
def show(
    name: str,
    template: str,
    shots: int,
    selector: str,
    seed: int,
    model: str,
    order: str,
    draw: str,
    demo: Sequence[str],
    embedder: str,
    engine: str,
    split: str,
    example: str | None,
    **options: Any,
) -> None:
    """Print one prompt exactly as the model gets it, special tokens visible, with token counts per part."""
    from harness import study, task
    from harness.engines import create
    from harness.predictors.prompted import Prompted
    from harness.show import show as look
    from harness.template import load

    chosen = study.Spec(draw=draw, demos=demo, embedder=embedder).selector(selector, seed)
    found = task.load(name)
    prompted = Prompted(load(template, found), create(engine, model, **options), chosen, shots, order, seed)
    shown = look(prompted, found, split, example)
    click.echo(shown.text)
    click.echo(click.style("─" * 40, dim=True))
    for part, tokens in shown.parts:
        click.echo(f"{tokens:6d}  {part}")
    click.echo(f"{shown.prompt_tokens:6d}  prompt, of {prompted.engine.max_length} that the model takes")
    for text, tokens in shown.choices:
        click.echo(f"{tokens:6d}  choice {text!r}")
    if shown.excluded:
        click.echo(f"Barred as demonstrations of this item: {', '.join(shown.excluded)}")


KINDS = ("tasks", "templates", "selectors", "engines", "baselines", "metrics", "runs")


@main.command("list")
@click.argument("kinds", nargs=-1)
@click.option("--task", "name", help="Templates and runs of this task only.")
@click.option(
    "--results", type=click.Path(path_type=Path), default=RESULTS, show_default=True, help="Where runs are kept."
)
def list_(kinds: Sequence[str], name: str | None, results: Path) -> None:
    """List tasks, templates, selectors, engines, baselines, metrics and runs (all, or the KINDS named)."""
    from harness.listing import entries

    for kind in kinds:
        if kind not in KINDS:
            raise unknown("kind", kind, KINDS)
    for kind in kinds or KINDS:
        click.echo(click.style(kind, bold=True))
        rows = entries(kind, name, results)
        width = max((len(entry) for entry, _ in rows), default=0)
        for entry, what in rows:
            click.echo(f"  {entry:<{width}}  {what}".rstrip())
        if not rows:
            click.echo("  none yet")


@main.command()
@click.argument("runs", nargs=-1)
@click.option("--task", "name", help="Only runs of this task.")
@click.option("--metric", help="Compare by this metric; else by the task's main one.")
@click.option("--reference", help="Compare with this run or baseline; else with the best baseline.")
@click.option(
    "--results", type=click.Path(path_type=Path), default=RESULTS, show_default=True, help="Where runs are kept."
)
@click.option("--format", "form", default="terminal", show_default=True, help=f"{', '.join(FORMATS)}.")
def report(
    runs: Sequence[str], name: str | None, metric: str | None, reference: str | None, results: Path, form: str
) -> None:
    """Print the table of past RUNS (folders or names under --results; all of them by default).

    Runs over different items stand in tables of their own.
    """
    _known_format(form)
    from harness.compare import comparable, compare
    from harness.report import render
    from harness.results import find, load

    folders = find(results, name)
    if runs:
        known = {folder.name: folder for folder in folders}
        folders = [
            Path(run) if Path(run).is_dir() else known[run] if run in known else _no_run(run, known) for run in runs
        ]
    if not folders:
        raise InputError(
            f"{results}: no runs{f' of task {name!r}' if name else ''}. Make some with `harness run --task NAME`."
        )
    groups = comparable([load(folder) for folder in folders])
    click.echo(render([compare(group, metric, reference) for group in groups], form))


def _no_run(name: str, known: dict[str, Path]) -> Path:
    raise unknown("run", name, known)


@main.command()
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--name", required=True, help="The task's name.")
@_many("--input", "inputs", default=("text",), help="Input columns.")
@click.option("--target", default="label", show_default=True, help="The label's column.")
@click.option("--test", type=click.Path(path_type=Path), help="A CSV of test items; else 30 % of DATA are held out.")
@click.option("--encoding", default="utf-8", show_default=True, help="The CSV's encoding.")
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="For the split.")
@click.option("--into", type=click.Path(path_type=Path), default=Path(), help="The project's folder; else this one.")
def init(
    data: Path, name: str, inputs: tuple[str, ...], target: str, test: Path | None, encoding: str, seed: int, into: Path
) -> None:
    """Make a project of your own from the CSV file DATA: tasks/NAME and prompts/NAME, ready to run."""
    from harness import scaffold

    for line in scaffold.init(into, name, data, inputs, target, test, encoding, seed):
        click.echo(line)
    click.echo(f"Next: harness run --task {name} --shots 0,5 --baseline majority --baseline tfidf-logreg")


def _known_format(form: str) -> None:
    if form not in FORMATS:
        raise unknown("format", form, FORMATS)
