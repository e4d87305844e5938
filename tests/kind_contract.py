"""What every kind of answer must do."""

import json
from dataclasses import replace

import pytest

from harness import kinds, metrics
from harness.errors import InputError
from harness.types import Example, Prediction


class KindContract:
    """Subclasses give ``kind``, data rows that are ``good`` (with what each one's target is, canonically) and rows that
    are ``bad`` (with what the error names). The answer stands in the column ``gold``, the inputs in the others, that
    are ``inputs``; ``forms`` are verbalizers."""

    good: tuple[tuple[dict, str], ...]
    bad: tuple[tuple[dict, str], ...]
    inputs: tuple[str, ...] = ("text",)
    forms: tuple = (None,)

    @pytest.fixture
    def kind(self):
        raise NotImplementedError

    def example(self, kind, row, place=0):
        inputs = {name: str(row.get(name, "x")) for name in self.inputs}
        options = kind.offered(row, "here")
        return Example(str(place), inputs, kind.target(row, "gold", inputs, "here"), options=options)

    def examples(self, kind):
        return [self.example(kind, row, place) for place, (row, _) in enumerate(self.good)]

    def test_what_a_demonstration_shows_is_read_back(self, kind):
        for form in self.forms:
            words = kind.words(form, "here")
            for each in self.examples(kind):
                found = kind.read(kind.shown(each, words), replace(each, target="never looked at"), words)
                assert kind.right(each, found.output) == 1, (form, kind.shown(each, words))
                assert not found.lost

    def test_rows_give_canonical_targets(self, kind):
        for each, (_, target) in zip(self.examples(kind), self.good, strict=True):
            assert each.target == target

    def test_a_bad_row_says_where_and_what(self, kind):
        for row, names in self.bad:
            inputs = {name: str(row.get(name, "x")) for name in self.inputs}
            with pytest.raises(InputError, match=names) as caught:
                kind.target(row, "gold", inputs, "data.jsonl, line 7")
            assert "data.jsonl, line 7" in str(caught.value)

    def test_right_is_a_share_and_no_answer_is_none(self, kind):
        outputs = [kind.read(kind.shown(e, w := kind.words(None, "here")), e, w).output for e in self.examples(kind)]
        for each in self.examples(kind):
            for output in outputs:
                assert 0 <= kind.right(each, output) <= 1
            assert kind.right(each, None) == 0 or each.target in ("[]", "{}")

    def test_choices_stand_for_the_answers_there_are(self, kind):
        for form in self.forms:
            words = kind.words(form, "here")
            for each in self.examples(kind):
                offered = kind.choices(each, words)
                assert (offered is not None) == kind.scored(words)
                if offered is None:
                    continue
                # Where each set of answers that shut each other out has its right one likeliest, the answer is right.
                row = [-9.0] * len(offered)
                for places, right in zip(kind.contests(offered), kind.winners(offered, each.target), strict=True):
                    row[places[right]] = -1.0
                output, stated = kind.decide(offered, row)
                assert kind.right(each, output) == 1
                assert stated is None or len(stated) == len(row)

    def test_confusions_count_every_class_of_either_side_once(self, kind):
        items, words = self.examples(kind), kind.words(None, "here")
        outputs = [kind.read(kind.shown(e, words), e, words).output for e in items]
        for item, own in zip(items, outputs, strict=True):
            bare = replace(item, inputs={}, options=())
            for output in (None, *outputs):
                found = kind.confusions(bare, output)
                if not kind.members:
                    assert not found
                    continue
                right = [one for one, _ in found if one != kind.nothing]
                said = [other for _, other in found if other != kind.nothing]
                assert set(right) == set(kind.classes(item.target))
                assert set(said) == set(() if output is None else kind.classes(output))
                assert {*right, *said} <= set(kind.members)
                assert (kind.nothing, kind.nothing) not in found
                wrong = [pair for pair in found if pair[0] != pair[1]]
                assert not wrong or kind.right(item, output) < 1
            assert all(one == other for one, other in kind.confusions(bare, own))

    def test_marks_are_where_the_text_says_what_the_answer_does(self, kind):
        words = kind.words(None, "here")
        for item in self.examples(kind):
            output = kind.read(kind.shown(item, words), item, words).output
            for answer in (item.target, output):
                marks = kind.marks(item, answer)
                if marks is None:
                    continue
                found = [(item.inputs[m.input][m.start : m.end], m.start) for m in marks]
                assert all(text and text == text.strip() for text, _ in found)
                said = json.loads(answer)
                assert len(found) == len(said)
                for (text, start), each in zip(found, said, strict=True):
                    assert start in each
                    assert text in each or start + len(text) in each
                empty = replace(item, inputs=dict.fromkeys(item.inputs, ""))
                assert not kind.marks(empty, answer)

    def test_a_sealed_document_makes_the_kind_again(self, kind):
        document = json.loads(json.dumps(kind.document()))
        again = kinds.of(document, "run.json")
        assert again.identity == kind.identity
        assert (again.outputs, again.members) == (kind.outputs, kind.members)
        for damaged in ({}, {"name": kind.name, "nonsense": 1}, {**kind.document(), "name": None}, []):
            with pytest.raises(InputError):
                kinds.of(damaged, "run.json")

    def test_its_metrics_and_baselines_exist(self, kind):
        from harness import predictors

        assert set(kind.baselines) <= set(predictors.BASELINES)
        assert kind.main_metric in [name for each in kind.metrics for name in metrics.create(each, kind).names]
        assert set(kind.measures) <= set(metrics.METRICS)

    def test_its_metrics_do_not_depend_on_the_order_of_items_and_extremes_are_better_and_worse(self, kind):
        words = kind.words(None, "here")
        items = [replace(e, id=f"{e.id}-{n}") for n in range(3) for e in self.examples(kind)]
        outputs = [kind.read(kind.shown(e, words), e, words).output for e in items]
        said = [Prediction(e.id, outputs[i // 2] if i % 4 else None) for i, e in enumerate(items)]
        for name in {*kind.metrics, *kind.measures} - {"ece", "brier"}:
            metric = metrics.create(name, kind)
            totals = metric.statistics(items, said).sum(0)
            assert metric.score(totals) == pytest.approx(
                metric.score(metric.statistics(items[::-1], said[::-1]).sum(0)), nan_ok=True
            )
            assert len(metric.names) == metric.score(totals).shape[-1]
            if (rows := metric.extremes(totals)) is not None:
                better, worse = (metric.score(totals + 5 * row) for row in rows)
                known = metric.score(totals) == metric.score(totals)
                assert ((worse > better) if metric.losses else (better > worse))[known].all(), name

    def test_it_is_written_as_its_constructor(self, kind):
        assert eval(repr(kind), {type(kind).__name__: type(kind)}) == kind
