"""Templates that would take for ever or fill the memory do neither, and ordinary ones are none of them."""

import json
import subprocess
import sys
from bisect import bisect_left
from contextlib import suppress

import bombs
import pytest
from conftest import ROOT, example

from harness.errors import InputError
from harness.prompt import template

SECONDS, MEGABYTES = 2, 256
# A process of its own, which may take no more memory than it had plus MEGABYTES at any one template.
WORKER = """
import gc, json, resource, sys, time
from pathlib import Path
import bombs
from harness.errors import HarnessError
from harness.prompt import template
from harness.task import definition
from harness.types import Example

task = definition.load("finsentiment")
shots = task.examples("train")[:5]

def size():
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()

def told(source, text):
    gc.collect()
    resource.setrlimit(resource.RLIMIT_AS, (size() + int(sys.argv[1]) * 2**20, resource.RLIM_INFINITY))
    begun = time.process_time()
    try:
        template.parse("t", Path("t.j2"), source, task).render(Example("1", {"text": text}, "positive"), shots)
        said = "filled in"
    except HarnessError as error:
        said = f"refused: {error}"
    except BaseException as error:
        said = f"{type(error).__name__}: {error}"
    return said, time.process_time() - begun

told("{{ text }}", "a")
for source, text in json.load(sys.stdin):
    print(json.dumps([source, text, *told(source, bombs.TEXTS[text])]), flush=True)
"""


def _went_wrong(todo):
    """Of templates with the names of their texts, those that took too much or said too little, with what they did."""
    done = subprocess.run(
        [sys.executable, "-c", WORKER, str(MEGABYTES)],
        input=json.dumps(todo),
        capture_output=True,
        text=True,
        check=False,
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(told) == len(todo), f"ended with {done.returncode} at {todo[len(told)][0][:200]}: {done.stderr[-2000:]}"
    return [
        (source[:60], source[-60:], text, said, seconds)
        for source, text, said, seconds in told
        if seconds > SECONDS or not said.startswith(("filled in", "refused: "))
    ]


def test_a_bomb_of_each_kind_is_held():
    assert _went_wrong([(kind[0], "short") for kind in bombs.BOMBS.values()]) == []


@pytest.mark.slow
def test_every_bomb_is_held():
    short = [(source, "short") for kind in bombs.BOMBS.values() for source in kind]
    assert len(short) >= 130
    assert _went_wrong([*short, *((source, text) for source in bombs.LONG for text in bombs.TEXTS)]) == []


def test_the_worker_sees_what_is_not_held(monkeypatch):
    """Without it, that nothing goes wrong would say nothing."""
    monkeypatch.setattr(sys.modules[__name__], "MEGABYTES", 1)
    monkeypatch.setattr(sys.modules[__name__], "SECONDS", 0)
    (found,) = _went_wrong([("{{ text|upper|length }}", "ten million")])
    assert found[-1] > 0


@pytest.fixture
def render(finsentiment):
    def render(source, text="Profit rose", shots=5):
        made = template.parse("t", ROOT / "t.j2", source, finsentiment)
        return made.render(example("1", text), finsentiment.examples("train")[:shots]).content

    return render


def test_a_prompt_of_half_a_million_characters_is_no_bomb(render):
    document = "Profit rose 利 " * 40_000
    made = render("{{ text|trim|replace('rose', 'fell') }}{% if 'loss' in text %}!{% endif %} Label:", document)
    assert made == document.strip().replace("rose", "fell") + " Label:"


def test_hundreds_of_demonstrations_are_no_bomb(render, finsentiment):
    source = "{% for s in shots %}{{ loop.index }}. {{ s.text|trim }} {% if s.answer == labels[0].answer %}+{% endif %}"
    source += "{% for l in labels %}{{ l }}{{ ', ' if not loop.last }}{% endfor %}¦{% endfor %}{{ text }}"
    made = render(source, shots=300)
    assert made.count("¦") == len(finsentiment.examples("train"))


def test_a_macro_a_set_and_a_namespace_work_as_ever(render):
    source = (
        "{% macro shown(s) %}[{{ s.text[:3] }}: {{ s.answer }}]{% endmacro %}{% set all %}"
        "{{ shown(shots[0]) }}{% endset %}"
        "{% set ns = namespace(n=0) %}{% for s in shots %}{% set ns.n = ns.n + 1 %}{% endfor %}"
        "{{ all|length > 5 }} {{ ns.n ~ '/' ~ shots|length }} {{ labels|map(attribute='answer')|join('|') }} "
        "{{ shots|groupby('answer')|length > 0 }} {{ [3, 1, 2]|sort|first }} {{ (1, 'a') }} {{ 2.5|round(1) }}"
    )
    assert render(source) == "True 5/5 positive|negative|neutral True 1 (1, 'a') 2.5"


@pytest.mark.parametrize(
    "source",
    ["{{ range }}", "{{ labels.append }}", "{{ namespace() }}", "{{ joiner() }}", "{{ self }}", "{{ shots[0].get }}"],
)
def test_what_has_no_text_is_not_written(render, source):
    """Its text would tell where it lies in memory, and be another each time."""
    with pytest.raises(InputError, match=r"has no text|unsafe"):
        render(source)


def test_the_same_steps_are_counted_each_time(render, finsentiment):
    """A template passes or not whatever was filled in before, and whatever the machine."""
    made = template.parse("t", ROOT / "t.j2", "{% for c in text %}{{ c|upper }}{% endfor %}", finsentiment)

    def refused(length):
        with suppress(InputError):
            made.render(example("1", "a" * length))
            return False
        return True

    least = bisect_left(range(200_000), True, key=refused)
    assert 10_000 < least < 200_000
    assert [refused(least + by) for by in (-1, 0, -1, 0)] == [False, True, False, True]
