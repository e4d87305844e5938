"""Formats of a template: what a model that reads a colon owes to it, and what reads none of it does not."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import asked, colon, lines, notes, other, project, truthful

from harness.errors import InputError
from harness.probe import create, several
from harness.prompt import formats, template
from harness.prompt.surface import Format, Surface
from harness.stats import rasch
from harness.task import definition

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = [path for path in sorted((ROOT / "prompts").glob("*/*.j2")) if (ROOT / "tasks" / path.parent.name).is_dir()]


def test_a_model_that_reads_the_colon_only_is_found_with_its_size(home):
    project(home)
    found = create("format", formats="30").look(asked(home, colon))
    (spread,) = lines(found, "lowest to highest of 30 formats")
    assert (spread.before, spread.after, spread.value.value) == (0, 1, 1)
    assert spread.value.low > 0.5
    assert spread.p < 0.01
    (place,) = lines(found, "median to the one given, number 1 of 30")
    assert place.after == 1
    (told,) = notes(found, "Lowest")
    names = re.findall(r"plain~[0-9a-f]{8}", told)
    texts = [(home / "results" / "formats" / "pets" / f"{name}.j2").read_text().splitlines()[-1] for name in names]
    assert ":" not in texts[-1]
    cost = next(note for note in found.notes if "as one trie" in note)
    assert "1,800 prompts asked as one trie" in cost


def test_a_model_that_reads_none_of_it_passes(home):
    project(home)
    study = asked(home, truthful)
    for name in ("format", "order", "draw"):
        found = create(name).look(study)
        (spread,) = lines(found, "lowest to highest")
        assert (spread.value.value, spread.value.low, spread.p) == (0, 0, 1)
        for line in lines(found, "standard deviation by"):
            assert "by items" in line.measure or line.value.value < 1e-6


def test_models_that_order_formats_the_other_way_are_told(home):
    project(home)

    def nocolon(prompt):
        answer, sure = colon(prompt)
        return other(answer), sure

    found = create("format", formats="12").look(asked(home, colon, nocolon))
    (share,) = lines(found, "order otherwise")
    (tau,) = lines(found, "Kendall")
    assert share.value.value == 1
    assert tau.value.value == pytest.approx(-1)
    assert share.predictor == "colon 2-shot (plain, balanced) and nocolon 2-shot (plain, balanced)"


def test_a_search_finds_the_spread_with_a_part_of_the_answers(home):
    project(home)
    study = asked(home, colon)
    found = create("format", formats="40", budget="200").look(study)
    (gap,) = lines(found, "worst found to best found of 40 formats")
    assert (gap.before, gap.after, gap.n) == (0, 1, 30)
    assert study.engines[0].asked == 200
    assert notes(found, "200 of 2,400 answers asked for")


def test_a_part_of_the_answers_estimates_all_scores(home):
    project(home)
    study = asked(home, colon)
    found = create("format", formats="40", share="0.25").look(study)
    assert study.engines[0].asked == 600
    whole = create("format", formats="40").look(study)
    for name in ("lower quartile", "upper quartile"):
        (near,), (true,) = lines(found, name), lines(whole, name)
        assert near.value.value == pytest.approx(true.value.value, abs=0.2)  # 15 answers a format, effects drawn to 0
        assert near.value.low <= near.value.value <= near.value.high


def test_a_template_without_fields_is_refused_and_one_with_few_formats_says_so(home):
    project(home)
    prompts = home / "prompts" / "pets"
    (prompts / "chat.j2").write_text("{% user %}{{ text }}{% enduser %}\n")
    with pytest.raises(InputError, match="nothing to write otherwise"):
        create("format").look(asked(home, truthful, templates=("chat",)))
    (prompts / "few.j2").write_text("A sound:\n\n{{ text }}\n\nIt is a\n")
    found = create("format").look(asked(home, truthful, templates=("few",), shots=(0,)))
    assert notes(found, "template few: it has 3 formats, with the one given.")


@pytest.mark.parametrize(
    ("words", "match"),
    [
        ({"formats": "1"}, "formats=1"),
        ({"budget": "10"}, "give 40 answers or more"),
        ({"budget": "100", "share": "0.1"}, "not both"),
        ({"share": "1.5"}, "give a share"),
    ],
)
def test_settings_that_make_no_sense_are_refused(words, match):
    with pytest.raises(InputError, match=match):
        create("format", **words)


def test_settings_are_dealt_to_the_probes_that_take_them():
    form, drawn, repeat = several(["format", "draw", "repeat"], {"draw.draws": "3", "items": "9"})
    assert (form.formats, drawn.draws, repeat.items) == (24, 3, 9)
    with pytest.raises(InputError, match=r"unknown parameter of the probes 'drws'\. Did you mean 'draws'"):
        several(["draw"], {"drws": "3"})


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_formats_of_every_shipped_template_keep_its_words(path):
    """The prompt as given comes back to the character; in another format it has the same letters and digits."""
    task = definition.load(path.parent.name)
    given = template.load(path.stem, task)
    test, train = task.examples("test")[0], task.examples("train")[:2]
    before = given.render(test, train)
    same = Surface(given).written(Format()).render(test, train)
    assert (same.content, same.choices) == (before.content, before.choices)
    assert same.demos == before.demos
    for form, made in formats.drawn(given, 12, np.random.default_rng(0)):
        read = template.parse("x", path, made.source, task)
        after = read.render(test, train)
        assert read.settings.answer_prefix == made.settings.answer_prefix
        if not form.names:
            assert plain(after, test) == plain(before, test)


def plain(prompt, example):
    """Letters and digits of a prompt and its choices."""
    content = prompt.content if isinstance(prompt.content, str) else "".join(m.content for m in prompt.content)
    return [re.sub(r"[\W_]+", "", text.lower()) for text in (content, *(prompt.choices or ()))]


BODY = st.lists(st.sampled_from(["{{ text }}", "\n", "\n\n", "Text: ", "Label:", " - ", "{# n #}\n", "a b ", ":"]))


@given(BODY, st.integers(0, 99))
@settings(max_examples=150, deadline=None)
def test_any_template_comes_back_as_given_and_formats_change_no_word(parts, seed):
    task = definition.load("finsentiment")
    given_ = template.parse("t", Path("t.j2"), "".join(parts), task)
    example = task.examples("test")[0]
    before = given_.render(example)
    same = Surface(given_).written(Format()).render(example)
    assert (same.content, same.choices) == (before.content, before.choices)
    for form, made in formats.drawn(given_, 3, np.random.default_rng(seed)):
        if not form.names:
            assert plain(made.render(example), example) == plain(before, example)


def test_expressions_raw_text_and_strip_signs_are_left_alone():
    task = definition.load("finsentiment")
    source = "{% raw %}Text: {{ x }}{% endraw %}\n{%- if true %}\nText: {{ 'Text: ' ~ text }}\n{%- endif %}\nLabel:\n"
    given_ = template.parse("t", Path("t.j2"), source, task)
    made = Surface(given_).written(Format(sep=" - ", case="upper"))
    example = task.examples("test")[0]
    assert made.render(example).content == f"Text: {{{{ x }}}}TEXT - Text: {example.text}LABEL -"
    assert made.render(example).choices[0] == " positive"


def test_a_written_answer_follows_a_visible_separator():
    given_ = template.load("plain", definition.load("summarize-filing"))
    found = formats.drawn(given_, 200, np.random.default_rng(0), written=True)
    assert {form.sep for form, _ in found} == {None, ": ", " - ", "::", " = "}


def test_half_of_a_balanced_part_is_a_part():
    chosen = rasch.balanced(30, 40, 0.1, np.random.default_rng(0))
    assert set(chosen.sum(1)) == {4}
    assert set(chosen.sum(0)) == {3}
    assert rasch.means(np.full((3, 4), np.nan)) == pytest.approx(np.full(3, np.nan), nan_ok=True)
    assert rasch.means(np.ones((3, 4))).tolist() == [1, 1, 1]


def test_estimates_are_nearer_than_means_of_what_was_seen():
    """Golden in kind: PromptEval's estimates beat the plain means of 5 % of the cells (Polo et al., 2024, figure 2)."""
    draw = np.random.default_rng(0)
    chance = 1 / (1 + np.exp(-(draw.normal(0.3, 0.5, (60, 1)) - draw.normal(0, 1.5, 200))))
    whole = (draw.random(chance.shape) < chance).astype(float)
    seen = np.where(rasch.balanced(60, 200, 0.05, draw), whole, np.nan)
    truth = whole.mean(1)
    near, plainly = np.abs(rasch.means(seen) - truth).mean(), np.abs(np.nanmean(seen, axis=1) - truth).mean()
    assert near < 0.7 * plainly
