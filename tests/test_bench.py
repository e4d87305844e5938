"""What the benches reckon with: a Llama's parameters and FLOPs, a device's peak, and the project they ask."""

import math
import os
import subprocess
import sys

import gpu
import project
import pytest
import torch
from conftest import ROOT
from llama import SHAPES, Llama
from torch.utils.flop_counter import FlopCounterMode
from transformers import AutoModelForCausalLM

from harness.prompt.encode import Encoder
from harness.types import Prompt

SMALL = Llama(hidden=128, layers=2, heads=4, kv_heads=2, intermediate=96, vocabulary=4096)


def test_parameters_are_the_published_ones():
    """From the models' own files: Llama 3.2 1B's and Llama 3.1 8B's safetensors hold as many bfloat16 numbers."""
    assert SHAPES["llama-1b"].parameters == 1_235_814_400
    assert SHAPES["llama-8b"].parameters == 8_030_261_248
    assert 0.19 < 10_000 * 512 / SHAPES["llama-24m"].parameters < 0.23
    assert 0.19 < 20_000 * 640 / SHAPES["llama-60m"].parameters < 0.23
    assert 0.19 < 32_000 * 768 / SHAPES["llama-110m"].parameters < 0.23


def test_flops_of_a_token_of_llama_8b():
    """Two for each of 6,979,321,856 weights in layers' matrices and of 525,336,576 in the output's; and four for each
    of 32 layers and 4,096 dimensions for a token that is attended to."""
    shape = SHAPES["llama-8b"]
    assert shape.flops(1, 0, 0) == 13_958_643_712
    assert shape.flops(1, 0, 1) == 15_009_316_864
    assert shape.flops(0, 1, 0) == 524_288


@pytest.mark.parametrize("tied", [True, False])
def test_both_are_what_torch_counts(tied):
    shape = Llama(hidden=64, layers=2, heads=4, kv_heads=2, intermediate=96, vocabulary=4096, tied=tied)
    lm = AutoModelForCausalLM.from_config(shape.config("float32"), attn_implementation="eager").eval()
    assert shape.parameters == lm.num_parameters()
    with torch.inference_mode(), FlopCounterMode(display=False) as counted:
        lm(torch.arange(17)[None])
    assert counted.get_total_flops() == shape.flops(17, 17 * 17, 17)  # torch counts what a causal mask hides, too


def test_pairs_that_attend():
    assert gpu.attended(0, 4) == 1 + 2 + 3 + 4
    assert gpu.attended(2, 4) == 3 + 4
    assert gpu.attended(4, 4) == 0


def test_peaks_go_by_the_device_s_name():
    for name, flops in (
        ("NVIDIA A100-SXM4-80GB", 312e12),
        ("NVIDIA H100 80GB HBM3", 989.4e12),
        ("NVIDIA H100 PCIe", 756e12),
        ("NVIDIA H200", 989.4e12),
        ("NVIDIA L4", 121e12),
        ("NVIDIA L40S", 362e12),
    ):
        assert gpu.peak(name) == flops
    assert math.isnan(gpu.peak("NVIDIA GeForce RTX 4090"))


def test_a_row_of_the_table():
    made = gpu.Measured(2.0, 100, 5000, 60_000, 100, {})
    row = made.row("llama-1b", "ours", SHAPES["llama-1b"], "NVIDIA L4")
    assert (row["items_per_s"], row["prefill_tokens_per_s"]) == (50.0, 2500)
    assert row["mfu"] == round(SHAPES["llama-1b"].flops(5000, 60_000, 100) / 2.0 / 121e12, 3)
    unknown = made.row("llama-1b", "ours", SHAPES["llama-1b"], "Something else")
    assert gpu.table([unknown]).endswith(f"| 5,000 | {gpu.DASH} | 2.0 |")


def test_without_a_gpu_it_says_so():
    if torch.cuda.is_available():
        pytest.skip("a GPU is there")
    done = subprocess.run(
        [sys.executable, ROOT / "bench" / "gpu.py"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert (done.returncode, done.stdout) == (0, "No GPU is here, so nothing was measured.\n")


def test_the_project_holds_as_many_items_as_asked_for(home, tiny):
    project.write(home, 600)
    short, long = (project.prompts(name, "balanced") for name in project.TEMPLATES)
    assert len({item.id for item in short}) == len(short) == len(long) == 600
    assert len({item.context for item in short}) == 600
    lengths = [
        {
            len(choice)
            for encoded in Encoder(tiny.tokenizer).encode([Prompt(a.id, a.context, a.choices, ()) for a in asked[:20]])
            for choice in encoded.choices
        }
        for asked in (short, long)
    ]
    assert lengths == [{1}, {2, 3, 4}]


@pytest.mark.vllm
@pytest.mark.slow
def test_both_routes_give_the_same_scores(home):
    """On vLLM's CPU build: the measuring function whole, but for the GPU. The weights are random and not vLLM's own
    made-up ones, under which all prompts score alike."""
    pytest.importorskip("vllm")
    SMALL.write(home / "model")
    requests = gpu.requests(40, home)
    engine = gpu.Routes(str(home / "model"))
    try:
        found = gpu.measure(engine, requests)
    finally:
        engine.release()
    ours, theirs = found["ours"], found["prompt_logprobs"]
    assert ours.scores.keys() == theirs.scores.keys() == {request.key for request in requests}
    for key, row in ours.scores.items():
        assert row == pytest.approx(theirs.scores[key], abs=1e-4)
    assert len(set(ours.scores.values())) > 30
    assert theirs.computed == sum(len(r.prompt) + len(c) for r in requests for c in r.choices)
    assert ours.computed < theirs.computed / 5
    assert ours.attended < theirs.attended
