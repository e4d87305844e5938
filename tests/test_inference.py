"""A study planned as one: what is shared is computed once, in windows too, and its cost is said before it is paid."""

import json

import pytest
from click.testing import CliRunner

from harness import builtin
from harness.cli import main
from harness.engines import inference, trie
from harness.engines.inference import Inquiry
from harness.engines.journal import Journal
from harness.errors import InputError
from harness.predictors.prompted import Prompted
from harness.prompt import template
from harness.prompt.selectors import create
from harness.study import grid
from harness.types import Example


def prompted(task, engine, name="plain", shots=3, seed=0, **options):
    made = Prompted(
        template.load(name, task), engine, create("balanced", seed=seed) if shots else create("fixed"), shots, **options
    )
    return made.fit(task.examples("train"))


def nodes(*askers, examples):
    rows = {
        row
        for asker in askers
        for request in asker.sheet(examples).requests.values()
        for row in trie.sequences(request)
    }
    return trie.trie_size(rows)


def test_prompts_that_are_the_same_are_computed_once(tiny, finsentiment, home):
    """A copy of a template under another name asks nothing new, and its predictions are the same."""
    (home / "copy.j2").write_text(template.load("plain", finsentiment).source)
    items = finsentiment.examples("test")[:20]
    inquiry = Inquiry([prompted(finsentiment, tiny), prompted(finsentiment, tiny, "copy.j2")], items)
    load = inquiry.workload
    assert (load.prompts, load.requests, load.known) == (40, 20, 0)
    assert load.trie == load.missing == nodes(inquiry.askers[0], examples=items)
    found = {0: {}, 1: {}}
    computed = [0, 0]
    for place, prediction in inquiry.predictions():
        found[place][prediction.example_id] = (prediction.output, prediction.label_logprobs)
        computed[place] += prediction.trace.usage.computed
    assert found[0] == found[1]
    assert len(found[0]) == 20
    assert computed[1] == 0
    assert computed[0] >= load.trie


def test_shots_and_templates_share_what_their_prompts_share(tiny, finsentiment):
    items = finsentiment.examples("test")[:12]
    askers = [prompted(finsentiment, tiny, name, shots) for name in ("plain", "question") for shots in (0, 3)]
    load = Inquiry(askers, items).workload
    assert load.trie == nodes(*askers, examples=items)
    assert load.trie < sum(nodes(asker, examples=items) for asker in askers)


@pytest.mark.parametrize("window", [1, 7, 64])
def test_windows_give_the_same_predictions(tiny, finsentiment, window, monkeypatch):
    items = finsentiment.examples("test")[:20]

    def ask():
        askers = [prompted(finsentiment, tiny), prompted(finsentiment, tiny, "question", 0)]
        made = [(place, p.example_id, p.output) for place, p in Inquiry(askers, items).predictions()]
        assert len(made) == 40
        return set(made)

    whole = ask()
    monkeypatch.setattr(inference, "WINDOW", window)
    assert ask() == whole


def test_a_bad_prompt_stops_before_anything_is_asked(tiny, finsentiment, monkeypatch):
    items = list(finsentiment.examples("test")[:10])
    long = Example("long", {"text": "profit " * 9000}, "neutral")

    def never(requests):
        raise AssertionError("the engine was asked")

    monkeypatch.setattr(tiny, "score", never)
    with pytest.raises(InputError, match="'long'"):
        Inquiry([prompted(finsentiment, tiny)], [*items, long])
    # Beyond the first window: when all are measured, which is before they are asked where somebody is told.
    monkeypatch.setattr(inference, "WINDOW", 4)
    inquiry = Inquiry([prompted(finsentiment, tiny)], [*items, long])
    with pytest.raises(InputError, match="'long'"):
        inquiry.workload  # noqa: B018


def test_what_the_journal_holds_is_known_and_costs_nothing(tiny, finsentiment, tmp_path):
    items = finsentiment.examples("test")[:10]
    with Journal(tmp_path / "journal.sqlite") as journal:
        list(prompted(finsentiment, tiny, journal=journal).predict(items[:4]))
        inquiry = Inquiry([prompted(finsentiment, tiny, journal=journal)], items)
        assert inquiry.workload.known == 4
        assert inquiry.workload.missing == nodes(prompted(finsentiment, tiny), examples=items[4:])
        costs = {p.example_id: p.trace.usage.computed for _, p in inquiry.predictions()}
        assert sum(costs[item.id] for item in items[:4]) == 0


class TestDryRun:
    COMMAND = ("run", "--task", "finsentiment", "--shots", "0,2", "--template", "plain,chat", "--limit", "6")

    def said(self, *args):
        done = CliRunner().invoke(main, [*self.COMMAND, "--dry-run", *args])
        assert done.exit_code == 0, done.stderr
        return done.stdout

    def test_says_what_the_run_then_computes_and_leaves_nothing(self, home):
        (before,) = json.loads(self.said("--format", "json", "--price", "2"))
        assert list(home.iterdir()) == []
        assert before["seconds"] is None
        assert before["cost"] == pytest.approx(before["missing"] * 2e-6)
        done = CliRunner().invoke(main, [*self.COMMAND, "--format", "json"])
        usage = [row["usage"] for row in json.loads(done.stdout)]
        assert before["prompts"] == 24
        assert before["submitted"] == sum(each["submitted_tokens"] for each in usage)
        assert before["missing"] <= sum(each["computed_tokens"] for each in usage) <= 1.15 * before["missing"]
        (after,) = json.loads(self.said("--format", "json"))
        assert (after["known"], after["missing"], after["seconds"]) == (24, 0, 0)

    def test_reads_well(self, home):
        text = self.said("--mode", "generate", "--price", "0.15,0.6")
        assert "finsentiment: tiny, transformers-" in text
        assert "24  prompts, 24 of them distinct, 0 answered already" in text
        assert "384  tokens left to generate at most" in text
        assert "no past run of this model" in text

    def test_refuses_what_it_cannot_print(self, home):
        done = CliRunner().invoke(main, [*self.COMMAND, "--dry-run", "--format", "latex"])
        assert done.exit_code == 2
        assert "--format json" in done.stderr


def test_the_joint_plan_of_a_study_reaches_every_run(finsentiment, tiny, tmp_path):
    """Runs made together are those that each would be alone."""
    spec = grid.Spec(templates=tuple(builtin.names("prompts/finsentiment", ".j2")[:2]), shots=(0, 2), limit=8)
    together = {run.name: run for run, _ in grid.run(finsentiment, spec, [tiny], tmp_path / "one")}
    alone = {}
    for name in spec.templates:
        for shots in spec.shots:
            only = grid.Spec(templates=(name,), shots=(shots,), limit=8)
            alone |= {run.name: run for run, _ in grid.run(finsentiment, only, [tiny], tmp_path / f"{name}{shots}")}
    assert together.keys() == alone.keys()
    for name, run in together.items():
        assert [p.output for p in run.predictions] == [p.output for p in alone[name].predictions]
        assert run.usage["trie_tokens"] == alone[name].usage["trie_tokens"]
