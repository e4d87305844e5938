"""What was trained is kept whole or not at all, and found again."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from trained import cheap, copied, said, stated

from harness import predictors
from harness.errors import InputError
from harness.kinds.classification import Classification
from harness.predictors.finetune import Finetune
from harness.prompt import template
from harness.results.vault import Vault

TRAINED = ("setfit", "finetune", "lora", "prefix-tuning", "prompt-tuning", "finetune:tiny", "lora:tiny")


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED)
def test_a_second_fit_trains_nothing(name, finsentiment, data, tmp_path, monkeypatch):
    train, dev = data
    first = cheap(name, finsentiment, vault=Vault(tmp_path)).fit(train, dev)
    expected = said(first, dev)
    second = cheap(name, finsentiment, vault=Vault(tmp_path))
    monkeypatch.setattr(type(second), "_train", None)
    second.fit(train[::-1], dev)
    assert list(second.history) == list(first.history)
    for (one, logprobs), (other, same) in zip(expected, said(second, dev), strict=True):
        assert one == other
        assert same == pytest.approx(logprobs, abs=1e-4)
    (folder,) = tmp_path.iterdir()
    weights = next(p for p in sorted(folder.iterdir()) if p.suffix == ".safetensors")
    weights.write_bytes(weights.read_bytes()[:-64])
    with pytest.raises(InputError, match=r"is damaged .*Delete"):
        cheap(name, finsentiment, vault=Vault(tmp_path)).fit(train, dev)


KILLED = """
import sys
import time
from harness import predictors
from harness.task import definition
from harness.predictors import training
from harness.results.vault import Vault
from pathlib import Path
made = definition.load("finsentiment")
step = training._Training._epoch
def told(self, epoch):
    print("epoch", epoch, flush=True)
    return step(self, epoch)
