"""vLLM's core on a CPU: in this process for the first engine, in one of its own for the next."""

import multiprocessing
import os
import random
import shutil
import subprocess
import sys

import pytest
import torch
from conftest import ROOT, stop
from contract import scores, worst

from harness.engines import create
from harness.types import Request

pytestmark = [pytest.mark.vllm, pytest.mark.slow]


def asked():
    rng = random.Random(0)
    return [Request(str(i), tuple(rng.choices(range(7, 4000), k=40)), ((7,), (8, 9))) for i in range(8)]


def test_a_second_engine_has_a_process_and_its_end_is_not_the_first_ones(vllm_tiny):
    if not vllm_tiny._on_cpu:
        pytest.skip("on a GPU each core has a process")
    found = scores(vllm_tiny, asked())
    outside = set(multiprocessing.active_children())
    assert "EngineCore" not in {child.name for child in outside}
    assert torch.set_num_threads.__name__ == "set_num_threads"  # and not what vLLM puts in its place
    second = create("vllm", "tiny", max_model_len=512)
    try:
        assert worst(scores(second, asked()), found) < 1e-3
        assert {child.name for child in set(multiprocessing.active_children()) - outside} == {"EngineCore"}
    finally:
        stop(second)
    assert worst(scores(vllm_tiny, asked()), found) < 1e-3


@pytest.mark.parametrize("apart", ["0", "1"])
def test_it_starts_beside_numba(tmp_path, apart):
    """Which bm25s imports."""
    pytest.importorskip("vllm")
    pytest.importorskip("numba")
    line = [sys.executable, "-m", "harness", "run", "--task", "finsentiment", "--engine", "vllm", "--limit", "4"]
    done = subprocess.run(
        [*line, "--selector", "bm25", "--shots", "2", "--results", str(tmp_path / "results")],
        check=False,
        env={**os.environ, "HF_HUB_OFFLINE": "1", "VLLM_ENABLE_V1_MULTIPROCESSING": apart},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr


def test_a_damaged_model_is_told_in_one_line(tmp_path):
    pytest.importorskip("vllm")
    model = shutil.copytree(ROOT / "models" / "tiny", tmp_path / "model")
    weights = model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1000])
    line = [sys.executable, "-m", "harness", "run", "--task", "finsentiment", "--engine", "vllm", "--shots", "0"]
    done = subprocess.run(
        [*line, "--model", str(model), "--results", str(tmp_path / "results")],
        check=False,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert f"harness: model {str(model)!r}: vLLM cannot load it: " in done.stderr
    assert "Traceback" not in done.stderr
