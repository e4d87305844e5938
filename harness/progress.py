"""Progress on stderr: items, tokens a second, time left. Quiet where stderr is no terminal."""

from __future__ import annotations

from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

from harness import escape


class Bars:
    """One bar a run; call it as ``study.run`` reports."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._bars: dict[str, TaskID] = {}

    def __call__(self, title: str, done: int, items: int, tokens: int) -> None:
        if title not in self._bars:
            self._bars[title] = self._progress.add_task(escape.line(title), total=items, speed="")
        bar = self._bars[title]
        elapsed = self._progress.tasks[self._progress.task_ids.index(bar)].elapsed or 0
        speed = f"{tokens / elapsed:,.0f} tokens/s" if elapsed and tokens else ""
        self._progress.update(bar, completed=done, speed=speed)

    @property
    def shown(self) -> bool:
        return not self._progress.disable

    def say(self, text: str) -> None:
        """Print ``text`` above the bars."""
        self._progress.console.print(Text(escape.terminal(text)))

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()
