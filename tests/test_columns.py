"""Columns hold what they are given, in any amount."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.kinds.classification import Classification
from harness.results.columns import CHUNK, Examples, Ledger, Predictions, row, same, schema
from harness.types import Example, Prediction, Status, Trace

LABELS = ["up", "down", "", "süß", "上"]
KIND = Classification(labels=LABELS)
NAMES = st.sampled_from(LABELS)
NUMBERS = st.floats(allow_nan=False, max_value=0)
ROWS = st.builds(
    lambda target, cluster, tags, output, status, stated, demos, dropped, raw, thought, choices, mentioned: (
        Example("x", {}, target, cluster, tags),
        Prediction(
            *("x", output, status, stated),
            Trace(demos, demos[:1], dropped, raw=raw, thought=thought, choice_logprobs=choices),
            mentioned,
        ),
    ),
    NAMES,
    st.none() | NAMES,
    st.dictionaries(NAMES, NAMES, max_size=2),
    st.none() | NAMES,
    st.sampled_from(Status),
    st.none() | st.tuples(NUMBERS, NUMBERS),
    st.lists(NAMES, max_size=3).map(tuple),
    st.integers(0, 9),
    st.text(max_size=5),
    st.text(max_size=5),
    st.none() | st.tuples(st.tuples(NUMBERS), st.tuples(NUMBERS, NUMBERS)),
    st.none() | NAMES,
)


def filled(rows):
    ledger = Ledger(KIND)
    for example, prediction in rows:
        ledger.add(example, prediction)
    return ledger.close()


@given(st.lists(ROWS, max_size=20))
def test_what_goes_in_comes_out(rows):
    items, predictions = filled(rows)
    assert (len(items), len(predictions)) == (len(rows), len(rows))
    assert list(items) == [example for example, _ in rows]
    assert list(predictions) == [prediction for _, prediction in rows]
    assert [items[i] for i in range(len(rows))] == list(items)
    assert list(predictions[1:3]) == [prediction for _, prediction in rows][1:3]
    assert items == [example for example, _ in rows]


def test_more_than_a_chunk_and_places_from_the_end():
    rows = [(Example(str(i), {}, "a"), Prediction(str(i), "b")) for i in range(CHUNK + 5)]
    items, predictions = filled(rows)
    assert items[-1].id == str(CHUNK + 4)
    assert [p.example_id for p in predictions] == [e.id for e in items] == [str(i) for i in range(CHUNK + 5)]
    with pytest.raises(IndexError):
        items[CHUNK + 5]
    assert items != items[1:]
    assert not same(items[:2], items[1:3])


def test_rows_of_before_thoughts_were_kept_are_read():
    import pyarrow as pa

    kept = schema()
    table = pa.Table.from_pylist([row(KIND, Example("a", {}, "up"), Prediction("a", "up"))], schema=kept)
    (found,) = Predictions(table.drop_columns(["thought"]))
    assert (found.output, found.trace.thought) == ("up", "")


def test_unknown_numbers_stay_unknown():
    _, (found,) = filled([(Example("a", {}, "a"), Prediction("a", "a", label_logprobs=(math.nan, -math.inf)))])
    assert math.isnan(found.label_logprobs[0])
    assert found.label_logprobs[1] == -math.inf


TEXTS = st.text(max_size=8)
EXAMPLES = st.builds(
    lambda id_, one, two, target, cluster, tag: Example(id_, {"one": one, "two": two}, target, cluster, {"tag": tag}),
    TEXTS,
    TEXTS,
    TEXTS,
    NAMES,
    st.none() | NAMES,
    NAMES,
)


@given(st.lists(EXAMPLES, max_size=12), st.slices(12))
def test_examples_are_a_sequence_like_any_other(rows, part):
    found = Examples(rows, ("one", "two"), ("tag",))
    assert list(found) == rows
    assert len(found) == len(rows)
    assert list(found[part]) == rows[part]
    assert list(found[1:][part]) == rows[1:][part]
    assert bool(found) == bool(rows)
    assert found == rows


def test_items_keep_their_own_options():
    items = [Example("1", {"q": "?"}, "2", options=("a", "b")), Example("2", {"q": "?"}, "1")]
    assert list(Examples(items, ["q"], [])) == items
