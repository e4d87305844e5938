"""The contract of every predictor, and what is peculiar to prompted ones."""

import math
from dataclasses import replace

import pytest
from conftest import example

from harness import predictors
from harness.engines.inference import Asked
from harness.engines.journal import Journal, request_key
from harness.errors import InputError
from harness.kinds.classification import Classification
from harness.predictors.prompted import Prompted
from harness.prompt import template
from harness.prompt.selectors import create as selector
from harness.study import grid
from harness.study.draft import Planned
from harness.types import Answer, Status, Usage

IDENTITY = {"model": "m", "dtype": "float32"}
LABELS = ("positive", "negative", "neutral")


def prompted(tiny, finsentiment, name="plain", shots=3, **params):
    return Prompted(template.load(name, finsentiment), tiny, selector("balanced"), shots, **params)


# Enough training to have something to predict with; what they learn is tests/test_baselines.py's.
CHEAP = {
    "setfit": {"max_pairs": 32},
    **{key: {"epochs": 1, "min_steps": 2} for key in ("finetune", "lora", "prefix-tuning", "prompt-tuning")},
}


def baseline(name, task, **params):
    return predictors.baseline(name, task, **CHEAP.get(name, {}), **params)


MAKERS = {
    **{name: (lambda _, task, name=name: baseline(name, task)) for name in Classification.baselines},
    "finetune:tiny": lambda _, task: predictors.baseline("finetune:tiny", task, epochs=1, min_steps=2),
    "prefix-tuning:tiny": lambda _, task: predictors.baseline("prefix-tuning:tiny", task, epochs=1, min_steps=2),
    "prompt": prompted,
    "prompt-knn": lambda tiny, task: Prompted(template.load("chat", task), tiny, selector("knn"), 4),
    "prompt-batch": lambda tiny, task: prompted(tiny, task, calibrate="batch", calibrate_on="train:16"),
    "prompt-supervised": lambda tiny, task: prompted(tiny, task, calibrate="supervised", calibrate_on="train"),
    "prompt-pmi": lambda tiny, task: prompted(tiny, task, calibrate="pmi", normalize="bytes"),
    "prompt-generate": lambda tiny, task: prompted(tiny, task, mode="generate"),
}


@pytest.mark.parametrize("name", MAKERS)
class TestContract:
    @pytest.fixture
    def make(self, name, tiny, finsentiment, vault):
        train = finsentiment.examples("train")[:48]

        def made():
            predictor = MAKERS[name](tiny, finsentiment)
            if hasattr(predictor, "vault"):
                predictor.vault = vault  # trained once in all these tests
            return predictor.fit(train)

        return made

    def test_subset_order_and_repetition_do_not_matter(self, make, finsentiment):
        items = finsentiment.examples("dev")
        predictor = make()
        whole = {p.example_id: p for p in predictor.predict(items)}
        assert whole.keys() == {e.id for e in items}
        for other in (predictor.predict(items), predictor.predict(items[::-1]), make().predict(items[5:15])):
            for found in other:
                expected = whole[found.example_id]
                assert (found.output, found.status) == (expected.output, expected.status)
                if found.label_logprobs:
                    assert found.label_logprobs == pytest.approx(expected.label_logprobs, abs=1e-4)

    def test_answers_are_labels_with_normalised_logprobs(self, make, finsentiment):
        for found in make().predict(finsentiment.examples("dev")):
            assert found.output in LABELS or (found.output is None and found.status is Status.UNPARSED)
            if found.label_logprobs:
                assert math.fsum(map(math.exp, found.label_logprobs)) == pytest.approx(1, abs=1e-6)
                assert found.output == LABELS[found.label_logprobs.index(max(found.label_logprobs))]

    def test_nothing_in_nothing_out(self, make):
        assert list(make().predict([])) == []

    def test_the_signature_is_one_line(self, make):
        assert "\n" not in str(make().signature)
        assert dict(make().signature.pairs)["predictor"]


@pytest.mark.parametrize("name", Classification.baselines)
def test_baselines_paste_back_refuse_unknown_parameters_and_take_seed_0(name, finsentiment):
    made = predictors.baseline(name, finsentiment, seed=0)
    assert made.seed == 0
    if getattr(made, "template", None) is not None:  # bound to a task: not a thing to paste
        made.template = None
    again = eval(repr(made), {type(each).__name__: type(each) for each in (made, finsentiment.kind)})
    assert repr(again) == repr(made)
    with pytest.raises(InputError, match="unknown parameter 'colour'"):
        predictors.baseline(name, finsentiment, colour="red")


