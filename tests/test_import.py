"""Tasks and prompts of other programs: what is asked and scored is what they ask and score, and the rest is refused."""

import json
from importlib import util
from pathlib import Path

import lm_eval_asked as asked
import pytest
from click.testing import CliRunner
from lm_eval_cases import CASES

from harness.bring.lm_eval import bring, folder
from harness.bring.lm_eval.definition import define
from harness.bring.lm_eval.document import load
from harness.bring.lm_eval.freeze import frozen
from harness.bring.lm_eval.refusal import REASONS, Refusal
from harness.cli import main
from harness.errors import InputError
from harness.prompt import template
from harness.task import definition
from harness.types import Message

GOLDEN = json.loads(asked.GOLDEN.read_text(encoding="utf-8"))
DIALECT = list(asked.dialect())
INSTALLED = util.find_spec("lm_eval") is not None and util.find_spec("datasets") is not None
TASK = """task: own
dataset_path: some/where
test_split: test
training_split: train
output_type: multiple_choice
doc_to_text: "{{q}}?"
doc_to_choice: [no, maybe]
doc_to_target: label
""".replace("[no, maybe]", "['no', maybe]")


def run(*args):
    return CliRunner().invoke(main, ["import", *map(str, args)])


def plain(found):
    return json.loads(json.dumps(found))


@pytest.mark.parametrize(("file", "splits", "shots", "replies"), DIALECT, ids=[each[0].stem for each in DIALECT])
def test_prompts_requests_and_scores_are_those_that_lm_eval_made(file, splits, shots, replies, tmp_path):
    theirs, ours = GOLDEN["cases"][file.stem], plain(asked.ours(file, splits, shots, tmp_path, replies))
    assert ours["plain"] == theirs["plain"]
    assert ours["chat"] == theirs["chat"]
    assert asked.same_scores(theirs["scores"], ours["scores"])


def test_the_golden_strings_say_where_they_come_from_and_cover_what_there_is():
    assert "lm_eval 0.4.13" in GOLDEN["provenance"]
    assert set(GOLDEN["cases"]) == {file.stem for file, *_ in DIALECT}
    texts = [pair[0] for case in GOLDEN["cases"].values() for group in case["plain"] for pair in group]
    assert any(text.startswith("Reckon.\nSum of [1, 2]? 3\n\nSum of 4 and 5?Sum of ") for text in texts)  # empty target


@pytest.mark.skipif(not INSTALLED, reason="lm_eval is not installed")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_tasks_of_lm_eval_ask_the_same_here(name, tmp_path):
    splits, shots = CASES[name]
    ((file, _),) = folder.located(None).named(name)
    size = max(map(len, splits.values()))
    replies = ["The answer is 6.", "x 12 #### 6", "the answer is No.", "Turku", "The best answer is C"][:size]
    theirs = plain(asked.theirs(file, splits, shots, replies))
    ours = plain(asked.ours(file, splits, shots, tmp_path, replies[: len(theirs["plain"])]))
    assert ours["plain"] == theirs["plain"]
    assert ours["chat"] == theirs["chat"]
    assert asked.same_scores(theirs["scores"], ours["scores"])


