"""`harness report --page`: one file, with the texts and the prompts where the task still is what it was."""

import json
import shlex
import shutil

import pytest
from click.testing import CliRunner
from pages import blocks, prompt
from pyarrow import parquet
from sealed import said, tell

from harness import builtin
from harness.cli import main
from harness.engines import create
from harness.predictors.prompted import Prompted
from harness.prompt.selectors import create as selector
from harness.prompt.template import load
from harness.results import checksum, columns, document, store
from harness.study import grid
from harness.study.prompts import prompts
from harness.study.show import command, show
from harness.study.texts import texts
from harness.task import definition

CHEAP = ("majority", "place", "dictionary", "sentence", "last-number", "copy", "last-mention")


def invoke(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


def sealed(name, root, model="tiny", baselines=None, **spec):
    """The runs of a grid on an engine that answers at once."""
    task = definition.load(name)
    if baselines is None:
        baselines = [each for each in CHEAP if each in task.kind.baselines][:1]
    asked = grid.Spec(**{"limit": 24, "baselines": baselines, **spec})
    return [made for made, _ in grid.run(task, asked, [create("null", model)], root)]


def paged(*args):
    """The blocks of the page that ``harness report`` writes, and what is told beside it."""
    done = invoke("report", *args, "--page", "out/page.html")
    assert done.exit_code == 0, done.output
    with open("out/page.html", encoding="utf-8", newline="") as file:
        return blocks(file.read()), done.stderr


@pytest.mark.parametrize("name", builtin.names("tasks"))
def test_every_built_in_task_makes_a_page(home, name):
    runs = sealed(name, home / "results", shots=(2,))
    found, told = paged()
    (table,) = found["summary"]["tables"]
    kind = runs[0].kind
    assert table["kind"]["name"] == kind.name
    assert table["notes"] == []
    assert told.startswith("Wrote out/page.html, ")
    items = definition.load(name).examples("test")
    known = {item.id: item for item in items}
    ids, texts = found["items-0"]["ids"], found["texts-0"]
    for each in texts["inputs"]:
        assert each["texts"] == [known[id_].inputs[each["name"]] for id_ in ids]
    assert texts["options"] == ([list(known[id_].options) for id_ in ids] if known[ids[0]].options else None)
    assert (texts["marks"] is None) == (kind.marks(known[ids[0]], known[ids[0]].target) is None)
    (place,) = (place for place, row in enumerate(table["rows"]) if row["sort"] == "prompt")
    written, answers = found[f"prompts-0-{place}"], found[f"answers-0-{place}"]
    assert written["exact"]
    demos = answers["demos"] if isinstance(answers["demos"][0], int) else answers["demos"][0]
    shown = [texts["demos"][answers["shown"][demo]] for demo in demos]
    assert len(shown) == 2
    first = prompt(written, 0)
    for text in (known[ids[0]].inputs, *(demo["inputs"] for demo in shown)):
        assert all(" ".join(part.split()) in " ".join(first.split()) for part in text.values())


@pytest.mark.parametrize("template", ["plain", "chat", "chinese", "instruction"])
def test_a_prompt_is_what_show_shows(home, template):
    """Special tokens, chat template and all; every item's, though few of them were read back from tokens."""
    (made,) = sealed("finsentiment", home / "results", templates=(template,), shots=(3,), baselines=())
    found, why = prompts(made, texts([made]), home)
    assert found.exact, why
    written = list(found.texts())
    task = definition.load("finsentiment")
    asked = Prompted(load(template, task), create("null", "tiny"), selector("balanced", seed=0), 3)
    for item, text in list(zip(made.examples, written, strict=True))[::6]:
        assert show(asked, task, "test", item.id).text == text
    done = invoke(*command(made)[1:], made.examples[5].id)
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith(written[5].split("\n")[0])
    assert written[5].split("\n")[-1] in done.stdout


def test_demonstrations_of_each_item_are_its_own(home):
    sealed("finsentiment", home / "results", shots=(2,), selectors=("knn",))
    found, _ = paged()
    table, texts = found["summary"]["tables"][0], found["texts-0"]
    (place,) = (place for place, row in enumerate(table["rows"]) if row["sort"] == "prompt")
    answers = found[f"answers-0-{place}"]
    for item, demos in enumerate(answers["demos"]):
        text = prompt(found[f"prompts-0-{place}"], item)
        parts = [texts["demos"][answers["shown"][demo]]["inputs"]["text"] for demo in demos]
        parts.append(texts["inputs"][0]["texts"][item])
        starts = [text.index(part) for part in parts]
        assert starts == sorted(starts)
    (cut,) = (cut for cut in table["cuts"] if cut["by"].startswith("demonstrations"))
    assert sum(part["n"] for part in cut["parts"]) == 24
    assert "--embedder lsa" in shlex.join(table["rows"][place]["show"])


def test_the_command_in_the_page_writes_it_again(project):
    sealed("pets", project / "kept here", limit=None, shots=(2,), templates=("plain",))
    words = ("--results", "kept here", "--metric", "accuracy", "--price", "0.15,0.6")
    found, _ = paged(*words)
    first = (project / "out" / "page.html").read_bytes()
    again = shlex.split(found["summary"]["command"])
    assert again[:2] == ["harness", "report"]
    assert invoke(*again[1:]).exit_code == 0
    assert (project / "out" / "page.html").read_bytes() == first


class TestMissing:
    """What was changed since is told in a line and left out; the rest of the page stands."""

    @pytest.fixture
    def folder(self, project):
        sealed("pets", project / "results", limit=None, shots=(2,))
        return project

    def told(self):
        found, said = paged()
        (table,) = found["summary"]["tables"]
        assert len(said.splitlines()) == 1 + len(table["notes"])
        return found, table["notes"]

    def test_nothing(self, folder):
        found, notes = self.told()
        assert notes == []
        assert [name for name in found if name.startswith("prompts")]

    def test_a_template(self, folder):
        path = folder / "prompts" / "pets" / "plain.j2"
        path.write_text(path.read_text() + "!")
        found, (note,) = self.told()
        assert note.endswith("prompts are left out: template 'plain' was changed since the run.")
        assert not [name for name in found if name.startswith("prompts")]
        assert found["texts-0"]["inputs"][0]["texts"][0].startswith("test the")
        path.unlink()
        assert self.told()[1][0].endswith("template 'plain' is gone.")

    def test_the_items(self, folder):
        path = folder / "tasks" / "pets" / "test.jsonl"
        whole = path.read_text()
        path.write_text(whole.replace("meow", "purr"))
        found, (note,) = self.told()
        assert "read otherwise than when they were answered" in note
        assert found["texts-0"]["inputs"] == []
        assert "length" not in [cut["by"] for cut in found["summary"]["tables"][0]["cuts"]]
        path.write_text("\n".join(whole.splitlines()[1:]))
        assert "item 'test-0' is gone from task 'pets'" in self.told()[1][0]

    def test_the_demonstrations(self, folder):
        path = folder / "tasks" / "pets" / "train.jsonl"
        path.write_text(path.read_text().replace("meow", "purr"))
        found, notes = self.told()
        assert "the train split of task 'pets' is no longer that of the runs" in notes[0]
        assert "their demonstrations are not known" in notes[1]
        assert found["texts-0"]["demos"] == {}
        assert found["texts-0"]["inputs"][0]["texts"][0].startswith("test the")

    def test_the_task(self, folder):
        shutil.rmtree(folder / "tasks")
        found, (note,) = self.told()
        assert note.startswith("The texts of the items are not known: unknown task 'pets'")
        assert found["texts-0"]["inputs"] == []

    def test_the_model(self, project):
        shutil.copytree(builtin.root() / "models" / "tiny", project / "own")
        sealed("pets", project / "results", "own", limit=None)
        shutil.rmtree(project / "own")
        found, (note,) = self.told()
        assert "prompts are as the template makes them, without what the model's tokenizer adds: model 'own'" in note
        (written,) = (value for name, value in found.items() if name.startswith("prompts"))
        assert not written["exact"]
        assert prompt(written, 0).endswith(" =>")


def test_a_chat_without_its_model_has_its_roles(home):
    shutil.copytree(builtin.root() / "models" / "tiny", home / "own")
    sealed("finsentiment", home / "results", "own", templates=("chat",))
    shutil.rmtree(home / "own")
    found, _ = paged()
    (written,) = (value for name, value in found.items() if name.startswith("prompts"))
    assert prompt(written, 0).startswith("[")
    assert "\n\n[user]\n" in prompt(written, 0)


def test_a_tokenizer_that_changes_texts_is_read_back_item_by_item(home, monkeypatch):
    """One that folds case: no prompt is what was written, and each is shown as the model reads it."""
    from tokenizers import Tokenizer
    from tokenizers.normalizers import Lowercase

    shutil.copytree(builtin.root() / "models" / "tiny", home / "lower")
    path = home / "lower" / "tokenizer.json"
    raw = Tokenizer.from_file(str(path))
    raw.normalizer = Lowercase()
    raw.save(str(path))
    (made,) = sealed("finsentiment", home / "results", "lower", baselines=())
    found, why = prompts(made, texts([made]), home)
    assert (found.exact, found.decoded, why) == (True, True, "")
    written = list(found.texts())
    assert all(text.removeprefix("<s>") == text.removeprefix("<s>").lower() for text in written)
    task = definition.load("finsentiment")
    asked = Prompted(load("plain", task), create("null", "lower"), selector("balanced", seed=0))
    assert show(asked, task, "test", made.examples[7].id).text == written[7]
    monkeypatch.setattr("harness.study.prompts.MOST", 3)
    found, why = prompts(made, texts([made]), home)
    assert not found.exact
    assert "would take 96 sequences" in why


def test_runs_of_before_some_columns_make_a_page(home):
    sealed("finsentiment", home / "results")
    for folder in store.find(home / "results"):
        rows = parquet.read_table(folder / "predictions.parquet").drop_columns(list(columns.LATER))
        parquet.write_table(rows, folder / "predictions.parquet")
        old = said(folder)
        old["checksums"] = {document.ROWS: checksum.of_file(folder / document.ROWS)}
        tell(folder, document.signed(old))
    found, _ = paged()
    assert found["answers-0-0"]["tokens"] is None
    assert found["answers-0-0"]["seconds"] is None


def test_answers_made_elsewhere_stand_beside(home, put):
    task = definition.load("finsentiment")
    lines = [json.dumps({"id": e.id, "answer": "neutral", "note": "x"}) for e in task.examples("test")]
    answers = put("people.jsonl", "\n".join(lines))
    words = ["--task", "finsentiment", "--baselines-only", "--baseline", "majority", "--answers", answers]
    assert invoke("run", *words).exit_code == 0
    found, _ = paged()
    (table,) = found["summary"]["tables"]
    assert sorted(row["sort"] for row in table["rows"]) == ["recorded", "trained"]
    assert [row["show"] for row in table["rows"]] == [None, None]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        (".", "it is a folder. Name a file in it: report.html"),
        ("page", "a page is an HTML file. Name it so: page.html"),
        ("page.pdf", "Name it so: page.html"),
        ("-", "Name it so: report.html"),
    ],
)
def test_another_name_is_refused_with_the_mend(home, path, says):
    done = invoke("report", "--page", path)
    assert done.exit_code == 2
    assert says in done.stderr


def test_variance_makes_no_page(home):
    done = invoke("report", "--variance", "--page", "page.html")
    assert done.exit_code == 2
    assert "leave out --figure, --page and --log" in done.stderr
