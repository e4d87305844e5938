"""`harness doctor`: what is damaged is named, each readable answer is recovered, and nothing is deleted."""

import errno
import os
from pathlib import Path

import pytest
from checkups import doctor, states, whole
from click.testing import CliRunner

from harness.cli import main
from harness.results import store
from harness.results.vault import Vault

STUDY = ("run", "--task", "finsentiment", "--engine", "null", "--limit", "40", "--baseline", "majority")


@pytest.fixture
def kept(home):
    """A results folder with all that there is: a journal, two runs, a model and an index."""
    assert CliRunner().invoke(main, STUDY).exit_code == 0
    for name in ("models", "indexes"):
        Vault(home / "results" / name).store("f" * 32, lambda folder: (folder / "weights").write_text("x"))
    return home / "results"


def test_all_is_whole(kept):
    before = sorted(kept.rglob("*"))
    done = doctor()
    assert done.exit_code == 0
    assert sorted(states(done).values()) == ["whole"] * 5
    assert "results/journal.sqlite: journal with 40 answers" in done.stdout
    assert "run of 40 items" in done.stdout
    assert sorted(kept.rglob("*")) == before
    assert doctor("--mend").stdout == done.stdout
    assert sorted(kept.rglob("*")) == before


def test_nothing_is_there(home):
    done = doctor()
    assert done.exit_code == 2
    assert "results: no such folder" in done.stderr
    (home / "results").mkdir()
    done = doctor()
    assert (done.exit_code, done.stdout) == (0, "results: nothing is kept there.\n")
    assert list((home / "results").iterdir()) == []


def only(folder):
    return next(each for each in store.find(folder) if "majority" in each.name)


class TestRest:
    @pytest.mark.parametrize("name", ["run.json", "predictions.parquet"])
    @pytest.mark.parametrize("how", ["gone", "cut", "changed"])
    def test_a_damaged_run_is_set_aside_and_made_anew(self, kept, name, how):
        folder = only(kept)
        whole_rows, path = (folder / "predictions.parquet").read_bytes(), folder / name
        data = path.read_bytes()
        if how == "gone":
            path.unlink()
        else:
            path.write_bytes(data[:-9] if how == "cut" else data[:99] + bytes([data[99] ^ 1]) + data[100:])
        done = doctor()
        assert done.exit_code == 1
        where = str(folder.relative_to(kept.parent))
        assert states(done)[where] == "damaged"
        assert sorted(states(done).values()) == ["damaged", *["whole"] * 4]
        assert doctor("--mend").exit_code == 0
        assert (kept / "damaged" / "finsentiment" / folder.name).is_dir()
        assert len(store.find(kept)) == 1
        assert CliRunner().invoke(main, STUDY).exit_code == 0
        assert (folder / "predictions.parquet").read_bytes() == whole_rows
        assert sorted(states(doctor()).values()) == ["whole"] * 5

    @pytest.mark.parametrize("name", ["models", "indexes"])
    @pytest.mark.parametrize("damage", ["file", "manifest", "gone"])
    def test_what_was_trained_is_set_aside(self, kept, name, damage):
        folder = kept / name / ("f" * 32)
        path = folder / ("manifest.json" if damage == "manifest" else "weights")
        path.unlink() if damage == "gone" else path.write_text("{")
        done = doctor()
        assert done.exit_code == 1
        assert sorted(states(done).values()) == ["damaged", *["whole"] * 4]
        assert doctor("--mend").exit_code == 0
        assert (kept / "damaged" / name / folder.name).is_dir()
        assert Vault(kept / name).fetch(folder.name) is None
        assert whole(kept)

    def test_what_cannot_be_set_aside_is_one_paragraph(self, kept, monkeypatch):
        folder = only(kept)
        (folder / "run.json").write_text("{")

        def refuse(path, _):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

        monkeypatch.setattr(Path, "rename", refuse)
        done = doctor("--mend")
        assert done.exit_code == 2
        assert done.stderr.count("\n") == 1
        assert (folder / "predictions.parquet").exists()
