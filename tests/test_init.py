"""`harness init`: any labelled table becomes a project that runs, and what is odd about it is told."""

import itertools
import json
from collections import Counter

import openpyxl
import pandas
import pytest
from click.testing import CliRunner

from harness.bring import project, table
from harness.cli import main
from harness.errors import InputError
from harness.prompt.template import load as load_template
from harness.task import definition

BASELINES = ("--baselines-only", "--baseline", "majority,tfidf-logreg")


def cli(*args):
    return CliRunner().invoke(main, [str(a) for a in args])


def ok(*args):
    done = cli(*args)
    assert done.exit_code == 0, done.output
    return done.stdout


def rows(count=40, labels=("dog", "cat"), column="text"):
    return [
        {column: f"the {labels[i % len(labels)]} of item {i * 7919}", "label": labels[i % len(labels)]}
        for i in range(count)
    ]


def write_csv(path, found):
    pandas.DataFrame(found).to_csv(path, index=False)


def written(home, name="t", split="train"):
    return [json.loads(line) for line in (home / "tasks" / name / f"{split}.jsonl").read_text().splitlines()]


def splits(home, name="t"):
    return {path.stem: len(path.read_text().splitlines()) for path in (home / "tasks" / name).glob("*.jsonl")}


FILES = {
    "t.csv": lambda p, f: f.to_csv(p, index=False),
    "t.tsv": lambda p, f: f.to_csv(p, index=False, sep="\t"),
    "semicolon.csv": lambda p, f: f.to_csv(p, index=False, sep=";"),
    "index.csv": lambda p, f: f.to_csv(p),
    "wide.csv": lambda p, f: f.to_csv(p, index=False, encoding="utf-16"),
    "western.csv": lambda p, f: f.to_csv(p, index=False, encoding="cp1252"),
    "t.csv.gz": lambda p, f: f.to_csv(p, index=False),
    "t.jsonl": lambda p, f: f.to_json(p, orient="records", lines=True),
    "t.json": lambda p, f: f.to_json(p, orient="records"),
    "t.json.gz": lambda p, f: f.to_json(p, orient="records"),
    "t.parquet": lambda p, f: f.to_parquet(p),
    "t.xlsx": lambda p, f: f.to_excel(p, index=False),
}


@pytest.mark.parametrize("name", FILES)
def test_what_pandas_writes_becomes_one_and_the_same_project(home, name):
    found = [{**row, "text": f"{row['text']}, très “bon”; 5 €"} for row in rows()]
    FILES[name](home / name, pandas.DataFrame(found))
    said = ok("init", name, "--name", "t")
    assert f"read {name} (" in said
    assert "): 40 rows\n" in said
    assert "labels: dog 20, cat 20\n" in said
    assert splits(home) == {"train": 24, "dev": 4, "test": 12}
    texts = {row["text"] for split in splits(home) for row in written(home, split=split)}
    assert texts == {row["text"] for row in found}


def test_what_was_found_is_told(home):
    (home / "t.csv").write_bytes(
        b"text;label\n" + "".join(f"café “{i}”;{'ab'[i % 2]}\n" for i in range(30)).encode("cp1252")
    )
    assert "read t.csv (delimiter ';', cp1252): 30 rows" in ok("init", "t.csv", "--name", "t")
    done = cli("init", "t.csv", "--name", "u", "--encoding", "utf-9")
    assert done.exit_code == 2
    assert "unknown encoding 'utf-9'. Did you mean 'utf-8'" in done.stderr
    assert "read t.csv (delimiter ';', cp437)" in ok("init", "t.csv", "--name", "u", "--encoding", "cp437")


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        (["text"], ["text"]),
        (["Text", "标题"], ["Text", "标题"]),
        (["Review Text"], ["review_text"]),
        (["1st text"], ["text_1st"]),
        (["2024"], ["text_2024"]),
        (["answer", "labels", "shots", "label"], ["answer_text", "labels_text", "shots_text", "label_text"]),
        (["Comment, free"], ["comment_free"]),
        (["meta.text", "review-text"], ["meta_text", "review_text"]),
        (["items", "not", "loop", "True"], ["items_text", "not_text", "loop_text", "true_text"]),
        (["a b", "a-b", "a_b"], ["a_b_2", "a_b_3", "a_b"]),
        (["!?", "…"], ["text", "text_2"]),
        (["__class__", "_x"], ["class", "x"]),
    ],
)
def test_columns_of_any_name_get_names_that_templates_can_use(columns, names):
    assert project.names(columns) == dict(zip(names, columns, strict=True))


