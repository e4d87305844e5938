"""The fewest words that flip an answer: found where they are planted, and within the budget."""

import json
import math

import pytest
from click.testing import CliRunner
from rules import Rule, planted

from harness.cli import main
from harness.errors import InputError
from harness.probe import greedy
from harness.probe.attack import Attack
from harness.probe.perturbed import free
from harness.results.columns import Examples
from harness.study.grid import Spec
from harness.task import definition
from harness.types import Edit, Example, Prediction, Status

KEYS = ("alpha", "bravo", "delta")


@pytest.fixture
def task(finsentiment):
    """Items that hold three key words among others, all of one label."""

    class Keyed(definition.Task):
        def examples(self, split):
            rows = [
                Example(str(i), {"text": f"Firm {i} said alpha and then bravo was near delta this week."}, "positive")
                for i in range(12)
            ]
            return Examples(rows, ["text"], [])

    spec = finsentiment.spec.model_copy(update={"tags": []})
    return Keyed("keyed", finsentiment.folder, spec, finsentiment.kind)


def needs(count):
    """Right as long as ``count`` of the key words stand there."""
    return lambda item: "positive" if sum(key in item.text for key in KEYS) >= count else "negative"


def sure(item):
    """Surer of the right label by each key word."""
    p = 0.2 + 0.2 * sum(key in item.text for key in KEYS)
    labels = definition.load("finsentiment").kind.outputs
    return tuple(math.log(p if label == "positive" else (1 - p) / 2) for label in labels)


def lines(found):
    return {(each.predictor.split(",")[0], each.measure): each for each in found.lines}


def test_it_takes_as_many_words_as_the_model_reads(task, tmp_path):
    rules = [Rule(f"needs{count}", needs(count), sure) for count in (3, 2, 1)]
    rules.append(Rule("deaf", lambda item: "positive", sure))
    found = lines(Attack().look(planted(task, tmp_path, *rules)))
    shares = {
        name: [found[name, f"flipped by {words}"].value.value for words in ("1 word", "2 words", "3 words")]
        for name in ("needs3", "needs2", "needs1", "deaf")
    }
    assert shares == {"needs3": [1, 1, 1], "needs2": [0, 1, 1], "needs1": [0, 0, 1], "deaf": [0, 0, 0]}
    assert all(each.n == 12 for key, each in found.items() if key[1].startswith("flipped by 1"))


def test_what_flips_one_is_asked_of_the_others(task, tmp_path):
    one = Rule("alpha", lambda item: "positive" if "alpha" in item.text else "negative")
    two = Rule("both", lambda item: "positive" if "alpha" in item.text else "neutral")
    three = Rule("delta", lambda item: "positive" if "delta" in item.text else "negative")
    found = lines(Attack().look(planted(task, tmp_path, one, two, three)))
    assert found["both", "flipped by what flips alpha, 0 train"].value.value == 1
    assert found["delta", "flipped by what flips alpha, 0 train"].value.value == 0
    assert found["alpha", "flipped by what flips delta, 0 train"].value.value == 0
    assert found["alpha", "flipped by what flips delta, 0 train"].n == 12


def test_without_log_probabilities_words_that_flip_by_themselves_come_first(task, tmp_path):
    rule = Rule("needs3", needs(3))
    found = Attack().look(planted(task, tmp_path, rule))
    assert lines(found)["needs3", "flipped by 1 word"].value.value == 1
    assert all(flip.said_after == "negative" and flip.said_before == "positive" for flip in found.flips)