REFUSED = {
    "python": ("doc_to_text: !function utils.text", "`doc_to_text` calls the Python function utils.text"),
    "class": ("class: !function task.Own", "it is a class of Python"),
    "kind": ("output_type: loglikelihod", "Did you mean 'loglikelihood'?"),
    "metric": ("metric_list: [{metric: exactmatch}]", "unknown metric 'exactmatch'"),
    "filter": ("repeats: 5", "several times"),
    "data": ("dataset_kwargs: {trust_remote_code: true}", "runs code"),
    "splits": ("fewshot_split: test\nnum_fewshot: 3", "the split that it judges by"),
    "fields": ("doc_to_txt: x", "Did you mean 'doc_to_text'?"),
    "jinja": ("doc_to_target: '{{ label.format(1) }}'", ".format(), which the sandbox has not"),
    "media": ("doc_to_image: image", "it needs Python, or more than text"),
    "file": ("include: missing.yaml", "includes 'missing.yaml'"),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_has_no_counterpart_is_refused_in_a_sentence(reason, tmp_path):
    more, said = REFUSED[reason]
    fields = [line for line in TASK.splitlines() if not more.startswith(line.split(":")[0] + ":")]
    file = tmp_path / "own.yaml"
    file.write_text("\n".join([*fields, more]) + "\n")
    with pytest.raises(Refusal, match="not imported") as caught:
        bring(str(file), tmp_path)
    assert caught.value.reason == reason
    assert said in str(caught.value)
    done = run("lm-eval", file, "--into", tmp_path)
    assert done.exit_code == 2
    assert "Traceback" not in done.output
    assert len(done.output.strip().splitlines()) <= 6
    assert not (tmp_path / "tasks").exists()
    assert set(REFUSED) == set(REASONS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1", "not valid YAML"),
        ("- 1\n- 2\n", "no mapping of fields"),
        ("a: !!python/object/apply:os.system ['true']", "tag"),
        ("a: &x [1]\nb: *x\n", "aliases"),
        ("include: own.yaml\ntask: own", "includes itself"),
        ("task: own\nwhen: 2024-99-99", "not valid YAML"),
        ("", "no mapping of fields"),
        ("task: own\ndoc_to_text: " + "[" * 3000, "not valid YAML"),
    ],
)
def test_a_file_that_is_none_is_a_sentence(text, said, tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text(text)
    done = run("lm-eval", file, "--into", tmp_path)
    assert done.exit_code == 2, done.output
    assert said in " ".join(done.output.split())


def test_two_files_that_include_each_other(tmp_path):
    (tmp_path / "one.yaml").write_text("include: two.yaml\ntask: own")
    (tmp_path / "two.yaml").write_text("include: one.yaml")
    with pytest.raises(Refusal, match=r"it includes itself, by way of two\.yaml"):
        load(tmp_path / "one.yaml")


def test_a_pattern_that_may_never_end_is_refused(tmp_path):
    file = tmp_path / "own.yaml"
    text = TASK.replace("multiple_choice", "generate_until").replace("doc_to_choice: ['no', maybe]\n", "")
    pipeline = "filter_list: [{name: x, filter: [{function: regex, regex_pattern: '(a+)+b'}]}]\n"
    file.write_text(text + pipeline)
    with pytest.raises(Refusal, match="repeats what repeats"):
        bring(str(file), tmp_path)


def test_a_task_on_a_hub_names_its_data_set_and_the_version(tmp_path):
    file = tmp_path / "lm_eval" / "tasks" / "own.yaml"
    file.parent.mkdir(parents=True)
    (tmp_path / "lm_eval-0.4.13.dist-info").mkdir()
    file.write_text(TASK + "dataset_name: part\n")
    done = run("lm-eval", "own", "--path", tmp_path, "--into", tmp_path)
    assert done.exit_code == 0, done.output
    task = definition.read("own", tmp_path / "tasks" / "own")
    assert (task.spec.hub.path, task.spec.hub.name) == ("some/where", "part")
    assert task.spec.source == "lm-evaluation-harness 0.4.13, task own"
    assert task.kind.outputs == ("no", "maybe")
    again = run("lm-eval", "own", "--path", tmp_path, "--into", tmp_path)
    assert again.exit_code == 2
    assert "exists already" in " ".join(again.output.split())


def test_the_commit_of_a_checkout_is_kept(tmp_path):
    (tmp_path / ".git" / "refs" / "heads").mkdir(parents=True)
    (tmp_path / ".git" / "HEAD").write_text("ref: refs/heads/main\n")
    (tmp_path / ".git" / "refs" / "heads" / "main").write_text("a" * 40 + "\n")
    assert folder.version(tmp_path / "lm_eval" / "own.yaml").endswith("commit " + "a" * 40)


def test_groups_and_tags_are_their_tasks_and_a_group_outranks_them(tmp_path):
    for name in ("one", "two"):
        (tmp_path / f"{name}.yaml").write_text(TASK.replace("own", name) + "tag: both\n")
    (tmp_path / "all.yaml").write_text("group: all\ntask: [one, {task: two, num_fewshot: 3}]\n")
    found = folder.Folder(tmp_path)
    assert [file.stem for file, _ in found.named("all")] == ["one", "two"]
    assert [more for _, more in found.named("all")] == [{}, {"num_fewshot": 3}]
    assert [file.stem for file, _ in found.named("both")] == ["one", "two"]
    (tmp_path / "loop.yaml").write_text("group: loop\ntask: [loop]\n")
    with pytest.raises(Refusal, match="within itself"):
        folder.Folder(tmp_path).named("loop")
    with pytest.raises(InputError, match="Did you mean 'one'"):
        found.named("onee")


def test_of_a_group_the_tasks_that_can_be_are_taken_over(tmp_path):
    for name, more in (("one", ""), ("two", "process_docs: !function utils.docs\n")):
        (tmp_path / f"{name}.yaml").write_text(TASK.replace("own", name) + more)
    (tmp_path / "all.yaml").write_text("group: all\ntask: [one, two]\n")
    done = run("lm-eval", "all", "--path", tmp_path, "--into", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert [path.name for path in (tmp_path / "out" / "tasks").iterdir()] == ["one"]
    assert "left out: task 'two'" in " ".join(done.output.split())


def test_filters_are_read_by_the_first_unless_another_is_named():
    file = asked.DIALECT / "sums.yaml"
    assert define(load(file), file).measure.fields["read_by"] == [{"do": "strip"}]
    assert define(load(file), file, "number").measure.fields["read_by"][0]["pattern"] == r"(\d+)"
    with pytest.raises(Refusal, match="Did you mean 'number'"):
        define(load(file), file, "numbr")


def test_freezing_without_lm_eval_says_what_to_do(tmp_path):
    if INSTALLED:
        pytest.skip("lm_eval is installed")
    with pytest.raises(InputError, match=r"has no lm_eval\. Install it there"):
        frozen("own", tmp_path)
    with pytest.raises(InputError, match="cannot be run"):
        frozen("own", tmp_path, python=tmp_path / "none")


@pytest.mark.skipif(not INSTALLED, reason="lm_eval is not installed")
def test_a_task_in_python_is_frozen(tmp_path):
    home = tmp_path / "own"
    home.mkdir()
    for split, size in (("train", 4), ("test", 3)):
        rows = [{"q": f"{split} {i} {'xyz'[i % 3] * 4}", "label": i % 2} for i in range(size)]
        (home / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (home / "fn.py").write_text("def text(doc):\n    return doc['q'].upper()\n")
    files = {split: str(home / f"{split}.jsonl") for split in ("train", "test")}
    text = (
        TASK.replace("some/where", "json").replace('"{{q}}?"', "!function fn.text").replace("task: own", "task: cold")
    )
    (home / "own.yaml").write_text(text + f"dataset_kwargs: {{data_files: {json.dumps(files)}}}\nnum_fewshot: 2\n")
    frozen("cold", tmp_path, home)
    task = definition.read("cold", tmp_path / "tasks" / "cold")
    assert [each.inputs["text"] for each in task.examples("test")] == [f"TEST {i} {'XYZ'[i] * 4}" for i in range(3)]
    made = template.load(str(tmp_path / "prompts" / "cold" / "lm-eval.j2"), task)
    shown = list(task.examples("train"))[:1]
    assert made.render(task.examples("test")[0], shown).content == "TRAIN 0 XXXX no\n\nTEST 0 XXXX"


PROMPTSOURCE = """dataset: tone
templates:
  a-1: !Template
    answer_choices: 'good ||| bad'
    id: a-1
    jinja: "How is {{ text }} - {{ answer_choices[0] }} or {{ answer_choices[1] }}? ||| {{ answer_choices[label] }}"
    metadata: !TemplateMetadata {metrics: [Accuracy], original_task: true}
    name: good or bad
    reference: ''
  a-2: !Template
    answer_choices: null
    id: a-2
    jinja: "{{ text }} has no answer"
    name: unanswered
"""


@pytest.fixture
def tone(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    home = Path("tasks/tone")
    home.mkdir(parents=True)
    home.joinpath("task.yaml").write_text(
        "kind: classification\ninputs: [text]\ntarget: label\nlabels: [pos, neg]\n"
        "splits: {train: train.jsonl, test: test.jsonl}\nmetrics: [accuracy]\nmain_metric: accuracy\n"
    )
    for split in ("train", "test"):
        rows = [{"text": f"{split} {i} {'abc'[i] * 3}", "label": ("pos", "neg")[i % 2]} for i in range(3)]
        home.joinpath(f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return definition.load("tone")


def test_templates_of_promptsource(tone, tmp_path):
    file = tmp_path / "templates.yaml"
    file.write_text(PROMPTSOURCE)
    done = run("promptsource", file, "--task", "tone")
    assert done.exit_code == 0, done.output
    assert "left out" in done.output
    made = template.load("good-or-bad", tone)
    shown = list(tone.examples("train"))[1:2]
    prompt = made.render(tone.examples("test")[0], shown)
    assert prompt.content == ("How is train 1 bbb - good or bad?\nbad\n\nHow is test 0 aaa - good or bad?")
    assert prompt.choices == ("\ngood", "\nbad")


@pytest.mark.parametrize("text", ["a: b", "templates: 3", "templates: {a: !Template {jinja: '{{ x'}}", "x: !Other {}"])
def test_what_is_not_promptsource_is_a_sentence(text, tone, tmp_path):
    file = tmp_path / "templates.yaml"
    file.write_text(text)
    done = run("promptsource", file, "--task", "tone")
    assert done.exit_code == 2, done.output
    assert "Traceback" not in done.output


PROMPTFOO = """prompts:
  - 'Say {{word}} in {{language}}: '
  - file://chat.json
providers: [openai:gpt-4o-mini]
defaultTest: {vars: {language: French}}
tests:
  - vars: {word: cat}
    assert: [{type: icontains, value: Chat}, {type: llm-rubric, value: polite}]
  - vars: {word: dog, language: German}
    assert: [{type: equals, value: Hund}]
  - vars: {word: cow}
    assert: [{type: javascript, value: 'output.length > 3'}]
"""


def test_prompts_and_tests_of_promptfoo(tmp_path):
    (tmp_path / "promptfooconfig.yaml").write_text(PROMPTFOO)
    (tmp_path / "chat.json").write_text(
        '[{"role": "system", "content": "Be brief."}, {"role": "user", "content": "{{word}}?"}]'
    )
    done = run("promptfoo", tmp_path / "promptfooconfig.yaml", "--name", "words", "--into", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert "2 items, 2 templates" in done.output
    assert "left out 1 tests" in done.output
    task = definition.read("words", tmp_path / "out" / "tasks" / "words")
    cat, dog = task.examples("test")
    assert dict(cat.inputs) == {"language": "French", "word": "cat"}
    assert task.kind.right(cat, "Le chat.") == 1
    assert task.kind.right(dog, "Katze") == 0
    prompts = tmp_path / "out" / "prompts" / "words"
    assert template.load(str(prompts / "prompt-1.j2"), task).render(dog).content == "Say dog in German:"
    asked_in_turns = template.load(str(prompts / "chat.j2"), task).render(cat).content
    assert asked_in_turns == (Message("system", "Be brief."), Message("user", "cat?"))


@pytest.mark.parametrize(
    "text",
    [
        "a: 1",
        "prompts: [x]\ntests: [{vars: {a: [1]}, assert: [{type: equals, value: x}]}]",
        "prompts: [x]\ntests: []",
        "prompts: [file://p.py]\ntests: [{vars: {a: b}, assert: [{type: equals, value: x}]}]",
        "prompts: ['{{ x']\ntests: 3",
        "prompts: [x]\ntests: [3]",
    ],
)
def test_what_is_not_promptfoo_is_a_sentence(text, tmp_path):
    (tmp_path / "promptfooconfig.yaml").write_text(text)
    done = run("promptfoo", tmp_path / "promptfooconfig.yaml", "--name", "words", "--into", tmp_path)
    assert done.exit_code == 2, done.output
    assert "Traceback" not in done.output


def test_tests_of_promptfoo_that_hold_more_loosely_are_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tests = [
        {"vars": {"q": f"question {i}"}, "assert": [{"type": kind, "value": f"v{i}"}]}
        for i, kind in enumerate(("equals", "equals", "icontains"))
    ]
    Path("promptfooconfig.yaml").write_text(json.dumps({"prompts": ["{{q}}"], "tests": tests}))
    done = CliRunner().invoke(main, ["import", "promptfoo", "promptfooconfig.yaml", "--name", "mixed"])
    assert done.exit_code == 0, done.output
    assert "2 tests hold here where their text is anywhere in the answer" in done.output
    assert "2 tests hold here where their text stands in any case of letters" in done.output


def test_a_group_to_select_that_is_no_number_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    step = {"function": "regex", "regex_pattern": "x", "group_select": "last"}
    task = {
        "task": "odd",
        "dataset_path": "some/set",
        "test_split": "test",
        "doc_to_text": "{{q}}",
        "doc_to_target": "{{a}}",
        "filter_list": [{"name": "one", "filter": [step]}],
    }
    Path("odd.yaml").write_text(json.dumps(task))
    done = CliRunner().invoke(main, ["import", "lm-eval", "odd.yaml"])
    assert done.exit_code == 2, done.output
    assert "`group_select` is 'last', which is no whole number" in done.stderr
