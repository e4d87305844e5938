"""What is kept of tasks that were learnt one after the other (matplotlib): each task's score after each stage."""

from __future__ import annotations

from typing import Any

from harness.compare.retention import Course
from harness.report.figures.drawing import look, panels, shown


def draw(course: Course) -> Any:
    """A panel a task; what learns all at once, or nothing, is a flat line."""
    figure, axes = panels(course.tasks, 3.2, 2.8)
    stages = range(len(course.tasks))
    for task, panel in enumerate(axes):
        for place, row in enumerate(course.rows):
            means = [stage[task] for stage in row.means]
            if len(means) == 1:
                panel.axhline(
                    means[0], color=look(place)["color"], linestyle="--", linewidth=1, label=shown(row.strategy)
                )
                continue
            known = [(stage, mean) for stage, mean in zip(stages, means, strict=True) if mean is not None]
            panel.plot(*zip(*known, strict=True), "-", **look(place), markersize=5, label=shown(row.strategy))
        panel.set_xticks(stages, [shown(name) for name in course.tasks], rotation=30, ha="right")
        panel.set_xlim(-0.3, len(stages) - 0.7)
    axes[0].set_ylabel("item score")
    figure.supxlabel("after learning", fontsize=9)
    axes[-1].legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False)
    return figure
