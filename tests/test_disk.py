"""A disk that is full, and a folder that cannot be written any more: one paragraph, nothing half-written, and the same
command goes on afterwards."""

import errno
import json
import os
import resource
import subprocess
import sys

import pytest
from click.testing import CliRunner
from runs import run as made_up

from harness.cli import main
from harness.engines import salvage
from harness.engines.journal import Journal
from harness.errors import HarnessError, InputError
from harness.predictors.setfit import SetFit
from harness.predictors.trained import Trained
from harness.prompt import selectors
from harness.results import store, vault, whole
from harness.results.vault import Vault
from harness.types import Example

NULL = ("run", "--task", "finsentiment", "--engine", "null", "--limit", "60", "--format", "json")
REFUSED = [errno.ENOSPC, errno.EROFS, errno.EDQUOT]


def run(*args):
    done = CliRunner().invoke(main, [*NULL, *args])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code == 0 or done.stderr.count("\n") == 1
    return done


def refusing(number):
    def refuse(*_, **__):
        raise OSError(number, os.strerror(number))

    return refuse


def limited(command, size):
    """``command`` where no file may grow beyond ``size`` bytes, as on a disk that is nearly full."""
    return subprocess.run(
        [sys.executable, *command],
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
    )


class TestJournal:
    def test_a_disk_that_fills_while_answers_come(self, home):
        whole_run = run("--results", "undisturbed")
        done = limited(["-m", "harness", *NULL], 100_000)
        assert done.returncode == 1, done.stderr
        assert done.stderr.count("\n") == 1
        assert done.stderr.startswith("harness: results/journal.sqlite: the response cache cannot be read or written: ")
        assert "make room and run again: it goes on from there" in done.stderr
        assert store.find(home / "results") == []
        kept = salvage.examine(home / "results" / "journal.sqlite")
        assert 0 < kept.whole < 60
        assert (kept.damaged, kept.wrong, kept.hidden) == (0, "", 0)
        (load,) = json.loads(run("--dry-run").stdout)
        assert load["known"] == kept.whole
        assert json.loads(run().stdout)[0]["metrics"] == json.loads(whole_run.stdout)[0]["metrics"]

    def test_sqlite_s_full_disk(self, tmp_path):
        with Journal(tmp_path / "journal.sqlite") as journal:
            journal.planned("ab", "ab")
            journal._execute("PRAGMA max_page_count=1")
            with pytest.raises(HarnessError, match=r"database or disk is full.*make room") as error:
                journal.planned([str(number) for number in range(99_999)], "")
            assert error.value.exit_code == 1
            journal._execute("PRAGMA max_page_count=100000")
            journal.planned("cd", "c")

    def test_a_folder_that_becomes_read_only(self, tmp_path):
        with Journal(tmp_path / "journal.sqlite") as journal:
            journal.planned("ab", "ab")
            journal._execute("PRAGMA query_only=ON")
            with pytest.raises(InputError, match=r"readonly database\. Make it writable and run again"):
                journal.planned("cd", "c")
            with pytest.raises(InputError, match="readonly"):
                journal.claim("ab")
            journal.release()  # says nothing: it ends with the process
            journal._execute("PRAGMA query_only=OFF")
            assert journal.claim("ab") == set("ab")

    def test_no_room_for_a_mark_beside_it(self, tmp_path, monkeypatch):
        with Journal(tmp_path / "journal.sqlite") as journal:
            monkeypatch.setattr("harness.engines.presence.Presence.begin", refusing(errno.ENOSPC))
            with pytest.raises(HarnessError, match=r"No space left on device.*make room") as error:
                journal.claim("a")
            assert error.value.exit_code == 1


class TestSealing:
    @pytest.mark.parametrize("number", REFUSED)
    @pytest.mark.parametrize("step", ["folder", "rows", "document", "place"])
    def test_a_run_that_cannot_be_sealed(self, home, monkeypatch, number, step):
        target = {
            "folder": ("tempfile.mkdtemp", refusing(number)),
            "rows": ("harness.results.store._write", refusing(number)),
            "document": ("pathlib.Path.write_text", refusing(number)),
            "place": ("os.rename", refusing(number)),
        }[step]
        with monkeypatch.context() as patch:
            patch.setattr(*target)
            done = run("--baseline", "majority")
        assert done.exit_code == 1
        assert "the run cannot be sealed there: " in done.stderr
        assert os.strerror(number) in done.stderr
        assert store.find(home / "results") == []
        assert [path.name for path in (home / "results").rglob("*.parquet")] == []
        assert run("--baseline", "majority").exit_code == 0
        assert len(store.find(home / "results")) == 2

    def test_a_real_limit_while_rows_are_written(self, tmp_path):
        code = (
            "import sys; from pathlib import Path; from runs import run; from harness.results import store\n"
            "try: store.seal(run(n=5000), Path(sys.argv[1]))\n"
            "except store.HarnessError as error: print(error)"
        )
        done = limited(["-c", code, str(tmp_path)], 20_000)
        assert "the run cannot be sealed there: " in done.stdout
        assert done.stderr == ""
        assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == []

    def test_a_sealed_run_outlives_a_failed_replacement(self, tmp_path, monkeypatch):
        folder = store.seal(made_up(n=9), tmp_path)
        before = store.load(folder).scores
        with monkeypatch.context() as patch:
            patch.setattr("harness.results.store._write", refusing(errno.ENOSPC))
            with pytest.raises(HarnessError, match="cannot be sealed"):
                store.seal(made_up(n=9, hits=0.1), tmp_path)
        assert store.load(folder).scores == before


