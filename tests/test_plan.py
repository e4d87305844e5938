"""The trie: its size, its packs and their reads, against the definition."""

from hypothesis import given
from hypothesis import strategies as st

from harness import plan
from harness.types import Request

tokens = st.lists(st.integers(0, 3), min_size=1, max_size=6).map(tuple)
choices = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=3).map(tuple), min_size=1, max_size=4).map(tuple)
requests = st.lists(st.tuples(tokens, choices), min_size=1, max_size=8).map(
    lambda rows: [Request(str(i), prompt, options) for i, (prompt, options) in enumerate(rows)]
)


def prefixes(rows):
    return {row[:k] for row in rows for k in range(1, len(row) + 1)}


@given(st.lists(tokens))
def test_trie_size_counts_distinct_prefixes(rows):
    assert plan.trie_size(rows) == len(prefixes(rows))


def test_last_choice_token_is_not_fed():
    request = Request("a", (1, 2), ((3,), (3, 4)))
    assert list(plan.sequences(request)) == [(1, 2), (1, 2, 3)]
    assert plan.submitted(request) == 3 + 4


def test_order_drops_repeats_and_keeps_neighbours_together():
    rows = [
        Request("a", (2, 1), ((1,),)),
        Request("b", (1, 1), ((1,),)),
        Request("a", (2, 1), ((1,),)),
        Request("c", (2, 0), ((1,),)),
    ]
    assert [r.key for r in plan.order(rows)] == ["b", "c", "a"]


@given(requests, st.integers(1, 20))
def test_packs_hold_every_request_once_and_read_the_right_nodes(rows, budget):
    ordered = plan.order(rows)
    made = list(plan.packs(ordered, budget))
    assert [r for pack in made for r in pack.requests] == ordered
    for pack in made:
        assert len(pack.head) + len(pack.nodes) == plan.trie_size(s for r in pack.requests for s in plan.sequences(r))
        assert len(pack.requests) == 1 or len(pack.nodes) <= budget

        def path(node, pack=pack):
            return pack.head if node < 0 else (*path(pack.parents[node]), pack.nodes[node])

        for request, reads in zip(pack.requests, pack.reads, strict=True):
            for choice, row in zip(request.choices, reads, strict=True):
                assert [path(node) for node in row] == [request.prompt + choice[:j] for j in range(len(choice))]
