"""vLLM's core on a CPU: in this process for the first engine, in one of its own for the next."""

import multiprocessing
import os
import random
import shutil
import subprocess
import sys

import pytest
import torch
from conftest import ROOT
from contract import scores, worst

from harness.engines import create, vllm_process
from harness.types import Request


def asked():
    rng = random.Random(0)
    return [Request(str(i), tuple(rng.choices(range(7, 4000), k=40)), ((7,), (8, 9))) for i in range(8)]


class Tenant:
    """An engine that takes a share of a GPU, and says when it gives it back."""

    def __init__(self, memory):
        self.memory, self.loaded = memory, False

    def load(self):
        vllm_process.room(self)
        self.loaded = True

    def release(self):
        vllm_process.left(self)
        self.loaded = False


def test_engines_that_do_not_fit_beside_each_other_take_turns():
    one, two = Tenant(0.9), Tenant(0.9)
    for first, second in ((one, two), (two, one), (one, two)):
        first.load()
        assert (first.loaded, second.loaded) == (True, False)
    small = [Tenant(0.4), Tenant(0.4)]
    for each in small:
        each.load()
    assert [each.loaded for each in (one, *small)] == [False, True, True]
    for each in small:
        each.release()


def two_engines():
    """What the test below looks at, in a process in which no engine was made before."""
    first = create("vllm", "tiny", dtype="float32", gpu_memory_utilization=0.3)
    if not first._on_cpu:
        print("on a GPU each core has a process")
        return
    found = scores(first, asked())
    outside = set(multiprocessing.active_children())
    assert "EngineCore" not in {child.name for child in outside}
    assert torch.set_num_threads.__name__ == "set_num_threads"  # and not what vLLM puts in its place
    second = create("vllm", "tiny", max_model_len=512)
    try:
        assert worst(scores(second, asked()), found) < 1e-3
        assert {child.name for child in set(multiprocessing.active_children()) - outside} == {"EngineCore"}
    finally:
        second.release()
    assert worst(scores(first, asked()), found) < 1e-3
    first.release()
    print("each as it should be")


@pytest.mark.vllm
@pytest.mark.slow
def test_a_second_engine_has_a_process_and_its_end_is_not_the_first_ones():
    pytest.importorskip("vllm")
    done = subprocess.run(
        [sys.executable, __file__],
        check=False,
        env={**os.environ, "HF_HUB_OFFLINE": "1"},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr
    if "on a GPU" in done.stdout:
        pytest.skip("on a GPU each core has a process")
    assert "each as it should be" in done.stdout


@pytest.mark.vllm
@pytest.mark.slow
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


@pytest.mark.vllm
@pytest.mark.slow
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


if __name__ == "__main__":
    two_engines()
