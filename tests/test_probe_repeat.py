"""What is asked again, and answered otherwise."""

import math

import pytest
from planted import SURE, asked, item, lines, notes, other, project, truthful

from harness.gate.check import Check
from harness.gate.criteria import Criteria
from harness.gate.question import Question, against
from harness.probe import create
from harness.probe.asked import Asked
from harness.study.grid import Spec
from harness.task import definition


def test_answers_that_change_are_counted_past_the_journal(home):
    project(home)

    times = {}

    def moody(prompt):
        """Answers items whose number ends in 3 otherwise from the second time on."""
        number, right, _ = item(prompt)
        times[prompt] = times.get(prompt, 0) + 1
        return (other(right), SURE) if number % 10 == 3 and times[prompt] > 1 else (right, SURE)

    study = asked(home, moody)
    found = create("repeat").look(study)
    assert study.engines[0].asked == 3 * 60
    for line in lines(found, "share of answers that differ"):
        assert (line.value.value, line.n) == (0.1, 60)
    for line in lines(found, "change of accuracy"):
        assert (line.before, line.after) == (1.0, 0.9)
    assert {flip.id[-1] for flip in found.flips} == {"3"}
    assert notes(found, f"{math.log(SURE / (1 - SURE)):.1e} at most")
    again = create("repeat").look(study)
    assert study.engines[0].asked == 5 * 60  # what the journal holds is not asked, what is repeated is
    assert all(line.value.value == 0.1 for line in lines(again, "share of answers that differ"))


def test_a_steady_model_repeats_itself(home):
    project(home)
    found = create("repeat", items="20", batch="3").look(asked(home, truthful))
    assert [line.value.value for line in lines(found, "share of answers that differ")] == [0, 0]
    assert all(line.n == 20 for line in found.lines)
    assert not found.flips


def test_another_dtype_moves_log_probabilities(home, tiny):
    project(home)
    study = Asked(definition.load("pets"), Spec(shots=(2,), limit=12), [tiny], home / "results")
    found = create("repeat", dtype="bfloat16").look(study)
    once, batches, rounded = lines(found, "whose log-probabilities move by more than 0.001")
    assert once.value.value == batches.value.value == 0
    assert rounded.value.value > 0.5


def test_what_asking_again_changes_is_added_to_the_gates_margin(home):
    """Six items in sixty are answered otherwise from the second time on: the margin of 0.02 becomes one of 0.12."""
    project(home)
    (home / "prompts" / "pets" / "same.j2").write_text((home / "prompts" / "pets" / "plain.j2").read_text())
    times = {}

    def moody(prompt):
        number, right, _ = item(prompt)
        times[prompt] = times.get(prompt, 0) + 1
        return (other(right), SURE) if number % 10 == 3 and times[prompt] > 1 else (right, SURE)

    engine = asked(home, moody).engines[0]
    question = Question(model="moody", margin=0.02, shots=2)
    old = against(definition.load("pets"), "same", "plain", home / "results")

    def verdict(again):
        made = Check(definition.load("pets"), question, engine, home / "results", criteria=Criteria(again=again))
        return made.decide("same", old).verdict

    plain, widened = verdict(False), verdict(True)
    assert (plain.margin, plain.again) == (0.02, 0)
    assert (widened.margin, widened.again) == (pytest.approx(0.12), pytest.approx(0.1))
