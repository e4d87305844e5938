"""All saved baselines together, and those whose template is gone."""

import re
import shutil
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner

from harness.cli import main

NULL = ("--engine", "null", "--margin", 0.3)  # its answers are made up, and ever the same


def invoke(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


@pytest.fixture
def pets(project):
    """A project with two templates whose baselines are saved."""
    folder = project / "prompts" / "pets"
    (folder / "loud.j2").write_text((folder / "plain.j2").read_text().replace("=>", "is said by a"))
    for name in ("plain", "loud"):
        made = invoke("check", "--task", "pets", "--template", name, "--save", *NULL)
        assert made.exit_code == 0, made.output
    return project


class TestLeftBehind:
    def test_all_is_well(self, pets):
        assert invoke("check", "--all", *NULL[:2]).exit_code == 0

    @pytest.mark.parametrize("how", ["renamed", "deleted"])
    def test_a_template_that_is_gone_is_named_after_the_verdicts(self, pets, how):
        loud = pets / "prompts" / "pets" / "loud.j2"
        loud.rename(loud.with_name("louder.j2")) if how == "renamed" else loud.unlink()
        done = invoke("check", "--all", *NULL[:2], "--junit", "out.xml", "--markdown", "out.md", "--github")
        assert done.exit_code == 2
        assert "prompts/pets/loud.baseline.json: the saved baseline of template 'loud' of task 'pets'" in done.stderr
        assert "there is no prompts/pets/loud.j2" in done.stderr
        assert "rename its baseline with it; else delete it" in done.stderr
        assert re.search("pets/plain +PASS", done.stdout)
        assert re.search(r"prompts/pets/loud\.baseline\.json +LEFT BEHIND", done.stdout)
        assert "::error title=harness check: left behind::prompts/pets/loud.baseline.json" in done.stdout
        assert "loud.baseline.json" in (pets / "out.md").read_text()
        root = ElementTree.parse(pets / "out.xml").getroot()
        (error,) = root.iter("error")
        assert error.get("type") == "left behind"
        assert not list(root.iter("failure"))
        (pets / "prompts" / "pets" / "loud.baseline.json").unlink()
        assert invoke("check", "--all", *NULL[:2]).exit_code == 0

    def test_renamed_with_its_template_it_is_checked_again(self, pets):
        folder = pets / "prompts" / "pets"
        for suffix in (".j2", ".baseline.json"):
            (folder / f"loud{suffix}").rename(folder / f"quiet{suffix}")
        done = invoke("check", "--all", *NULL[:2])
        assert done.exit_code == 0, done.output
        assert "pets/quiet  PASS" in done.stdout

    def test_a_task_that_is_gone(self, pets):
        (pets / "tasks" / "pets").rename(pets / "tasks" / "animals")
        done = invoke("check", "--all", *NULL[:2])
        assert done.exit_code == 2
        assert done.stderr.count("unknown task 'pets'") == 2
        assert "saved baseline of template 'loud' of task 'pets'" in done.stderr

    def test_a_task_or_a_baseline_that_cannot_be_read_stops_no_other(self, pets):
        for kind in ("tasks", "prompts"):
            shutil.copytree(pets / kind / "pets", pets / kind / "other")
        (pets / "tasks" / "other" / "task.yaml").write_text("kind: [")
        damaged = pets / "prompts" / "pets" / "loud.baseline.json"
        damaged.write_text(damaged.read_text().replace("cat", "dog", 1))
        done = invoke("check", "--all", *NULL[:2])
        assert done.exit_code == 2
        assert re.search("pets/plain +PASS", done.stdout)
        for name in ("other/loud", "other/plain", "pets/loud"):
            assert re.search(f"{name} +WRONG USE", done.stdout)
        assert "harness: pets/loud: prompts/pets/loud.baseline.json: the baseline was changed" in done.stderr
        assert len(done.stderr.splitlines()) == 3

    def test_beside_a_file_elsewhere(self, pets):
        folder = pets / "drafts" / "new"
        folder.mkdir(parents=True)
        file = folder / "mine.j2"
        file.write_text((pets / "prompts" / "pets" / "plain.j2").read_text())
        made = invoke("check", "--task", "pets", "--template", "drafts/new/mine.j2", "--save", *NULL)
        assert made.exit_code == 0, made.output
        done = invoke("check", "--all", *NULL[:2])
        assert done.exit_code == 0, done.output
        assert "drafts/new/mine.j2  PASS" in done.stdout
        file.rename(folder / "yours.j2")
        done = invoke("check", "--all", *NULL[:2])
        assert done.exit_code == 2
        assert "drafts/new/mine.baseline.json: the saved baseline of template 'mine' of task 'pets'" in done.stderr

    def test_of_no_other_project_and_of_no_results(self, pets):
        for folder in ("results/x", ".hidden", "other/prompts/pets", "other/tasks"):
            (pets / folder).mkdir(parents=True)
            if folder != "other/tasks":
                (pets / folder / "lost.baseline.json").write_text("{}")
        assert invoke("check", "--all", *NULL[:2]).exit_code == 0

    def test_nothing_but_what_is_left_behind(self, pets):
        for name in ("plain", "loud"):
            (pets / "prompts" / "pets" / f"{name}.j2").unlink()
        done = invoke("check", "--all", *NULL[:2])
        assert done.exit_code == 2
        assert len(done.stderr.splitlines()) == 2
        assert done.stdout == ""
