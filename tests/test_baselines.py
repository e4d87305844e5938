"""Trained baselines on a real encoder and the embedded model: they learn, keep it, and say what failed."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import example

from harness import predictors, template
from harness.embed import Encoder
from harness.errors import InputError
from harness.model import Model
from harness.predictors.augment import AUGMENTATIONS, augmented
from harness.predictors.head import Head
from harness.predictors.prompted import Prompted
from harness.predictors.setfit import SetFit
from harness.selectors.fixed import Fixed
from harness.types import Example
from harness.vault import Vault

LIGHT = ("tfidf-logreg", "tfidf-svm", "embedding", "embedding-knn")
TRAINED = ("setfit", "finetune", "lora", "prefix-tuning", "prompt-tuning", "finetune:tiny", "lora:tiny")
# Enough to learn what these tests ask for, and no more.
CHEAP = {
    "setfit": {"max_pairs": 96},
    "finetune": {"min_steps": 30, "epochs": 2, "lr": 1e-4},
    "lora": {"min_steps": 30, "epochs": 2},
    "prefix-tuning": {"min_steps": 10, "epochs": 1},
    "prompt-tuning": {"min_steps": 10, "epochs": 1},
}


def cheap(name, task, **params):
    return predictors.baseline(name, task, **{**CHEAP.get(name.partition(":")[0], {}), **params})


def said(predictor, items):
    return [(p.output, p.label_logprobs) for p in predictor.predict(items)]


def accuracy(predictor, items):
    found = {p.example_id: p.output for p in predictor.predict(items)}
    return np.mean([found[e.id] == e.target for e in items])


@pytest.fixture(scope="module")
def data(finsentiment):
    train = finsentiment.examples("train")
    few = [e for label in finsentiment.labels for e in [t for t in train if t.target == label][:16]]
    return few, finsentiment.examples("dev")


@pytest.mark.parametrize("name", ["tfidf-logreg", "tfidf-svm", "embedding", "embedding-knn"])
def test_beat_the_majority(name, finsentiment):
    train, dev = finsentiment.examples("train"), finsentiment.examples("dev")
    majority = accuracy(predictors.baseline("majority", finsentiment).fit(train), dev)
    assert accuracy(predictors.baseline(name, finsentiment).fit(train), dev) > majority + 0.1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["setfit", "finetune", "lora"])
def test_learn_a_rule_from_few_examples(name, finsentiment):
    """News of dogs is good, of cats bad, of fish neither: nothing that pretraining knows."""
    kinds = {
        "positive": "dog puppy hound terrier",
        "negative": "cat kitten tomcat feline",
        "neutral": "fish carp trout",
    }
    words = [(label, word) for label, text in kinds.items() for word in text.split()]
    made = [
        example(f"{word}-{place}", f"a {word} was seen in the {place}", label)
        for label, word in words
        for place in ("garden", "park", "street", "house", "yard", "shop")
    ]
    train, test = made[::2], made[1::2]
    more = {"max_pairs": 480} if name == "setfit" else {"min_steps": 60}
    predictor = cheap(name, finsentiment, **more).fit(train)
    assert accuracy(predictor, test) > 0.9
    losses = [epoch["loss"] for epoch in predictor.history]
    assert losses[-1] < losses[0]


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


@pytest.mark.slow
@pytest.mark.parametrize("name", ["setfit", "lora"])
def test_seeds_and_nothing_else_decide(name, finsentiment, data):
    train, dev = data
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)
    before = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())
    one = said(cheap(name, finsentiment, seed=0).fit(train, dev), dev)
    assert before == (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())
    torch.manual_seed(2)
    again = said(cheap(name, finsentiment, seed=0).fit(train[::-1], dev), dev)
    assert [label for label, _ in one] == [label for label, _ in again]
    np.testing.assert_allclose([x for _, x in one], [x for _, x in again], atol=1e-4)
    other = said(cheap(name, finsentiment, seed=1).fit(train, dev), dev)
    assert not np.allclose([x for _, x in one], [x for _, x in other], atol=1e-4)


@pytest.mark.parametrize("name", ["finetune:tiny", "lora:tiny"])
def test_untrained_a_causal_model_answers_as_the_prompt_does(name, finsentiment, tiny):
    items = finsentiment.examples("dev")[:20]
    asked = template.load("question", finsentiment)
    prompt = Prompted(asked, tiny, Fixed()).fit(())
    untrained = predictors.baseline(name, finsentiment, epochs=0, template="question").fit(items)
    assert untrained.history == []
    for one, other in zip(prompt.predict(items), untrained.predict(items), strict=True):
        assert one.example_id == other.example_id
        assert other.label_logprobs == pytest.approx(one.label_logprobs, abs=1e-4)


@pytest.mark.slow
def test_a_causal_model_scores_in_training_as_its_engine_does(finsentiment):
    items = finsentiment.examples("dev")[:12]
    for name in ("lora:tiny", "prompt-tuning:tiny", "prefix-tuning:tiny"):
        fitted = cheap(name, finsentiment).fit(finsentiment.examples("train")[:24])
        from harness.predictors.training import logprobs_of

        inside = np.concatenate(list(logprobs_of(fitted._network, items)))
        outside = {p.example_id: p.label_logprobs for p in fitted.predict(items)}
        np.testing.assert_allclose(inside, [outside[e.id] for e in items], atol=1e-3)


@pytest.mark.slow
def test_early_stopping_keeps_the_best_epoch(finsentiment, data):
    train, dev = data
    made = cheap("lora", finsentiment, epochs=30, min_steps=0, patience=2, lr=5e-3).fit(train, dev)
    scores = [(epoch["dev_macro_f1"], -epoch["dev_loss"]) for epoch in made.history]
    assert len(scores) < 30
    best = scores.index(max(scores))
    assert len(scores) == best + 1 + 2
    assert accuracy(made, dev) == pytest.approx(made.history[best]["dev_accuracy"])


@pytest.mark.parametrize("name", ["tfidf-logreg", "embedding"])
def test_class_weights_lift_a_rare_label(name, finsentiment):
    train = [e for e in finsentiment.examples("train") if e.target != "negative"]
    rare = [e for e in finsentiment.examples("train") if e.target == "negative"][:24]

    def chance(weights):
        fitted = predictors.baseline(name, finsentiment, class_weights=weights).fit([*train, *rare])
        place = finsentiment.labels.index("negative")
        return np.mean([np.exp(p.label_logprobs[place]) for p in fitted.predict(finsentiment.examples("dev"))])

    assert chance(True) > 1.2 * chance(False)


@pytest.mark.slow
def test_weights_augmentation_and_adversarial_training_change_what_is_learnt(finsentiment, data):
    train, dev = data
    short = {"epochs": 1, "min_steps": 1}
    plain = said(cheap("finetune", finsentiment, **short).fit(train), dev)
    uneven = train[:20]
    pairs = {
        "augment": (train, {"augment": "word-dropout"}),
        "adversarial": (train, {"adversarial": 1.0}),
        "class_weights": (uneven, {"class_weights": True}),
    }
    lines = {str(cheap("finetune", finsentiment, **short).signature)}
    for rows, params in pairs.values():
        base = plain if rows is train else said(cheap("finetune", finsentiment, **short).fit(rows), dev)
        changed = cheap("finetune", finsentiment, **short, **params).fit(rows)
        assert not np.allclose([x for _, x in base], [x for _, x in said(changed, dev)], atol=1e-4)
        lines.add(str(changed.signature))
    assert len(lines) == 4


def test_adversarial_steps_put_the_embeddings_back(finsentiment, data):
    train, _ = data
    still = cheap(
        "finetune", finsentiment, epochs=1, min_steps=1, lr=0.0, head_lr=0.0, adversarial=1.0, weight_decay=0.0
    )
    words = still.fit(train)._network.body.get_input_embeddings().weight.detach()
    assert torch.equal(words.cpu(), Encoder("minilm").model.get_input_embeddings().weight.detach().cpu())


class TestAugmentation:
    TEXT = example("a", "one two three four five six seven eight nine ten")

    @pytest.mark.parametrize("kind", AUGMENTATIONS)
    def test_is_a_pure_function_of_seed_epoch_and_id(self, kind):
        assert augmented(self.TEXT, kind, 0, 1) == augmented(self.TEXT, kind, 0, 1)
        views = {augmented(self.TEXT, kind, 0, epoch).text for epoch in range(30)}
        assert (len(views) > 1) == (kind != "none")

    def test_dropout_leaves_words_in_order_and_swap_the_same_words(self):
        words = self.TEXT.text.split()
        for epoch in range(30):
            kept = augmented(self.TEXT, "word-dropout", 0, epoch).text.split()
            assert kept == [word for word in words if word in kept]
            assert sorted(augmented(self.TEXT, "word-swap", 0, epoch).text.split()) == sorted(words)

    def test_text_without_spaces_goes_by_characters(self):
        chinese = example("c", "公司利润大幅增长超出市场预期很多")
        assert augmented(chinese, "word-swap", 0, 1).text != chinese.text
        assert " " not in augmented(chinese, "word-swap", 0, 1).text


KILLED = """
import sys
import time
from harness import predictors, task
from harness.predictors import training
from harness.vault import Vault
from pathlib import Path
made = task.load("finsentiment")
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


