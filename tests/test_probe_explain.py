"""What demonstrations, fields and words give an answer."""

import re

import numpy as np
import pytest
from planted import SURE, asked, copying, item, lines, notes, project, shown, truthful

from harness.errors import InputError
from harness.probe import create, explain
from harness.probe.asked import Asked
from harness.study.grid import Spec
from harness.task import definition


def test_the_demonstration_that_decides_is_found(home):
    project(home, cats=12)
    study = asked(home, copying, order="as-is", seeds=(1,))
    found = create("explain").look(study)
    # Left without its last demonstration, a prompt of one cat and one dog says the other's label.
    first, last = [
        line for line in found.lines if line.measure.startswith("without demonstration") and line.lost is not None
    ]
    assert first.value.value == 0
    assert abs(last.value.value) == pytest.approx(0.6)
    assert (last.lost, last.won) in ((12, 48), (48, 12))
    assert len(found.flips) == 60
    (share,) = lines(found, "share of answers that one demonstration alone decides")
    assert (share.value.value, share.n) == (1, 60)
    field = lines(found, "without field text: change of accuracy")
    assert field[0].value.value == 0


def test_a_demonstration_that_helps_a_label_is_told_with_its_size(home):
    project(home)

    def helped(prompt):
        """Sure of cats where a cat is shown, and half as sure where none is."""
        _, right, _ = item(prompt)
        return right, SURE if right == "dog" or "cat" in shown(prompt) else 0.6

    found = create("explain").look(asked(home, helped))
    told = [note for note in found.notes if "helps" in note]
    assert len(told) == 1
    assert re.search(r"\(cat\) helps cat \(\+0\.405 ", told[0])  # log 0.9 - log 0.6
    assert not notes(found, "hurts")


def test_what_helps_nobody_is_not_said_to_help():
    """No effect on 3 labels by 4 demonstrations, 200 times: a note in one study of twenty at most, give or take."""
    alarms = 0
    for seed in range(200):
        draw = np.random.default_rng(seed)
        level = 1 - 0.05 / 12
        known = np.ones(40, bool)
        found = [explain.moved(draw.normal(size=40), draw.normal(size=40), known, None, level) for _ in range(12)]
        alarms += any(each.low > 0 or each.high < 0 for each in found)
    assert alarms <= 18


def test_words_are_weighed_by_gradient_times_input(home, tiny):
    """The sum over an embedding's tokens against a finite difference of the same network."""
    import torch

    prompt, said = tuple(tiny.tokenizer.encode("Profit rose in May. Label:")), (tiny.tokenizer.encode(" good")[-1],)
    found = tiny.slopes(prompt, said)
    lm, place, step = tiny._network._lm, 2, 1e-3
    words = lm.get_input_embeddings()(torch.tensor([prompt])).detach()

    def scored(size):
        moved = words.clone()
        moved[0, place] *= 1 + size
        with torch.no_grad():
            return float(lm(inputs_embeds=moved).logits[0, -1].log_softmax(-1)[said[0]])

    assert found[place] == pytest.approx((scored(step) - scored(-step)) / (2 * step), rel=0.05, abs=1e-3)
    project(home)
    study = Asked(definition.load("pets"), Spec(shots=(2,), limit=6), [tiny], home / "results")
    told = notes(
        create("explain", example="test-03" if "test-03" in {e.id for e in study.items} else study.items[0].id).look(
            study
        ),
        "gradient x input",
    )
    assert len(told) == 1
    assert re.search(r"(meow|bark|heard|times|test) [+-]\d", told[0])


def test_an_item_that_is_not_asked_about_is_refused(home):
    project(home)
    with pytest.raises(InputError, match="example=nobody"):
        create("explain", example="nobody").look(asked(home, truthful))


def test_prompts_are_asked_for_and_demonstrations_that_all_items_share(home):
    project(home)
    for name in ("format", "order", "draw", "explain", "repeat"):
        with pytest.raises(InputError, match="it asks prompts, and there is none"):
            create(name).look(asked(home))
    with pytest.raises(InputError, match="chooses demonstrations for each item"):
        create("explain").look(asked(home, truthful, selectors=("bm25",)))
