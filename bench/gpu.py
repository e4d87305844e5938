"""Throughput on a GPU with made-up weights: python bench/gpu.py [--model NAME]… [--items N]

A 1 B and an 8 B Llama in bfloat16 on vLLM, which makes the weights up; the prompts are those of bench/project.py, five
demonstrations shared by the items and three labels of one token. Ours (prefix cache, labels read by their ids) beside
one `prompt_logprobs` request a choice, in the same engine, the cache emptied before each. Without a GPU it says so.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from unittest import mock

import project
from llama import SHAPES, Llama

from harness.engines import vllm_process
from harness.engines.vllm import Vllm
from harness.models.checkpoint import Model
from harness.prompt.encode import Encoder
from harness.report.numbers import DASH
from harness.types import Prompt, Request, Tokens

WARM = 64  # items that both routes are tried on before the clock runs
# Dense bfloat16 tensor-core FLOP/s without sparsity, by what a device's name holds, from NVIDIA's data sheets: "A100
# Tensor Core GPU", "H100 Tensor Core GPU", "H200 Tensor Core GPU", "L4 Tensor Core GPU", "L40S GPU". The longest name
# that fits counts. Where a sheet gives the figure with sparsity, it is halved.
PEAKS = {
    "A100": 312e12,
    "H100": 989.4e12,  # SXM
    "H100 PCIe": 756e12,
    "H100 NVL": 835e12,
    "H200": 989.4e12,
    "H200 NVL": 835e12,
    "L4": 121e12,
    "L40S": 362e12,
}


def peak(device: str) -> float:
    """The device's peak FLOP/s; NaN where it is not known."""
    words = device.replace("-", " ").split()
    fitting = [name for name in PEAKS if set(name.split()) <= set(words)]
    return PEAKS[max(fitting, key=len)] if fitting else math.nan


class Routes(Vllm):
    """The engine, and the other route through the same vLLM."""

    def empty(self) -> None:
        """Forget every cached prefix."""
        self._engine.reset_prefix_cache()

    def prompt_logprobs(self, requests: Sequence[Request]) -> Iterator[tuple[str, int, float]]:
        """The other route: prompt and choice as one prompt, with the log-probability of each of its tokens. Gives the
        request's key, the choice's place and its log-likelihood."""
        from vllm import SamplingParams

        whole: dict[str, tuple[Request, int]] = {}

        def submit() -> Iterator[tuple[str, Tokens, Any]]:
            for request in requests:
                for place, choice in enumerate(request.choices or ()):
                    name = f"{request.key}={place}"
                    whole[name] = request, place
                    params = SamplingParams(max_tokens=1, temperature=0.0, prompt_logprobs=1, detokenize=False)
                    yield name, [*request.prompt, *choice], params

        for output in self._run(submit()):
            request, place = whole[output.request_id]
            choice = (request.choices or ())[place]
            said = output.prompt_logprobs[len(request.prompt) :]
            yield request.key, place, sum(at[token].logprob for at, token in zip(said, choice, strict=True))


class Dummy(Routes):
    """The engine with weights that vLLM makes up, so that a model is a configuration and a tokenizer. They
    are so small that all prompts score alike: good for the clock only."""

    @cached_property
    def _engine(self) -> Any:
        vllm_process.prepare()
        from vllm import LLM

        def load(model: str, **params: Any) -> Any:
            return LLM(model, **{**params, "load_format": "dummy"})

        with mock.patch("vllm.LLM", load):
            return Vllm._engine.func(self)


@dataclass(frozen=True, slots=True)
class Measured:
    """One route over some items: ``attended`` are the pairs of a computed token and one it attends to, ``read`` the
    positions whose logits were taken, ``scores`` the log-likelihoods by request."""

    seconds: float
    items: int
    computed: int
    attended: int
    read: int
    scores: dict[str, tuple[float, ...]]

    def row(self, name: str, route: str, shape: Llama, device: str) -> dict[str, object]:
        used = shape.flops(self.computed, self.attended, self.read) / self.seconds / peak(device)
        return {
            "model": name,
            "route": route,
            "seconds": round(self.seconds, 2),
            "items_per_s": round(self.items / self.seconds, 1),
            "prefill_tokens_per_s": round(self.computed / self.seconds),
            "computed_tokens": self.computed,
            "mfu": None if math.isnan(used) else round(used, 3),
        }


