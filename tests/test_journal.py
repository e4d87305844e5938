"""A damaged response cache: rows are asked again, and a file that cannot be read is one paragraph."""

import json
import sqlite3

import pytest
from click.testing import CliRunner

from harness.cli import main
from harness.engines.journal import Journal
from harness.types import Answer, Usage

NULL = ("--engine", "null", "--limit", "60")


def run(*args):
    return CliRunner().invoke(main, ["run", "--task", "finsentiment", *args])


ROW = {"text": "yes", "finish": "stop", "logprobs": None, "usage": [5, 4, 1]}
DAMAGED = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'"text"',
    b"\xff\xfe\x00",
    b"{}" + b"\x00" * 40,
    json.dumps({**ROW, "text": None}).encode(),
    json.dumps({**ROW, "finish": 3}).encode(),
    json.dumps({**ROW, "usage": [1, 2]}).encode(),
    json.dumps({**ROW, "usage": [1, 2, "x"]}).encode(),
    json.dumps({**ROW, "usage": 7}).encode(),
    json.dumps({**ROW, "logprobs": [1.0]}).encode(),
    json.dumps({**ROW, "logprobs": [["-1.0"]]}).encode(),
    json.dumps({**ROW, "logprobs": "x"}).encode(),
    json.dumps({key: value for key, value in ROW.items() if key != "finish"}).encode(),
    json.dumps(ROW).encode()[:-9],
    None,
    b"[" * 100_000,
]


class TestDamagedJournal:
    @pytest.mark.parametrize("number", range(len(DAMAGED)))
    def test_a_damaged_row_is_not_known_and_the_others_are(self, tmp_path, number):
        path = tmp_path / "journal.sqlite"
        good = Answer("good", "yes", "stop", None, Usage(5, 4, 1))
        with Journal(path) as journal:
            journal.record(good)
            journal.record(Answer("bad", "no", "stop"))
        with sqlite3.connect(path) as db:
            db.execute("UPDATE answers SET answer = ? WHERE key = 'bad'", (DAMAGED[number],))
            db.execute("UPDATE answers SET answer = CAST(answer AS TEXT) WHERE key = 'bad'")
        db.close()
        with Journal(path) as journal:
            assert list(journal.look_up(["bad", "good"])) == [good]
            journal.record(Answer("bad", "again", "stop"))
            assert {answer.text for answer in journal.look_up(["bad", "good"])} == {"yes", "again"}

    def test_an_answer_of_another_shape_is_asked_again(self, home):
        first = run(*NULL, "--format", "json")
        with sqlite3.connect(home / "results" / "journal.sqlite") as db:
            keys = [key for (key,) in db.execute("SELECT key FROM answers")]
            shapes = (None, [], [[-1.0]], [[-1.0, -2.0]] * 3)
            for key, shape in zip(keys, shapes, strict=False):
                row = {"text": "", "finish": "scored", "logprobs": shape, "usage": [1, 1, 0]}
                db.execute("UPDATE answers SET answer = ? WHERE key = ?", (json.dumps(row), key))
        db.close()
        (load,) = json.loads(run(*NULL, "--dry-run", "--format", "json").stdout)
        assert load["known"] == 60 - 4
        second = run(*NULL, "--format", "json")
        assert json.loads(first.stdout)[0]["metrics"] == json.loads(second.stdout)[0]["metrics"]

    @pytest.mark.parametrize("where", [1, 2, 4])
    def test_damaged_pages_are_one_paragraph(self, home, where):
        assert run(*NULL).exit_code == 0
        path = home / "results" / "journal.sqlite"
        whole = path.read_bytes()
        size = 4096
        for damage in (
            whole[: where * size] + b"\xa5" * (len(whole) - where * size),
            whole[: where * size],
            whole[: where * size - 100],
        ):
            path.write_bytes(damage)
            done = run(*NULL)
            assert done.exit_code == 2, done.output
            assert done.exception is None or isinstance(done.exception, SystemExit)
            assert done.stderr.startswith(f"harness: {path.relative_to(home)}: the response cache cannot be ")
            assert "delete" in done.stderr.lower()
        path.unlink()
        assert run(*NULL).exit_code == 0

    def test_a_table_of_another_form_is_one_paragraph(self, home):
        (home / "results").mkdir()
        with sqlite3.connect(home / "results" / "journal.sqlite") as db:
            db.execute("CREATE TABLE answers (id INTEGER, what TEXT)")
        db.close()
        done = run(*NULL)
        assert done.exit_code == 2
        assert "no such column" in done.stderr
