"""What each prompt owes: shared work in proportion to those it serves, and sums that are exact."""

import json

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from harness.cli import main
from harness.engines import trie
from harness.engines.costs import Costs, shares, whole
from harness.types import Answer, Request, Usage


def asked(key, prompt, *choices):
    return Request(key, prompt, choices or ((1,),))


def test_a_node_is_paid_in_equal_parts_by_all_below_it():
    head = (0, 5, 6, 7)
    found = shares(
        [
            asked("a", (*head, 20, 21), (1,), (2, 3)),  # 4/3 + 1/2 + 1, and the choice's first token
            asked("b", (*head, 20, 22, 23)),  # 4/3 + 1/2 + 2
            asked("c", (*head, 30)),  # 4/3 + 1
        ]
    )
    assert found == pytest.approx({"a": 4 / 3 + 1 / 2 + 2, "b": 4 / 3 + 1 / 2 + 2, "c": 4 / 3 + 1})


def test_one_prompt_with_other_choices_and_a_prompt_that_begins_another():
    found = shares([asked("a", (0, 1), (5, 6), (7, 8)), asked("b", (0, 1), (5, 9)), asked("c", (0, 1, 4, 4))])
    # (0, 1) serves three; of the choices' first tokens 5 serves a and b, 7 only a.
    assert found == pytest.approx({"a": 2 / 3 + 1 / 2 + 1, "b": 2 / 3 + 1 / 2, "c": 2 / 3 + 2})


prompts = st.lists(st.lists(st.integers(0, 2), min_size=1, max_size=8).map(tuple), min_size=1, max_size=30)


@given(prompts)
def test_shares_add_up_to_the_trie(rows):
    requests = [asked(str(i), prompt) for i, prompt in enumerate(rows)]
    found = shares(requests)
    assert sum(found.values()) == pytest.approx(trie.nodes(requests))
    # By the book: each prefix is paid by all prompts that have it.
    for i, prompt in enumerate(rows):
        book = sum(1 / sum(row[:end] == prompt[:end] for row in rows) for end in range(1, len(prompt) + 1))
        assert found[str(i)] == pytest.approx(book)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=20))
def test_whole_numbers_add_up_and_stay_near(amounts):
    found = whole(amounts)
    assert sum(found) == round(sum(amounts))
    assert all(abs(one - two) < 1.001 for one, two in zip(found, amounts, strict=True))


def bill(n, rows):
    costs = Costs(n)
    for usage, asking, share in rows:
        costs.charge(Answer("k", usage=usage), asking, share)
    return [(each.submitted, each.computed, each.generated) for each in costs.usages()]


def test_lumps_are_spread_and_sums_are_exact():
    """A pass of 100 tokens that the first answer carries, for requests that owe 20, 30 and 50 of them."""
    rows = [(Usage(10, 100), (1, 0, 0), 20.0), (Usage(10), (0, 1, 0), 30.0), (Usage(10), (0, 0, 1), 50.0)]
    assert bill(3, rows) == [(10, 20, 0), (10, 30, 0), (10, 50, 0)]
    # Computed again after a kill: 7 more, in the same proportion, in whole tokens.
    rows[0] = (Usage(10, 107), (1, 0, 0), 20.0)
    found = bill(3, rows)
    assert sum(computed for _, computed, _ in found) == 107
    assert [computed for _, computed, _ in found] == [21, 32, 54]


def test_a_request_of_several_prompts_is_paid_by_the_items_that_ask_it():
    assert bill(2, [(Usage(12, 9), (2, 1), 9.0)]) == [(24, 6, 0), (12, 3, 0)]
    # Written tokens are the request's own, and counted apart; the prompt's are pooled.
    rows = [(Usage(10, 10, 5), (1, 0), 5.0), (Usage(10, 0), (0, 1), 5.0)]
    assert bill(2, rows) == [(10, 5, 5), (10, 5, 0)]


def test_what_has_no_known_tokens_bears_its_own():
    assert bill(2, [(Usage(10, 8, 3), (1, 0), None), (Usage(10, 30, 3), (0, 1), None)]) == [(10, 8, 3), (10, 30, 3)]
    assert bill(2, []) == [(0, 0, 0), (0, 0, 0)]


def rows(*args):
    done = CliRunner().invoke(main, ["run", "--task", "finsentiment", "--format", "json", "--limit", "12", *args])
    assert done.exit_code == 0, done.stderr
    return [row["usage"] for row in json.loads(done.stdout)]


def test_rows_of_one_study_cost_what_they_take(home):
    """Nothing in common but the first token: each row costs what it takes alone, whichever answered first."""
    alone = [rows("--template", name, "--results", name)[0]["computed_tokens"] for name in ("plain", "question")]
    together = rows("--template", "plain,question", "--results", "both")
    found = [each["computed_tokens"] for each in together]
    with_common = [abs(one - two) for one, two in zip(found, alone, strict=True)]
    assert max(with_common) <= 0.15 * min(alone)
    command = ["run", "--task", "finsentiment", "--limit", "12", "--template", "plain,question", "--format", "json"]
    (load,) = json.loads(CliRunner().invoke(main, [*command, "--dry-run", "--results", "none"]).stdout)
    assert sum(found) == load["trie"]


def test_a_copy_of_a_template_pays_half(home, finsentiment):
    from harness.prompt import template

    (home / "copy.j2").write_text(template.load("plain", finsentiment).source)
    one, two = rows("--template", "plain,copy.j2")
    assert abs(one["computed_tokens"] - two["computed_tokens"]) <= 1
    assert one["submitted_tokens"] == two["submitted_tokens"]
    assert one["trie_tokens"] == one["computed_tokens"] + two["computed_tokens"]
