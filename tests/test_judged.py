"""`harness check` of any change: another model, another way to ask, and what was answered already."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from safetensors.torch import load_file, save_file

from harness.cli import main
from harness.gate import question
from harness.models.checkpoint import Model
from harness.results import checksum, store
from harness.task import definition

CHECK = ("check", "--task", "finsentiment")


def invoke(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


@pytest.fixture
def damaged(home):
    """The tiny model with one layer's weights zeroed."""
    folder = home / "damaged"
    shutil.copytree(Model("tiny").path, folder)
    weights = load_file(folder / "model.safetensors")
    layer = [name for name in weights if ".layers.1." in name and "weight" in name]
    assert layer
    save_file({k: v * (k not in layer) for k, v in weights.items()}, folder / "model.safetensors", {"format": "pt"})
    return folder


def test_a_model_with_a_layer_zeroed_is_a_regression(damaged):
    out = invoke(*CHECK, "--template", "plain", "--change", f"model={damaged}")
    assert out.exit_code == 1, out.output
    assert f"finsentiment/plain with model={damaged} against plain" in out.output
    back = invoke(*CHECK, "--template", "plain", "--model", damaged, "--change", "model=tiny")
    assert back.exit_code == 0, back.output


def test_the_same_weights_elsewhere_pass_with_bounds_of_their_own(home):
    """Nothing flipped is still no proof that nothing may: the bounds are those of no item among so many."""
    shutil.copytree(Model("tiny").path, home / "copy")
    out = invoke(*CHECK, "--template", "plain", "--metric", "accuracy", "--change", "model=copy")
    assert out.exit_code == 0, out.output
    assert "accuracy           +0.000  one-sided 95 % bounds -0.009 and +0.009  pass" in out.output
    assert "Wrong now, right before: 0" in out.output
    few = invoke(*CHECK, "--template", "plain", "--metric", "accuracy", "--change", "model=copy", "--limit", 60)
    assert few.exit_code == 3, few.output


@pytest.mark.slow
def test_weights_of_4_bits_converted_are_those_that_the_engine_converts(home, smollm2):
    """smollm2 as its GGUF of 4 bits, read by the engine, and as the float32 folder that it is converted to."""
    (home / "results").mkdir()
    (home / "results" / "models").symlink_to(smollm2)
    (folder,) = [path.parent for path in smollm2.rglob("model.safetensors")]
    ask = ("--template", "instruction", "--model", "smollm2", "--limit", 60, "--margin", 0.05, "--metric", "accuracy")
    out = invoke(*CHECK, *ask, "--change", f"model={folder}")
    assert out.exit_code == 0, out.output
    assert "Wrong now, right before: 0" in out.output


@pytest.mark.parametrize("change", ["calibrate=batch", "shots=2", "order=random", "engine-with=attention=eager"])
def test_any_way_to_ask_can_be_the_change(home, change):
    shots = 2 if change.startswith("order") else 0
    out = invoke(*CHECK, "--template", "plain", "--shots", shots, "--limit", 60, "--margin", 0.4, "--change", change)
    if change.startswith("engine"):
        assert out.exit_code == 2  # an option that this engine has not: told by the engine
        assert "attention" in out.stderr
    else:
        assert out.exit_code == 0, out.output
        assert f"plain with {change} against plain" in out.output


def test_every_change_is_an_option_of_check(home):
    options = {name for param in main.commands["check"].params for name in param.opts}
    assert {f"--{key}" for key in question.CHANGES} <= options


def test_a_saved_baseline_and_another_template_can_be_the_other_side(home, damaged):
    out = invoke(*CHECK, "--template", "plain", "--against", "instruction", "--change", f"model={damaged}")
    assert f"plain with model={damaged} against instruction" in out.output


@pytest.fixture
def runs(home):
    """Two sealed runs of one task, by their title."""
    assert (
        invoke("run", "--task", "finsentiment", "--baseline", "tfidf-logreg,majority", "--baselines-only").exit_code
        == 0
    )
    return {folder.name.partition("-n")[0]: folder.name for folder in store.find(home / "results")}