@pytest.mark.parametrize(
    "column",
    [
        "Review Text",
        "1st text",
        "answer",
        "labels",
        "Comment, free",
        "评论",
        "评论 内容",
        "{{ x }}",
        "items",
        "id",
        "a: b",
        "yes",
    ],
)
def test_a_project_of_any_column_name_renders_and_runs(home, column):
    write_csv(home / "t.csv", [{column: row["text"], "class": row["label"]} for row in rows()])
    ok("init", "t.csv", "--name", "t", "--input", column, "--target", "class")
    made = definition.load("t")
    for name in ("plain", "instruction"):
        train = made.examples("train")
        content = load_template(name, made).render(made.examples("test")[0], train[:2]).content
        assert all(example.text in content for example in (made.examples("test")[0], *train[:2]))
    assert "tfidf-logreg" in ok("run", "--task", "t", *BASELINES)


def test_inputs_are_columns_with_or_without_commas(home):
    write_csv(home / "t.csv", [{"a": "x" * i, "b": "y", "a,b": "z", "label": "pq"[i % 2]} for i in range(20)])
    for given, inputs in (
        (["a,b"], ["a,b"]),
        (["b, a"], ["b", "a"]),
        (["a,b", "a"], ["a,b", "a"]),
        (["a", "a"], ["a"]),
    ):
        options = [part for column in given for part in ("--input", column)]
        ok("init", "t.csv", "--name", f"t{len(list(home.glob('tasks/*')))}", *options)
        made = definition.load(f"t{len(list(home.glob('tasks/*'))) - 1}")
        assert list(made.spec.inputs.values()) == inputs
    assert "unknown column 'c'" in cli("init", "t.csv", "--name", "u", "--input", "a,c").stderr


def test_rows_without_a_label_are_told_and_left_out(home):
    found = rows(30) + [{"text": f"unlabelled {i}", "label": label} for i, label in enumerate(("", "  ", None))]
    for name, write in FILES.items():
        write(home / name, pandas.DataFrame(found))
        said = ok("init", name, "--name", name.replace(".", "-"))
        assert "left out 3 of them, which have no label (rows 31, 32, 33)" in said
        assert sum(splits(home, name.replace(".", "-")).values()) == 30


def test_variants_of_labels_are_told(home):
    labels = ["pos"] * 10 + ["neg"] * 10 + ["POS", "Pos", " neg", "neg "]
    write_csv(home / "t.csv", [{"text": f"text {i} of many", "label": label} for i, label in enumerate(labels)])
    said = ok("init", "t.csv", "--name", "t")
    assert "'POS' (1) beside 'Pos' (1) beside 'pos' (10): they differ in case or spacing only" in said
    assert "took spaces off the ends of 2 labels" in said
    assert "labels: neg 12, pos 10, POS 1, Pos 1\n" in said
    assert "no test item has the label POS, Pos: too few rows have it" in said


def test_a_column_of_texts_as_label_is_asked_about(home):
    write_csv(home / "t.csv", [{"text": "ab"[i % 2], "label": f"some words {i}"} for i in range(20)])
    said = cli("init", "t.csv", "--name", "t")
    assert "no label has two rows" in said.stderr
    write_csv(home / "t.csv", [{"text": "ab"[i % 2], "label": f"some words {i // 2 * (i > 5)}"} for i in range(40)])
    assert "labels for 40 rows of t.csv: is that the label's column?" not in ok("init", "t.csv", "--name", "t")
    write_csv(home / "t.csv", [{"text": "ab"[i % 2], "label": f"some words {i * (i > 5)}"} for i in range(40)])
    assert "35 labels for 40 rows of t.csv: is that the label's column?" in ok("init", "t.csv", "--name", "u")


@pytest.mark.parametrize("labels", [("a", "b"), ("a", "b", "c", "d"), tuple("abcdefghi")])
@pytest.mark.parametrize("count", [20, 27])
def test_twenty_rows_work_end_to_end(home, labels, count):
    write_csv(home / "t.csv", rows(count, labels))
    said = ok("init", "t.csv", "--name", "t")
    made = definition.load("t")
    for split in made.spec.splits:
        assert {e.target for e in made.examples(split)} == set(labels)
    assert ("dev" in made.spec.splits) == (count / len(labels) > 6)
    assert ("no dev split: there are too few rows" in said) == ("dev" not in made.spec.splits)
    assert sum(splits(home).values()) == count
    assert "majority" in ok("run", "--task", "t", *BASELINES)


def test_four_rows_are_the_fewest(home):
    write_csv(home / "t.csv", rows(4))
    ok("init", "t.csv", "--name", "t")
    assert splits(home) == {"train": 2, "test": 2}
    write_csv(home / "t.csv", rows(2))
    with pytest.raises(InputError, match="no label has two rows, so none is left to test on"):
        table.init(home, "u", home / "t.csv", ("text",), "label")


