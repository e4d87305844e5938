"""Which items are asked: nested samples, and what train and test share."""

import json

import pytest
from click.testing import CliRunner
from conftest import example
from hypothesis import given
from hypothesis import strategies as st
from runs import baseline, run
from workbooks import words

from harness.api import baseline as trained
from harness.api import evaluate
from harness.api import prompted as make_prompted
from harness.cli import main
from harness.compare import differences
from harness.errors import InputError
from harness.report import FORMATS, render
from harness.report.cells import footer
from harness.results import store
from harness.results.columns import Examples
from harness.study import items
from harness.study.items import Items, sample
from harness.task import definition

IDS = st.lists(st.text("abcü上-09", min_size=1, max_size=6), unique=True, max_size=30)


def split(ids):
    return Examples([example(id_, f"text of {id_}") for id_ in ids], ("text",), ())


class TestSample:
    @given(IDS, st.integers(1, 12), st.integers(0, 12), st.randoms())
    def test_a_smaller_one_lies_within_a_larger_one_whatever_the_order(self, ids, size, more, random):
        few, many = sample(split(ids), size), sample(split(ids), size + more)
        assert len(few) == min(size, len(ids))
        assert set(few.ids) <= set(many.ids)
        assert list(few) == [
            each for each in split(ids) if each.id in few.ids
        ]  # the file's order, the items as they are
        mixed = random.sample(ids, len(ids))
        assert set(sample(split(mixed), size).ids) == set(few.ids)

    def test_no_limit_is_all_of_them(self):
        whole = split(["b", "a"])
        assert list(sample(whole, None)) == list(sample(whole, 2)) == list(sample(whole, 9)) == list(whole)

    def test_a_sample_of_a_sorted_file_is_no_head(self):
        ids = [f"{label}-{i}" for label in ("a", "b", "c", "d") for i in range(200)]
        found = [each.partition("-")[0] for each in sample(split(ids), 100).ids]
        assert all(found.count(label) > 10 for label in "abcd")


def write(project, train, test, labels=("cat", "dog")):
    folder = project / "tasks" / "pets"
    for name, rows in (("train", train), ("test", test)):
        lines = [
            json.dumps({"id": f"{name}-{i}", "text": text, "label": label}) for i, (text, label) in enumerate(rows)
        ]
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n")
    spec = (folder / "task.yaml").read_text().replace("[cat, dog]", f"[{', '.join(labels)}]")
    (folder / "task.yaml").write_text(spec)
    return definition.load("pets")


PLACES = ("garden", "cellar", "old red barn", "parked car", "attic", "long dark corridor", "kitchen", "yard")
TRAIN = [
    (f"the {sound} came from the {place}", label)
    for place in PLACES
    for sound, label in (("bark", "dog"), ("meow", "cat"))
]
FRESH = [
    ("somebody heard whining at the door of the school", "dog"),
    ("a purr, very low, beside the stove", "cat"),
    ("it fetched the stick and ran off", "dog"),
    ("scratches all over the sofa again", "cat"),
]
SHARED = [
    ("The BARK  came from the cellar", "dog"),  # equal but for case and space
    ("the meow came from the long dark corridor!", "cat"),  # nearly
]


class TestOverlap:
    def test_what_is_equal_or_nearly_so_counts_and_ids_do_not(self, project):
        task = write(project, TRAIN, FRESH + SHARED)
        path = project / "tasks" / "pets" / "test.jsonl"
        path.write_text(path.read_text().replace("test-", "train-"))  # numbers that recur mean nothing
        assert Items(task, "test").counts(trained=True) == {"overlap": 2}
        assert Items(task, "test").counts(trained=False) == {}
        assert len(Items(task, "test").examples) == 6

    def test_without_it_the_rest_is_asked(self, project):
        task = write(project, TRAIN, SHARED + FRESH)
        rest = Items(task, "test", without_overlap=True)
        assert [each.text for each in rest.examples] == [text for text, _ in FRESH]
        assert rest.counts(trained=True) == rest.counts(trained=False) == {"overlap_left_out": 2}
        few = Items(task, "test", 4, without_overlap=True)
        assert set(few.examples.ids) == set(sample(task.examples("test"), 4).ids) & set(rest.examples.ids)

    def test_nothing_left_is_an_input_error(self, project):
        task = write(project, TRAIN, SHARED)
        with pytest.raises(InputError, match=r"every one of the 2 items .* nothing is left"):
            Items(task, "test", without_overlap=True)
        with pytest.raises(InputError, match="nothing is left"):
            Items(task, "train", without_overlap=True)

    def test_in_large_splits_equal_texts_are_counted(self, project, monkeypatch):
        task = write(project, TRAIN, FRESH + SHARED)
        monkeypatch.setattr(items, "BOUND", 100)
        assert Items(task, "test").counts(trained=True) == {"overlap_repeated": 1}

    def test_run_tells_and_report_tells_it_again(self, project):
        write(project, TRAIN, FRESH + SHARED)

        def ok(*args):
            done = CliRunner().invoke(main, args)
            assert done.exit_code == 0, done.output
            return done.stdout

        command = ("run", "--task", "pets", "--baselines-only", "--baseline", "majority,tfidf-logreg")
        said = "2 of 6 items are near-duplicates of training items: they flatter trained baselines. --without-overlap"
        assert said in " ".join(ok(*command).split())
        assert said in " ".join(ok("report").split())
        rest = " ".join(ok(*command, "--without-overlap").split())
        assert said not in rest
        assert "pets: 4 items" in rest
        assert "2 more items are near-duplicates of training items, and were left out" in rest
        hashes = {store.load(folder).items_hash for folder in store.find(project / "results")}
        assert len(hashes) == 2

    def test_evaluate_counts_and_leaves_out(self, project):
        task = write(project, TRAIN, FRESH + SHARED)
        assert evaluate(trained("majority", task), task).counts["overlap"] == 2
        rest = evaluate(trained("majority", task), task, without_overlap=True)
        assert (rest.counts["ok"], rest.counts["overlap_left_out"]) == (4, 2)
        assert "overlap" not in evaluate(make_prompted(task, engine="null"), task, limit=2).counts


class TestFooter:
    def test_a_label_that_no_item_has_is_told(self, project):
        task = write(project, TRAIN, [row for row in FRESH if row[1] == "dog"], ("cat", "dog", "bird"))
        lines = footer(differences.compare([evaluate(trained("majority", task), task)]))
        assert [line for line in lines if "labelled" in line] == [
            "No item is labelled 'cat', 'bird': these numbers say nothing about that."
        ]
        assert not any("labelled" in line for line in footer(differences.compare([run(), baseline()])))

    def test_many_labels_are_counted(self, project):
        labels = ("cat", "dog", *(f"l{i}" for i in range(40)))
        task = write(project, TRAIN, FRESH, labels)
        (line,) = [
            line
            for line in footer(differences.compare([evaluate(trained("majority", task), task)]))
            if "labelled" in line
        ]
        assert "'l0'" in line
        assert "'l20'" not in line
        assert "(40 labels)" in line

    @pytest.mark.parametrize("form", [form for form in FORMATS if form not in ("csv", "json")])
    def test_every_format_tells(self, form):
        counted = baseline()
        counted.counts.update(overlap=7)
        text = " ".join(words(render([differences.compare([run(), counted])], form)).split())
        assert "7 of 120 items are near-duplicates of training items" in text
