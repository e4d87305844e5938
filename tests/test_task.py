"""Tasks: what is accepted, and what an error says."""

import json
import sys
import weakref
from types import SimpleNamespace
from typing import ClassVar

import pandas
import pytest

from harness.errors import InputError
from harness.task import definition, jsons

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


SPELT = ["yes", "no", "on", "off", "01", "1e3", "2024-01-01", "null", "~", "true"]


@pytest.mark.parametrize("form", ["list", "mapping"])
def test_labels_are_text_as_written(write, form):
    labels = f"[{', '.join(SPELT)}]" if form == "list" else "".join(f"\n  {label}: about {label}" for label in SPELT)
    rows = [{"text": "a", "label": label} for label in SPELT]
    made = write(GOOD.replace("[cat, dog]", labels), train_jsonl="".join(json.dumps(row) + "\n" for row in rows))
    assert made.kind.outputs == tuple(SPELT)
    assert [e.target for e in made.examples("train")] == SPELT


def test_truth_values_of_json_are_true_and_false_and_nothing_else(write):
    rows = '{"text": "a", "label": true}\n{"text": "b", "label": false}\n'
    made = write(GOOD.replace("[cat, dog]", "[true, false]"), train_jsonl=rows)
    assert [e.target for e in made.examples("train")] == ["true", "false"]
    for labels in ("[yes, no]", "[True, False]", "[1, 0]"):
        with pytest.raises(InputError, match=r"train\.jsonl, line 1: unknown label 'true'"):
            write(GOOD.replace("[cat, dog]", labels), train_jsonl=rows).examples("train")


def test_optional_fields_may_be_left_empty(write):
    made = write(GOOD + "id:\ncluster: ~\nencoding: null\nhub:\n", train_jsonl='{"text": "a", "label": "cat"}')
    assert (made.spec.id, made.spec.cluster, made.spec.encoding, made.spec.hub) == (None, None, None, None)
    assert made.examples("train")[0].id == "train-1"
    assert write(GOOD.replace("[cat, dog]", "{cat: , dog: ~, cow: 'null'}")).kind.labels == {
        "cat": "",
        "dog": "",
        "cow": "null",
    }


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[cat, dog]", "[cat, dog, cat]", r"line 4, field labels: .*'cat' stands twice"),
        ("[cat, dog]", "{cat: a, cat: b}", r"line 4: not valid YAML: the key 'cat' stands twice"),
        ("[cat, dog]", "[cat, [dog]]", r"field labels: .*is no name"),
        ("[cat, dog]", "[cat, *dog]", r"line 4: not valid YAML: anchors and aliases are not read"),
        ("[text]", "[text, text]", r"field inputs: .*'text' stands twice"),
        ("[text]", "{answer: text}", r"may not be called \['answer'\].*inputs: \{my_text: text\}"),
        ("[text]", "{}", r"field inputs"),
        ("train: train.jsonl", "train: [a]", r"line 5, field splits\.train"),
    ],
)
def test_more_bad_specs(write, old, new, message):
    with pytest.raises(InputError, match=message):
        write(GOOD.replace(old, new))


def test_a_definition_that_is_no_utf_8_or_a_folder_is_an_error(write, home):
    write()
    path = home / "tasks" / "t" / "task.yaml"
    path.write_bytes(GOOD.encode() + b"description: caf\xe9\n")
    with pytest.raises(InputError, match=r"task\.yaml: cannot be read as text in UTF-8"):
        definition.load("t")
    path.unlink()
    path.mkdir()
    with pytest.raises(InputError, match=r"task\.yaml: cannot be read"):
        definition.load("t")


def test_inputs_may_stand_for_columns_of_other_names(write):
    spec = GOOD.replace("[text]", "{review_text: Review Text, title: 标题}")
    (found,) = write(spec, train_jsonl='{"Review Text": "a", "标题": "b", "label": "dog"}').examples("train")
    assert found.inputs == {"review_text": "a", "title": "b"}
    with pytest.raises(InputError, match=r"no field 'Review Text'.*mean 'Review text'"):
        write(spec, train_jsonl='{"Review text": "a", "标题": "b", "label": "dog"}').examples("train")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('{"text": "a", "label": null}', r"train\.jsonl, line 1: no label: field 'label' is null.*cat, dog"),
        ('{"text": "a", "label": NaN}', r"line 1: no label"),
        ('{"text": "a", "label": ""}', r"line 1: no label: field 'label' is empty"),
        ('{"text": "a", "label": ["cat"]}', r"line 1: field 'label' is a list"),
        ('{"text": null, "label": "cat"}', r"line 1: field 'text' is null"),
        ('{"text": NaN, "label": "cat"}', r"line 1: field 'text' is not a number"),
        ('{"text": ["note", "a"], "label": "cat"}', r"line 1: field 'text' is a list: join it"),
        ('{"text": {"a": 1}, "label": "cat"}', r"line 1: field 'text' is an object"),
        ('{"text": "a\\ud83d", "label": "cat"}', r"line 1: field 'text' holds half a character"),
        ('{"text": "a\\u0000", "label": "cat"}', r"line 1: field 'text' holds a NUL"),
    ],
)
def test_values_that_are_no_text_are_refused(write, row, message):
    with pytest.raises(InputError, match=message):
        write(train_jsonl=row + "\n").examples("train")


