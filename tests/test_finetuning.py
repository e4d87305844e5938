"""What the trained networks promise beyond learning: nothing kept is mistaken for another, nothing is left behind."""

import math
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import example

from harness import predictors, task, template
from harness.errors import InputError
from harness.model import Model
from harness.predictors.adversary import Adversary
from harness.predictors.finetune import Finetune
from harness.predictors.networks import Chooser, Classifier, pretrained
from harness.predictors.prefix_tuning import PrefixTuning
from harness.predictors.training import _Training
from harness.vault import Vault

SHORT = {"epochs": 1, "min_steps": 2}
LONG = example("long", "profit rose sharply and " * 900, "positive")


@pytest.fixture(scope="module")
def few(finsentiment):
    train = finsentiment.examples("train")
    return [e for label in finsentiment.labels for e in [t for t in train if t.target == label][:8]]


def said(predictor, items):
    return np.array([p.label_logprobs for p in predictor.predict(items)])


def saved(folder, network):
    """``network`` as a model folder with MiniLM's tokenizer."""
    network.save_pretrained(folder)
    Model("minilm").tokenizer.save_pretrained(folder)
    return folder


class TestAdversary:
    def gradients(self, network, items, size):
        """Of every parameter, and of the word embeddings, without dropout."""
        network.module.eval()
        network.module.zero_grad()
        targets = torch.tensor([0, 1, 2])

        def loss():
            return torch.nn.functional.cross_entropy(network.scores(items), targets)

        with Adversary(network.body, size) as adversary:
            loss().backward()
            adversary.attack(loss)
        return {name: p.grad.clone() for name, p in network.module.named_parameters() if p.grad is not None}

    @pytest.fixture
    def network(self, finsentiment):
        torch.manual_seed(0)
        return Classifier(Model("minilm"), pretrained(Model("minilm")), finsentiment.labels)

    def test_adds_the_gradient_at_words_moved_along_theirs(self, network, few):
        """Against the same, written with ``inputs_embeds``."""
        items, size = [few[0], few[8], few[16]], 0.7
        found = self.gradients(network, items, size)
        network.module.zero_grad()
        read = network._tokenizer([e.text for e in items], padding=True, return_tensors="pt")
        mask, targets = read["attention_mask"], torch.tensor([0, 1, 2])

        def loss(words):
            hidden = network.body(inputs_embeds=words, attention_mask=mask).last_hidden_state
            pooled = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
            return torch.nn.functional.cross_entropy(network.head(pooled), targets)

        words = network.body.get_input_embeddings()(read["input_ids"])
        (slope,) = torch.autograd.grad(loss(words), words, retain_graph=True)
        shift = torch.stack([size * row / row.norm() for row in slope])
        (loss(words) + loss(words + shift)).backward()
        for name, parameter in network.module.named_parameters():
            if parameter.grad is not None:
                torch.testing.assert_close(found[name], parameter.grad, atol=2e-5, rtol=1e-3)

    def test_changes_gradients_and_leaves_nothing_behind(self, network, few):
        items = [few[0], few[8], few[16]]
        words = network.body.get_input_embeddings()
        before = words.weight.detach().clone()
        plain, moved = (self.gradients(network, items, size) for size in (0.0, 1.0))
        assert not torch.allclose(plain["1.weight"], moved["1.weight"] / 2, atol=1e-4)
        assert torch.equal(words.weight, before)
        assert not words._forward_hooks

    @pytest.mark.slow
    @pytest.mark.parametrize("name", ["lora", "prompt-tuning:tiny"])
    def test_an_adapter_trained_against_one_is_kept_whole(self, name, finsentiment, few, tmp_path):
        """The frozen embeddings stay frozen, so that what is kept is all that was learnt."""
        items = finsentiment.examples("dev")[:8]
        made = [
            predictors.baseline(name, finsentiment, vault=Vault(tmp_path), adversarial=1.0, **SHORT).fit(few)
            for _ in range(2)
        ]
        assert len(list(tmp_path.iterdir())) == 1
        assert made[0]._network is not made[1]._network
        np.testing.assert_allclose(*(said(each, items) for each in made), atol=1e-5)


