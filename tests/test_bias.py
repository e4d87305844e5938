"""Benchmarks of bias: read as published, scored as their papers say."""

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from conftest import ROOT
from rules import Rule
from scipy import stats

from harness.cli import main
from harness.compare import groups
from harness.errors import InputError
from harness.probe import bbq, create, crows, winobias
from harness.probe.asked import Asked
from harness.probe.sentences import Sentences
from harness.study import grid
from harness.study.draft import Planned
from harness.study.grid import Spec
from harness.types import Example

DATA = ROOT.parent / "shared" / "data"
published = pytest.mark.skipif(not DATA.is_dir(), reason=f"the benchmarks' own files are not in {DATA}")


def question(number, condition, label, polarity="neg", **more):
    """A line of BBQ: option 1 is not stereotyped, 2 unknown, 3 stereotyped."""
    return {
        "example_id": number,
        "question_index": str(number % 7),
        "question_polarity": polarity,
        "context_condition": condition,
        "category": "Hats",
        "answer_info": {"ans0": ["tall", "tall hats"], "ans1": ["Not known", "unknown"], "ans2": ["flat", "flat hats"]},
        "additional_metadata": {"stereotyped_groups": ["flat hats"]},
        "context": f"A man with a tall hat met one with a flat hat at {number}.",
        "question": "Who was late?",
        **{"ans0": "The tall one", "ans1": "Not known", "ans2": "The flat one"},
        "label": label,
        **more,
    }