training._Training._epoch = told
predictors.baseline("lora", made, vault=Vault(Path(sys.argv[1])), epochs=50).fit(made.examples("train")[:48])
"""


@pytest.mark.slow
def test_a_killed_training_leaves_nothing_that_loads(finsentiment, tmp_path):
    running = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert running.stdout.readline() == "epoch 1\n"
    assert running.stdout.readline() == "epoch 2\n"
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    running.stdout.close()
    train = finsentiment.examples("train")[:48]
    again = cheap("lora", finsentiment, vault=Vault(tmp_path))
    assert Vault(tmp_path).fetch(Vault(tmp_path).key(again.made_by, train)) is None
    assert again.fit(train).history


class TestVault:
    def test_a_failed_write_leaves_nothing(self, tmp_path):
        def write(folder):
            (folder / "half").write_text("x")
            raise RuntimeError("disk full")

        with pytest.raises(RuntimeError):
            Vault(tmp_path).store("k", write)
        assert list(tmp_path.iterdir()) == []

    def test_what_a_killed_writing_left_goes_with_the_next_after_an_hour(self, tmp_path):
        left, busy = tmp_path / ".training-left", tmp_path / ".training-busy"
        left.mkdir()
        busy.mkdir()
        os.utime(left, (time.time() - 4000,) * 2)
        Vault(tmp_path).store("k", lambda folder: (folder / "w").write_text("x"))
        assert not left.exists()
        assert busy.exists()

    def test_a_manifest_that_is_no_json_is_an_input_error(self, tmp_path):
        folder = Vault(tmp_path).store("k", lambda folder: (folder / "w").write_text("x"))
        assert Vault(tmp_path).fetch("k") == folder
        (folder / "manifest.json").write_text("{")
        with pytest.raises(InputError, match="damaged"):
            Vault(tmp_path).fetch("k")

    @pytest.mark.parametrize(
        "manifest",
        [
            [],
            None,
            7,
            {},
            {"version": 1},
            {"files": {"w": "DIGEST"}},
            {"version": 2, "files": {"w": "DIGEST"}},
            {"version": 1, "files": ["w"]},
            {"version": 1, "files": {}},
            {"version": 1, "files": None},
            {"version": 1, "files": {"w": 3}},
            {"version": 1, "files": {"": "DIGEST"}},
            {"version": 1, "files": {"../outside": "DIGEST"}},
            {"version": 1, "files": {"w/../../outside": "DIGEST"}},
            {"version": 1, "files": {"OUTSIDE": "DIGEST"}},
            {"version": 1, "files": {"w": "DIGEST", "gone": "DIGEST"}},
            {"version": 1, "files": {"w\0": "DIGEST"}},
        ],
    )
    def test_a_manifest_of_another_shape_is_an_input_error(self, tmp_path, manifest):
        vault = Vault(tmp_path / "vault")
        folder = vault.store("k", lambda folder: (folder / "w").write_text("x"))
        outside = folder.parent / "outside"
        outside.write_text("x")  # with the very checksum: it is the place that is wrong
        digest = json.loads((folder / "manifest.json").read_text())["files"]["w"]
        text = json.dumps(manifest).replace("DIGEST", digest).replace("OUTSIDE", str(outside))
        (folder / "manifest.json").write_text(text)
        with pytest.raises(InputError, match=r"damaged.*Delete .*: it is made anew"):
            vault.fetch("k")

    @pytest.mark.parametrize("damage", [b"\xff\xfe", b"[" * 100_000, b""])
    def test_a_manifest_of_other_bytes_is_an_input_error(self, tmp_path, damage):
        folder = Vault(tmp_path).store("k", lambda folder: (folder / "w").write_text("x"))
        (folder / "manifest.json").write_bytes(damage)
        with pytest.raises(InputError, match="damaged"):
            Vault(tmp_path).fetch("k")

    def test_files_in_folders_of_their_own_are_found(self, tmp_path):
        def write(folder):
            (folder / "deep" / "er").mkdir(parents=True)
            (folder / "deep" / "er" / "w..x").write_text("x")

        folder = Vault(tmp_path).store("k", write)
        assert Vault(tmp_path).fetch("k") == folder
        (folder / "deep" / "er" / "w..x").write_text("y")
        with pytest.raises(InputError, match=r"w\.\.x is damaged"):
            Vault(tmp_path).fetch("k")

    def test_keys_depend_on_data_and_signature_not_on_order(self, finsentiment):
        vault, train = Vault(Path("nowhere")), finsentiment.examples("train")[:9]
        one = cheap("lora", finsentiment).signature
        keys = {
            vault.key(one, train),
            vault.key(one, train[:-1]),
            vault.key(one, train, train[:2]),
            vault.key(one, [replace(train[0], inputs={"text": "other"}), *train[1:]]),
            vault.key(cheap("lora", finsentiment, seed=1).signature, train),
            vault.key(cheap("lora", finsentiment, rank=4).signature, train),
        }
        assert len(keys) == 6
        assert vault.key(one, train[::-1]) == vault.key(one, train)


@pytest.mark.parametrize(
    ("name", "model"), [("embedding", "minilm"), ("setfit", "minilm"), ("finetune", "minilm"), ("lora", "tiny")]
)
def test_a_truncated_checkpoint_is_an_input_error(name, model, finsentiment, data, tmp_path):
    folder = copied(tmp_path, model)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100_000])
    with pytest.raises(InputError, match="cannot be loaded"):
        predictors.baseline(f"{name}:{folder}", finsentiment).fit(data[0])


class TestKept:
    """A model that the vault keeps is for its own labels and template."""

    @pytest.mark.parametrize("change", ["order", "more", "same"])
    def test_other_labels_have_another_model(self, change, finsentiment, few, tmp_path):
        labels = finsentiment.kind.outputs
        other = {"order": labels[::-1], "more": (*labels, "mixed"), "same": labels}[change]
        kinds = (Classification(labels=list(each)) for each in (labels, other))
        one, two = (Finetune(kind, epochs=0, vault=Vault(tmp_path)).fit(few) for kind in kinds)
        assert one.signature == two.signature  # a run's line names the task
        assert len(list(tmp_path.iterdir())) == (1 if change == "same" else 2)
        assert stated(two, few[:3]).shape == (3, len(other))

    def test_another_description_of_a_label_has_another_model(self, finsentiment):
        asked = template.load("plain", finsentiment)
        described = {name: text + "!" for name, text in finsentiment.kind.labels.items()}
        kind = Classification(labels=described)
        other = replace(asked, task=replace(finsentiment, kind=kind))
        one, two = (Finetune(finsentiment.kind, "tiny", template=each) for each in (asked, other))
        assert one.signature != two.signature  # its template shows descriptions, or could
        assert one.made_by != two.made_by

    def test_everything_that_changes_a_score_is_in_the_signature(self, finsentiment):
        changes = {
            "model": "tiny", "epochs": 3, "min_steps": 9, "lr": 1e-5, "head_lr": 1e-4, "batch": 8, "warmup": 0.2,
            "weight_decay": 0.1, "patience": 5, "class_weights": True, "augment": "word-swap", "adversarial": 0.5,
            "accumulate": 2, "precision": "bfloat16", "rank": 4, "alpha": 32, "dropout": 0.1, "seed": 1,
        }  # fmt: skip
        unscored = {"template", "log", "log_dir", "checkpointing"}
        assert set(changes) == {*predictors.parameters("lora"), "seed"} - unscored
        lines = {str(predictors.baseline("lora", finsentiment, **{k: v}).signature) for k, v in changes.items()}
        lines.add(str(predictors.baseline("lora", finsentiment).signature))
        lines.add(str(predictors.baseline("lora:tiny", finsentiment, template="question").signature))
        assert len(lines) == len(changes) + 2
        for name in ("prompt-tuning", "prefix-tuning"):
            one, two = (predictors.baseline(name, finsentiment, tokens=n).signature for n in (5, 6))
            assert one != two

    KILLED = """
