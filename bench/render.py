"""What counting a template's steps costs: python bench/render.py [--prompts N] [--json FILE]

Each built-in template fills in the same prompts (5 demonstrations, finsentiment's test items) with its steps counted
and in Jinja's own sandbox, by turns of 50 prompts; a ratio is of the medians of the turns' times.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from itertools import cycle, islice
from pathlib import Path
from types import SimpleNamespace

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from harness import builtin
from harness.prompt import template
from harness.sandbox import Roles
from harness.task import definition

SHOTS, TURN = 5, 50


def plain(metered: template.Template) -> template.Template:
    """The same template in Jinja's sandbox as it comes."""
    made = template.Template(*(getattr(metered, name) for name in template.Template.__dataclass_fields__))
    env = ImmutableSandboxedEnvironment(
        undefined=jinja2.StrictUndefined, extensions=[Roles], trim_blocks=True, lstrip_blocks=True
    )
    env.filters["tojson"] = metered._env.filters["tojson"]
    env.meter = SimpleNamespace(reset=lambda: None)
    made.__dict__["_env"] = env
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=1_000_000, help="of all templates together, each way")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    task = definition.load("finsentiment")
    shots, items = task.examples("train")[:SHOTS], cycle(task.examples("test"))
    names = builtin.names("prompts/finsentiment", ".j2")
    found, times = {}, ([], [])
    for name in names:
        counted = template.load(name, task)
        ways, own = (counted, plain(counted)), ([], [])
        for _ in range(asked.prompts // len(names) // TURN):
            turn = list(islice(items, TURN))
            for way, spent in zip(ways, own, strict=True):
                begun = time.perf_counter()
                for item in turn:
                    way.render(item, shots)
                spent.append(time.perf_counter() - begun)
        assert ways[0].render(turn[0], shots).content == ways[1].render(turn[0], shots).content
        with_, without = map(statistics.median, own)
        found[name] = {"microseconds": round(with_ / TURN * 1e6, 1), "ratio": round(with_ / without, 3)}
        print(f"{name:12} {found[name]['microseconds']:7} us a prompt, {found[name]['ratio']} of the time without")
        for all_, each in zip(times, own, strict=True):
            all_.append(statistics.median(each))
    whole = round(sum(times[0]) / sum(times[1]), 3)
    print(f"all {len(names)}: {whole} of the time without")
    if asked.json:
        asked.json.write_text(json.dumps({"prompts": asked.prompts, "ratio": whole, "templates": found}, indent=1))


if __name__ == "__main__":
    main()
