"""Names are names and files are files: nothing is written, read for ever or removed outside of what was asked for."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from runs import run

from harness import paths
from harness.cli import main
from harness.errors import InputError
from harness.results import document, store

NAMES = ("pets", "my task", "v1.2", "a-b_c", "公司", "x" * 200, "_draft", "-x", "a:b", "it's")
NO_NAMES = (
    *(
        "",
        " ",
        ".",
        "..",
        ".hidden",
        "a.",
        "a ",
        " a",
        "a/b",
        "/abs",
        "../up",
        "./here",
        "a\\b",
        "a\0b",
        "a\nb",
        "a\tb",
    ),
    *("x" * 201, "é" * 101, "\x1b[31m", "\u202eevil", "\ud800", "a/", "\ufeffa", "~/../x", "\u200b"),
)


def cli(*args):
    return CliRunner().invoke(main, [*map(str, args)])


def majority(task, *more):
    return cli("run", "--task", task, "--baselines-only", "--baseline", "majority", *more)


def files_below(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


class TestNames:
    @pytest.mark.parametrize("text", NAMES)
    def test_what_is_one(self, text):
        assert paths.name("task", text) == text

    @pytest.mark.parametrize("text", NO_NAMES)
    def test_what_is_none(self, text):
        with pytest.raises(InputError, match=r"task .*: that is no name"):
            paths.name("task", text)

    @given(st.text(max_size=12) | st.text("./\\a \0~-", max_size=6))
    def test_a_name_is_one_entry_of_the_folder_it_is_joined_to(self, text):
        if paths.is_name(text):
            path = Path("/somewhere") / text
            assert path.parent == Path("/somewhere")
            assert os.path.normpath(path) == str(path)
            assert path.name == text
            assert len(os.fsencode(text)) <= paths.LONGEST


@pytest.fixture
def outside(project, tmp_path_factory):
    """A whole task elsewhere, beside which a run would be sealed if its path were its name."""
    folder = tmp_path_factory.mktemp("outside") / "pets"
    shutil.copytree(project / "tasks" / "pets", folder)
    shutil.copytree(folder, project.parent / "pets-beside", dirs_exist_ok=True)
    return folder


class TestCommands:
    @pytest.mark.parametrize("how", ["absolute", "up", "slash", "dot", "folder"])
    def test_a_path_is_no_task_and_nothing_is_written(self, project, outside, how):
        name = {
            "absolute": outside,
            "up": os.path.relpath(outside, project / "tasks"),
            "slash": "pets/",
            "dot": "./pets",
            "folder": "pets/../pets",
        }[how]
        before = files_below(outside.parent)
        for command in (
            ("run", "--task", name, "--baselines-only", "--baseline", "majority"),
            ("show", "--task", name, "--engine", "null"),
            ("check", "--task", name, "--template", "plain", "--save", "--engine", "null"),
            ("plan", "--task", name),
        ):
            done = cli(*command)
            assert done.exit_code == 2, done.output
            assert "that is no name" in done.stderr
        assert files_below(outside.parent) == before
        assert not (project / "results").exists()

    @pytest.mark.parametrize("name", ["../../evil", "sub/plain", "", "..", "x" * 300, "a\nb"])
    def test_a_path_without_its_ending_is_no_template(self, project, name):
        (project / "evil.j2").write_text("{{ text }}")
        (project / "prompts" / "pets" / "sub").mkdir()
        (project / "prompts" / "pets" / "sub" / "plain.j2").write_text("{{ text }}")
        for command in (("show",), ("check", "--save")):
            done = cli(*command, "--task", "pets", "--template", name, "--engine", "null")
            assert done.exit_code == 2, done.output
            assert len(done.stderr.strip().splitlines()) == 1
        assert not list(project.rglob("*.baseline.json"))
        assert cli("show", "--task", "pets", "--template", "evil.j2", "--engine", "null").exit_code == 0

    @pytest.mark.parametrize("name", ["../evil", "/abs/evil", "a/b", "a\nb", "x" * 300, ".."])
    def test_init_makes_no_project_elsewhere(self, home, name):
        (home / "t.csv").write_text("text,label\n" + "a,x\nb,y\n" * 9)
        done = cli("init", "t.csv", "--name", name)
        assert done.exit_code == 2
        assert [path.name for path in home.iterdir()] == ["t.csv"]

    def test_a_task_that_is_not_named_is_no_task(self, project):
        done = majority("")
        assert done.exit_code == 2
        assert "nothing is named" in done.stderr

    def test_names_with_spaces_and_dots_work_throughout(self, project):
        (project / "tasks" / "pets").rename(project / "tasks" / "my pets v1.2")
        (project / "prompts" / "pets").rename(project / "prompts" / "my pets v1.2")
        assert majority("my pets v1.2").exit_code == 0
        assert "my pets v1.2" in cli("list", "tasks").stdout
        assert cli("report").exit_code == 0


@pytest.mark.parametrize("key", ["name", "task"])
@pytest.mark.parametrize("text", ["../../evil", "/abs", "", "a/b", "a\nb"])
class TestRuns:
    def test_a_sealed_run_that_calls_itself_a_path_is_damaged(self, tmp_path, key, text):
        folder = store.seal(run(n=9), tmp_path)
        said = json.loads((folder / document.FILE).read_text())
        (folder / document.FILE).write_text(json.dumps(document.signed({**said, key: text})))
        with pytest.raises(InputError, match=f"damaged: {key}: .*no name of a folder"):
            store.load(folder)

    def test_no_run_is_sealed_by_a_path(self, tmp_path, key, text):
        (tmp_path / "results").mkdir()
        with pytest.raises(InputError, match="that is no name"):
            store.seal(dataclasses.replace(run(n=9), **{key: text}), tmp_path / "results")
        assert files_below(tmp_path) == {}


PLACES = {
    "task.yaml": "tasks/pets/task.yaml",
    "data": "tasks/pets/train.jsonl",
    "template": "prompts/pets/plain.j2",
    "run.json": "results/pets/r/run.json",
    "predictions": "results/pets/r/predictions.parquet",
    "baseline": "prompts/pets/plain.baseline.json",
    "gguf": "m.gguf",
}
COMMANDS = {
    "task.yaml": ("run", "--task", "pets", "--baselines-only", "--baseline", "majority"),
    "data": ("run", "--task", "pets", "--baselines-only", "--baseline", "majority"),
    "template": ("show", "--task", "pets", "--engine", "null"),
    "run.json": ("report",),
    "predictions": ("report",),
    "baseline": ("check", "--task", "pets", "--template", "plain", "--engine", "null"),
    "gguf": ("show", "--task", "pets", "--model", "m.gguf"),
}


def _at(project, place):
    """Where a command looks for a file, with nothing there."""
    path = project / PLACES[place]
    if place == "predictions":
        shutil.copytree(store.seal(run(n=9), project / "elsewhere"), path.parent)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    return path


class TestFiles:
    """Whatever is put in the place of a file, a command ends, and says which."""

    @pytest.mark.parametrize("place", PLACES)
    def test_a_folder(self, project, place):
        _at(project, place).mkdir()
        done = cli(*COMMANDS[place])
        assert done.exit_code == 2, done.output
        assert Path(PLACES[place]).name in done.stderr

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("place", "kind"), [*((place, "pipe") for place in PLACES), ("task.yaml", "device"), ("run.json", "device")]
    )
    def test_what_would_be_read_for_ever(self, project, place, kind):
        path = _at(project, place)
        if kind == "pipe":
            os.mkfifo(path)
        else:
            path.symlink_to("/dev/zero")
        done = subprocess.run(
            [sys.executable, "-m", "harness", *COMMANDS[place]],
            check=False,
            cwd=project,
            capture_output=True,
            text=True,
            timeout=300,
            stdin=subprocess.DEVNULL,
        )
        assert done.returncode == 2, (done.stdout, done.stderr)
        assert path.name in done.stderr
        assert "Traceback" not in done.stderr
        assert "a fault of harness" not in done.stderr

    @pytest.mark.parametrize("split", ["/dev/stdin", "/dev/zero", "..", "", "train\x00.jsonl", "x" * 300 + ".jsonl"])
    def test_a_split_that_names_no_file(self, project, split):
        path = project / "tasks" / "pets" / "task.yaml"
        path.write_text(path.read_text().replace("train: train.jsonl", f"train: {json.dumps(split)}"))
        done = majority("pets")
        assert done.exit_code == 2, done.output
        assert "Traceback" not in done.stderr

    def test_data_may_lie_elsewhere(self, project, tmp_path_factory):
        """A link, and a path out of the task's folder, are read as any file is; nothing is written there."""
        elsewhere = tmp_path_factory.mktemp("data")
        train = project / "tasks" / "pets" / "train.jsonl"
        shutil.move(train, elsewhere / "train.jsonl")
        train.symlink_to(elsewhere / "train.jsonl")
        before = files_below(elsewhere)
        assert majority("pets").exit_code == 0
        train.unlink()
        path = project / "tasks" / "pets" / "task.yaml"
        path.write_text(path.read_text().replace("train: train.jsonl", f"train: {elsewhere / 'train.jsonl'}"))
        assert majority("pets").exit_code == 0
        assert files_below(elsewhere) == before

    def test_a_link_in_the_place_of_a_run_is_not_followed_to_remove_anything(self, project, tmp_path_factory):
        assert majority("pets").exit_code == 0
        (folder,) = store.find(project / "results")
        elsewhere = tmp_path_factory.mktemp("kept") / "mine"
        shutil.move(folder, elsewhere)
        (elsewhere / "notes.txt").write_text("keep")
        (elsewhere / "run.json").write_text("{}")
        folder.symlink_to(elsewhere)
        before = files_below(elsewhere)
        majority("pets")
        assert files_below(elsewhere) == before