QUESTIONS = [
    question(n, "ambig" if n % 2 else "disambig", 1 if n % 2 else (0, 2)[n % 4 // 2], ("neg", "nonneg")[n % 3 == 0])
    for n in range(60)
]


@pytest.fixture
def folder(tmp_path):
    """The three benchmarks' files, made up, each in a folder of its name."""
    for name in ("bbq", "winobias", "crows_pairs"):
        (tmp_path / name).mkdir()
    (tmp_path / "bbq" / "Hats.jsonl").write_text("\n".join(map(json.dumps, QUESTIONS)) + "\n")
    for side, pronouns in (("pro", ("he", "she")), ("anti", ("she", "he"))):
        lines = [
            f"{n} [The baker] thanked the potter because [{pronouns[0]}] was late on day {n}."
            if n % 2
            else f"{n} The baker thanked the [the potter] because [{pronouns[1]}] was late on day {n}."
            for n in range(1, 21)
        ]
        (tmp_path / "winobias" / f"{side}_stereotyped_type1.txt.dev").write_text("\n".join(lines) + "\n")
    (tmp_path / "winobias" / "male_occupations.txt").write_text("baker\n")
    (tmp_path / "winobias" / "female_occupations.txt").write_text("potter")
    with (tmp_path / "crows_pairs" / "crows_pairs_anonymized.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["", "sent_more", "sent_less", "stereo_antistereo", "bias_type"])
        out.writerows([n, f"Flat hats are bad, {n}.", f"Tall hats are bad, {n}.", "stereo", "hats"] for n in range(8))
        out.writerow([9, "Same.", "Same.", "antistereo", "hats"])
    return tmp_path


class Ruled(Asked):
    """Answers a benchmark by a rule."""

    def run(self, task, **changes):
        rule = Rule("rule", self.says)
        return groups.grouped([grid.execute(task, Planned(rule, ()), task.examples("test"))])


def ruled(name, folder, says, root, limit=None):
    probe = create(name)
    asked = Ruled(probe.task(folder), Spec(limit=limit), [object()], root)
    asked.says = says
    return {line.measure: line for line in probe.look(asked).lines}


def test_bias_scores_are_those_of_the_paper_at_their_ends(folder, tmp_path):
    found = ruled("bbq", folder, lambda item: item.tags["biased"], tmp_path)
    assert found["bias score, open context"].value.value == 1  # all wrong, all the stereotype's
    assert found["bias score, clear context"].value.value == 1
    assert found["accuracy, open context"].value.value == 0
    # Half of the clear contexts have the stereotype right.
    assert found["accuracy, stereotype right less wrong"].value.value == 1
    found = ruled("bbq", folder, lambda item: item.target, tmp_path)
    assert found["accuracy, open context"].value.value == 1
    assert found["accuracy, clear context"].value.value == 1
    assert found["accuracy, stereotype right less wrong"].value.value == 0
    assert np.isnan(found["bias score, open context"].value.value)  # nobody is named
    found = ruled("bbq", folder, lambda item: str(4 - int(item.tags["biased"])), tmp_path)
    assert found["bias score, open context"].value.value == -1


def test_bias_scores_are_those_of_the_paper_in_between(folder, tmp_path):
    """Counted by hand from Parrish et al. 2022, section 6."""
    said = {}

    def says(item):
        n = int(item.id.rsplit("-")[-1])
        said[item.id] = item.tags["unknown"] if n % 5 == 0 else item.tags["biased"] if n % 5 < 4 else "1"
        return said[item.id]

    found = ruled("bbq", folder, says, tmp_path)
    for condition, word in (("ambig", "open"), ("disambig", "clear")):
        items = [e for e in create("bbq").task(folder).items if e.tags["condition"] == condition]
        named = [e for e in items if said[e.id] != e.tags["unknown"]]
        share = sum(said[e.id] == e.tags["biased"] for e in named) / len(named)
        wrong = sum(said[e.id] != e.target for e in items) / len(items)
        line = found[f"bias score, {word} context"]
        assert line.value.value == pytest.approx((2 * share - 1) * (wrong if condition == "ambig" else 1))
        assert -1 <= line.value.low < line.value.value < line.value.high <= 1
        assert line.n == len(items) == 30


def test_a_question_that_flatters_turns_the_stereotype_round():
    where = "line 1"
    one = bbq._item(where, json.dumps(question(1, "ambig", 1)))
    two = bbq._item(where, json.dumps(question(1, "ambig", 1, "nonneg")))
    assert (one.tags["biased"], two.tags["biased"], one.tags["unknown"]) == ("3", "1", "2")
    both = question(1, "ambig", 1, additional_metadata={"stereotyped_groups": ["flat hats", "tall hats"]})
    assert bbq._item(where, json.dumps(both)) is None
    for wrong, told in (("[", "no JSON"), ("{}", "no field 'example_id'")):
        with pytest.raises(InputError, match=told):
            bbq._item(where, wrong)


def test_pronouns_taken_by_stereotype_are_found_with_the_size_of_it(folder, tmp_path):
    def stereotype(item):
        return "1" if item.inputs["pronoun"] == "he" else "2"  # he is the baker

    found = ruled("winobias", folder, stereotype, tmp_path)
    gap = found["accuracy pro less anti, type 1"]
    assert (gap.value.value, gap.before, gap.after, gap.n) == (1, 0, 1, 20)
    assert "accuracy pro less anti, type 2" not in found
    fair = ruled("winobias", folder, lambda item: item.target, tmp_path)["accuracy pro less anti, types 1 and 2"]
    assert (fair.value.value, fair.p, fair.lost, fair.won) == (0, 1, 0, 0)
    some = ruled("winobias", folder, stereotype, tmp_path, limit=6)["accuracy pro less anti, type 1"]
    assert (some.n, some.value.value) == (6, 1)  # pairs are taken whole


def test_sentences_are_read_with_the_two_people_in_their_order():
    jobs = ["baker", "potter", "CEO", "manager"]
    item = winobias._item("dev-1-2", "pro", "1", " The baker thanked the [the potter] as [she] was late.", jobs)
    assert item.inputs == {"sentence": "The baker thanked the the potter as she was late.", "pronoun": "she"}
    assert (item.options, item.target) == (("the baker", "the potter"), "2")
    item = winobias._item("x", "pro", "2", " [The CEO] met the baker and told the manager that [he] left.", jobs)
    assert (item.options, item.target) == (("the CEO", "the baker"), "1")
    assert winobias._item("x", "pro", "1", " [The baker] slept because [he] was tired.", jobs) is None
    assert winobias._item("x", "pro", "1", " The baker slept because [he] was tired.", jobs) is None


def test_sentences_are_as_likely_as_a_plain_pass_says(tiny):
    import torch

    text = ("Profits fell.", "Profits fell at both firms.", "Profit <|endoftext|> rose")
    found = dict(
        Sentences(tiny).logprobs([Example("a", {}, "1", options=text), Example("b", {}, "1", options=text[:2])])
    )
    asker = Sentences(tiny)
    for place, each in enumerate(text):
        ids = [asker._start, *asker._tokens(each)]
        with torch.no_grad():
            logits = tiny._network._lm(torch.tensor([ids])).logits[0].log_softmax(-1)
        plain = sum(float(logits[i, token]) for i, token in enumerate(ids[1:]))
        assert found["a"][place] == pytest.approx(plain, abs=1e-3)
    assert found["b"] == pytest.approx(found["a"][:2], abs=1e-3)
    assert asker._start not in asker._tokens(text[0])


def test_preference_is_a_share_of_pairs_with_an_exact_p():
    items = [
        Example(str(n), {}, "1", tags={"direction": ("stereo", "antistereo")[n % 2], "type": "hats"}) for n in range(40)
    ]
    found = {item.id: (-1.0, -2.0) if int(item.id) < 30 else (-2.0, -1.0) for item in items}
    lines = {each.measure: each for each in crows._lines("m", items, found)}
    assert lines["stereotype likelier"].value.value == 0.75
    assert lines["stereotype likelier"].p == pytest.approx(stats.binomtest(30, 40).pvalue)
    assert lines["stereotype likelier, stereo"].n == 20
    assert lines["stereotype likelier, hats"].value == lines["stereotype likelier"].value


@pytest.mark.parametrize(("name", "lines"), [("bbq", 5), ("winobias", 2), ("crows-pairs", 3)])
def test_the_command_line_asks_a_model(name, lines, folder, home):
    done = CliRunner().invoke(main, ["probe", name, "--data", str(folder), "--format", "json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["scores"] == {}
    (found,) = json.loads(done.stdout)["findings"]
    assert len(found["lines"]) == lines
    assert all(line["predictor"].startswith("tiny") for line in found["lines"])
    if name == "crows-pairs":
        assert "Left out: 1 pairs of which both sentences are the same." in found["notes"]
    again = CliRunner().invoke(main, ["probe", name, "--data", str(folder), "--format", "json"])
    assert again.stdout == done.stdout


def test_what_is_missing_is_told(folder, home):
    for words, told in (
        (["bbq"], "--data FOLDER"),
        (["typos"], "--task NAME"),
        (["bbq", "typos", "--data", str(folder)], "--task NAME"),
        (["bbq", "--data", str(home / "none")], "no *.jsonl there"),
        (["bbq", "--data", str(folder), "--baselines-only"], "name some with --baseline"),
    ):
        done = CliRunner().invoke(main, ["probe", *words])
        assert done.exit_code == 2, (words, done.output)
        assert told in " ".join(done.output.split()), (words, done.output)
    (folder / "winobias" / "male_occupations.txt").unlink()
    (folder / "winobias" / "female_occupations.txt").unlink()
    with pytest.raises(InputError, match="occupations"):
        create("winobias").task(folder)


def test_probes_are_listed_with_what_they_do(home):
    done = CliRunner().invoke(main, ["list", "probes"])
    assert done.exit_code == 0
    assert all(f"  {name} " in done.output for name in ("typos", "swap", "attack", "bbq", "crows-pairs", "winobias"))


def test_the_documented_figures_are_those_measured():
    measured = json.loads((ROOT / "bench" / "results" / "bias.json").read_text())["probes"]
    lines = {f"{name}: {line['measure']}": line for name, found in measured.items() for line in found["lines"]}
    text = (ROOT / "docs" / "probes.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| ((?:bbq|crows-pairs|winobias): .+?) \| (.+?) \| ([\d,]+) \|$", text, flags=re.M)
    assert len(rows) == 7
    for measure, value, n in rows:
        line = lines[measure]
        assert value == "{value:.3f} [{low:.3f}, {high:.3f}]".format(**line["value"])
        assert int(n.replace(",", "")) == line["n"]


@published
def test_the_published_files_are_read_whole():
    found = {name: create(name).task(DATA) for name in ("bbq", "crows-pairs", "winobias")}
    assert len(found["bbq"].items) == 1200
    assert len(found["crows-pairs"].items) == 1508
    assert {item.tags["type"] for item in found["crows-pairs"].items} >= {"age", "gender", "religion"}
    # Of 3,168 sentences six have no counterpart about the same two people.
    assert len(found["winobias"].items) == 3162
    assert not any(task.left_out.get("sentences of which the two people cannot be told") for task in found.values())
    assert Path(found["bbq"].folder).name == "bbq"
