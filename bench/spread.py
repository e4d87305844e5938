"""One process beside two replicas on a local Ray cluster, over one study: python bench/spread.py [MODEL]

Tokens are counts. Seconds are information only: on one machine the replicas share its cores, and starting them is told
apart from answering.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from harness.engines import create
from harness.engines.ray import replicate
from harness.study import grid
from harness.task import definition
from harness.types import Engine

LONG = str(Path(__file__).parent / "long-answers.j2")
REPLICAS = 2


def measured(engine: Engine, ready: float) -> dict[str, Any]:
    """A fresh run of the study; ``ready`` is the seconds that the engine took to be there."""
    spec = grid.Spec(templates=("plain", "chat", LONG), shots=(0, 5))
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        made = list(grid.run(definition.load("finsentiment"), spec, [engine], Path(folder)))
        seconds = time.perf_counter() - begun
        workloads = grid.workloads(definition.load("finsentiment"), spec, [engine], Path(folder) / "none")
    computed = sum(run.usage["computed_tokens"] for run, _ in made)
    trie = workloads[0][1].trie
    return {
        "runs": len(made),
        "requests": workloads[0][1].requests,
        "submitted_tokens": sum(run.usage["submitted_tokens"] for run, _ in made),
        "computed_tokens": computed,
        "trie_tokens": trie,
        "computed_over_trie": round(computed / trie, 3),
        "start_s": round(ready, 1),
        "study_s": round(seconds, 1),
        "outputs": [[(p.example_id, p.output) for p in run.predictions] for run, _ in made],
    }


def main() -> None:
    """Both ways over finsentiment's test split: three templates, without demonstrations and with five."""
    model = sys.argv[1] if len(sys.argv) > 1 else "tiny"
    alone = measured(create("transformers", model), 0)
    begun = time.perf_counter()
    (spread,) = replicate("transformers", [model], {}, "local", REPLICAS)
    _ = spread.identity
    over = measured(spread, time.perf_counter() - begun)
    spread.close()
    same = alone.pop("outputs") == over.pop("outputs")
    result = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "model": model,
        "same_predictions": same,
        "one_process": alone,
        f"ray_{REPLICAS}_replicas": over,
        "more_tokens": round(over["computed_tokens"] / alone["computed_tokens"], 3),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