def copied(tmp_path, name):
    folder = tmp_path / name
    shutil.copytree(Model(name).path, folder)
    return folder


@pytest.mark.parametrize(
    ("name", "model"), [("embedding", "minilm"), ("setfit", "minilm"), ("finetune", "minilm"), ("lora", "tiny")]
)
def test_a_truncated_checkpoint_is_an_input_error(name, model, finsentiment, data, tmp_path):
    folder = copied(tmp_path, model)
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100_000])
    with pytest.raises(InputError, match="cannot be loaded"):
        predictors.baseline(f"{name}:{folder}", finsentiment).fit(data[0])


@pytest.mark.parametrize("name", ["tfidf-logreg", "tfidf-svm", "embedding", "embedding-knn", "setfit"])
def test_one_label_only_is_always_answered(name, finsentiment):
    train = [e for e in finsentiment.examples("train") if e.target == "neutral"][:6]
    fitted = predictors.baseline(name, finsentiment).fit(train)
    assert {p.output for p in fitted.predict(finsentiment.examples("dev")[:10])} == {"neutral"}


@pytest.mark.parametrize("name", LIGHT)
def test_a_label_that_train_never_shows_is_never_answered(name, finsentiment):
    """Even of texts that are like nothing in train: their similarities are below 0."""
    train = [
        example(1, "The zebra grazed on the savannah.", "neutral"),
        example(2, "A giraffe ate acacia leaves.", "negative"),
        example(3, "A giraffe drank.", "negative"),
    ]
    far = [example(f"q{i}", text) for i, text in enumerate(("EUR 3.4 mn", "SQL index rebuild failed", "404", ""))]
    for k in (2, 3):
        fitted = predictors.baseline(name, finsentiment).fit(train[:k])
        assert "positive" not in {p.output for p in fitted.predict(far)}


