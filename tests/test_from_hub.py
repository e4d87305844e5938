"""`harness init --from-hub`: folders in a hub's layout, benchmarks, and a stand-in for the hub's library."""

import sys
from types import SimpleNamespace

from projects import NAMES, TOWNS, made, refused, sentences, write


def test_a_folder_in_a_hubs_layout(home):
    folder = home / "set"
    (folder / "data").mkdir(parents=True)
    for split, count in (("train", 20), ("validation", 8)):
        write(
            folder / "data" / f"{split}-00000.jsonl",
            [{"text": f"{split} {t}", "label": "ab"[i % 2]} for i, (t, _) in enumerate(sentences(count))],
        )
    bare, _ = made("--from-hub", "set", name="bare", kind="classification")
    assert {split: len(bare.examples(split)) for split in bare.spec.splits} == {"train": 18, "dev": 2, "test": 8}
    card = (
        "---\nlicense: mit\nconfigs:\n- config_name: all\n  data_files:\n  - split: train\n    path: data/train-*\n"
        "  - split: test\n    path: [data/validation-00000.jsonl]\n---\n# A set\n"
    )
    (folder / "README.md").write_text(card)
    task, _ = made("--from-hub", "set:all", name="all")
    assert len(task.examples("test")) == 8
    refused("unknown subset 'al'. Did you mean 'all'", "--from-hub", "set:al")
    (folder / "README.md").write_text(card.replace("data/train-*", "../../etc/*"))
    refused("is not within the folder", "--from-hub", "set")


def test_a_benchmark_says_what_is_judged_and_which_column_is_what(home):
    """``eval.yaml`` of the hub: columns that no guess would find, and one split only."""
    folder = home / "exam"
    folder.mkdir()
    rows = [
        {"stem": f"Where does {name} work, {town}?", "ways": [name, town, "nowhere"], "gold": i % 3, "note": "x"}
        for i, (name, town) in enumerate((n, t) for n in NAMES for t in TOWNS[:3])
    ]
    write(folder / "test.jsonl", rows)
    spec = "    field_spec: {input: stem, target: gold, choices: ways}\n"
    head = "name: Exam\nevaluation_framework: inspect-ai\ntasks:\n"
    (folder / "eval.yaml").write_text(f"{head}  - id: exam_all\n    config: default\n    split: test\n{spec}")
    task, said = made("--from-hub", "exam", name="exam", kind="choice")
    assert list(task.spec.inputs) == ["stem"]
    assert "eval.yaml: task exam_all, split test; there is no train split beside it, so it is cut" in said
    write(folder / "train.jsonl", [{**row, "stem": f"Before: {row['stem']}"} for row in rows])
    whole, _ = made("--from-hub", "exam:exam_all", name="whole", kind="choice")
    assert len(whole.examples("test")) == len(rows)
    assert made("--from-hub", "exam", "--input", "note", "--input", "stem", name="own")[0].spec.inputs.keys() == {
        "note",
        "stem",
    }
    (folder / "eval.yaml").write_text(f"{head}  - id: exam_all\n    split: held\n{spec}")
    refused("task 'exam_all': unknown split 'held'", "--from-hub", "exam")
    (folder / "eval.yaml").write_text("tasks: none\n")
    refused("a benchmark has `tasks`, a list", "--from-hub", "exam")


def test_a_data_set_of_a_hub(home, monkeypatch):
    parts = {
        split: [{"text": f"{split} {t}", "label": "ab"[i % 2]} for i, (t, _) in enumerate(sentences(n))]
        for split, n in (("train", 20), ("test", 10))
    }

    class Part(list):
        features = SimpleNamespace(items=lambda: ())

    fake = SimpleNamespace(
        get_dataset_split_names=lambda name, subset: [*parts, "unsupervised"],
        load_dataset=lambda path, name, split, revision: Part(parts[split]),
    )
    monkeypatch.setitem(sys.modules, "datasets", fake)
    task, _ = made("--from-hub", "someone/set:small", kind="classification")
    assert len(task.examples("test")) == 10
    assert task.spec.source == "someone/set:small"