class TestKept:
    """A model that the vault keeps is for its own labels and template."""

    @pytest.mark.parametrize("change", ["order", "more", "same"])
    def test_other_labels_have_another_model(self, change, finsentiment, few, tmp_path):
        labels = finsentiment.labels
        other = {"order": labels[::-1], "more": (*labels, "mixed"), "same": labels}[change]
        one = Finetune(labels, epochs=0, vault=Vault(tmp_path)).fit(few)
        two = Finetune(other, epochs=0, vault=Vault(tmp_path)).fit(few)
        assert one.signature == two.signature  # a run's line names the task
        assert len(list(tmp_path.iterdir())) == (1 if change == "same" else 2)
        assert said(two, few[:3]).shape == (3, len(other))

    def test_another_description_of_a_label_has_another_model(self, finsentiment):
        asked = template.load("plain", finsentiment)
        described = {name: text + "!" for name, text in finsentiment.spec.labels.items()}
        spec = finsentiment.spec.model_copy(update={"labels": described})
        other = replace(asked, task=replace(finsentiment, spec=spec))
        one, two = (Finetune(finsentiment.labels, "tiny", template=each) for each in (asked, other))
        assert one.signature == two.signature
        assert one.made_by != two.made_by

    def test_everything_that_changes_a_score_is_in_the_signature(self, finsentiment):
        changes = {
            "model": "tiny", "epochs": 3, "min_steps": 9, "lr": 1e-5, "head_lr": 1e-4, "batch": 8, "warmup": 0.2,
            "weight_decay": 0.1, "patience": 5, "class_weights": True, "augment": "word-swap", "adversarial": 0.5,
            "rank": 4, "alpha": 32, "dropout": 0.1, "seed": 1,
        }  # fmt: skip
        unscored = {"template", "log", "log_dir"}
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
from harness import predictors, task
from harness.predictors.trained import Trained
from harness.vault import Vault
save = Trained._save
def cut(self, folder):
    save(self, folder)
    os.kill(os.getpid(), signal.SIGKILL)
Trained._save = cut
made = task.load("finsentiment")
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
from harness import predictors, task
from harness.vault import Vault
made = task.load("finsentiment")
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