def test_the_nearest_neighbour_of_a_text_is_itself(finsentiment):
    train = finsentiment.examples("train")[:60]
    fitted = predictors.baseline("embedding-knn", finsentiment, k=1).fit(train)
    assert [p.output for p in fitted.predict(train)] == [e.target for e in train]
    assert len(list(predictors.baseline("embedding-knn", finsentiment, k=500).fit(train).predict(train))) == 60


def test_ties_between_neighbours_go_by_id(finsentiment):
    train = [example(i, "sales rose", label) for i, label in (("b", "positive"), ("a", "negative"), ("c", "neutral"))]
    for rows in (train, train[::-1]):
        fitted = predictors.baseline("embedding-knn", finsentiment, k=1).fit(rows)
        assert [p.output for p in fitted.predict([example("q", "sales rose")])] == ["negative"]


def test_a_margin_is_no_probability_and_no_seed_moves_it(finsentiment):
    train, dev = finsentiment.examples("train"), finsentiment.examples("dev")
    one, other = (predictors.baseline("tfidf-svm", finsentiment, seed=seed).fit(train) for seed in (0, 1))
    texts = [e.text for e in dev]
    np.testing.assert_array_equal(one._model.decision_function(texts), other._model.decision_function(texts))
    assert all(p.label_logprobs is None for p in one.predict(dev))


