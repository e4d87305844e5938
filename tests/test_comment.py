"""A gate's comment on a pull request: short, with the address of the full report, whatever that holds."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from harness.errors import InputError
from harness.gate.verdict import Checked, Decision, Finding, Slice, Verdict
from harness.report import gate
from harness.stats.intervals import Estimate


def checked(name="t", decision=Decision.PASS, slices=()):
    finding = Finding("accuracy", Estimate(-0.01, -0.015, 0.01), decision, 0.02)
    verdict = Verdict(decision, (finding,), 0.02, 100, None, (), (), tuple(slices))
    return Checked("task", name, "old", Path(f"{name}.j2"), verdict, (10.0, 10.0), 5, 100, 1, {})


def test_the_labels_that_differ_most_are_kept_in_their_order():
    slices = [Slice(f"label l{i}", 10, 0.5, 0.5 - i / 1000, 0.9 - i / 100) for i in range(77)]
    text = gate.markdown(checked(slices=slices))
    rows = [line for line in text.split("\n") if line.startswith("| label l")]
    assert [line.split()[2] for line in rows] == [f"l{i}" for i in range(65, 77)]
    assert "65 more differ less." in text
    assert "more differ less" not in gate.markdown(checked(slices=slices[:12]))


def test_of_many_checks_those_that_do_not_pass_are_told_first_and_in_full():
    checks = [*(checked(f"good{i}") for i in range(20)), checked("bad", Decision.REGRESSION)]
    text = gate.markdown_all(checks, ())
    assert text.startswith("### REGRESSION: `task/bad`")
    assert text.count("### PASS") == 11
    lines = [line for line in text.split("\n") if line.startswith("- PASS: ")]
    assert len(lines) == 9
    assert "task/good19" in lines[-1]


def test_the_report_is_linked_at_the_end():
    text = gate.markdown_all([checked()], (), "https://ci.example.org/runs/7?x=1&y=2#top")
    assert text.endswith("\n\nFull report: <https://ci.example.org/runs/7?x=1&y=2#top>\n")
    assert "Full report" not in gate.markdown_all([checked()], ())


@pytest.mark.parametrize(
    "link", ["", "report.html", "javascript:alert(1)", "ftp://a/b", "https://", "file:///etc/passwd", "http://[x"]
)
def test_only_an_address_on_the_web_is_linked(link):
    with pytest.raises(InputError, match="--link"):
        gate.markdown_all([checked()], (), link)


@given(st.text(max_size=60) | st.sampled_from(["a>b", "](x)", "`code`", "<script>", "a b\n# c", "&lt;", "@you", "*x*"]))
def test_whatever_the_address_holds_it_is_one_link_and_nothing_else(rest):
    text = gate.markdown_all([checked()], (), f"https://example.org/{rest}").split("\n\n")[-1]
    (inline,) = (token for token in MarkdownIt("commonmark", {"html": True}).parse(text) if token.type == "inline")
    assert [token.type for token in inline.children] == ["text", "link_open", "text", "link_close"]
    assert inline.children[1].attrs["href"].startswith("https://example.org/")


def test_undecided_and_regressions_keep_their_order():
    checks = [checked("a", Decision.UNDECIDED), checked("b"), checked("c", Decision.REGRESSION)]
    heads = [line for line in gate.markdown_all(checks, ()).split("\n") if line.startswith("###")]
    assert [line.split("`")[1] for line in heads] == ["task/a", "task/c", "task/b"]