@pytest.mark.parametrize("name", ["majority", "tfidf-logreg", "tfidf-svm", "embedding", "embedding-knn"])
def test_baselines_do_not_depend_on_the_order_of_training_data(name, finsentiment):
    train, dev = finsentiment.examples("train"), finsentiment.examples("dev")
    one = list(predictors.baseline(name, finsentiment).fit(train).predict(dev))
    other = list(predictors.baseline(name, finsentiment).fit(train[::-1]).predict(dev))
    assert [p.output for p in one] == [p.output for p in other]


def test_unknown_baseline_names_the_nearest(finsentiment):
    with pytest.raises(InputError, match="Did you mean 'tfidf-logreg'"):
        predictors.baseline("tfidf-logreg2", finsentiment)


def test_majority_breaks_ties_by_label_order(finsentiment):
    train = [example(1, "x", "negative"), example(2, "y", "positive")]
    (found,) = predictors.baseline("majority", finsentiment).fit(train).predict([example("t", "z", "neutral")])
    assert found.output == "positive"


def test_a_label_that_train_never_shows_is_never_predicted(finsentiment):
    train = [example(1, "good news", "positive"), example(2, "bad news", "negative")]
    (found,) = predictors.baseline("tfidf-logreg", finsentiment).fit(train).predict([example("t", "good", "neutral")])
    assert found.output == "positive"
    assert found.label_logprobs[2] < -600


class TestOverlength:
    LONG = example("long", "profit rose sharply and " * 900, "positive")

    def make(self, tiny, finsentiment, policy, shots=3):
        return prompted(tiny, finsentiment, shots=shots, overlength=policy).fit(finsentiment.examples("train"))

    def test_error_names_the_item_and_the_length(self, tiny, finsentiment):
        with pytest.raises(InputError, match=r"example 'long': .* takes 2048.*--on-overlength"):
            list(self.make(tiny, finsentiment, "error").predict([self.LONG]))

    def test_skip_counts_it_and_answers_the_rest(self, tiny, finsentiment):
        found = {
            p.example_id: p.status
            for p in self.make(tiny, finsentiment, "skip").predict([self.LONG, *finsentiment.examples("dev")[:3]])
        }
        assert found["long"] is Status.SKIPPED
        assert list(found.values()).count(Status.OK) == 3

    def test_drop_demos_keeps_the_nearest(self, tiny, finsentiment):
        train = [example(f"{i}", f"item {i} " + "profit rose " * 120, "positive") for i in range(9)]
        predictor = Prompted(
            template.load("plain", finsentiment), tiny, selector("fixed"), 9, overlength="drop-demos"
        ).fit(train)
        (found,) = predictor.predict([example("t", "sales fell")])
        assert found.status is Status.OK
        assert found.trace.dropped_demos > 0
        assert found.trace.demos == tuple(str(i) for i in range(9 - found.trace.dropped_demos))[::-1]

    def test_an_item_too_long_by_itself_is_still_an_error(self, tiny, finsentiment):
        with pytest.raises(InputError, match="example 'long'"):
            list(self.make(tiny, finsentiment, "drop-demos").predict([self.LONG]))


@pytest.mark.parametrize(
    ("text", "output", "mentioned"),
    [
        ("positive", "positive", None),
        ('{"label": "Positive."}', "positive", None),
        ('{"label": "rather positive", "why": "not negative"}', None, "positive"),
        ('{"label": "unclear", "why": "a positive tone"}', None, None),
        ('{"label": "positive', None, "positive"),
    ],
)
def test_of_a_json_answer_its_field_is_read(text, output, mentioned, tiny, finsentiment, tmp_path):
    field = "---\nanswer_field: label\n---\n" if text.startswith("{") else ""
    (tmp_path / "asks.j2").write_text(f"{field}{{{{ text }}}}")
    made = prompted(tiny, finsentiment, name=str(tmp_path / "asks.j2"), mode="generate")
    asked = Asked(finsentiment.examples("dev")[0], (), 0, ())
    (found,) = made.read(asked, Answer("key", text), Usage())
    assert (found.output, found.mentioned) == (output, mentioned)


@pytest.mark.parametrize(
    ("text", "finish", "output", "thought", "raw", "cut"),
    [
        ("\n\npositive", "stop", "positive", "", "positive", False),
        ("<think>Up.</think>\n\nLabel: positive", "stop", "positive", "Up.", "Label: positive", False),
        ("<think>It is positive", "length", None, "It is positive", "", True),
        ("positive since", "length", None, "", "positive since", True),
        ("positive", "length", "positive", "", "positive", True),
    ],
)
def test_what_was_thought_is_set_apart_and_kept(text, finish, output, thought, raw, cut, tiny, finsentiment):
    made = prompted(tiny, finsentiment, mode="generate")
    asked = Asked(finsentiment.examples("dev")[0], (), 0, ())
    (found,) = made.read(asked, Answer("key", text, finish), Usage())
    assert (found.output, found.trace.thought, found.trace.raw, found.trace.cut) == (output, thought, raw, cut)
    assert found.status is (Status.OK if output else Status.UNPARSED)


