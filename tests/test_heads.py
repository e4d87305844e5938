"""Encoders and language models trained for every kind of answers."""

import json

import pytest
import torch

from harness import predictors
from harness.errors import InputError
from harness.kinds.choice import Choosing
from harness.kinds.classification import Classification
from harness.kinds.entities import Entities
from harness.kinds.multilabel import Multilabel
from harness.kinds.span import Span
from harness.kinds.text import Text
from harness.models.checkpoint import Model
from harness.predictors.asked import Rows
from harness.predictors.finetune import Finetune
from harness.predictors.lora import Lora
from harness.predictors.networks import pretrained
from harness.predictors.prefix_tuning import PrefixTuning
from harness.predictors.prompt_tuning import PromptTuning
from harness.predictors.writer import Writer
from harness.prompt import template
from harness.prompt.encode import Encoded, Encoder
from harness.task import definition
from harness.types import Example

pytestmark = pytest.mark.slow
QUICK = {"epochs": 12, "min_steps": 0, "batch": 8, "lr": 3e-4}
COLOURS = ("red", "green", "blue", "black")


def trained(kind, train, cls=Finetune, **params):
    return cls(kind, **{**QUICK, **params}).fit(train)


def share_right(kind, made, items):
    found = {p.example_id: p.output for p in made.predict(items)}
    return sum(kind.right(e, found[e.id]) for e in items) / len(items)


def spotted(kind):
    """Texts in which names of a certain look are of a type."""
    texts = [f"{who} joined {where} in {when}." for who in ("Kim", "Lee", "Ann", "Bob")
             for where in ("Acme Ltd", "Bolt Ltd", "Core Ltd") for when in ("May", "June")]  # fmt: skip
    items = []
    for i, text in enumerate(texts):
        start = text.index("joined") + 7
        spans = [(0, 3, "PER"), (start, start + 8, "ORG")]
        items.append(Example(f"{i:02}", {"text": text}, kind.canonical(spans)))
    return items