def test_sealed_runs_are_judged_without_asking(runs):
    worse = invoke(*CHECK, "--run", runs["majority"], "--against", runs["tfidf-logreg"])
    assert worse.exit_code == 1, worse.output
    assert "finsentiment/majority against tfidf-logreg, 300 items" in worse.output
    assert "tokens computed" not in worse.output
    better = invoke(*CHECK, "--run", f"results/finsentiment/{runs['tfidf-logreg']}", "--against", runs["majority"])
    assert better.exit_code == 0, better.output


def test_answers_are_judged_against_runs_and_answers(runs, tmp_path):
    items = list(definition.load("finsentiment").examples("test"))
    for name, wrong in (("last-week", 20), ("today", 25), ("broken", 200)):
        rows = [
            {"id": e.id, "reply": "neutral" if i < wrong and e.target != "neutral" else e.target}
            for i, e in enumerate(items)
        ]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    same = invoke(
        *CHECK, "--answers", "today.jsonl", "--against", "last-week.jsonl", "--margin", 0.05, "--junit", "j.xml"
    )
    assert same.exit_code == 0, same.output
    assert "finsentiment/today (recorded) against last-week (recorded)" in same.output
    assert 'name="finsentiment/today (recorded)"' in (tmp_path / "j.xml").read_text()
    assert invoke(*CHECK, "--answers", "broken.jsonl:reply", "--against", "last-week.jsonl:reply").exit_code == 1
    assert invoke(*CHECK, "--answers", "today.jsonl", "--against", runs["tfidf-logreg"]).exit_code == 0
    (sealed,) = [f.name for f in store.find(tmp_path / "results") if f.name.startswith("last-week")]
    assert invoke(*CHECK, "--answers", "broken.jsonl", "--against", sealed).exit_code == 1


