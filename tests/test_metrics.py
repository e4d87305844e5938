"""Metrics against scikit-learn and published values."""

import math

import numpy as np
import pytest
from conftest import example
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from harness import metrics
from harness.kinds.classification import Classification
from harness.types import Prediction, Status

LABELS = ("a", "b", "c")
KIND = Classification(labels=list(LABELS))
answers = st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from((*LABELS, None))), min_size=1, max_size=40)


def value(name, truth, said, logprobs=None, kind=KIND):
    examples = [example(i, "x", label) for i, label in enumerate(truth)]
    rows = logprobs or [None] * len(truth)
    predictions = [
        Prediction(str(i), label, Status.OK if label else Status.UNPARSED, row)
        for i, (label, row) in enumerate(zip(said, rows, strict=True))
    ]
    metric = metrics.create(name, kind)
    return metric.score(metric.statistics(examples, predictions).sum(0))


@settings(max_examples=150, deadline=None)
@given(answers)
@pytest.mark.filterwarnings("ignore")  # scikit-learn warns of labels without items
def test_agree_with_scikit_learn(pairs):
    truth, said = [t for t, _ in pairs], [s or "none" for _, s in pairs]
    given_answers = [s for _, s in pairs]
    assert value("accuracy", truth, given_answers)[0] == pytest.approx(reference.accuracy_score(truth, said))
    each = reference.f1_score(truth, said, labels=LABELS, average=None, zero_division=math.nan)
    np.testing.assert_allclose(value("class-f1", truth, given_answers), each, atol=1e-12)
    assert value("macro-f1", truth, given_answers)[0] == pytest.approx(
        np.nanmean(each) if np.isfinite(each).any() else math.nan, nan_ok=True
    )
    assert value("mcc", truth, given_answers)[0] == pytest.approx(reference.matthews_corrcoef(truth, said), abs=1e-9)


SCALE = Classification(labels=list("12345"), order=True)
grades = st.lists(st.tuples(st.sampled_from(SCALE.outputs), st.sampled_from(SCALE.outputs)), min_size=1, max_size=40)


@settings(max_examples=150, deadline=None)
@given(grades)
@pytest.mark.filterwarnings("ignore")  # scikit-learn divides by 0 where all are alike
def test_metrics_of_a_scale_agree_with_scikit_learn(pairs):
    truth, said = [int(t) for t, _ in pairs], [int(s) for _, s in pairs]
    kappa = value("qwk", *zip(*pairs, strict=True), kind=SCALE)[0]
    assert kappa == pytest.approx(
        reference.cohen_kappa_score(truth, said, labels=range(1, 6), weights="quadratic"), abs=1e-9, nan_ok=True
    )
    assert value("mae", *zip(*pairs, strict=True), kind=SCALE)[0] == pytest.approx(
        reference.mean_absolute_error(truth, said)
    )


def test_no_answer_is_as_far_off_as_can_be():
    assert value("mae", "1245", [None] * 4, kind=SCALE)[0] == (4 + 3 + 3 + 4) / 4
    assert value("qwk", "1245", "1241", kind=SCALE)[0] == value("qwk", "1245", [*"124", None], kind=SCALE)[0]


@settings(max_examples=150, deadline=None)
@given(answers)
@pytest.mark.filterwarnings("ignore")
def test_f1_without_the_null_label_agrees_with_scikit_learn(pairs):
    truth, said = [t for t, _ in pairs], [s or "none" for _, s in pairs]
    kind = Classification(labels=list(LABELS), null_label="b")
    micro = reference.f1_score(truth, said, labels=["a", "c"], average="micro", zero_division=math.nan)
    assert value("micro-f1", truth, [s for _, s in pairs], kind=kind)[0] == pytest.approx(micro, nan_ok=True)
    each = reference.f1_score(truth, said, labels=["a", "c"], average=None, zero_division=math.nan)
    macro = np.nanmean(each) if np.isfinite(each).any() else math.nan
    assert value("macro-f1", truth, [s for _, s in pairs], kind=kind)[0] == pytest.approx(macro, nan_ok=True)


def official(truth, said):
    """SemEval-2010 task 8's rule as its README states it: precision and recall of each relation, in whichever
    direction it is answered, a hit only in the right one; the mean of their F1, Other left out."""

    def base(label):
        return label.split("(")[0]

    scores = []
    for relation in sorted({base(label) for label in truth} - {"Other"}):
        hits = sum(t == s for t, s in zip(truth, said, strict=True) if base(t) == relation)
        answered, there = (sum(base(label) == relation for label in side) for side in (said, truth))
        precision, recall = hits / answered if answered else 0.0, hits / there
        scores.append(2 * precision * recall / (precision + recall) if hits else 0.0)
    return sum(scores) / len(scores)


RELATIONS = [f"{name}({way})" for name in ("Cause-Effect", "Member-Collection") for way in ("e1,e2", "e2,e1")]


@given(st.lists(st.tuples(*[st.sampled_from([*RELATIONS, "Other"])] * 2), min_size=1, max_size=40))
def test_macro_f1_of_relations_is_the_official_rule(pairs):
    kind = Classification(labels=[*RELATIONS, "Other"], null_label="Other", directed=True)
    # Every relation occurs, as it does in the official test set.
    truth, said = zip(*pairs, (RELATIONS[0], "Other"), (RELATIONS[2], "Other"), strict=True)
    assert value("macro-f1", truth, said, kind=kind)[0] == pytest.approx(official(truth, said))


@given(answers, st.randoms())
def test_order_of_items_does_not_matter(pairs, random):
    shuffled = list(pairs)
    random.shuffle(shuffled)
    for name in Classification.measures:
        one = value(name, *zip(*pairs, strict=True))
        two = value(name, *zip(*shuffled, strict=True))
        np.testing.assert_allclose(one, two)


