"""Tasks learnt one after the other: the measures against their definitions, the strategies on real networks."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from harness.cli import main
from harness.compare import retention
from harness.compare.retention import Learnt, retentions
from harness.errors import InputError
from harness.predictors import baseline
from harness.predictors.shared import Anchor, Shared, of_task
from harness.report import continual as report
from harness.report.figures import retention as figures
from harness.results import store
from harness.study.continual import Course
from harness.task import definition


def invoke(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


def scored(*stages, n=200):
    """One seed's scores whose means are ``stages``."""
    return tuple(tuple(None if m is None else (np.arange(n) < round(m * n)).astype(float) for m in s) for s in stages)


def test_the_measures_are_those_of_their_papers():
    """R as in Lopez-Paz and Ranzato: rows after each task, columns tasks."""
    one = scored((0.9, None, None), (0.95, 0.8, None), (0.6, 0.7, 0.85))
    (found,) = retentions([Learnt("none", (one,))], [None] * 3)
    assert found.average.value == pytest.approx((0.6 + 0.7 + 0.85) / 3)
    assert found.backward.value == pytest.approx(((0.6 - 0.9) + (0.7 - 0.8)) / 2)
    assert found.forgetting.value == pytest.approx(((0.95 - 0.6) + (0.8 - 0.7)) / 2)
    assert found.means[1] == (0.95, 0.8, None)
    assert found.average.low < found.average.value < found.average.high
    assert found.gain is None


def test_what_has_one_stage_forgets_nothing_and_is_held_against_the_first():
    first = Learnt("none", (scored((0.9, None), (0.5, 0.8)), scored((0.8, None), (0.6, 0.7))))
    prompt = Learnt("prompt", (scored((0.7, 0.7)),))
    rows = retentions([first, prompt], [None, None])
    assert (rows[1].backward, rows[1].forgetting) == (None, None)
    assert rows[1].gain.value == pytest.approx(0.7 - np.mean([0.5, 0.8, 0.6, 0.7]))
    assert rows[1].gain.low < rows[1].gain.value < rows[1].gain.high


def test_equals_differ_by_nothing_and_clusters_widen():
    one = Learnt("a", (scored((0.9, None), (0.5, 0.8)),))
    rows = retentions([one, Learnt("b", one.scores)], [None, None])
    assert (rows[1].gain.value, rows[1].gain.low, rows[1].gain.high) == (0, 0, 0)
    (alone,) = retentions([one], [None, None])
    (apart,) = retentions([one], [[f"d{i // 10}" for i in range(200)]] * 2)
    assert apart.average.high - apart.average.low > 2 * (alone.average.high - alone.average.low)


@pytest.fixture(scope="module")
def two():
    tasks = [definition.load(name) for name in ("finsentiment", "support-intents")]
    first = baseline("finetune:minilm", tasks[0], seed=0)
    second = baseline("finetune:minilm", tasks[1], seed=0)
    parts = {tasks[0].name: first.begin()}
    parts[tasks[1].name] = second.begin(parts[tasks[0].name].body)
    for part in parts.values():
        part.module.eval()
    return tasks, parts


def test_a_mixed_batch_costs_what_its_parts_cost(two):
    tasks, parts = two
    batches = [task.examples("train")[:n] for task, n in zip(tasks, (3, 5), strict=True)]
    mixed = [e for task, batch in zip(tasks, batches, strict=True) for e in of_task(task.name, batch)]
    losses = [float(parts[t.name].loss(list(b)).detach()) for t, b in zip(tasks, batches, strict=True)]
    whole = float(Shared(parts).loss(mixed[::-1]).detach())
    assert whole == pytest.approx((3 * losses[0] + 5 * losses[1]) / 8, rel=1e-5)
    assert parts[tasks[0].name].body is parts[tasks[1].name].body
    assert {said.example_id for said in Shared(parts).predict(mixed)} == {e.id for e in mixed}


def test_ewc_is_the_fisher_weighted_distance(two):
    import torch

    tasks, parts = two
    name = tasks[0].name
    network = parts[name]
    examples = list(tasks[0].examples("train")[:4])
    anchor = Anchor(network, examples, 3.0)
    assert float(anchor.penalty().detach()) == 0.0
    weight = next(p for p in network.body.parameters() if p.requires_grad and p.dim() == 1)
    place = next(i for i, p in enumerate(anchor.weights) if p is weight)
    squares = torch.zeros_like(weight)
    for example in examples:
        network.module.zero_grad()
        network.loss([example]).backward()
        squares += weight.grad**2 / 4
    network.module.zero_grad(set_to_none=True)
    assert torch.allclose(anchor.fisher[place], squares, rtol=1e-4, atol=1e-12)
    assert float(squares.sum()) > 0
    before = weight.detach().clone()
    with torch.no_grad():
        weight += 0.1
    assert float(anchor.penalty().detach()) == pytest.approx(1.5 * 0.01 * float(squares.sum()), rel=1e-3)
    held = Shared({name: network}, [anchor]).loss(of_task(name, examples)).detach()
    assert float(held) == pytest.approx(
        float(network.loss(examples).detach()) + float(anchor.penalty().detach()), rel=1e-4
    )
    with torch.no_grad():
        weight.copy_(before)


