"""Trained baselines on a real encoder and the embedded model: what they learn, and what decides it."""

import random

import numpy as np
import pytest
import torch
from conftest import example
from trained import accuracy, cheap, copied, said

from harness import predictors
from harness.errors import InputError
from harness.models.embed import Encoder
from harness.predictors.prompted import Prompted
from harness.prompt import template
from harness.prompt.selectors.fixed import Fixed

LIGHT = ("tfidf-logreg", "tfidf-svm", "embedding", "embedding-knn")


@pytest.mark.parametrize("name", ["tfidf-logreg", "tfidf-svm", "embedding", "embedding-knn"])
def test_beat_the_majority(name, finsentiment):
    train, dev = finsentiment.examples("train"), finsentiment.examples("dev")
    majority = accuracy(predictors.baseline("majority", finsentiment).fit(train), dev)
    assert accuracy(predictors.baseline(name, finsentiment).fit(train), dev) > majority + 0.1


WORDLESS = {
    "emoji": ("😀😀", "😡", "😶"),
    "signs": ("!!!", "...", "?"),
    "empty": ("", "  ", "\t"),
    "some empty": ("", "😡", "..."),
}


@pytest.mark.parametrize("kind", WORDLESS)
@pytest.mark.parametrize("name", ["tfidf-logreg", "tfidf-svm", "embedding:lsa", "embedding-knn:lsa"])
def test_texts_without_words_are_learnt_as_far_as_they_differ(name, kind, finsentiment):
    """Where they do not, the commonest label is the answer; words met only later change nothing."""
    labels = ("positive", "negative", "neutral")
    train = [example(f"{i}-{n}", WORDLESS[kind][i], labels[i]) for i in (0, 1, 2) for n in range(6 + (i == 0))]
    params = {"model": "lsa"} if name.endswith(":lsa") else {}
    predictor = predictors.baseline(name.partition(":")[0], finsentiment, **params).fit(train)
    asked = [example("x", text) for text in (*WORDLESS[kind], "profit rose")]
    answers = [prediction.output for prediction in predictor.predict(asked)]
    if kind == "empty":
        assert answers[:3] == ["positive"] * 3
    elif "tfidf" in name:
        assert answers[:3] == list(labels)
    assert set(answers) <= set(labels)


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
        from harness.predictors.label_head import logprobs_of

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
        place = finsentiment.kind.outputs.index("negative")
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