def test_parse_failures_are_a_rate_of_their_own():
    assert value("parse-failure-rate", "abc", ("a", None, "b"))[0] == pytest.approx(1 / 3)


def test_a_text_that_mentions_the_label_is_right_leniently_only():
    examples = [example(i, "x", label) for i, label in enumerate("abc")]
    said = [Prediction("0", "a"), *(Prediction(i, None, Status.UNPARSED, mentioned="b") for i in "12")]
    strict, lenient = (
        metric.score(metric.statistics(examples, said).sum(0))[0]
        for metric in (metrics.create(name, KIND) for name in ("accuracy", "lenient-accuracy"))
    )
    assert (strict, lenient) == (pytest.approx(1 / 3), pytest.approx(2 / 3))


def test_calibration_error_by_hand():
    # Guo et al. (2017), equation 3: two bins with gaps |0.9 - 0.5| and |0.6 - 1| over 2 and 1 of 3 items.
    rows = [tuple(np.log([p, (1 - p) / 2, (1 - p) / 2])) for p in (0.9, 0.9, 0.6)]
    assert value("ece", "aba", "aaa", rows)[0] == pytest.approx((2 * 0.4 + 0.4) / 3)


def test_brier_score_by_hand():
    # 0.3^2 + 0.2^2 + 0.1^2 = 0.14; certain and right 0; certain and wrong 1 + 1 = 2; uniform 4/9 + 1/9 + 1/9 = 2/3.
    certain = (0.0, -700.0, -700.0)
    rows = [tuple(np.log([0.7, 0.2, 0.1])), certain, certain, tuple(np.log([1 / 3] * 3))]
    for truth, row, expected in zip("aaba", rows, (0.14, 0, 2, 2 / 3), strict=True):
        assert value("brier", truth, "a", [row])[0] == pytest.approx(expected)
    assert value("brier", "aaba", "aaaa", rows)[0] == pytest.approx((0.14 + 2 + 2 / 3) / 4)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(LABELS), *[st.floats(-20, 0)] * 3), min_size=1, max_size=20))
def test_brier_score_is_scikit_learns(items):
    truth, levels = [item[0] for item in items], np.array([item[1:] for item in items])
    rows = levels - np.log(np.exp(levels).sum(axis=1, keepdims=True))
    stated = value("brier", truth, [LABELS[row.argmax()] for row in rows], [tuple(row) for row in rows])[0]
    each = [
        reference.brier_score_loss([t == label for t in truth], np.exp(rows[:, i]), pos_label=True)
        for i, label in enumerate(LABELS)
    ]
    assert stated == pytest.approx(sum(each))


@pytest.mark.parametrize("name", ["ece", "brier"])
def test_items_without_probabilities_are_left_out(name):
    row = tuple(np.log([0.6, 0.3, 0.1]))
    assert value(name, "abc", "abc", [row, None, None])[0] == pytest.approx(value(name, "a", "a", [row])[0])


@pytest.mark.parametrize("name", ["ece", "brier"])
def test_unknown_is_not_zero(name):
    assert math.isnan(value(name, "ab", "ab")[0])


@pytest.mark.parametrize("name", Classification.measures)
def test_extremes_are_the_best_and_the_worst_answer(name):
    examples = [example(i, "x", label) for i, label in enumerate("aab")]
    predictions = [Prediction(str(i), label) for i, label in enumerate("abb")]
    metric = metrics.create(name, KIND)
    totals = metric.statistics(examples, predictions).sum(0)
    rows = metric.extremes(totals)
    if rows is None:
        # A stated probability is neither right nor wrong, and of two readers neither is.
        assert name in ("ece", "brier", "cohen-kappa", "krippendorff-alpha")
        return
    better, worse = (metric.score(totals + 5 * row) for row in rows)
    if metric.losses:  # less is better
        better, worse = -better, -worse
    known = ~np.isnan(metric.score(totals))
    assert (better[known] > worse[known]).all()


@settings(max_examples=150, deadline=None)
@given(answers.filter(lambda pairs: any(s for _, s in pairs)))
@pytest.mark.filterwarnings("ignore")
def test_kappa_agrees_with_scikit_learn_over_the_items_that_are_answered(pairs):
    found = value("cohen-kappa", *zip(*pairs, strict=True))[0]
    kept = [(t, s) for t, s in pairs if s]
    assert found == pytest.approx(
        reference.cohen_kappa_score(*zip(*kept, strict=True), labels=LABELS), abs=1e-9, nan_ok=True
    )


@pytest.mark.parametrize(
    ("one", "other", "order", "alpha"),
    [
        # Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", sections A and B.
        ("0100000010", "1110010000", False, 0.095),
        ("aabbdcccedda", "babbbcccdddd".replace("cccd", "ccce", 1), False, 0.692),
        # The same formula by hand: differences 1, 0, 1 of values 1 2 2 2 3 4; 13 squares of pairs among them.
        ("124", "223", True, None),
    ],
)
def test_alpha_is_as_published(one, other, order, alpha):
    kind = Classification(labels=sorted(set(one + other)), order=order)
    found = value("krippendorff-alpha", list(one), list(other), kind=kind)[0]
    if alpha is None:
        values = [kind.outputs.index(c) for c in one + other]
        seen = 2 * sum((kind.outputs.index(a) - kind.outputs.index(b)) ** 2 for a, b in zip(one, other, strict=True))
        expected = sum((a - b) ** 2 for a in values for b in values)
        alpha = 1 - (len(values) - 1) * seen / expected
    assert found == pytest.approx(alpha, abs=0.0005)
