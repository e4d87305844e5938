"""The notebook runs as it stands, and shows what it was checked in with."""

import re

import nbformat
import pytest
from conftest import ROOT
from nbclient import NotebookClient

PATH = ROOT / "docs" / "notebook.ipynb"
# What differs from machine to machine: seconds, which end a row, and versions.
SECONDS = re.compile(r"<td>\d+\.\d</td></tr>")
VERSIONS = re.compile(r"(sklearn|transformers|engine|harness|device|dtype)[:-][^|<\s]+")


def ran():
    """The notebook, run anew in an empty kernel."""
    made = nbformat.read(PATH, as_version=4)
    NotebookClient(made, timeout=300, resources={"metadata": {"path": str(PATH.parent)}}).execute()
    for cell in made.cells:
        cell.metadata.pop("execution", None)  # times
        if "outputs" in cell:  # not what packages say of this machine
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    return made


def shown(notebook):
    """What each cell shows, without what differs."""
    found = []
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            text = data.get("text/html") or data.get("text/plain") or output.get("text")
            found.append(VERSIONS.sub(r"\1", SECONDS.sub("</tr>", text)))
    return found


@pytest.mark.slow
def test_it_shows_what_it_was_checked_in_with():
    then = shown(nbformat.read(PATH, as_version=4))
    assert len(then) == 5
    assert shown(ran()) == then


if __name__ == "__main__":  # writes what it shows
    nbformat.write(ran(), PATH)