def test_data_in_other_dialects_and_encodings_is_read(write, home):
    rows = "text;label\nDas ist, na ja, gut;cat\n"
    for content in (rows.encode(), rows.encode("utf-16"), rows.encode("utf-8-sig")):
        (found,) = write(GOOD.replace("train.jsonl", "train.csv"), train_csv=content).examples("train")
        assert found.text == "Das ist, na ja, gut"
    with pytest.raises(InputError, match=r"unknown encoding 'utf-9'\. Did you mean 'utf-8'"):
        write(GOOD.replace("train.jsonl", "train.csv") + "encoding: utf-9\n", train_csv=rows).examples("train")


def test_a_folder_or_a_pointer_as_data_is_an_error(write, home):
    made = write(train_jsonl="version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 9\n")
    with pytest.raises(InputError, match="Git LFS pointer"):
        made.examples("train")
    (home / "tasks" / "t" / "test.jsonl").mkdir()
    with pytest.raises(InputError, match="it is a folder"):
        made.examples("test")


def test_rows_are_never_held_at_once(write, home, monkeypatch):
    """Of many thousand rows, only a chunk is alive as objects while they are read."""
    made = write(train_jsonl="".join(f'{{"text": "t{i}", "label": "cat"}}\n' for i in range(20_000)))
    alive, most = weakref.WeakSet(), 0

    class Counted(dict):
        __hash__ = object.__hash__

    real = jsons._row

    def row(value, where):
        nonlocal most
        kept = Counted(real(value, where))
        alive.add(kept)
        most = max(most, len(alive))
        return kept

    monkeypatch.setattr(jsons, "_row", row)
    assert len(made.examples("train")) == 20_000
    assert most < 10


class Names:
    """What ``datasets.ClassLabel`` has of this."""

    def int2str(self, place):
        return ("neg", "pos")[range(2).index(place)]


class Loaded(list):
    """What ``datasets.Dataset`` has of this."""

    features: ClassVar = {"text": object(), "label": Names()}
    info = SimpleNamespace(splits={"train": 1, "validation": 1, "test": 1})


HUB = """kind: classification
inputs: [text]
target: label
labels: [neg, pos]
splits: {train: train, test: test}
hub: {path: some/set, revision: null}
"""


@pytest.fixture
def loaded(monkeypatch):
    """Data sets of the ``datasets`` library, by split."""
    asked, splits = [], {}

    def load_dataset(path, name, *, split, revision):
        asked.append((path, name, split, revision))
        return Loaded({"text": "t", "label": label} for label in splits[split])

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load_dataset))
    return splits, asked


class TestHub:
    def test_class_numbers_become_names(self, write, loaded):
        splits, asked = loaded
        splits["train"] = [1, 0, 1]
        assert [e.target for e in write(HUB).examples("train")] == ["pos", "neg", "pos"]
        assert asked == [("some/set", None, "train", None)]

    @pytest.mark.parametrize("hidden", [-1, None])
    def test_a_split_without_labels_says_which_to_name(self, write, loaded, hidden):
        loaded[0]["test"] = [hidden] * 3
        with pytest.raises(InputError, match=r"'test': this split has no labels\. Name .*: train, validation\."):
            write(HUB).examples("test")
        loaded[0]["test"] = [1, hidden, 0]
        with pytest.raises(InputError, match=r"some/set\[test\], row 2: no label; 1 of the split's 3 rows"):
            write(HUB).examples("test")

    def test_a_split_that_cannot_be_loaded_is_an_error(self, write, loaded):
        with pytest.raises(InputError, match=r"'some/set', split 'train': cannot be loaded"):
            write(HUB).examples("train")


def test_unknown_task_names_the_nearest():
    with pytest.raises(InputError, match="Did you mean 'finsentiment'"):
        definition.load("finsentimnt")
