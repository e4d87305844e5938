"""A template is a pure function: in any process, with any hash seed, it writes the same or is refused."""

import json
import os
import re
import subprocess
import sys

import pytest
from conftest import ROOT

PROGRAM = """
import json, sys
from pathlib import Path
from harness import builtin
from harness.errors import InputError
from harness.prompt import template
from harness.task import definition

task = definition.load("finsentiment")
item, shots = task.examples("test")[0], list(task.examples("train"))[:3]

def written(made):
    try:
        return str(made().render(item, shots).content)
    except InputError as error:
        return f"refused: {error}"

found = {name: written(lambda: template.load(name, task)) for name in builtin.names("prompts/finsentiment", ".j2")}
for text in json.load(sys.stdin):
    found[text] = written(lambda: template.parse("x", Path("x.j2"), text, task))
print(json.dumps(found))
"""
METHODS = ["shots[0].items", "shots[0].get", "labels.count", "text.upper", "text|attr('upper')", "text.format"]
OBJECTS = ["range", "dict", "cycler", "joiner", "joiner()", "cycler('a')", "cycler('a').next", "namespace()", "self"]
LAZY = ["shots|map(attribute='answer')", "shots|select", "shots|rejectattr('answer')", "labels|unique", "shots|reverse"]
LAZY += ["shots|batch(2)", "shots|slice(2)", "shots[0]|items", "text|list|unique"]
VALUES = ["labels", "shots", "labels[0]", "shots[0].keys()", "shots[0].values()", "shots|groupby('answer')", "range(3)"]
WAYS = ["{{ %s }}", "{{ %s ~ '' }}", "{{ [%s] }}", "{{ {'a': %s} }}", "{{ %s|string }}", "{{ [%s]|join }}"]
WAYS += ["{%% set x %%}{{ %s }}{%% endset %%}{{ x|length }}", "{%% filter upper %%}{{ %s }}{%% endfilter %%}"]
BLOCKS = [
    "{% for s in shots %}{{ loop }}{{ loop.cycle }}{% endfor %}",
    "{% macro m() %}{{ caller }}{% endmacro %}{{ m }}{% call m() %}{% endcall %}",
    "{% block b %}{{ self.b }}{% endblock %}",
    "{{ text.split()|unique|sort|join }} {{ dict.fromkeys(text.split()) }} {{ shots[0]|dictsort }}",
    *("{{ text|random }}", "{{ lipsum() }}", "{{ now() }}", "{{ text.__hash__() }}", "{{ labels is sameas labels }}"),
]


@pytest.mark.slow
def test_three_processes_write_the_same():
    asked = [way % each for way in WAYS for each in (*METHODS, *OBJECTS, *LAZY, *VALUES)] + BLOCKS
    found = []
    for seed in "012":
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            check=True,
            cwd=ROOT,
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        found.append(json.loads(done.stdout))
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == len(asked) + len(list((ROOT / "prompts" / "finsentiment").glob("*.j2")))
    for text, written in found[0].items():
        assert not re.search(" at 0x[0-9a-f]{6,}", written, re.IGNORECASE), text
    refused = {text for text, written in found[0].items() if written.startswith("refused: ")}
    assert {way % each for way in WAYS[:2] for each in METHODS} <= refused
    assert {WAYS[0] % each for each in VALUES}.isdisjoint(refused)
