"""What the trained networks promise beyond learning."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import example
from trained import SHORT, stated

from harness import predictors
from harness.errors import InputError
from harness.models.checkpoint import Model
from harness.predictors.adversary import Adversary
from harness.predictors.chooser import Chooser
from harness.predictors.finetune import Finetune
from harness.predictors.networks import pretrained
from harness.predictors.prefix_tuning import PrefixTuning
from harness.predictors.training import _Training
from harness.prompt import template
from harness.results.vault import Vault
from harness.study import grid
from harness.task import definition

LONG = example("long", "profit rose sharply and " * 900, "positive")


def saved(folder, network):
    """``network`` as a model folder with MiniLM's tokenizer."""
    network.save_pretrained(folder)
    Model("minilm").tokenizer.save_pretrained(folder)
    return folder


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
        body = PrefixTuning(finsentiment.kind, tokens=5).adapted(pretrained(Model("minilm")), False).eval()
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
        np.testing.assert_allclose(stated(fitted, few), stated(again, few), atol=1e-5)


class TestLength:
    @pytest.mark.parametrize("name", ["finetune", "prompt-tuning", "prefix-tuning"])
    def test_encoders_read_the_beginning_virtual_tokens_or_not(self, name, finsentiment, few):
        fitted = predictors.baseline(name, finsentiment, epochs=0).fit(few)
        cut = replace(LONG, inputs={"text": LONG.text[: len(LONG.text) // 2]})
        np.testing.assert_array_equal(stated(fitted, [LONG]), stated(fitted, [cut]))

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
            training = _Training(network, made.recipe, finsentiment.kind.outputs, rows, adversary)
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
    def test_without_peft_says_how_to_install_it(self, name, finsentiment, monkeypatch):
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        with pytest.raises(InputError, match=r"pip install 'prompt-harness\[peft\]'"):
            predictors.baseline(name, finsentiment)

    def test_without_peft_nothing_is_trained_first(self, home, finsentiment, monkeypatch):
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        spec = grid.Spec(baselines=("majority", "lora:tiny"), limit=8)
        with pytest.raises(InputError, match="needs the package 'peft'"):
            list(grid.run(finsentiment, spec, [], home / "results"))
        assert not (home / "results").exists()

    def test_a_causal_model_without_a_template_is_told_to_name_one(self, finsentiment, few):
        with pytest.raises(InputError, match="--with template=NAME"):
            Finetune(finsentiment.kind, "tiny").fit(few)


def test_a_project_of_its_own_is_learnt(project):
    """The pets of the project, by an embedded model asked with the project's template."""
    pets = definition.load("pets")
    fitted = predictors.baseline("finetune:tiny", pets, epochs=1, min_steps=12, lr=3e-4).fit(pets.examples("train"))
    found = {p.example_id: p.output for p in fitted.predict(pets.examples("test"))}
    assert Path("prompts/pets/plain.j2").is_file()
    assert np.mean([found[e.id] == e.target for e in pets.examples("test")]) == 1.0