def test_splits_are_shuffled_by_the_seed_alone(home):
    found = sorted(rows(200, ("a", "b", "c")), key=lambda row: row["label"])
    write_csv(home / "t.csv", found)
    write_csv(home / "test.csv", found[::2])
    for name, options in (
        ("t", ()),
        ("again", ()),
        ("other", ("--seed", 1)),
        ("given", ("--test", "test.csv")),
    ):
        ok("init", "t.csv", "--name", name, *options)
        for split in ("train", "dev", "test"):
            labels = [row["label"] for row in written(home, name, split)]
            changes = sum(a != b for a, b in itertools.pairwise(labels))
            assert changes > len(labels) / 3  # sorted: 2; shuffled: two thirds
            assert len(set(Counter(labels[: len(labels) // 2]))) == 3
    assert [written(home, "t", s) == written(home, "again", s) for s in ("train", "test")] == [True, True]
    assert written(home, "t") != written(home, "other")


def test_ids_hold_the_number_of_the_row_in_the_file(home):
    found = [{**row, "label": "" if i % 9 == 0 else row["label"]} for i, row in enumerate(rows(60))]
    write_csv(home / "t.csv", found)
    write_csv(home / "test.csv", found[:20])
    ok("init", "t.csv", "--name", "t", "--test", "test.csv")
    for split in ("train", "dev", "test"):
        for row in written(home, split=split):
            assert found[int(row["id"].removeprefix(f"{split}-")) - 1]["text"] == row["text"]


def test_a_test_file_is_read_as_strictly(home):
    write_csv(home / "t.csv", rows(20))
    for content, message in (
        ("text,label\na\n", r"test\.csv, line 2: 1 field"),
        ('text,label\n"a,dog\n', r"line 2: the quote that opens here is never closed"),
        ("txt,label\na,dog\n", r"test\.csv: unknown column 'text'\. Did you mean 'txt'"),
        ("text,label\na,cow\n", r"test\.csv: labels that .*t\.csv never shows: cow"),
        ("text,label\na,\n", r"test\.csv: no row has a label"),
        ("text,label\n", r"test\.csv: holds no rows"),
        ("", r"test\.csv: holds no rows"),
    ):
        (home / "test.csv").write_text(content)
        with pytest.raises(InputError, match=message):
            table.init(home, "t", home / "t.csv", ("text",), "label", home / "test.csv")
    assert not (home / "tasks").exists()
    (home / "test.csv").write_text("text;label\nx;cat\ny;\n")
    said = ok("init", "t.csv", "--name", "t", "--test", "test.csv")
    assert "read test.csv (delimiter ';', utf-8): 2 rows\nleft out 1 of them" in said
    assert "no test item has the label dog" in said
    assert splits(home) == {"train": 18, "dev": 2, "test": 1}


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("text,label\nso good, really,pos\nbad,neg\n", (), "line 2: 3 fields, where the header names 2"),
        ('text,label\n"a,pos\n' + "b,neg\n" * 20, (), "line 2: the quote that opens here is never closed"),
        ("text,label\na,pos\nb\n", (), "line 3: 1 field"),
        ("text,label\na,pos\nb,pos\n", (), "holds one label only (pos)"),
        ("text,label\na,pos\nb,neg\n", ("--target", "text"), "both an input and the label"),
        ("text,label\na,pos\nb,neg\n", ("--target", "lable"), "unknown column 'lable'. Did you mean 'label'"),
    ],
)
def test_what_would_make_a_wrong_project_is_refused(home, content, options, message):
    (home / "t.csv").write_text(content)
    done = cli("init", "t.csv", "--name", "t", *options)
    assert done.exit_code == 2
    assert message in done.stderr
    assert not (home / "tasks").exists()


def test_json_rows_may_lack_the_label_but_not_an_input(home):
    found = [*rows(30), {"text": "no label here"}, {"label": "dog"}]
    (home / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in found[:-1]))
    assert "left out 1 of them, which have no label (rows 31)" in ok("init", "t.jsonl", "--name", "t")
    (home / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in found))
    assert "t.jsonl, line 32: unknown column 'text'" in cli("init", "t.jsonl", "--name", "u").stderr


def test_labels_of_any_spelling_are_written_and_read_back(home):
    labels = ("yes", "no", "01", "2024-01-01", "null", "a: b", "ca\x85f", "#x", "*", "很好", "x" * 200, "'", '"', "- y")
    (home / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows(140, labels)))
    ok("init", "t.jsonl", "--name", "t")
    made = definition.load("t")
    assert set(made.kind.outputs) == set(labels)
    assert Counter(e.target for e in made.examples("train")) == dict.fromkeys(labels, 6)


def test_numbers_of_a_workbook_with_gaps_stay_as_they_are(home):
    book = openpyxl.Workbook()
    book.active.append(["text", "label"])
    for i in range(30):
        book.active.append([f"text number {i * 977}", None if i == 7 else i % 2])
    book.save(home / "t.xlsx")
    said = ok("init", "t.xlsx", "--name", "t")
    assert "read t.xlsx (Excel, sheet 'Sheet'): 30 rows\nleft out 1 of them, which have no label (rows 8)" in said
    assert definition.load("t").kind.outputs == ("0", "1")