def test_all_items_are_asked_together_and_no_more_than_the_budget(task, tmp_path):
    rule = Rule("needs1", needs(1), sure)
    asked = planted(task, tmp_path, rule)
    _ = asked.before
    rule.rounds = rule.asked = 0
    Attack(budget=40).look(asked)
    assert rule.asked <= 12 * 40
    assert rule.rounds <= 12  # one ranks the words, and each word tried is one for all items
    for budget in (10, 17):
        items = list(task.examples("test"))
        told = [Prediction(item.id, "positive", label_logprobs=sure(item)) for item in items]
        made = greedy.search(task.kind, items, told, lambda some: list(rule.predict(some)), "en", 0, 3, budget)
        assert all(each.queries <= budget for each in made)
        assert any(each.queries == budget for each in made) or all(each.flipped for each in made)


def test_only_what_the_answer_does_not_stand_on_is_changed():
    ner = definition.load("fin-ner")
    items = [item for item in ner.examples("test") if item.target != "[]"][:15]

    def ask(some):  # never right, so that the first candidate flips
        return [Prediction(item.id, None) for item in some]

    told = [Prediction(item.id, item.target) for item in items]
    for each in greedy.search(ner.kind, items, told, ask, "en", 0, 3, 60):
        assert each.flipped
        assert len(each.edits) == 1
        changed, text = each.changed(ner.kind), next(iter(each.item.inputs.values()))
        own = next(iter(changed.inputs.values()))
        held = [text[s:e] for s, e, _ in json.loads(each.item.target)]
        assert [own[s:e] for s, e, _ in json.loads(changed.target)] == held
        assert all(free(ner.kind, each.item, edit) for edit in each.edits)


def test_that_there_is_no_answer_is_no_flip(task):
    items = list(task.examples("test"))

    def ask(some):
        return [Prediction(item.id, None, Status.FAILED) for item in some]

    told = [Prediction(item.id, "positive") for item in items]
    assert not any(each.flipped for each in greedy.search(task.kind, items, told, ask, "en", 0, 3, 60))


def test_chinese_is_attacked_by_characters():
    task = definition.load("finsentiment-zh")
    item = Example("1", {"text": "公司在第三季度大幅亏损"}, task.kind.outputs[0])

    def ask(some):
        return [Prediction(e.id, item.target if "亏" in e.text else task.kind.outputs[1]) for e in some]

    (found,) = greedy.search(task.kind, [item], ask([item]), ask, "zh", 0, 3, 60)
    assert found.flipped
    assert len(found.edits) == 1
    assert found.edits[0] == Edit("text", 9, 10, "")


def test_words_are_found_beside_characters():
    text = "公司的SHIBOR贷款, it isn't"
    found = [text[slice(*span)] for span in greedy._spans(text, [(0, 2)])]
    assert found == ["公司", "的", "SHIBOR", "贷", "款", "it", "isn't"]


def test_bad_parameters_and_demonstrations_of_each_item_are_refused(task, tmp_path):
    for wrong in ({"budget": 9}, {"words": 0}):
        with pytest.raises(InputError, match="budget is 10 or more"):
            Attack(**wrong)
    asked = planted(task, tmp_path, Rule("deaf", lambda item: "positive"))
    asked.spec = Spec(draw="per-item", shots=(2,))
    with pytest.raises(InputError, match="--draw per-item"):
        Attack().look(asked)


def test_a_trained_baseline_and_a_prompt_are_attacked_from_the_command_line(project):
    words = ["probe", "attack", "--task", "pets", "--shots", "2", "--selector", "random", "--baseline", "tfidf-logreg"]
    done = CliRunner().invoke(main, [*words, "--format", "json"])
    assert done.exit_code == 0, done.output
    (found,) = json.loads(done.stdout)["findings"]
    told = {(each["predictor"], each["measure"]) for each in found["lines"]}
    assert {name.split(" ")[0].strip(",") for name, _ in told} == {"tiny", "tfidf-logreg"}
    assert sum("flipped by what flips" in measure for _, measure in told) == 2
    assert all(flip["before"] != flip["after"] and flip["said_before"] != flip["said_after"] for flip in found["flips"])
    again = CliRunner().invoke(main, [*words, "--format", "json"])
    assert again.stdout == done.stdout