def test_class_weights_make_a_margin_answer_the_rare_label_more_often(finsentiment):
    train, test = finsentiment.examples("train"), finsentiment.examples("test")
    targets = [e.target for e in train]
    assert targets.count("negative") < min(targets.count("positive"), targets.count("neutral"))
    answered = []
    for weights in (False, True):  # at a low C: else every training example is told apart, weighted or not
        fitted = predictors.baseline("tfidf-svm", finsentiment, C=0.1, class_weights=weights).fit(train)
        answered.append([p.output for p in fitted.predict(test)].count("negative"))
    assert answered[1] > 2 * answered[0]


class TestSignatures:
    """What can change a score changes the line; what cannot, does not."""

    @pytest.mark.parametrize(
        ("name", "changes"),
        [
            ("tfidf-logreg", {"C": 1.0, "class_weights": True}),
            ("tfidf-svm", {"C": 2.0, "class_weights": True}),
            ("embedding", {"C": 1.0, "class_weights": True, "model": "tiny"}),
            ("embedding-knn", {"k": 7, "model": "lsa"}),
            (
                "setfit",
                {
                    "model": "tiny",
                    "iterations": 5,
                    "max_pairs": 9,
                    "epochs": 2,
                    "batch": 8,
                    "lr": 1e-4,
                    "warmup": 0.0,
                    "C": 2.0,
                    "seed": 1,
                },
            ),
        ],
    )
    def test_every_parameter_is_named(self, name, changes, finsentiment):
        assert set(changes) - {"seed"} == set(predictors.parameters(name))
        lines = {str(predictors.baseline(name, finsentiment, **{k: v}).signature) for k, v in changes.items()}
        lines.add(str(predictors.baseline(name, finsentiment).signature))
        assert len(lines) == len(changes) + 1

    def test_a_seed_that_draws_nothing_is_not(self, finsentiment):
        for name in LIGHT:
            one, other = (predictors.baseline(name, finsentiment, seed=seed) for seed in (0, 1))
            assert not one.drawn
            assert one.signature == other.signature

    def test_weights_and_accelerator_are_named(self, finsentiment, tmp_path, monkeypatch):
        folder = copied(tmp_path, "minilm")
        before = predictors.baseline(f"setfit:{folder}", finsentiment).signature
        with (folder / "tokenizer_config.json").open("a") as file:
            file.write("\n")
        after = predictors.baseline(f"setfit:{folder}", finsentiment).signature
        monkeypatch.setattr(Encoder, "device", "cuda")
        elsewhere = predictors.baseline(f"setfit:{folder}", finsentiment).signature
        assert len({str(before), str(after), str(elsewhere)}) == 3


class TestPairs:
    TARGETS = ("a", "b", "a", "c", "b", "a", "c")

    def pairs(self, **params):
        return SetFit(("a", "b", "c"), **params).pairs(self.TARGETS)

    def test_say_whether_the_labels_agree(self):
        found = self.pairs()
        assert len(found) == 2 * 20 * len(self.TARGETS)
        assert all((self.TARGETS[i] == self.TARGETS[j]) == bool(cosine) for i, j, cosine in found)
        assert sum(cosine for _, _, cosine in found) == len(found) / 2

    def test_are_drawn_by_the_seed_and_bounded(self):
        assert self.pairs(seed=0) == self.pairs(seed=0) != self.pairs(seed=1)
        assert self.pairs(max_pairs=25) == self.pairs()[:25]
        assert self.pairs(iterations=0) == []

    def test_an_interrupted_store_leaves_nothing(self, finsentiment, data, tmp_path, monkeypatch):
        made = cheap("setfit", finsentiment, max_pairs=4, vault=Vault(tmp_path))

        def cut(head, folder):
            raise OSError("disk full")

        monkeypatch.setattr(Head, "save", cut)
        with pytest.raises(OSError, match="disk full"):
            made.fit(data[0][:16] + data[0][-16:])
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.slow
    def test_epochs_see_them_again(self, finsentiment, data):
        made = cheap("setfit", finsentiment, max_pairs=16, epochs=3).fit(data[0])
        assert [entry["epoch"] for entry in made.history] == [1.0, 2.0, 3.0]