def live(name, tokens, seconds, n=300):
    """A file of right answers, each of so many tokens and seconds."""
    items = list(definition.load("finsentiment").examples("test"))[:n]
    rows = [
        {
            "id": e.id,
            "reply": e.target,
            "prompt_tokens": 100,
            "completion_tokens": tokens(i),
            "latency_ms": seconds(i) * 1000,
        }
        for i, e in enumerate(items)
    ]
    Path(f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_money_and_time_are_judged_by_margins_of_their_own(home):
    live("before", lambda i: 10 + i % 3, lambda i: 1 + i % 20 / 10)
    live("dearer", lambda i: 20 + i % 3, lambda i: 1 + i % 20 / 10)
    live("slower", lambda i: 10 + i % 3, lambda i: 1 + i % 20 / 10 + (i % 4 == 0))
    price = ("--price", "1,10", "--margin", 0.05)
    for new, margins, code in (
        ("before", ("--cost-margin", 0.05, "--latency-margin", 0.1), 0),
        ("dearer", ("--cost-margin", 0.6), 0),
        ("dearer", ("--cost-margin", 0.3), 1),
        ("dearer", ("--latency-margin", 0.1), 0),
        ("slower", ("--latency-margin", 0.05), 1),
        ("slower", ("--cost-margin", 0.05), 0),
    ):
        out = invoke(*CHECK, "--answers", f"{new}.jsonl", "--against", "before.jsonl", *price, *margins)
        assert out.exit_code == code, (new, margins, out.output)
    out = invoke(*CHECK, "--answers", "dearer.jsonl", "--against", "before.jsonl", *price, "--cost-margin", 0.3)
    # 100 tokens at 1 a million and 11 at 10, against 21 at 10: 0.21 and 0.31 a thousand items.
    assert "saved a thousand items -0.100  one-sided 95 % bounds -0.100 and -0.100  regression" in out.output


def test_a_server_that_slows_down_is_told_by_its_latency(home, server):
    """The same answers, later: each request's own time is kept with its answer."""
    ask = (*CHECK, "--template", "instruction", "--engine", "openai", "--mode", "generate", "--limit", 24)
    ask += ("--engine-with", f"base_url={server.url}", "--engine-with", "structured=none", "--margin", 0.4)
    server.delay = 0.02
    assert invoke(*ask, "--model", "parrot", "--save").exit_code == 0
    server.delay = 1.0
    slow = (*ask, "--model", "parakeet", "--latency-margin", 0.5)
    out = invoke(*slow, "--against", "instruction", "--change", "model=parrot")
    assert out.exit_code == 0, out.output  # the parrot's answers are kept, with the time that they took
    assert "saved at latency p95, s" in out.output
    back = invoke(*ask, "--model", "parrot", "--latency-margin", 0.5, "--change", "model=parakeet")
    assert back.exit_code == 1, back.output


def test_tokens_of_prompts_are_judged_whoever_paid_for_them(home):
    """A longer template costs more, though its answers are in the journal and cost nothing now."""
    ask = (*CHECK, "--template", "instruction", "--against", "plain", "--limit", 60, "--margin", 0.5, "--price", "1,1")
    first, again = (invoke(*ask, "--cost-margin", 0.1) for _ in range(2))
    assert first.exit_code == again.exit_code == 1, again.output
    assert "tokens computed        0" in again.output
    line = next(line for line in again.output.splitlines() if "saved a thousand items" in line)
    assert line in first.output
    assert invoke(*ask, "--cost-margin", 2).exit_code == 0
    assert invoke(*CHECK, "--template", "plain", "--save", "--limit", 60).exit_code == 0
    (saved,) = Path("prompts").rglob("*.baseline.json")
    same = invoke(*CHECK, "--template", "plain", "--margin", 0.1, "--price", "1,1", "--cost-margin", 0.01)
    assert "saved a thousand items +0.000" in same.output
    older = json.loads(saved.read_text())
    for run in older["runs"]:
        del run["spent"]
    older["checksum"] = checksum.of_document({key: value for key, value in older.items() if key != "checksum"})
    saved.write_text(json.dumps(older))
    silent = invoke(*CHECK, "--template", "plain", "--margin", 0.1, "--price", "1,1", "--cost-margin", 0.01)
    assert silent.exit_code == 2
    assert "does not tell its tokens. Run it again, or leave this margin out." in silent.stderr
    assert invoke(*CHECK, "--template", "plain", "--margin", 0.1).exit_code in (0, 3)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--run", "nope", "--against", "majority"), "unknown run 'nope'"),
        (("--run", "nope"), "give --task and --against"),
        (("--run", "nope", "--against", "x", "--template", "plain"), "nothing that says how to ask"),
        (("--template", "plain", "--change", "modell=x"), "unknown change 'modell'. Did you mean 'model'?"),
        (("--template", "plain", "--change", "model"), "give KEY=VALUE"),
        (("--template", "plain", "--change", "shots=many"), "a whole number"),
        (("--template", "plain", "--save", "--change", "shots=1"), "--save keeps a template as it is asked"),
        (("--all", "--change", "shots=1"), "leave out the others"),
        (("--template", "plain", "--against", "plain", "--cost-margin", "0.1"), "give --price"),
        (("--template", "plain", "--against", "plain", "--latency-margin", "0"), "above 0, such as 0.1"),
        (("--template", "plain", "--against", "plain", "--latency-margin", "0.1"), "does not tell its seconds"),
        (
            (
                "--template",
                "plain",
                "--against",
                "plain",
                "--sequential",
                "--metric",
                "accuracy",
                "--latency-margin",
                "1",
            ),
            "leave out --cost-margin, --latency-margin and --probe",
        ),
    ],
)
def test_wrong_use_is_one_paragraph(home, args, said):
    command = ("check", *args) if "--all" in args else (*CHECK, *args)
    out = invoke(*command)
    assert out.exit_code == 2, out.output
    assert said in out.stderr
    assert len(out.stderr.strip().splitlines()) == 1


def test_runs_of_other_items_or_rows_are_refused(runs):
    assert (
        invoke("run", "--task", "finsentiment", "--baseline", "majority", "--baselines-only", "--limit", 50).exit_code
        == 0
    )
    (few,) = [f.name for f in store.find(Path("results")) if f.name not in runs.values()]
    out = invoke(*CHECK, "--run", few, "--against", runs["majority"])
    assert out.exit_code == 2
    assert "runs over different items cannot be compared" in out.stderr
    mixed = invoke(*CHECK, "--run", ",".join(runs.values()), "--against", runs["majority"])
    assert mixed.exit_code == 2
    assert "differ in more than the seed" in mixed.stderr
