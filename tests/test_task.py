"""Tasks: what is accepted, what an error says, and the data that ships."""

import json
from collections import Counter

import pandas
import pytest

from harness import builtin
from harness.errors import InputError
from harness.prompt.leak import Overlap
from harness.task import definition

GOOD = """kind: classification
inputs: [text]
target: label
labels: [cat, dog]
splits: {train: train.jsonl, test: test.jsonl}
"""


@pytest.fixture
def write(home):
    def write(spec=GOOD, **files):
        folder = home / "tasks" / "t"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "task.yaml").write_text(spec)
        for name, content in files.items():
            (folder / name.replace("_", ".")).write_bytes(content if isinstance(content, bytes) else content.encode())
        return definition.load("t")

    return write


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            GOOD + "langauge: en\n",
            r"task\.yaml, line 6, field langauge: unknown key 'langauge'. Did you mean 'language'",
        ),
        (GOOD.replace("classification", "clasification"), r"line 1, field kind: .*Did you mean 'classification'"),
        (GOOD.replace("target: label\n", ""), r"field target"),
        (GOOD.replace("[cat, dog]", "[cat]"), r"line 4, field labels"),
        (GOOD.replace("train:", "trian:"), r"line 5, field splits.*Did you mean 'train'"),
        (GOOD.replace("[text]", "[labels]"), r"templates use those names"),
        (GOOD + "main_metric: f2\n", r"main_metric 'f2' is not among"),
        (GOOD + "metrics: [accuracy\n", r"line \d+: not valid YAML"),
        ("- a\n", r"must be a mapping"),
    ],
)
def test_bad_specs(write, spec, message):
    with pytest.raises(InputError, match=message):
        write(spec)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            '{"text": "a", "label": "cat"}\n{"text": "b", "label": "cta"}\n',
            r"line 2: unknown label 'cta'. Did you mean 'cat'",
        ),
        ('{"text": "a", "label": "cat"}\n\n{"text": \n', r"train\.jsonl, line 3: not valid JSON"),
        ('{"txt": "a", "label": "cat"}\n', r"line 1: no field 'text'; .*mean 'txt'"),
        ("", r"split 'train' is empty"),
        ("[1]\n", r"line 1: must be one JSON object"),
        ('{"text": "caf\xe9", "label": "cat"}\n'.encode("latin-1"), r"is not utf-8.*encoding: latin-1"),
    ],
)
def test_bad_data(write, content, message):
    with pytest.raises(InputError, match=message):
        write(train_jsonl=content).examples("train")


def test_missing_file_split_and_duplicate_ids(write):
    made = write(GOOD + "id: id\n", test_jsonl='{"id": 1, "text": "a", "label": "cat"}\n' * 2)
    with pytest.raises(InputError, match=r"train\.jsonl: no such data file"):
        made.examples("train")
    with pytest.raises(InputError, match=r"line 2: duplicate id '1'"):
        made.examples("test")
    with pytest.raises(InputError, match=r"unknown split 'tset'\. Did you mean 'test'"):
        made.examples("tset")


def test_csv_parquet_and_encodings_give_the_same_examples(write, home):
    rows = [{"text": "a, “b”", "label": "cat"}, {"text": "line\nbreak é", "label": "dog"}]
    frame = pandas.DataFrame(rows)
    reference = write(train_jsonl="".join(json.dumps(r) + "\n" for r in rows)).examples("train")
    for name in ("train.csv", "train.tsv", "train.parquet"):
        made = write(GOOD.replace("train.jsonl", name))
        path = home / "tasks" / "t" / name
        if name.endswith("parquet"):
            frame.to_parquet(path)
        else:
            frame.to_csv(path, index=False, sep="\t" if name.endswith("tsv") else ",")
        assert made.examples("train") == reference


def test_latin_1_reads_when_named(write):
    content = '{"text": "caf\xe9", "label": "cat"}\n'.encode("latin-1")
    assert write(GOOD + "encoding: latin-1\n", train_jsonl=content).examples("train")[0].text == "café"


def test_unknown_task_names_the_nearest():
    with pytest.raises(InputError, match="Did you mean 'finsentiment'"):
        definition.load("finsentimnt")


@pytest.mark.parametrize("name", builtin.names("tasks"))
def test_shipped_splits_are_disjoint(name):
    made = definition.load(name)
    splits = {split: made.examples(split) for split in made.spec.splits}
    for one, pool in splits.items():
        overlap = Overlap(pool)
        for other, items in splits.items():
            own = {e.id: i for i, e in enumerate(pool)} if one == other else {}
            for item in items:
                assert overlap.barred(item) <= {own.get(item.id)}, f"{other} {item.id} is close to one of {one}"


def test_finsentiment_has_the_shape_its_card_says(finsentiment):
    shape = {split: finsentiment.examples(split) for split in ("train", "dev", "test")}
    assert {split: len(rows) for split, rows in shape.items()} == {"train": 300, "dev": 60, "test": 300}
    for rows in shape.values():
        labels = Counter(e.target for e in rows)
        assert labels["neutral"] > labels["positive"] > labels["negative"] > len(rows) / 5
        hard = Counter(e.tags["phenomenon"] for e in rows)
        assert set(hard) == {
            "plain",
            "narrowed-loss",
            "falling-cost",
            "against-expectations",
            "opposite-fortunes",
            "guidance-vs-results",
            "pleasant-fact",
        }
        assert min(hard.values()) >= len(rows) // 15
        assert {e.target for e in rows if e.tags["phenomenon"] == "pleasant-fact"} == {"neutral"}
        for kind in set(hard) - {"plain", "pleasant-fact"}:
            assert {e.target for e in rows if e.tags["phenomenon"] == kind} == {"positive", "negative"}