def test_what_cannot_be_learnt_in_turn_is_told(home, monkeypatch):
    tasks = [definition.load(name) for name in ("finsentiment", "support-intents")]
    for course, said in (
        ({"name": "tfidf-logreg"}, "is a network"),
        ({"name": "finetune", "strategies": ["reply"]}, "Did you mean 'replay'"),
        ({"name": "finetune", "params": {"class_weights": "true"}}, "Leave it out"),
    ):
        with pytest.raises(InputError, match=said):
            Course(tasks=tasks, **course)
    with pytest.raises(InputError, match="two tasks or more"):
        Course(tasks=tasks[:1], name="finetune")
    assert invoke("continual", "--task", "finsentiment").exit_code == 2
    early = ("continual", "--task", "finsentiment,city-events", "--calibrate", "batch", "--limit", "4")
    told = invoke(*early, "--with", "epochs=nothing yet").stderr
    assert "epochs='nothing yet' is no int" in told
    monkeypatch.setattr(Course, "learn", lambda *_: pytest.fail("trained before the prompt was asked"))
    assert "read the labels' log-probabilities" in invoke(*early).stderr
    assert "format of continual" in invoke("continual", "--task", "finsentiment", "--format", "csv").stderr


def test_the_figure_has_a_panel_a_task_and_flat_lines_for_what_has_one_stage(tmp_path):
    pytest.importorskip("matplotlib")
    first = Learnt("none", (scored((0.9, None), (0.5, 0.8)),))
    rows = tuple(retentions([first, Learnt("joint", (scored((0.7, 0.7)),))], [None, None]))
    course = retention.Course(("pets", "farm"), (200, 200), "finetune:minilm", 1, rows)
    one, two = figures.draw(course).axes
    assert [list(line.get_ydata()) for line in one.lines] == [[0.9, 0.5], [0.7, 0.7]]
    assert [list(line.get_xdata()) for line in two.lines] == [[1], [0, 1]]
    assert [path.name for path in report.draw(course, tmp_path)] == [f"continual-retention.{k}" for k in ("png", "svg")]
    assert "<!-- farm -->" in (tmp_path / "continual-retention.svg").read_text()


@pytest.fixture
def small(project):
    """Beside ``pets`` a task ``farm`` of three labels, both of a few items."""
    for kind in ("tasks", "prompts"):
        shutil.copytree(project / kind / "pets", project / kind / "farm")
    folder = project / "tasks" / "farm"
    sounds = {"cow": "moo", "pig": "oink", "hen": "cluck"}
    for split in ("train", "test"):
        rows = [(f"{split} a {sound} by the {place}", n) for place in ("pond", "hill") for n, sound in sounds.items()]
        lines = (json.dumps({"id": f"{split}-{i}", "text": text, "label": n}) for i, (text, n) in enumerate(rows))
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n")
    spec = folder / "task.yaml"
    spec.write_text(spec.read_text().replace("[cat, dog]", "[cow, pig, hen]"))


@pytest.mark.slow
def test_the_command_learns_in_turn_and_repeats_itself(small):
    words = ["--task", "pets,farm", "--with", "epochs=1,min_steps=6,batch=4", "--buffer", "4"]
    out = invoke("continual", *words, "--format", "json")
    assert out.exit_code == 0, out.output
    found = json.loads(out.stdout)
    rows = {row["strategy"]: row for row in found["rows"]}
    assert list(rows) == ["none", "replay", "ewc", "joint", "prompt"]
    assert found["items"] == [10, 6]
    # The first task is learnt alike, whatever is done later.
    assert len({rows[name]["means"][0][0] for name in ("none", "replay", "ewc")}) == 1
    assert [len(rows[name]["means"]) for name in rows] == [2, 2, 2, 1, 1]
    assert rows["prompt"]["forgetting"] is None
    assert len(store.find(Path("results"))) == 2  # the prompt's
    again = json.loads(invoke("continual", *words, "--baselines-only", "--format", "json").stdout)["rows"]
    # Not their intervals: which items the bootstrap draws hangs on all that is compared.
    assert [(row["strategy"], row["means"]) for row in again] == [(name, rows[name]["means"]) for name in rows][:-1]
    shown = invoke("continual", *words, "--baselines-only", "--strategy", "replay", "--format", "markdown")
    assert "| replay, after | pets | farm |" in shown.stdout