def attended(cached: int, length: int) -> int:
    """Pairs of a token and one it attends to, itself included, for the tokens after the first ``cached``."""
    return (length * (length + 1) - cached * (cached + 1)) // 2


def ours(engine: Routes, requests: Sequence[Request]) -> Measured:
    """By the harness's own engine. Labels are of one token, so that a request is one of vLLM's."""
    lengths = {request.key: len(request.prompt) for request in requests}
    begun = time.perf_counter()
    answers = list(engine.score(requests))
    seconds = time.perf_counter() - begun
    pairs = sum(attended(lengths[a.key] - a.usage.computed, lengths[a.key]) for a in answers)
    scores = {a.key: tuple(map(math.fsum, a.choice_logprobs or ())) for a in answers}
    return Measured(seconds, len(answers), sum(a.usage.computed for a in answers), pairs, len(answers), scores)


def theirs(engine: Routes, requests: Sequence[Request]) -> Measured:
    """By `prompt_logprobs`, which recomputes every prompt and takes the logits at every position."""
    begun = time.perf_counter()
    found = list(engine.prompt_logprobs(requests))
    seconds = time.perf_counter() - begun
    scores: dict[str, dict[int, float]] = {}
    for key, place, score in found:
        scores.setdefault(key, {})[place] = score
    lengths = [len(request.prompt) + len(choice) for request in requests for choice in request.choices or ()]
    ordered = {key: tuple(score for _, score in sorted(by.items())) for key, by in scores.items()}
    pairs = sum(attended(0, length) for length in lengths)
    return Measured(seconds, len(requests), sum(lengths), pairs, sum(lengths), ordered)


ROUTES: dict[str, Callable[[Routes, Sequence[Request]], Measured]] = {"ours": ours, "prompt_logprobs": theirs}


def measure(engine: Routes, requests: Sequence[Request]) -> dict[str, Measured]:
    """Each route once over all requests, after a few to warm up; the prefix cache is empty when the clock starts."""
    found = {}
    for name, route in ROUTES.items():
        route(engine, requests[:WARM])
        engine.empty()
        found[name] = route(engine, requests)
        engine.empty()
    return found


def requests(items: int, folder: Path) -> list[Request]:
    """What a fresh project of ``items`` asks, with its labels of one token."""
    project.write(folder, items)
    os.chdir(folder)
    prompts = [Prompt(a.id, a.context, a.choices, ()) for a in project.prompts("short", "balanced")]
    encoded = Encoder(Model("tiny").tokenizer).encode(prompts)
    return [Request(p.example_id, e.prompt, e.choices) for p, e in zip(prompts, encoded, strict=True)]


def model(name: str, items: int) -> dict[str, Measured]:
    """Both routes on the model ``name``."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary).resolve()
        SHAPES[name].write(folder / name, "bfloat16", weights=False)
        return measure(Dummy(str(folder / name)), requests(items, folder))


def table(rows: Sequence[dict[str, Any]]) -> str:
    """The rows as Markdown."""
    lines = [
        "| model | route | items/s | prefill tokens/s | computed tokens | MFU | s |",
        "|:--|:--|--:|--:|--:|--:|--:|",
    ]
    for row in rows:
        used = DASH if row["mfu"] is None else f"{row['mfu']:.1%}"
        lines.append(
            f"| {row['model']} | {row['route']} | {row['items_per_s']:,} | {row['prefill_tokens_per_s']:,} "
            f"| {row['computed_tokens']:,} | {used} | {row['seconds']} |"
        )
    return "\n".join(lines)


def main() -> None:
    """A table on stderr, the same as JSON on stdout."""
    import torch

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", action="append", choices=SHAPES, help="else llama-1b, llama-8b")
    parser.add_argument("--items", type=int, default=2000)
    options = parser.parse_args()
    if not torch.cuda.is_available():
        print("No GPU is here, so nothing was measured.")
        return
    device, rows = torch.cuda.get_device_name(), []
    # A process a model: with it goes all that it holds on the device.
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as processes:
        for name in options.model or ("llama-1b", "llama-8b"):
            found = processes.submit(model, name, options.items).result()
            rows += [made.row(name, route, SHAPES[name], device) for route, made in found.items()]
    machine = f"{device}, {platform.machine()}, Python {platform.python_version()}"
    print(table(rows), file=sys.stderr)
    packages = {package: version(package) for package in ("torch", "vllm", "transformers")}
    print(json.dumps({"machine": machine, **packages, "items": options.items, "rows": rows}, indent=2))


if __name__ == "__main__":
    main()