class TestEncoder:
    def test_vectors_do_not_depend_on_the_batch(self, finsentiment):
        texts = [e.text for e in finsentiment.examples("dev")][:20]
        encoder = Encoder("minilm")
        alone = np.concatenate([encoder.vectors([text]) for text in texts])
        np.testing.assert_allclose(encoder.vectors(texts), alone, atol=1e-5)

    def test_long_texts_are_cut_where_only_the_model_names_its_limit(self, tmp_path):
        folder = copied(tmp_path, "minilm")
        settings = json.loads((folder / "tokenizer_config.json").read_text())
        settings.pop("model_max_length")
        (folder / "tokenizer_config.json").write_text(json.dumps(settings))
        long = ["profit rose sharply " * 900]
        np.testing.assert_allclose(Encoder(str(folder)).vectors(long), Encoder("minilm").vectors(long), atol=1e-5)

    @pytest.mark.parametrize("name", ["embedding", "embedding-knn", "setfit", "finetune"])
    def test_what_was_not_read_is_counted(self, name, finsentiment):
        train = finsentiment.examples("train")[:12]
        long = Example("long", {"text": "profit rose sharply " * 900}, "positive")
        found = list(cheap(name, finsentiment).fit(train).predict([train[0], long]))
        assert [prediction.trace.unread > 2000 for prediction in found] == [False, True]
        assert found[0].trace.unread == 0


class TestWrongUse:
    @pytest.mark.parametrize(
        ("name", "params", "message"),
        [
            ("lora", {"rnak": 4}, "Did you mean 'rank'"),
            ("lora", {"rank": "four"}, "is no int; its default is 8"),
            ("finetune", {"augment": "word-drop"}, "Did you mean 'word-dropout'"),
            ("finetune", {"log": "tensorbord"}, "Did you mean 'tensorboard'"),
            ("finetune", {"batch": 0}, "at least 1"),
            ("setfit", {"itrations": 5}, "Did you mean 'iterations'"),
            ("setfit", {"batch": 0}, "batch must be at least 1, not 0"),
            ("setfit", {"epochs": 0}, "epochs must be at least 1"),
            ("setfit", {"max_pairs": -1}, "max_pairs must be at least 0"),
            ("setfit", {"warmup": 1.5}, "warmup must be from 0 to 1"),
            ("tfidf-svm", {"C": 0.0}, "C must be from 1e-09 to 1e\\+09, not 0.0"),
            ("tfidf-logreg", {"C": "-1"}, "C must be from"),
            ("embedding", {"C": "nan"}, "C must be from"),
            ("embedding-knn", {"k": "0"}, "k must be at least 1"),
            ("tfidf-svm:minilm", {}, "takes no model"),
            ("tfidf-svn", {}, "Did you mean 'tfidf-svm'"),
            ("finetune:tiny", {"template": "plian"}, "Did you mean 'plain'"),
        ],
    )
    def test_is_told_before_anything_runs(self, finsentiment, name, params, message):
        with pytest.raises(InputError, match=message):
            predictors.baseline(name, finsentiment, **params)

    def test_no_such_model(self, finsentiment, data):
        for name in ("finetune", "setfit", "embedding"):
            with pytest.raises(InputError, match="neither a local model folder nor a hub model"):
                predictors.baseline(f"{name}:no/such-model", finsentiment).fit(data[0])


@pytest.mark.slow
class TestLogs:
    def test_tensorboard(self, finsentiment, data, tmp_path):
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        made = cheap("finetune", finsentiment, log="tensorboard", log_dir=str(tmp_path), epochs=2, min_steps=1)
        made.fit(data[0][:16], data[1])
        (folder,) = tmp_path.iterdir()
        events = EventAccumulator(str(folder)).Reload()
        logged = [round(event.value, 4) for event in events.Scalars("dev_loss")]
        assert logged == [round(epoch["dev_loss"], 4) for epoch in made.history]

    @pytest.mark.filterwarnings("ignore")  # wandb's own
    def test_wandb_offline(self, finsentiment, data, tmp_path, monkeypatch):
        monkeypatch.setenv("WANDB_MODE", "offline")
        monkeypatch.setenv("WANDB_SILENT", "true")
        made = cheap("finetune", finsentiment, log="wandb", log_dir=str(tmp_path), epochs=1, min_steps=1)
        made.fit(data[0][:16], data[1])
        assert list(tmp_path.glob("wandb/offline-run-*/*.wandb"))

    def test_logging_does_not_change_the_signature(self, finsentiment, tmp_path):
        logged = cheap("lora", finsentiment, log="tensorboard", log_dir=str(tmp_path))
        assert logged.signature == cheap("lora", finsentiment).signature