class TestVault:
    @pytest.mark.parametrize("number", REFUSED)
    @pytest.mark.parametrize("step", ["mkdtemp", "manifest", "place"])
    def test_what_cannot_be_kept_is_told_and_leaves_nothing(self, tmp_path, monkeypatch, number, step):
        told = []
        kept = Vault(tmp_path / "models", told.append)
        target = {"mkdtemp": "tempfile.mkdtemp", "manifest": "harness.results.checksum.of_file", "place": "os.rename"}
        with monkeypatch.context() as patch:
            patch.setattr(target[step], refusing(number))
            assert not kept.keep("k", lambda folder: (folder / "w").write_text("x"))
        assert len(told) == 1
        assert os.strerror(number) in told[0]
        assert kept.fetch("k") is None
        assert list(kept.root.glob("*")) == []
        assert kept.keep("k", lambda folder: (folder / "w").write_text("x"))

    @pytest.mark.parametrize(
        "said",
        [
            "Error while serializing: I/O error: No space left on device (os error 28)",
            'Error while serializing: IoError(Os { code: 28, kind: StorageFull, message: "No space left on device" })',
        ],
    )
    def test_errors_of_libraries_in_rust_are_the_system_s(self, tmp_path, said):
        def write(folder):
            raise Exception(said)

        with pytest.raises(vault.Unkept, match="No space left on device"):
            Vault(tmp_path).store("k", write)

    def test_safetensors_names_the_system_s_error_in_one_of_these_forms(self, tmp_path):
        code = (
            "import sys, numpy; from pathlib import Path; from safetensors.numpy import save_file\n"
            "from harness.results.vault import Unkept, Vault\n"
            "try: Vault(Path(sys.argv[1])).store("
            "'k', lambda folder: save_file({'a': numpy.zeros(99_999)}, folder / 'w'))\n"
            "except Unkept as error: print(error)"
        )
        done = limited(["-c", code, str(tmp_path)], 20_000)
        assert "cannot be written" in done.stdout, done.stderr
        assert list(tmp_path.iterdir()) == []

    def test_an_index_that_cannot_be_kept_is_used(self, tmp_path, monkeypatch):
        monkeypatch.setattr("harness.prompt.selectors.bm25.LARGE", 2)
        pool = [Example(str(n), {"text": f"word{n} and word{n + 1}"}, "a") for n in range(9)]
        told, expected = [], None
        for path in (tmp_path / "one", tmp_path / "two"):
            with monkeypatch.context() as patch:
                if path.name == "two":
                    patch.setattr("tempfile.mkdtemp", refusing(errno.ENOSPC))
                selector = selectors.create("bm25", vault=Vault(path, told.append)).fit(pool)
            found = [list(ranks)[:3] for ranks in selector.ranks([pool[4]], [()], 2)]
            assert expected is None or found == expected
            expected = found
        assert len(told) == 1

    @pytest.mark.slow
    @pytest.mark.parametrize("name", ["finetune", "setfit"])
    def test_a_training_goes_on_in_memory(self, home, monkeypatch, name):
        """The model is trained once, and its run is sealed."""
        few = ("--baselines-only", "--baseline", name, "--train-size", "9")
        few += {"finetune": ("--with", "epochs=1", "--with", "min_steps=1"), "setfit": ("--with", "max_pairs=8")}[name]
        filling = whole.filling

        def full(parent, prefix):
            return refusing(errno.ENOSPC)() if parent.name == "models" else filling(parent, prefix)

        with monkeypatch.context() as patch:
            patch.setattr(whole, "filling", full)
            done = run(*few)
        assert done.exit_code == 0, done.stderr
        assert "No space left on device" in done.stderr
        assert "goes on in memory" in done.stderr
        (folder,) = store.find(home / "results")
        assert len(store.load(folder).predictions) == 60
        trained = []
        for kind in (Trained, SetFit):
            step = kind._train
            monkeypatch.setattr(kind, "_train", lambda *a, step=step: (trained.append(1), step(*a)))
        for _ in range(2):
            assert run(*few).exit_code == 0
        assert len(trained) == 1
        assert store.find(home / "results") == [folder]
