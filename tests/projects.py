"""Projects that `harness init` makes, and sentences to make them of."""

import json
from pathlib import Path

from click.testing import CliRunner

from harness.cli import main
from harness.prompt.template import load as load_template
from harness.task import definition

NAMES = ("Acme", "Initech", "Globex", "Umbra", "Hooli", "Stark", "Wayne", "Tyrell", "Cyberdyne", "Soylent", "Vandelay")
TOWNS = ("Oslo", "Lima", "Quito", "Cairo", "Dakar", "Hanoi", "Perth", "Sofia", "Turin", "Accra", "Delhi")
PARTS = ("signs", "opens an office", "sells a mill", "hires nobody", "closes early", "wins", "sues a rival")


def cli(*args):
    return CliRunner().invoke(main, [str(a) for a in args])


def ok(*args):
    done = cli(*args)
    assert done.exit_code == 0, done.output
    return done.stdout


def refused(message, *args):
    """One paragraph, exit code 2, and nothing written."""
    done = cli("init", *args, "--name", "bad")
    assert done.exit_code == 2, done.output
    assert message in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert not done.stderr.strip().count("\n")
    assert not Path("tasks/bad").exists()


def made(*args, name="t", kind=None, language="en"):
    """The task that ``init`` makes, of which every template renders and every answer that it shows is read back."""
    said = ok("init", *args, "--name", name)
    task = definition.load(name)
    assert kind is None or task.spec.kind == kind
    assert task.spec.language == language
    assert f"taken for: kind {task.spec.kind}" in said
    assert "to change that: --kind" in said
    assert f"Next: harness run --task {name}" in said
    train = task.examples("train")
    for stem in ("plain", "instruction", "chat"):
        template = load_template(stem, task)
        prompt = template.render(task.examples("test")[0], train[:2])
        assert prompt.content
        template.check_stops(train)
        for example in train:
            shown = task.kind.shown(example, template.words)
            found = task.kind.read(shown, example, template.words)
            assert task.kind.right(example, found.output) == 1, shown
            assert len(shown.encode()) <= 2 * template.settings.max_tokens or template.scored
    return task, said


def rows(task):
    """All items, in the order of the file."""
    found = [example for split in task.spec.splits for example in task.examples(split)]
    return sorted(found, key=lambda each: int(each.id.rpartition("-")[2]))


def sentences(count=22):
    """Texts with spans: a company and a town."""
    for i in range(count):
        name, town = NAMES[i % 11], TOWNS[(i * 3) % 11]
        text = f"{name} {PARTS[i % 7]} in {town} on day {i}"
        place = text.index(town)
        yield text, [[0, len(name), "ORG"], [place, place + len(town), "LOC"]]


def write(path, found):
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in found))
