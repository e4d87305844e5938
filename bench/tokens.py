"""Tokens computed against the trie and against a straightforward harness: python bench/tokens.py [ENGINE] [SETTING]

Counts, so they are the same on any machine. Each row is a fresh process over finsentiment's test split, so that no
engine starts with what another row left in its cache. ``least_in_blocks`` is what vLLM's cache of whole blocks leaves
to compute at the least, where answers are of one token.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from itertools import count
from math import factorial
from pathlib import Path

from harness import builtin
from harness.chance import rng
from harness.engines import create
from harness.prompt import selectors
from harness.study import grid
from harness.task import definition
from harness.task.definition import Task
from harness.types import Engine, Request, Tokens

HERE = Path(__file__).parent
LONG = str(HERE / "long-answers.j2")
SHOTS = 4  # of which every order is asked


def settings(finsentiment: Task) -> dict[str, grid.Spec]:
    """What is asked, by name: one study each."""
    shipped = builtin.names("prompts/finsentiment", ".j2")
    more = [str(HERE / "headline.j2"), str(HERE / "numbered.j2")]
    pick = selectors.Selection(selectors.create("balanced"), finsentiment.examples("train"), SHOTS, "as-is", 0)
    return {
        "fixed shots": grid.Spec(shots=(5,)),
        "fixed shots, long answers": grid.Spec(templates=(LONG,), shots=(5,)),
        "per-item shots": grid.Spec(shots=(5,), selectors=("knn",)),
        "24 orders": grid.Spec(
            shots=(SHOTS,),
            selectors=("fixed",),
            demos=tuple(example.id for example in pick.shared()),
            order="random",
            seeds=orders(SHOTS),
        ),
        "8 templates": grid.Spec(templates=(*shipped, *more), shots=(5,)),
    }


def orders(shots: int) -> tuple[int, ...]:
    """The first seed of each order that demonstrations can stand in."""
    found: dict[tuple[int, ...], int] = {}
    for seed in count():
        if len(found) == factorial(shots):
            break
        found.setdefault(tuple(rng("order", seed).permutation(shots).tolist()), seed)
    return tuple(found.values())


def in_blocks(requests: Iterable[Request], block: int) -> int | None:
    """Tokens that vLLM computes at the least for answers of one token: every whole block of the prompts once, and of
    each prompt what lies behind its last one, the last token in any case. None where answers are longer."""
    blocks: set[Tokens] = set()
    behind = 0
    for request in requests:
        if any(len(choice) > 1 for choice in request.choices or ()):
            return None
        whole = (len(request.prompt) - 1) // block * block
        blocks |= {request.prompt[:end] for end in range(block, whole + 1, block)}
        behind += len(request.prompt) - whole
    return block * len(blocks) + behind


def asked(finsentiment: Task, spec: grid.Spec, engine: Engine) -> list[Request]:
    """The distinct requests of a study."""
    test = finsentiment.examples("test")
    sheets = [made.predictor.fit(made.train).sheet(test) for made in grid.plan(finsentiment, spec, [engine])]
    return list({key: request for sheet in sheets for key, request in sheet.requests.items()}.values())


def measure(name: str, setting: str) -> dict[str, object]:
    """The counts of one study, over all its runs together."""
    finsentiment, engine = definition.load("finsentiment"), create(name, "tiny")
    spec = settings(finsentiment)[setting]
    with tempfile.TemporaryDirectory() as folder:
        ((_, workload),) = grid.workloads(finsentiment, spec, [engine], Path(folder))
        runs = [run for run, _ in grid.run(finsentiment, spec, [engine], Path(folder))]
    computed = sum(run.usage["computed_tokens"] for run in runs)
    return {
        "engine": engine.identity["engine"],
        "setting": setting,
        "template": ", ".join(Path(template).stem for template in spec.templates),
        "shots": spec.shots[0],
        "selector": spec.selectors[0],
        "runs": len(runs),
        "submitted_tokens": workload.submitted,
        "computed_tokens": computed,
        "trie_tokens": workload.trie,
        "least_in_blocks": in_blocks(asked(finsentiment, spec, engine), engine.block_size) if name == "vllm" else None,
        "computed_over_trie": round(computed / workload.trie, 3),
        "submitted_over_trie": round(workload.submitted / workload.trie, 1),
    }


def main() -> None:
    """All settings, or the one named."""
    name, *chosen = sys.argv[1:] or ["transformers"]
    if chosen:
        print(json.dumps(measure(name, chosen[0])))
        return
    found = []
    for setting in settings(definition.load("finsentiment")):
        command = [sys.executable, __file__, name, setting]
        said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        found.append(json.loads(said.splitlines()[-1]))
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