class TestPrefix:
    def by_hand(self, model, ids):
        """BERT's forward pass with the learnt keys and values in front of every layer's, unmasked both ways."""
        bert, config = model.base_model, model.base_model.config
        heads, tokens = config.num_attention_heads, 5
        learnt = model.prompt_encoder["default"].embedding.weight
        learnt = learnt.view(tokens, 2 * config.num_hidden_layers, heads, -1).permute(1, 2, 0, 3)[:, None]
        states = bert.embeddings(input_ids=ids, position_ids=torch.arange(tokens, tokens + ids.shape[1])[None])

        def split(rows):
            return rows.view(1, ids.shape[1], heads, -1).transpose(1, 2)

        for number, layer in enumerate(bert.encoder.layer):
            own = layer.attention.self
            query, key, value = split(own.query(states)), split(own.key(states)), split(own.value(states))
            key = torch.cat([learnt[2 * number], key], 2)
            value = torch.cat([learnt[2 * number + 1], value], 2)
            mixed = (query @ key.transpose(-1, -2) / math.sqrt(query.shape[-1])).softmax(-1) @ value
            attended = layer.attention.output(mixed.transpose(1, 2).flatten(2), states)
            states = layer.output(layer.intermediate(attended), attended)
        return states

    def test_on_an_encoder_is_one_before_every_layer(self, finsentiment):
        body = PrefixTuning(finsentiment.labels, tokens=5).adapted(pretrained(Model("minilm")), False).eval()
        ids = torch.tensor([[101, 2000, 2001, 2002, 102]])
        with torch.inference_mode():
            found = body(input_ids=ids, attention_mask=torch.ones_like(ids)).last_hidden_state
            torch.testing.assert_close(found, self.by_hand(body, ids), atol=1e-5, rtol=1e-4)

    @pytest.mark.slow
    def test_on_an_encoder_learns_with_the_encoder_frozen(self, finsentiment):
        words = {"positive": ("dog", "puppy"), "negative": ("cat", "kitten"), "neutral": ("fish", "carp")}
        made = [
            example(f"{word}-{place}", f"a {word} was seen in the {place}", label)
            for label, both in words.items()
            for word in both
            for place in ("garden", "park", "street", "house", "yard", "shop")
        ]
        fitted = predictors.baseline("prefix-tuning", finsentiment, tokens=5, epochs=1, min_steps=40).fit(made[::2])
        found = {p.example_id: p.output for p in fitted.predict(made[1::2])}
        assert np.mean([found[e.id] == e.target for e in made[1::2]]) > 0.9
        frozen = pretrained(Model("minilm")).state_dict()
        for name, value in fitted._network.body.base_model.state_dict().items():
            assert torch.equal(value, frozen[name])

    def test_where_there_is_no_place_for_one_says_what_to_use(self, finsentiment, few, tmp_path):
        from transformers import DistilBertConfig, DistilBertModel

        config = DistilBertConfig(vocab_size=30522, dim=32, n_layers=1, n_heads=2, hidden_dim=32)
        folder = saved(tmp_path / "distil", DistilBertModel(config))
        with pytest.raises(InputError, match=r"a DistilBertModel takes no keys .* Use prompt-tuning or lora"):
            predictors.baseline(f"prefix-tuning:{folder}", finsentiment).fit(few)

    @pytest.mark.parametrize("kind", ["DistilBert", "Albert", "Electra"])
    def test_prompts_are_as_wide_as_the_words_whatever_the_model_calls_it(self, kind, finsentiment, few, tmp_path):
        import transformers

        sizes = {"dim": 32, "n_layers": 1, "n_heads": 2, "hidden_dim": 32}
        if kind != "DistilBert":
            sizes = {"embedding_size": 16, "hidden_size": 32, "num_attention_heads": 2, "intermediate_size": 32}
            sizes |= {"num_hidden_layers": 1}
        config = getattr(transformers, f"{kind}Config")(vocab_size=30522, **sizes)
        folder = saved(tmp_path / kind, getattr(transformers, f"{kind}Model")(config))
        name = f"prompt-tuning:{folder}"
        fitted = predictors.baseline(name, finsentiment, vault=Vault(tmp_path / "vault"), **SHORT).fit(few)
        again = predictors.baseline(name, finsentiment, vault=Vault(tmp_path / "vault"), **SHORT).fit(few)
        np.testing.assert_allclose(said(fitted, few), said(again, few), atol=1e-5)