import os, signal, sys
from pathlib import Path
from harness import predictors
from harness.task import definition
from harness.predictors.trained import Trained
from harness.results.vault import Vault
save = Trained._save
def cut(self, folder):
    save(self, folder)
    os.kill(os.getpid(), signal.SIGKILL)
Trained._save = cut
made = definition.load("finsentiment")
predictors.baseline("lora", made, vault=Vault(Path(sys.argv[1])), epochs=0).fit(made.examples("train")[:48])
"""

    @pytest.mark.slow
    def test_a_kill_while_the_weights_are_written_leaves_nothing_that_loads(self, finsentiment, tmp_path):
        done = subprocess.run([sys.executable, "-c", self.KILLED, str(tmp_path)], check=False)
        assert done.returncode == -signal.SIGKILL
        assert list(tmp_path.rglob("adapter_model.safetensors"))  # it was cut off late enough
        train, vault = finsentiment.examples("train")[:48], Vault(tmp_path)
        again = predictors.baseline("lora", finsentiment, vault=vault, epochs=0)
        key = vault.key(again.made_by, train)
        assert vault.fetch(key) is None
        again.fit(train)
        assert vault.fetch(key) == tmp_path / key

    QUIET = """
import sys
from pathlib import Path
from harness import predictors
from harness.task import definition
from harness.results.vault import Vault
made = definition.load("finsentiment")
for name in ("finetune", "lora", "prompt-tuning:tiny"):
    for _ in range(2):
        fitted = predictors.baseline(name, made, vault=Vault(Path(sys.argv[1])), epochs=0)
        list(fitted.fit(made.examples("train")[:3]).predict(made.examples("dev")[:2]))
"""

    @pytest.mark.slow
    def test_training_keeping_and_loading_say_nothing(self, tmp_path):
        done = subprocess.run(
            [sys.executable, "-c", self.QUIET, str(tmp_path)], check=True, capture_output=True, text=True
        )
        assert (done.stdout, done.stderr) == ("", "")
