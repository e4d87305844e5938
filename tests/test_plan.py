"""The trie: its size, its passes and their reads, against the definition."""

from hypothesis import given
from hypothesis import strategies as st

from harness.engines import trie
from harness.types import Request, Sampling

tokens = st.lists(st.integers(0, 3), min_size=1, max_size=6).map(tuple)
choices = st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=3).map(tuple), min_size=1, max_size=4).map(tuple)
requests = st.lists(st.tuples(tokens, choices), min_size=1, max_size=8).map(
    lambda rows: [Request(str(i), prompt, options) for i, (prompt, options) in enumerate(rows)]
)


def prefixes(rows):
    return {row[:k] for row in rows for k in range(1, len(row) + 1)}


@given(st.lists(tokens))
def test_trie_size_counts_distinct_prefixes(rows):
    assert trie.trie_size(rows) == len(prefixes(rows))


@given(st.lists(tokens, min_size=1))
def test_nodes_of_prompts_to_be_continued_are_those_of_their_trie(rows):
    asked = [Request(str(i), row, None, Sampling()) for i, row in enumerate(rows)]
    assert trie.nodes(asked) == trie.trie_size(rows)


def test_last_choice_token_is_not_fed():
    request = Request("a", (1, 2), ((3,), (3, 4)))
    assert list(trie.sequences(request)) == [(1, 2), (1, 2, 3)]
    assert trie.submitted(request) == 3 + 4


def test_order_drops_repeats_and_keeps_neighbours_together():
    rows = [
        Request("a", (2, 1), ((1,),)),
        Request("b", (1, 1), ((1,),)),
        Request("a", (2, 1), ((1,),)),
        Request("c", (2, 0), ((1,),)),
    ]
    assert [r.key for r in trie.order(rows)] == ["b", "c", "a"]


@given(requests, st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_wherever_a_trie_is_cut_each_node_sees_its_own_path_and_all_is_read_once(rows, sizes):
    ordered = trie.order(rows)
    whole = trie.Trie.of(ordered)
    assert len(whole.tokens) == trie.nodes(rows) == trie.trie_size(s for r in rows for s in trie.sequences(r))
    columns, read, start, turn = [], [], 0, 0
    while start < len(whole.tokens):
        part = whole.cut(start, start + sizes[turn % len(sizes)])
        kept = len(part.ends) - len(part.tokens)
        assert kept == len(columns)  # what the pass before was told to keep
        columns += part.tokens
        for node, depth in enumerate(part.depths):
            seen = [column for column, end in enumerate(part.ends) if column - kept <= node < end]
            assert len(seen) == depth + 1
            for one in (one for one in part.reads if one.node == node):
                request = ordered[one.request]
                choice = request.choices[one.choice]
                assert tuple(columns[column] for column in seen) == request.prompt + choice[: one.place]
                assert one.token == choice[one.place]
                read.append((one.request, one.choice, one.place))
        columns = [columns[column] for column in part.path]
        start, turn = start + len(part.tokens), turn + 1
    asked = [
        (i, c, j)
        for i, request in enumerate(ordered)
        for c, choice in enumerate(request.choices)
        for j in range(len(choice))
    ]
    assert sorted(read) == asked
