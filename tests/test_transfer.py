"""Learnt on one task, tested on another: labels translated, items left out, each cell beside its own."""

import json

import pytest
from click.testing import CliRunner

from harness.cli import main
from harness.errors import InputError
from harness.results import store
from harness.study.transfer import Counterparts, _translated
from harness.task import definition
from harness.types import Example, Prediction


def invoke(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


PLACES = ("garden", "shed", "roof", "car", "attic", "barn")
SOUNDS = {"hound": "bark", "feline": "meow", "bird": "song"}


@pytest.fixture
def zoo(project):
    """A second task beside ``pets`` (cat, dog): of three animals, two of them under other names."""
    folder = project / "tasks" / "zoo"
    folder.mkdir()
    for split in ("train", "test"):
        rows = [(f"a {sound} by the {place}", label) for place in PLACES for label, sound in SOUNDS.items()]
        lines = (
            json.dumps({"id": f"{split}-{i}", "said": f"{split} {t}", "label": n}) for i, (t, n) in enumerate(rows)
        )
        (folder / f"{split}.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "task.yaml").write_text(
        "kind: classification\ninputs: [said]\ntarget: label\nid: id\nlabels: [hound, feline, bird]\n"
        "splits: {train: train.jsonl, test: test.jsonl}\n"
    )
    prompts = project / "prompts" / "zoo"
    prompts.mkdir()
    (prompts / "plain.j2").write_text("{% for s in shots %}{{ s.said }} => {{ s.answer }}\n{% endfor %}{{ said }} =>")
    return project


MAP = ["--map", "zoo.hound=pets.dog,zoo.feline=pets.cat"]
BOTH = ["transfer", "--train", "pets,zoo", "--test", "pets,zoo", "--format", "json"]


def cells(out):
    assert out.exit_code == 0, out.output
    return {(each["train"], each["test"]): each for each in json.loads(out.stdout)}


def test_a_baseline_is_worth_elsewhere_what_its_words_are(zoo):
    found = cells(invoke(*BOTH, *MAP, "--baseline", "tfidf-logreg"))
    assert list(found) == [("pets", "pets"), ("zoo", "pets"), ("pets", "zoo"), ("zoo", "zoo")]
    there = found["pets", "zoo"]
    assert there["left_out"] == {"bird": 6}
    assert there["n"] == 12
    assert there["score"] == there["own"] == 1.0
    assert there["difference"]["value"] == 0
    assert there["p"] == 1.0
    assert found["zoo", "zoo"]["n"] == 18
    assert found["zoo", "zoo"]["difference"] is None
    assert len(store.find(zoo / "results")) == 2  # what learns where it is tested


def test_what_learns_nothing_useful_is_worse_and_that_is_paired(zoo):
    crossed = ["--map", "zoo.hound=pets.cat,zoo.feline=pets.dog"]
    found = cells(invoke(*BOTH, *crossed, "--baseline", "tfidf-logreg"))["pets", "zoo"]
    assert (found["score"], found["own"]) == (0.0, 1.0)
    assert found["difference"]["high"] < 0
    assert found["p"] < 0.001


def test_demonstrations_come_from_the_other_task_in_this_ones_words(zoo, served, server):
    words = [*served, "--shots", "2", "--selector", "random"]
    found = cells(invoke("transfer", "--train", "zoo", "--test", "pets", "--format", "json", *MAP, *words))
    assert found["zoo", "pets"]["n"] == 10
    assert found["zoo", "pets"]["score"] == 1.0
    foreign = [b["prompt"].splitlines() for b in server.bodies if "a bark by" in b["prompt"] or "a meow" in b["prompt"]]
    assert len(foreign) == 10
    for *shots, asked in foreign:
        assert len(shots) == 2
        assert all(shot.endswith("=> dog" if "bark" in shot else "=> cat") for shot in shots)
        assert "test the" in asked


def test_labels_mean_the_same_by_name_unless_they_are_said_to_mean_others(zoo):
    pets, zoo_ = definition.load("pets"), definition.load("zoo")
    said = Counterparts(["zoo.hound=pets.dog", "zoo.bird=pets.dog"], [pets, zoo_])
    assert said.of(pets, zoo_) == {"cat": (), "dog": ("hound", "bird")}
    assert said.of(zoo_, pets) == {"hound": ("dog",), "feline": (), "bird": ("dog",)}
    assert Counterparts([], [pets]).of(pets, pets) == {"cat": ("cat",), "dog": ("dog",)}


def test_an_answer_that_means_several_is_right_and_one_that_means_none_is_wrong():
    back = {"hound": ("dog",), "bird": ("dog",), "feline": ("cat",)}
    items = [Example(str(i), {}, target) for i, target in enumerate(("bird", "feline", "hound", "hound"))]
    said = [Prediction(str(i), output) for i, output in enumerate(("dog", "dog", "cat", "fish"))]
    assert [each.output for each in _translated(said, items, back)] == ["bird", "hound", "feline", None]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("zoo.hound", "give TASK.LABEL=TASK.LABEL"),
        ("zo.hound=pets.dog", "Did you mean 'zoo'"),
        ("zoo.hund=pets.dog", "Did you mean 'hound'"),
    ],
)
def test_a_map_that_is_none_is_told(zoo, said, told):
    with pytest.raises(InputError, match=told):
        Counterparts([said], [definition.load("pets"), definition.load("zoo")])


def test_what_cannot_be_transferred_says_what_can(zoo):
    out = invoke(*BOTH, "--baseline", "tfidf-logreg")
    assert out.exit_code == 2
    assert "--map zoo.hound=pets.cat" in out.stderr
    assert "name a --baseline" in invoke(*BOTH).stderr
    assert "is none" in invoke(*BOTH, *MAP, "--baseline", "tfidf-logreg", "--then").stderr
    out = invoke("transfer", "--train", "fin-ner", "--test", "fin-ner", "--baseline", "dictionary")
    assert "with a label an item" in out.stderr


def test_markdown_counts_what_is_left_out(zoo):
    out = invoke("transfer", "--train", "pets", "--test", "zoo", *MAP, "--baseline", "majority", "--format", "markdown")
    assert "| majority | pets | zoo |" in out.stdout
    assert "no counterpart for bird (6)." in out.stdout


@pytest.mark.slow
def test_a_network_that_goes_on_with_the_task_that_is_tested(zoo):
    words = ["--baseline", "finetune:minilm", "--with", "epochs=1,min_steps=6,batch=4", "--then"]
    found = cells(invoke("transfer", "--train", "pets", "--test", "zoo", "--format", "json", *MAP, *words))
    assert set(found) == {("pets", "zoo"), ("pets, then zoo", "zoo")}
    assert found["pets, then zoo", "zoo"]["difference"]["low"] is not None
