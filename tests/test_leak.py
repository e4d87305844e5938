"""The exclusion, against its definition by brute force."""

from conftest import example
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.leak import Leak, shingles
from harness.parse import fold

texts = st.text("ab c", min_size=1, max_size=24)


@settings(max_examples=200)
@given(
    st.lists(st.tuples(texts, st.sampled_from([None, "d1", "d2"])), min_size=1, max_size=12),
    st.sampled_from([0.5, 0.8]),
)
def test_bars_exactly_the_item_its_twins_near_duplicates_and_cluster(rows, threshold):
    pool = [example(i, text, cluster=cluster) for i, (text, cluster) in enumerate(rows)]
    leak = Leak(pool, threshold)
    for item in [*pool, example("new", "ab ab ab c", cluster="d1")]:
        expected = set()
        for i, other in enumerate(pool):
            a, b = shingles(item.text), shingles(other.text)
            near = len(a & b) >= threshold * len(a | b)
            twin = item.id == other.id or fold(item.text) == fold(other.text)
            if near or twin or (item.cluster is not None and item.cluster == other.cluster):
                expected.add(i)
        assert leak.barred(item) == expected


def test_a_changed_figure_in_a_long_sentence_is_a_near_duplicate():
    pool = [
        example(1, "Profit at the bank rose by twelve percent to 40 million in the third quarter of the year"),
        example(2, "Sales fell"),
    ]
    item = example("x", "profit at the bank rose by twelve percent to 47 million in the third quarter of the year")
    assert Leak(pool).barred(item) == {0}