class TestEncoders:
    def test_several_labels_at_once(self):
        kind = Multilabel(labels=list(COLOURS))
        sets = [[a for a in COLOURS if i & (1 << COLOURS.index(a))] for i in range(16)]
        items = [
            Example(f"{i:02}", {"text": "I like " + (" and ".join(s) or "nothing")}, kind.canonical(s))
            for i, s in enumerate(sets * 3)
        ]
        assert share_right(kind, trained(kind, items, epochs=15), items[:16]) > 0.8

    def test_the_items_own_options(self):
        kind = Choosing(options="options")
        items = []
        for i in range(48):
            wanted = COLOURS[i % 4]
            options = tuple(COLOURS[(i // 4 + k) % 4] for k in range(4))
            items.append(
                Example(f"{i:02}", {"q": f"The colour is {wanted}."}, str(options.index(wanted) + 1), options=options)
            )
        made = trained(kind, items, epochs=15)
        assert share_right(kind, made, items) > 0.8
        (found,) = made.predict([Example("x", {"q": "The colour is red."}, "1", options=("red", "blue"))])
        assert len(found.label_logprobs) == 2

    def test_spans_with_types(self, vault):
        kind = Entities(labels=["ORG", "PER"])
        items = spotted(kind)
        made = trained(kind, items, vault=vault)
        assert share_right(kind, made, items) > 0.9
        again = trained(kind, items, vault=vault)  # from the kept weights
        assert [p.output for p in again.predict(items)] == [p.output for p in made.predict(items)]
        assert share_right(kind, trained(kind, items, Lora, lr=3e-3), items) > 0.9

    def test_a_span_with_virtual_tokens(self):
        kind = Entities(labels=["ORG", "PER"])
        items = spotted(kind)[:4]
        for cls in (PrefixTuning, PromptTuning):
            made = cls(kind, epochs=1, min_steps=1, tokens=4).fit(items)
            assert len(list(made.predict(items))) == 4

    def test_an_answer_in_a_passage_that_is_read_in_windows(self):
        kind = Span(context="passage")
        items = []
        for i in range(24):
            name = ("Kim", "Lee", "Ann")[i % 3]
            passage = "Nothing else happened. " * (60 if i == 0 else i % 4) + f"The loan was signed by {name}."
            text = name if i % 6 else ""
            question = "Who signed the loan?" if text else "What was the rent?"
            target = json.dumps([[passage.index(name), name]] if text else [])
            items.append(Example(f"{i:02}", {"passage": passage, "question": question}, target))
        assert share_right(kind, trained(kind, items, epochs=12), items) > 0.8

    def test_what_an_encoder_cannot_do_is_said(self):
        with pytest.raises(InputError, match="an encoder writes nothing"):
            Finetune(Text(), "minilm", epochs=1).fit([Example("1", {"s": "x"}, '["y"]')])
        assert Finetune(Text()).model == "smollm2"
        assert Finetune(Entities(labels=["a"])).model == "minilm"
        with pytest.raises(InputError, match="class_weights are for items of one label"):
            Finetune(Text(), class_weights=True)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A task of kind state, written in a project of its own."""
    home = tmp_path_factory.mktemp("home")
    rows = [{"text": f"I live in {city}.", "gold": {"city": city}} for city in ("Oslo", "Rome", "Bonn", "Kyiv")]
    (home / "tasks/where").mkdir(parents=True)
    (home / "prompts/where").mkdir(parents=True)
    (home / "tasks/where/rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (home / "tasks/where/task.yaml").write_text(
        "kind: state\ninputs: [text]\ntarget: gold\nslots: [city]\nsplits: {train: rows.jsonl, test: rows.jsonl}\n"
    )
    (home / "prompts/where/plain.j2").write_text("---\nmax_tokens: 16\n---\nText: {{ text }}\nState:")
    return home


class TestLanguageModels:
    def test_one_learns_to_write_and_is_asked_as_prompts_are(self, written, monkeypatch):
        monkeypatch.chdir(written)
        task = definition.load("where")
        train = task.examples("train")
        made = predictors.baseline("finetune:tiny", task, epochs=60, min_steps=0, batch=4, lr=3e-3).fit(train)
        assert made.history[-1]["loss"] < 0.05
        assert share_right(task.kind, made, train) == 1
        for name in ("lora:tiny", "prefix-tuning:tiny", "prompt-tuning:tiny"):
            tuned = predictors.baseline(name, task, epochs=1, min_steps=1).fit(train)
            assert len(list(tuned.predict(train))) == 4

    def test_loss_is_over_the_answer_and_its_end_alone(self, written, monkeypatch):
        monkeypatch.chdir(written)
        task = definition.load("where")
        model, (item, *_) = Model("tiny"), task.examples("train")
        body = pretrained(model).eval()
        loss = Writer(model, body, template.load("plain", task)).loss([item])
        tokenizer = model.tokenizer
        context = tokenizer.encode("Text: I live in Oslo.\nState:")
        whole = tokenizer.encode('Text: I live in Oslo.\nState: {"city": "Oslo"}' + tokenizer.eos_token)
        with torch.inference_mode():
            logprobs = body(torch.tensor([whole])).logits[0].log_softmax(-1)
        expected = -torch.stack([logprobs[i - 1, whole[i]] for i in range(len(context), len(whole))]).mean()
        assert loss.item() == pytest.approx(expected.item(), abs=1e-4)

    def test_accumulated_and_checkpointed_it_is_the_same_training(self, finsentiment, few):
        losses = []
        for params in ({}, {"accumulate": 4}, {"checkpointing": True}):
            made = Finetune(
                finsentiment.kind, "tiny", template.load("plain", finsentiment), **{**QUICK, "epochs": 1, **params}
            )
            losses.append(made.fit(few).history[0]["loss"])
        assert losses == pytest.approx([losses[0]] * 3, abs=2e-2)

    def test_answers_share_their_prompt_and_logits_are_few(self, finsentiment):
        model = Model("tiny")
        body = pretrained(model).eval()
        encoder = Encoder(model.tokenizer, template.load("plain", finsentiment))
        encoded = encoder.encode(
            [template.load("plain", finsentiment).render(e) for e in finsentiment.examples("dev")[:3]]
        )
        encoded.append(Encoded(encoded[0].prompt, ((5, 6, 7), (5, 6, 8), (5, 9), (4,))))
        seen = {}
        forward = body.forward

        def watched(*args, **params):
            out = forward(*args, **params)
            seen.update(rows=params["input_ids"].shape, logits=out.logits.shape)
            return out

        body.forward = watched
        with torch.inference_mode():
            packed = Rows(body, 2048).logprobs(encoded)
        assert seen["rows"][0] == len(encoded)  # one row a prompt
        assert seen["logits"][1] <= 8
        for each, answers in zip(encoded, packed, strict=True):
            for choice, found in zip(each.choices, answers, strict=True):
                with torch.inference_mode():
                    plain = forward(torch.tensor([each.prompt + choice])).logits[0].log_softmax(-1)
                first = len(each.prompt) - 1
                expected = [plain[first + i, token].item() for i, token in enumerate(choice)]
                assert found.tolist() == pytest.approx(expected, abs=1e-3)


def test_labels_of_one_set_keep_their_watch(few, finsentiment):
    made = Finetune(Classification(labels=finsentiment.kind.labels), "minilm", epochs=1, min_steps=1).fit(few, few[:6])
    assert {"dev_loss", "dev_accuracy", "dev_macro_f1"} <= set(made.history[0])