class TestJournal:
    def test_keys_change_with_all_that_can_change_an_answer(self):
        from harness.types import Sampling

        keys = {
            request_key(IDENTITY, (1, 2), ((3,),), None),
            request_key({**IDENTITY, "dtype": "bfloat16"}, (1, 2), ((3,),), None),
            request_key(IDENTITY, (1, 2, 2), ((3,),), None),
            request_key(IDENTITY, (1, 2), ((3,), (4,)), None),
            request_key(IDENTITY, (1, 2), ((3, 4),), None),
            request_key(IDENTITY, (1, 2), None, Sampling()),
            request_key(IDENTITY, (1, 2), None, Sampling(seed=1)),
            request_key(IDENTITY, (1, 2), None, Sampling(temperature=0.5)),
            request_key(IDENTITY, (1, 2), None, Sampling(max_tokens=3)),
            request_key(IDENTITY, (1, 2), None, Sampling(stop=())),
        }
        assert len(keys) == 10

    def test_what_stops_do_changes_the_keys_of_what_is_generated_only(self, monkeypatch):
        from harness.engines import journal
        from harness.types import Sampling

        asked = ((IDENTITY, (1, 2), ((3,),), None), (IDENTITY, (1, 2), None, Sampling()))
        before = [request_key(*each) for each in asked]
        monkeypatch.setattr(journal, "STOPPING", journal.STOPPING + 1)
        after = [request_key(*each) for each in asked]
        assert [one == two for one, two in zip(before, after, strict=True)] == [True, False]

    def test_what_is_recorded_is_read_back_from_another_connection(self, tmp_path):
        answer = Answer("k", "text", "stop", ((-0.1, -2.5), (-3.0,)), Usage(5, 4, 1))
        with Journal(tmp_path / "j.sqlite") as one, Journal(tmp_path / "j.sqlite") as two:
            one.record(answer)
            assert list(two.look_up(["other", "k"])) == [answer]

    def test_a_damaged_file_is_an_input_error(self, tmp_path):
        (tmp_path / "j.sqlite").write_bytes(b"not a database at all" * 100)
        with Journal(tmp_path / "j.sqlite") as journal, pytest.raises(InputError, match="cannot be read"):
            list(journal.look_up(["k"]))

    def test_an_answer_is_not_computed_twice(self, tiny, finsentiment, tmp_path):
        items = finsentiment.examples("dev")
        with Journal(tmp_path / "j.sqlite") as journal:

            def ask(rows):
                predictor = prompted(tiny, finsentiment, journal=journal).fit(finsentiment.examples("train"))
                return list(predictor.predict(rows))

            first, second = ask(items[:20]), ask(items)
        known = {p.example_id for p in first}
        assert sum(p.trace.usage.computed for p in first) > 0
        assert all(p.trace.usage.computed == 0 for p in second if p.example_id in known)


def test_anything_that_can_change_a_score_changes_the_signature(tiny, finsentiment, tmp_path):
    def line(task=finsentiment, limit=None, train=None, **params):
        predictor = prompted(tiny, task, **params)
        planned = Planned(predictor, train or task.examples("train"))
        run = grid.execute(task, planned, task.examples("dev")[:limit], "dev")
        return str(run.signature)

    other = tmp_path / "plain.j2"
    other.write_text(template.load("plain", finsentiment).source + " ")
    lines = [
        line(limit=2),
        line(limit=3),
        line(limit=2, shots=2),
        line(limit=2, seed=1),
        line(limit=2, order="random"),
        line(limit=2, mode="generate"),
        line(limit=2, overlength="skip"),
        line(limit=2, name="chat"),
        line(limit=2, name=str(other)),
        line(limit=2, train=finsentiment.examples("train")[1:]),
    ]
    assert len(set(lines)) == len(lines)
    assert line(limit=2) == lines[0]


def test_a_changed_description_or_order_of_labels_is_another_run(tiny, finsentiment, tmp_path):
    described = finsentiment.kind.labels
    changed = [described, {**described, "negative": "sales fell"}, dict(reversed(described.items()))]
    runs = []
    for labels in changed:
        task = replace(finsentiment, kind=Classification(labels=labels))
        planned = Planned(prompted(tiny, task), task.examples("train"))
        runs.append(grid.execute(task, planned, task.examples("dev")[:3], "dev"))
        tuned = predictors.baseline("lora:tiny", task)
        runs.append(tuned)
    assert len({str(run.signature) for run in runs}) == 6
    assert len({run.name for run in runs[::2]}) == 3