class TestLength:
    @pytest.mark.parametrize("name", ["finetune", "prompt-tuning", "prefix-tuning"])
    def test_encoders_read_the_beginning_virtual_tokens_or_not(self, name, finsentiment, few):
        fitted = predictors.baseline(name, finsentiment, epochs=0).fit(few)
        cut = replace(LONG, inputs={"text": LONG.text[: len(LONG.text) // 2]})
        np.testing.assert_array_equal(said(fitted, [LONG]), said(fitted, [cut]))

    @pytest.mark.parametrize(
        ("name", "room"), [("lora:tiny", 0), ("prompt-tuning:tiny", 20), ("prefix-tuning:tiny", 20)]
    )
    def test_causal_models_refuse_in_training_and_in_answering(self, name, room, finsentiment, few):
        limit = Model("tiny").max_length - room
        with pytest.raises(InputError, match=f"training prompt .* the model takes {limit}"):
            predictors.baseline(name, finsentiment, **SHORT).fit([LONG])
        with pytest.raises(InputError, match=f"'long': .* takes {limit}"):
            list(predictors.baseline(name, finsentiment, epochs=0).fit(few).predict([LONG]))

    def test_more_virtual_tokens_than_the_model_has_room_for(self, finsentiment, few):
        with pytest.raises(InputError, match="600 virtual tokens leave no room"):
            predictors.baseline("prompt-tuning", finsentiment, tokens=600).fit(few)


class TestData:
    def test_class_weights_are_balanced_and_never_infinite(self, finsentiment):
        rows = [example(i, "x", label) for i, label in enumerate(["positive"] * 6 + ["negative"] * 2)]
        network = Chooser(Model("tiny"), pretrained(Model("tiny")), template.load("plain", finsentiment))
        made = predictors.baseline("finetune:tiny", finsentiment, class_weights=True)
        with Adversary(network.body, 0.0) as adversary:
            training = _Training(network, made.recipe, finsentiment.labels, rows, adversary)
        assert training.weight.tolist() == pytest.approx([8 / (2 * 6), 8 / (2 * 2), 0.0])

    @pytest.mark.slow
    @pytest.mark.parametrize("name", ["finetune", "lora:tiny"])
    def test_one_label_only_is_learnt(self, name, finsentiment, few):
        train = [e for e in few if e.target == "neutral"]
        fitted = predictors.baseline(name, finsentiment, epochs=1, min_steps=30, class_weights=True).fit(train)
        assert {p.output for p in fitted.predict(train)} == {"neutral"}

    def test_none_is_an_input_error(self, finsentiment):
        with pytest.raises(InputError, match="the training data is empty"):
            predictors.baseline("finetune:tiny", finsentiment).fit([])


class TestWrongUse:
    @pytest.mark.parametrize(
        ("name", "params", "message"),
        [
            ("finetune", {"epochs": -1}, "epochs must be at least 0, not -1"),
            ("finetune", {"min_steps": -5}, "min_steps must be at least 0"),
            ("finetune", {"lr": -1.0}, "lr must be from 0 to 100"),
            ("finetune", {"lr": "nan"}, "lr must be from 0 to 100, not nan"),
            ("finetune", {"warmup": 2.0}, "warmup must be from 0 to 1"),
            ("finetune", {"adversarial": -1.0}, "adversarial must be at least 0"),
            ("finetune", {"weight_decay": -0.1}, "weight_decay must be from"),
            ("finetune", {"patience": 0}, "patience must be at least 1"),
            ("lora", {"rank": 0}, "rank must be at least 1"),
            ("lora", {"dropout": 2.0}, "dropout must be from 0 to 0.99"),
            ("prompt-tuning", {"tokens": 0}, "tokens must be at least 1"),
            ("prefix-tuning", {"tokens": -1}, "tokens must be at least 1"),
        ],
    )
    def test_is_told_before_anything_runs(self, name, params, message, finsentiment):
        with pytest.raises(InputError, match=message):
            predictors.baseline(name, finsentiment, **params)

    def test_an_encoder_decoder_is_refused(self, finsentiment, few, tmp_path):
        from transformers import T5Config, T5Model

        config = T5Config(vocab_size=30522, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2)
        folder = saved(tmp_path / "t5", T5Model(config))
        with pytest.raises(InputError, match="an encoder-decoder, which no baseline trains"):
            predictors.baseline(f"finetune:{folder}", finsentiment).fit(few)

    @pytest.mark.parametrize("name", ["lora", "prompt-tuning", "prefix-tuning:tiny"])
    def test_without_peft_says_how_to_install_it(self, name, finsentiment, few, monkeypatch):
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        with pytest.raises(InputError, match=r"pip install 'prompt-harness\[peft\]'"):
            predictors.baseline(name, finsentiment).fit(few)

    def test_a_causal_model_without_a_template_is_told_to_name_one(self, finsentiment, few):
        with pytest.raises(InputError, match="--with template=NAME"):
            Finetune(finsentiment.labels, "tiny").fit(few)


@pytest.mark.slow
def test_two_settings_log_two_curves(finsentiment, few, tmp_path):
    for lr in (1e-4, 1e-3):
        made = predictors.baseline(
            "prompt-tuning:tiny", finsentiment, log="tensorboard", log_dir=str(tmp_path), lr=lr, **SHORT
        )
        made.fit(few[:4])
    assert len(list(tmp_path.iterdir())) == 2


def test_a_project_of_its_own_is_learnt(project):
    """The pets of the project, by an embedded model asked with the project's template."""
    pets = task.load("pets")
    fitted = predictors.baseline("finetune:tiny", pets, epochs=1, min_steps=12, lr=3e-4).fit(pets.examples("train"))
    found = {p.example_id: p.output for p in fitted.predict(pets.examples("test"))}
    assert Path("prompts/pets/plain.j2").is_file()
    assert np.mean([found[e.id] == e.target for e in pets.examples("test")]) == 1.0
