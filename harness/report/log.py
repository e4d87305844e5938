"""A table in a log: a record of each row, with its numbers and signature, and one of the table and its figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from harness import logs, secret
from harness.compare.differences import Comparison, Row
from harness.errors import HarnessError, InputError
from harness.report import markdown
from harness.report.columns import columns
from harness.report.figure import contents
from harness.results import store

TABLE = "table"


def write(comparison: Comparison, names: Sequence[str], folder: Path) -> None:
    """Log the table to each of the loggers called ``names``, below ``folder`` where they keep what they get. Figures
    are logged where matplotlib is installed. Raises HarnessError where a logger fails."""
    pictures = _pictures(comparison) if names else {}
    for name in names:
        try:
            _write(comparison, logs.find(name), folder, pictures)
        except HarnessError:
            raise
        except Exception as error:  # whatever another package raises
            raise HarnessError(
                f"the table of {comparison.task} cannot be logged to {name} ({type(error).__name__}: {error}). The "
                f"runs are sealed: harness report --log {name} logs it again."
            ) from error


def _write(comparison: Comparison, logger: type[logs.Log], folder: Path, pictures: Mapping[str, bytes]) -> None:
    for row in comparison.rows:
        title = store.run_name(row.label, row.run.signature, row.run.items_hash)
        with _opened(logger, folder, comparison.task, title, _config(row)) as log:
            log.write({name: value for name, value in _held(comparison, row).items() if isinstance(value, float)})
    whole = {key: str(getattr(comparison, key)) for key in ("task", "metric", "reference", "n", "correction")}
    items = comparison.rows[0].run.items_hash
    with _opened(logger, folder, comparison.task, f"{TABLE}-{items}", {**whole, "items": items}) as log:
        log.text(TABLE, secret.hidden(markdown.render([comparison])))
        log.table(TABLE, [_held(comparison, row) for row in comparison.rows])
        for name, png in pictures.items():
            log.image(name, png)


def _opened(logger: type[logs.Log], folder: Path, group: str, title: str, config: Mapping[str, str]) -> Any:
    return closing(logger(folder, group, title, {key: secret.hidden(value) for key, value in config.items()}))


def _held(comparison: Comparison, row: Row) -> dict[str, Any]:
    """What the columns of the table hold, by names that every logger takes."""
    parts = (part for column in columns(comparison) for part in column.parts)
    return {part.title.replace(",", ""): _plain(part.value(row)) for part in parts}


def _plain(value: float | str | None) -> float | str | None:
    return secret.hidden(value) if isinstance(value, str) else value if value is None else float(value)


def _config(row: Row) -> dict[str, str]:
    """The signature, and the seeds of the runs that make the row."""
    seeds = ", ".join(str(run.spec["seed"]) for run in row.runs)
    return {**dict(row.run.signature.pairs), "row": row.label, "seeds": seeds}


def _pictures(comparison: Comparison) -> dict[str, bytes]:
    """Each figure as PNG, by its name; none without matplotlib."""
    try:
        return {name: drawn for name, _, drawn in contents(comparison, ("png",))}
    except InputError:
        return {}
