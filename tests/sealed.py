"""A sealed run, and ways to change what it says."""

import copy
import json

import pytest

from harness.errors import InputError
from harness.results import store
from harness.study import grid
from harness.task import definition

SPEC = grid.Spec(baselines=("majority",), limit=40)


def make(root):
    ((_, folder),) = grid.run(definition.load("finsentiment"), SPEC, [], root)
    return folder


def said(folder):
    return json.loads((folder / "run.json").read_text())


def tell(folder, document):
    (folder / "run.json").write_text(json.dumps(document))


def leaves(value, path=()):
    """The path of every value in a document."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from leaves(each, (*path, key))


def at(document, path, change):
    """``document`` with ``change`` done to what holds the value at ``path``."""
    changed = copy.deepcopy(document)
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    change(holder, path[-1])
    return changed


def raising(folder):
    with pytest.raises(InputError) as error:
        store.load(folder)
    assert "run.json" in str(error.value) or str(folder) in str(error.value)
    assert "\n" not in str(error.value)
    return str(error.value)
