"""Model folders that are damaged, incomplete or put together from two models: one paragraph that names the file."""

import contextlib
import gc
import json
import random
import shutil
import warnings

import pytest
from click.testing import CliRunner
from conftest import ROOT

from harness.cli import main
from harness.engines import create
from harness.errors import HarnessError, InputError
from harness.types import Request

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:1f\nsize 8135128\n"
DAMAGE = {
    "missing": lambda path: path.unlink(),
    "emptied": lambda path: path.write_bytes(b""),
    "cut": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "an empty object": lambda path: path.write_text("{}"),
    "a list": lambda path: path.write_text("[]"),
    "null": lambda path: path.write_text("null"),
    "nested": lambda path: path.write_text("[" * 100_000),
    "noise": lambda path: path.write_bytes(random.Random(0).randbytes(3000)),
    "a pointer": lambda path: path.write_text(POINTER),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}
# What cannot be done without, and what nobody misses.
NEEDED = ("config.json", "tokenizer.json", "model.safetensors")
SPARE = ("tokenizer_config.json", "generation_config.json", "chat_template.jinja")
CONFIG = {
    "hidden_size": (250, 128, "wide"),
    "num_attention_heads": (7, 0),
    "num_hidden_layers": (9, 2),
    "intermediate_size": (64,),
    "vocab_size": (100,),
    "num_key_value_heads": (3,),
    "head_dim": ("x", 16),
    "hidden_act": ("nosuch",),
    "model_type": ("nosuch", 3),
    "dtype": ("float7",),
    "rope_parameters": ({"rope_type": "nosuch"},),
    "max_position_embeddings": ("many",),
}


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(ROOT / "models" / "tiny", tmp_path / "m")


def ask(engine, folder):
    """Everything a run asks of an engine."""
    made = create(engine, str(folder))
    prompt = tuple(made.tokenizer.encode("the price rose"))
    assert made.max_length > len(prompt)
    assert made.identity
    return list(made.score([Request("k", prompt, ((5,), (6, 7)))]))


def changed(path, **keys):
    path.write_text(json.dumps({**json.loads(path.read_text()), **keys}))


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["transformers", "null"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_an_input_error_that_names_it_or_does_no_harm(folder, tmp_path, damage, engine):
    kept = tmp_path / "kept"
    for name in (*NEEDED, *SPARE):
        (folder / name).rename(kept)
        shutil.copy(kept, folder / name)
        DAMAGE[damage](folder / name)
        unread = engine == "null" and (name == "model.safetensors" or damage == "an empty object")
        if name in NEEDED and not unread:
            with pytest.raises(InputError, match="m'") as told:
                ask(engine, folder)
            assert name in str(told.value) or damage == "missing"
            assert str(told.value).count("\n") == 0
        else:
            with contextlib.suppress(InputError):  # and nothing else
                ask(engine, folder)
        shutil.rmtree(folder / name) if (folder / name).is_dir() else (folder / name).unlink(missing_ok=True)
        kept.rename(folder / name)
    assert ask(engine, folder)


@pytest.mark.slow
@pytest.mark.parametrize("key", CONFIG)
def test_a_configuration_that_contradicts_itself_or_the_weights_is_refused(folder, key):
    whole = (folder / "config.json").read_text()
    for value in CONFIG[key]:
        changed(folder / "config.json", **{key: value})
        with pytest.raises(InputError, match="m'") as told:
            ask("transformers", folder)
        assert "\n" not in str(told.value)
        (folder / "config.json").write_text(whole)


def test_tensors_that_are_missing_are_named_and_not_drawn_at_random(folder):
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    del weights["model.layers.1.mlp.up_proj.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(InputError, match=r"there is no model\.layers\.1\.mlp\.up_proj\.weight"):
        ask("transformers", folder)


def test_a_tokenizer_of_another_model_is_refused(folder):
    path = folder / "tokenizer.json"
    found = json.loads(path.read_text())
    vocabulary = found["model"]["vocab"]
    vocabulary |= {f"more{i}": len(vocabulary) + i for i in range(3)}
    path.write_text(json.dumps(found))
    with pytest.raises(InputError, match=r"tokenizer\.json has 4,099 tokens, but the weights know 4,096"):
        ask("transformers", folder)


def test_the_command_says_it_in_one_paragraph(home, folder):
    (folder / "tokenizer.json").write_text("{}")
    for engine in ("transformers", "null"):
        command = ["run", "--task", "finsentiment", "--limit", "3", "--engine", engine, "--model", str(folder)]
        done = CliRunner().invoke(main, command)
        assert done.exit_code == 2, done.output
        assert done.stderr.count("\n") == 1
        assert "tokenizer.json is damaged" in done.stderr


@pytest.mark.vllm
@pytest.mark.slow
@pytest.mark.parametrize("damage", ["cut", "noise", "a pointer"])
def test_vllm_says_it_too(folder, damage):
    pytest.importorskip("vllm")
    DAMAGE[damage](folder / "model.safetensors")
    with pytest.raises(HarnessError, match="m'") as told:
        ask("vllm", folder)
    assert told.value.exit_code == 2
    with warnings.catch_warnings():  # vLLM leaves what it had opened to the garbage collector
        warnings.simplefilter("ignore", ResourceWarning)
        told = None
        gc.collect()
