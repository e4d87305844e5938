"""The gate's files: saved baselines that were changed, and those whose template is gone."""

import json
import os
import subprocess
import sys
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from runs import run

from harness.cli import main
from harness.errors import InputError
from harness.gate import saved
from harness.gate.question import Question, question_of
from harness.results import checksum

ASK = {"model": "tiny", "shots": 5, "seeds": [0, 1]}


def write(path, unparsed=3):
    runs = [run("p", n=30, seed=seed, draw=seed, clusters=3, unparsed=unparsed, mentioned="target") for seed in (0, 1)]
    saved.write(path, ASK, runs, saved.Reading("abc", 12.5))
    return runs


@pytest.fixture
def path(tmp_path):
    write(tmp_path / "plain.baseline.json")
    return tmp_path / "plain.baseline.json"


def sign(document):
    rest = {key: value for key, value in document.items() if key != "checksum"}
    return {**rest, "checksum": checksum.of_document(rest)}


def older(document):
    """The same baseline as layout 1 says it."""
    rest = {key: value for key, value in document.items() if key not in ("checksum", "kind")}
    kind = document["kind"]
    return {**rest, "version": 1, "labels": kind["labels"] if isinstance(kind, dict) else kind}


class TestFile:
    def test_reads_back(self, path):
        runs = write(path)
        asked, found, reading = saved.read(path)
        assert (asked, reading) == (ASK, saved.Reading("abc", 12.5))
        assert question_of(path) == Question(shots=5, seeds=[0, 1])
        for one, two in zip(runs, found, strict=True):
            assert [(p.example_id, p.output, p.status) for p in one.predictions] == [
                (p.example_id, p.output, p.status) for p in two.predictions
            ]
            assert one.examples == two.examples
            assert one.signature == two.signature
            assert two.counts == {"unparsed": 3, "failed": 0}

    def test_of_layout_1_too(self, path):
        path.write_text(json.dumps(older(json.loads(path.read_text()))))
        assert len(saved.read(path)[1]) == 2

    def test_a_change_by_hand_is_refused_and_another_layout_of_lines_is_not(self, path):
        document = json.loads(path.read_text())
        path.write_text(json.dumps(document, indent=4).replace("\n", "\r\n"))
        assert saved.read(path)[1]
        document["runs"][0]["answers"][5] = ["bad", "ok"]
        path.write_text(json.dumps(document))
        with pytest.raises(InputError, match=r"plain\.baseline\.json: .* changed after it was saved"):
            saved.read(path)

    @pytest.mark.parametrize("layout", [1, 2])
    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (lambda d: d["items"].append(d["items"][0]), "item 'i0' stands there 2 times"),
            (lambda d: d["items"][4].__setitem__(1, "god"), "unknown label 'god'. Did you mean 'good'"),
            (lambda d: d["runs"][1]["answers"][5].__setitem__(0, "bda"), "item 'i5': unknown answer 'bda'"),
            (lambda d: d["runs"][1]["answers"][5].__setitem__(1, "fine"), "runs.1.answers.5"),
            (lambda d: d["runs"][0]["answers"][5].__setitem__(1, "failed"), "item 'i5': status failed with the answer"),
            (lambda d: d["runs"][0]["answers"][5].__setitem__(0, None), "status ok with the answer None"),
            (lambda d: d["runs"][0]["answers"].pop(), "29 answers to 30 items"),
            (lambda d: d["items"].clear(), "items"),
            (lambda d: d["runs"].clear(), "runs"),
            (lambda d: d["items"][0].__setitem__(0, 7), "items.0.0"),
            (lambda d: d["items"][0].pop(), "items.0"),
            (lambda d: d["items"][0].__setitem__(3, {"kind": 1}), "items.0.3"),
            (lambda d: d.update(items={}), "items"),
            (lambda d: d.update(kind="good"), "kind"),
            (lambda d: d.update(task=None), "task"),
            (lambda d: d.update(prompt_tokens="many"), "prompt_tokens"),
            (lambda d: d.update(question=[]), "question"),
            (lambda d: d.pop("prompts"), "prompts"),
            (lambda d: d["runs"][0].pop("spec"), "spec"),
            (lambda d: d["runs"][0]["spec"].pop("predictor"), "spec lacks 'predictor'"),
            (lambda d: d["runs"][0]["signature"].append(["lonely"]), "signature"),
            (lambda d: d.update(more=1), "more"),
        ],
    )
    def test_what_cannot_be_is_one_input_error(self, path, layout, change, said):
        document = json.loads(path.read_text())
        change(document)
        path.write_text(json.dumps(sign(document) if layout == 2 else older(document)))
        with pytest.raises(InputError) as error:
            saved.read(path)
        assert said in str(error.value)
        assert str(path) in str(error.value)

    @pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"version": 3}', '{"version": []}', "[" * 100_000])
    def test_other_documents(self, path, text):
        path.write_text(text)
        with pytest.raises(InputError, match="harness check --save"):
            saved.read(path)

    @pytest.mark.parametrize(
        "wrong", [{"shots": "5"}, {"seeds": "0"}, {"seeds": [0, "x"]}, {"margin": None}, {"limit": 1.5}, {"sots": 5}]
    )
    def test_a_question_that_cannot_be_asked(self, path, wrong):
        document = json.loads(path.read_text())
        document["question"].update(wrong)
        path.write_text(json.dumps(sign(document)))
        with pytest.raises(InputError, match=next(iter(wrong))):
            question_of(path)

    FULL = """
import resource, signal, sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from test_saved import write
from harness.errors import InputError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (500, resource.RLIM_INFINITY))  # no file longer than that can be written
try:
    write(Path(sys.argv[1]), unparsed=9)
except InputError as error:
    print(error)
"""

    def test_where_nothing_more_can_be_written_the_old_one_stays(self, path):
        before = path.read_bytes()
        assert len(before) > 500
        tests = os.path.dirname(__file__)
        done = subprocess.run(
            [sys.executable, "-c", self.FULL, str(path), tests], capture_output=True, text=True, check=True
        )
        assert "cannot be written" in done.stdout
        assert path.read_bytes() == before
        assert [each.name for each in path.parent.iterdir()] == [path.name]  # and nothing lies beside it


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
        assert "pets/plain  PASS" in done.stdout
        assert "::error title=harness check: baseline left behind::prompts/pets/loud.baseline.json" in done.stdout
        assert "loud.baseline.json" in (pets / "out.md").read_text()
        (failure,) = ElementTree.parse(pets / "out.xml").getroot().iter("failure")
        assert failure.get("type") == "left behind"
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
