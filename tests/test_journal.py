"""A damaged response cache: rows are asked again and counted, and a file that cannot be read is one paragraph."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from click.testing import CliRunner
from journals import answer, first_layout, key, put

from harness.cli import main
from harness.engines import layout, salvage
from harness.engines.journal import Journal
from harness.errors import InputError
from harness.results import store
from harness.types import Answer, Usage

NULL = ("--engine", "null", "--limit", "60")


def run(*args):
    return CliRunner().invoke(main, ["run", "--task", "finsentiment", *args])


def keys(path):
    with closing(sqlite3.connect(path)) as db:
        return [key for (key,) in db.execute("SELECT key FROM answers ORDER BY key")]


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


class TestDamagedRows:
    @pytest.mark.parametrize("number", range(len(DAMAGED)))
    def test_a_damaged_row_is_not_known_and_the_others_are(self, tmp_path, number):
        path, told = tmp_path / "journal.sqlite", []
        good = Answer("good", "yes", "stop", None, Usage(5, 4, 1))
        with Journal(path) as journal:
            journal.record(good)
            journal.record(Answer("bad", "no", "stop"))
        put(path, {"bad": DAMAGED[number]})
        with Journal(path, told.append) as journal:
            assert list(journal.look_up(["bad", "good"])) == [good]
            assert list(journal.look_up(["bad", "good"])) == [good]
            assert journal.damaged == {"bad"}
            journal.record(Answer("bad", "again", "stop"))
            assert {answer.text for answer in journal.look_up(["bad", "good"])} == {"yes", "again"}
        assert len(told) == 1
        assert "answers that are damaged: 1." in told[0]

    @pytest.mark.parametrize(
        ("one", "other"), [("-0.5", "-0.4"), ("xx", "xy"), ('"stop"', '"length"'), ("[0, 4, 1]", "[9, 4, 1]")]
    )
    def test_an_answer_that_reads_well_and_is_another_is_not_known(self, tmp_path, one, other):
        path = tmp_path / "journal.sqlite"
        with Journal(path) as journal:
            journal.record(answer(0))
        text = layout.dump(answer(0)).replace(one, other, 1)
        assert text != layout.dump(answer(0))
        put(path, {key(0): text}, summed=False)
        with Journal(path) as journal:
            assert list(journal.look_up([key(0)])) == []

    def test_an_answer_under_another_key_is_not_known(self, tmp_path):
        with Journal(tmp_path / "journal.sqlite") as journal:
            journal.record(answer(0))
            journal._execute("UPDATE answers SET key = ?", (key(1),))
            assert list(journal.look_up([key(0), key(1)])) == []
            assert journal.damaged == {key(1)}

    def test_a_run_asks_them_again_says_so_and_counts_them(self, home):
        first = run(*NULL, "--format", "json")
        path = home / "results" / "journal.sqlite"
        put(path, dict.fromkeys(keys(path)[:4], json.dumps(ROW)), summed=False)
        (load,) = json.loads(run(*NULL, "--dry-run", "--format", "json").stdout)
        assert load["known"] == 60 - 4
        second = run(*NULL, "--format", "json")
        assert "answers that are damaged: 4. They count as not known, and are asked again." in second.stderr
        one, two, three = (json.loads(done.stdout)[0] for done in (first, second, run(*NULL, "--format", "json")))
        assert one["metrics"] == two["metrics"] == three["metrics"]
        assert two["counts"] == {**one["counts"], "damaged_answers": 4}
        assert three["counts"] == one["counts"]
        (folder,) = store.find(home / "results")
        assert store.load(folder).usage == one["usage"]

    def test_an_answer_of_another_shape_is_asked_again(self, home):
        first = run(*NULL, "--format", "json")
        path = home / "results" / "journal.sqlite"
        shapes = (None, [], [[-1.0]], [[-1.0, -2.0]] * 3)
        rows = [{"text": "", "finish": "scored", "logprobs": shape, "usage": [1, 1, 0]} for shape in shapes]
        put(path, dict(zip(keys(path), map(json.dumps, rows), strict=False)))
        (load,) = json.loads(run(*NULL, "--dry-run", "--format", "json").stdout)
        assert load["known"] == 60 - 4
        second = run(*NULL, "--format", "json")
        assert json.loads(first.stdout)[0]["metrics"] == json.loads(second.stdout)[0]["metrics"]

    def test_a_damaged_plan_is_one_for_all(self, tmp_path):
        with Journal(tmp_path / "journal.sqlite") as journal:
            assert journal.planned("abcd", {"b"}) == {"b"}
            journal._execute("UPDATE plans SET missing = '1000'")
            assert journal.planned("abcd", {"b"}) == set("abcd")
            journal._execute("UPDATE plans SET missing = NULL")
            assert journal.planned("abcd", {"b"}) == set("abcd")
            journal.done("abcd")
            assert journal.planned("abcd", {"b"}) == {"b"}


class TestDamagedFile:
    @pytest.mark.parametrize("where", [1, 2, 4])
    def test_damaged_pages_are_one_paragraph_that_the_doctor_mends(self, home, where):
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
            assert "harness doctor --mend --results results" in done.stderr
            assert CliRunner().invoke(main, ["doctor", "--mend"]).exit_code == 0
            assert run(*NULL).exit_code == 0

    def test_a_table_of_another_form_is_one_paragraph(self, home):
        (home / "results").mkdir()
        with closing(sqlite3.connect(home / "results" / "journal.sqlite")) as db:
            db.execute("CREATE TABLE answers (id INTEGER, what TEXT)")
        done = run(*NULL)
        assert done.exit_code == 2
        assert "no such column" in done.stderr

    def test_a_file_without_its_tables_is_not_taken_for_a_new_one(self, tmp_path):
        with Journal(tmp_path / "journal.sqlite") as journal:
            journal.record(answer(0))
            journal._execute("DROP TABLE answers")
        with Journal(tmp_path / "journal.sqlite") as journal, pytest.raises(InputError, match="no such table"):
            list(journal.look_up([key(0)]))

    def test_a_file_that_another_holds_is_one_paragraph(self, tmp_path, monkeypatch):
        with Journal(tmp_path / "journal.sqlite") as one, Journal(tmp_path / "journal.sqlite") as two:
            one.record(answer(0))
            two._execute("PRAGMA busy_timeout=50")
            one._execute("BEGIN IMMEDIATE")
            with pytest.raises(Exception, match="another process has held it for a minute") as error:
                two.record(answer(1))
            assert error.value.exit_code == 1
            one._execute("COMMIT")
            two.record(answer(1))


class TestLayouts:
    @pytest.mark.parametrize("plans", [True, False])
    def test_answers_of_layout_1_are_kept_and_get_their_sums(self, tmp_path, plans):
        path = tmp_path / "journal.sqlite"
        answers = [answer(number, size) for number, size in enumerate((0, 10, 5000) * 30)]
        first_layout(path, answers, plans)
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("UPDATE answers SET answer = '{' WHERE key = ?", (key(7),))
        with Journal(path) as journal:
            found = {each.key: each for each in journal.look_up(key(number) for number in range(90))}
            assert journal.damaged == {key(7)}
            assert found == {each.key: each for each in answers if each.key != key(7)}
            journal.record(answers[7])
        put(path, {key(3): layout.dump(answer(4))}, summed=False)
        with Journal(path) as journal:
            assert len(list(journal.look_up(key(number) for number in range(90)))) == 89
        assert salvage.examine(path).damaged == 1

    def test_a_damaged_one_is_not_brought_to_layout_2(self, tmp_path):
        path = tmp_path / "journal.sqlite"
        first_layout(path, [answer(number, 300) for number in range(200)])
        whole = bytearray(path.read_bytes())
        whole[4096 * 3 : 4096 * 3 + 12] = b"\xa5" * 12
        path.write_bytes(whole)
        with Journal(path) as journal, pytest.raises(InputError, match=r"malformed.*harness doctor"):
            list(journal.look_up([key(0)]))
        assert path.read_bytes()[60:64] == b"\x00\x00\x00\x01"

    def test_a_later_layout_is_refused(self, tmp_path):
        path = tmp_path / "journal.sqlite"
        with Journal(path) as journal:
            journal.record(answer(0))
            journal._execute("PRAGMA user_version=7")
        with Journal(path) as journal, pytest.raises(InputError, match="layout 7; this version reads 2"):
            list(journal.look_up([key(0)]))

    OPEN = """
import sys
from pathlib import Path
from harness.engines.journal import Journal
from journals import key
with Journal(Path(sys.argv[1])) as journal:
    print(len(list(journal.look_up(map(key, range(400))))))
"""

    def test_several_that_open_a_layout_1_at_once(self, tmp_path):
        path = tmp_path / "journal.sqlite"
        first_layout(path, [answer(number, 300) for number in range(400)])
        command = [sys.executable, "-c", self.OPEN, str(path)]
        running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
        assert [each.communicate()[0] for each in running] == ["400\n"] * 4
        assert salvage.examine(path) == salvage.Findings(400, 0, "", 0)
