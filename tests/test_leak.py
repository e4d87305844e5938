"""The exclusion, against its definition by brute force."""

from conftest import example
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.prompt.leak import NEAR, Leak, Overlap, repeated, shared, shingles
from harness.tokens import fold

texts = st.text("ab c", min_size=1, max_size=24)


@settings(max_examples=200)
@given(
    st.lists(st.tuples(texts, st.sampled_from([None, "d1", "d2"])), min_size=1, max_size=12),
    st.sampled_from([0.5, 0.8]),
)
def test_bars_exactly_the_item_its_twins_near_duplicates_and_cluster(rows, threshold):
    pool = [example(i, text, cluster=cluster) for i, (text, cluster) in enumerate(rows)]
    leak, overlap = Leak(pool, threshold), Overlap(pool, threshold)
    for item in [*pool, example("new", "ab ab ab c", cluster="d1")]:
        expected = set()
        for i, other in enumerate(pool):
            a, b = shingles(item.text), shingles(other.text)
            near = len(a & b) >= threshold * len(a | b)
            twin = item.id == other.id or fold(item.text) == fold(other.text)
            if near or twin or (item.cluster is not None and item.cluster == other.cluster):
                expected.add(i)
        assert overlap.barred(item) == expected
        barred = leak.barred(item)
        assert {i for i in range(len(pool)) if i in barred} == barred.met == expected


WORDS = ("profit", "rose", "by", "twelve", "percent", "in", "the", "quarter", "sales", "fell", "bank", "and")
LONG = st.lists(st.sampled_from(WORDS), min_size=10, max_size=40).map(" ".join)


@st.composite
def edited(draw):
    """Long texts, and what a few changes make of them: near-duplicates and those that just are none."""
    texts = draw(st.lists(LONG, min_size=1, max_size=6))
    changed = []
    for text in texts:
        words = text.split()
        for _ in range(draw(st.integers(0, 6))):
            words[draw(st.integers(0, len(words) - 1))] = draw(st.sampled_from(("Q1", "loss", "eleven", "")))
        changed.append(" ".join(words))
    return texts, changed


@settings(max_examples=150)
@given(edited())
def test_two_splits_share_exactly_the_near_duplicates_of_long_texts(texts):
    one, two = ([example(i, text) for i, text in enumerate(split)] for split in texts)

    def near(a, b):
        a, b = shingles(a.text), shingles(b.text)
        return len(a & b) >= NEAR * len(a | b)

    assert shared(one, two) == {i for i, a in enumerate(one) if any(near(a, b) for b in two)}
    same = {i for i, a in enumerate(one) if any(fold(a.text) == fold(b.text) for b in two)}
    assert repeated(one, two) == same <= shared(one, two)


def test_a_changed_figure_in_a_long_sentence_is_a_near_duplicate():
    pool = [
        example(1, "Profit at the bank rose by twelve percent to 40 million in the third quarter of the year"),
        example(2, "Sales fell"),
    ]
    item = example("x", "profit at the bank rose by twelve percent to 47 million in the third quarter of the year")
    assert Overlap(pool).barred(item) == {0}
    assert 0 in Leak(pool).barred(item)


def test_a_pool_is_looked_at_only_where_it_is_asked_about():
    class Untouchable(list):
        def __iter__(self):
            raise AssertionError("walked")

    pool = Untouchable(example(i, f"the {word} of it") for i, word in enumerate(["start", "middle", "far end", "rest"]))
    barred = Leak(pool).barred(pool[3])
    assert 1 not in barred
    assert barred.met == set()
    assert 3 in barred
    assert barred.met == {3}
