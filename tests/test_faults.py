"""Two thousand items asked of a server that fails at a third of what it is asked, in every way there is."""

import json
import random
import re
import sqlite3
from collections import Counter

import pytest
from click.testing import CliRunner
from faults import FAULTS, drips
from parrot import heard

from harness.cli import main
from harness.results import store

ITEMS, SHARE, SEED = 2000, 0.34, 20
KINDS = {**FAULTS, "drips": drips}


def label(text):
    """What an honest server answers to a prompt: no item's answer says anything of another's."""
    return random.Random(text).choice(["cat", "dog"])


def faulty(model):
    """At each attempt of each prompt, whether it fails and how is drawn anew, by the prompt and the attempt alone."""
    attempts, met = Counter(), Counter()

    def poison(body):
        text = heard(body)
        attempts[text] += 1
        draw = random.Random(f"{SEED} {attempts[text]} {text}")
        if draw.random() > SHARE:
            return None
        kind = draw.choice(sorted(KINDS))
        met[kind] += 1
        return KINDS[kind]

    return poison, met


@pytest.mark.slow
def test_nothing_is_lost_doubled_or_wrong(project, server):
    rows = [{"id": str(i), "text": f"animal {i}", "label": "dog"} for i in range(ITEMS)]
    (project / "tasks" / "pets" / "test.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n")
    honest = server.model
    server.model = lambda body: honest({"prompt": label(heard(body))})
    options = {"base_url": server.url, "structured": "none", "retries": 12, "backoff": 0.001, "timeout": 5}
    command = ["run", "--task", "pets", "--engine", "openai", "--model", "parrot", "--mode", "generate"]
    command += [word for name, value in options.items() for word in ("--engine-with", f"{name}={value}")]

    def run(where):
        done = CliRunner().invoke(main, [*command, "--results", where, "--format", "json"])
        assert done.exit_code == 0, done.output
        assert "Traceback" not in done.output + done.stderr
        (folder,) = store.find(project / where)
        with sqlite3.connect(project / where / "journal.sqlite") as journal:
            kept = dict(journal.execute("SELECT key, answer FROM answers").fetchall())
        return json.loads(done.stdout)[0], store.load(folder), {k: json.loads(v)["text"] for k, v in kept.items()}

    _, calm, calm_answers = run("calm")
    server.poison, met = faulty(server.model)
    server.bodies.clear()
    row, rough, answers = run("rough")

    assert set(met) == set(KINDS)
    assert len(server.bodies) >= ITEMS + met.total()  # where this machine is slow, some run out of time besides
    assert row["usage"]["retries"] >= met.total() > ITEMS * SHARE
    assert row["counts"]["ok"] == ITEMS == len(answers)
    assert answers == calm_answers
    assert [p.output for p in rough.predictions] == [p.output for p in calm.predictions]
    texts = {row["id"]: f"{row['text']} =>" for row in rows}
    assert all(p.output == label(texts[p.example_id]) for p in rough.predictions)
    assert not re.search("given up|fault of harness", json.dumps(row))
