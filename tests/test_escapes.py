"""No template gets out of its sandbox: it is refused, or it renders and nothing has happened."""

import builtins
import os
import re
import subprocess
from pathlib import Path

import pytest
from conftest import example
from escapes import ALL

from harness.errors import InputError
from harness.prompt import template

SECRET = "a-secret-that-no-prompt-holds"
# What the text of a type, a function, a frame or a module looks like: a way on, where it is more than text. Jinja's
# own stand-in for ``format`` is none: it formats within the sandbox.
REACHED = re.compile(
    r"<class |<type|<module|<frame|<code|<built-in|<function (?!str\.format )|<bound method|<method|__builtins__|root:"
)


@pytest.fixture
def canary(home, monkeypatch):
    """Where a file appears if code is run; and nothing that runs code, or opens a file, is there to be reached."""
    monkeypatch.setenv("SECRET", SECRET)
    (home / "CANARY.secret").write_text(SECRET)
    ran = []
    for module, name in ((os, "system"), (os, "popen"), (subprocess, "Popen"), (builtins, "eval")):
        monkeypatch.setattr(module, name, lambda *args, **_: ran.append(args))
    yield home / "CANARY"
    assert ran == []


@pytest.mark.parametrize("source", ALL)
def test_refused_or_harmless(source, canary, finsentiment):
    source = source.replace("CANARY", str(canary))
    labels = dict(finsentiment.kind.labels)
    items = [example(str(i), "Profit rose", "positive") for i in range(2)]
    try:
        prompt = template.parse("t", Path("t.j2"), source, finsentiment).render(items[0], items[1:])
    except InputError as error:
        said = str(error)
    else:
        said = prompt.content if isinstance(prompt.content, str) else "".join(m.content for m in prompt.content)
        assert not REACHED.search(said), said
    assert SECRET not in said
    assert not canary.exists()
    assert finsentiment.kind.labels == labels


def test_there_are_many():
    assert len(set(ALL)) == len(ALL) >= 90


def test_what_an_answer_word_says_is_no_template(canary, finsentiment):
    """Only the body is one: what stands in the front matter or in the data is text."""
    source = "---\nverbalizer: {positive: '{{ 7*7 }}', negative: b, neutral: c}\n---\n{{ text }} {{ labels|join(' ') }}"
    item = example("1", "{{ cycler.__init__.__globals__ }}{% include 'x' %}", "positive")
    prompt = template.parse("t", Path("t.j2"), source, finsentiment).render(item)
    assert prompt.content.startswith(item.text)
    assert "49" not in prompt.content
    assert prompt.choices[0] == " {{ 7*7 }}"
