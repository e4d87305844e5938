"""What is recovered of a damaged journal: each answer that can be read, and no other."""

import errno
import os
import random
import shutil
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from checkups import doctor, states, whole
from hypothesis import given, settings
from hypothesis import strategies as st
from journals import answer, first_layout, key, put

from harness.engines import layout, salvage, wal
from harness.engines.journal import Journal
from harness.errors import InputError

PAGE = 4096


@pytest.fixture
def journal(tmp_path):
    """A closed journal of 300 answers, short and long."""
    path = tmp_path / "results" / "journal.sqlite"
    fill(path, [answer(number, (0, 50, 900, 2500, 9000)[number % 5]) for number in range(300)])
    return path


def fill(path, answers):
    with Journal(path) as made:
        for each in answers:
            made.record(each)


def known(path):
    with Journal(path) as found:
        return {each.key: each for each in found.look_up(map(key, range(300)))}


def row(path):
    put(path, {key(3): layout.dump(answer(4))}, summed=False)


def name_of_a_row(path):
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE answers SET key = ? WHERE key = ?", (key(9999), key(3)))


def page(number):
    def damage(path):
        data = bytearray(path.read_bytes())
        data[number * PAGE : (number + 1) * PAGE] = random.Random(number).randbytes(PAGE)
        path.write_bytes(data)

    return damage


def cut(path):
    path.write_bytes(path.read_bytes()[: 40 * PAGE])


def tables(path):
    data = path.read_bytes()
    assert data.count(b"CREATE TABLE answers") == 1
    path.write_bytes(data.replace(b"CREATE TABLE answers", b"CREATE TABLE enswers"))


def version(path):
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version=3")


DAMAGES = {
    "a row": (row, 299),
    "the key of a row": (name_of_a_row, 299),
    "the first page": (page(0), 299),
    "a page within": (page(5), 280),
    "a page of a long answer": (page(150), 298),
    "a file cut off": (cut, 20),
    "a table's name": (tables, 300),
    "another layout": (version, 300),
}


class TestJournal:
    @pytest.mark.parametrize("name", DAMAGES)
    def test_what_can_be_read_is_recovered(self, journal, name):
        damage, least = DAMAGES[name]
        damage(journal)
        data = journal.read_bytes()
        done = doctor("--results", str(journal.parent))
        assert done.exit_code == 1
        assert states(done) == {str(journal): "damaged"}
        assert "Damaged: 1. Run again with --mend" in done.stdout
        assert journal.read_bytes() == data
        done = doctor("--results", str(journal.parent), "--mend")
        assert done.exit_code == 0
        assert states(done) == {str(journal): "mended"}
        assert (journal.parent / "damaged" / "journal.sqlite").read_bytes() == data
        found = known(journal)
        assert len(found) >= least
        assert f"{len(found)} answers recovered" in done.stdout
        assert all(each == answer(int(name, 16), len(each.text)) for name, each in found.items())
        assert whole(journal.parent)
        fill(journal, [answer(7)])
        put(journal, {key(7): "{"}, summed=False)
        assert doctor("--results", str(journal.parent), "--mend").exit_code == 0
        assert (journal.parent / "damaged" / "journal.sqlite-2").exists()

    def test_what_lies_behind_a_damage_of_the_log_is_recovered(self, journal):
        """SQLite reads the log that a killed process left as far as the first damage, and says nothing: so we do."""
        other = journal.parent / "killed" / "journal.sqlite"
        other.parent.mkdir()
        with Journal(journal) as open_:
            open_._execute("PRAGMA wal_autocheckpoint=0")
            for number in range(300, 400):
                open_.record(answer(number, 700))
            for each in ("journal.sqlite", "journal.sqlite-wal"):
                shutil.copy(journal.with_name(each), other.with_name(each))
        log = bytearray(other.with_name("journal.sqlite-wal").read_bytes())
        log[len(log) // 2] ^= 4
        other.with_name("journal.sqlite-wal").write_bytes(log)
        with pytest.raises(InputError, match=r"its log is damaged, and more was written behind that.*harness doctor"):
            fill(other, [answer(400)])
        assert other.with_name("journal.sqlite-wal").read_bytes() == bytes(log)
        done = doctor("--results", str(other.parent))
        assert done.exit_code == 1
        assert "its log is damaged" in done.stdout
        assert "answers out of SQLite's reach: " in done.stdout
        assert doctor("--results", str(other.parent), "--mend").exit_code == 0
        with Journal(other) as found:
            answers = list(found.look_up(map(key, range(400))))
        assert len(answers) >= 399
        assert (other.parent / "damaged" / "journal.sqlite-wal").read_bytes() == bytes(log)
        assert whole(other.parent)

    @pytest.mark.parametrize("left", [0.1, 0.5, 0.9, 0.999, 1])
    def test_a_log_that_ends_early_is_none_that_is_damaged(self, journal, left):
        """As a kill leaves it: cut anywhere, and, where it lies over an older one, with the older frames behind."""
        other = journal.parent / "killed" / "journal.sqlite"
        other.parent.mkdir()
        with Journal(journal) as open_:
            for number in range(300, 400):
                open_.record(answer(number, 700))
            shutil.copy(journal, other)
            log = journal.with_name("journal.sqlite-wal").read_bytes()
        assert not wal.broken(log)
        log = log[: int(len(log) * left)]
        other.with_name("journal.sqlite-wal").write_bytes(log)
        assert not wal.broken(log)
        fill(other, [answer(400)])
        assert whole(other.parent)

    def test_any_bit_of_a_log_is_seen_but_in_its_last_frame(self, journal):
        with Journal(journal) as open_:
            open_.record(answer(300))
            open_.record(answer(301))
            log = journal.with_name("journal.sqlite-wal").read_bytes()
            steps = len(list(wal.frames(log, PAGE)))
            assert steps == 2
        draw = random.Random(0)
        for _ in range(200):
            bit = draw.randrange(8 * (len(log) - wal.FRAME - PAGE))
            changed = bytearray(log)
            changed[bit // 8] ^= 1 << bit % 8
            assert wal.broken(bytes(changed))

    def test_of_layout_1_what_can_be_read_is_recovered(self, tmp_path):
        path = tmp_path / "journal.sqlite"
        answers = [answer(number, 700) for number in range(300)]
        first_layout(path, answers)
        assert whole(tmp_path)
        page(4)(path)
        assert doctor("--results", str(tmp_path), "--mend").exit_code == 0
        found = known(path)
        assert 280 < len(found) < 300
        assert all(found[each.key] == each for each in answers if each.key in found)
        assert whole(tmp_path)

    def test_plans_are_recovered(self, journal):
        keys = [key(number) for number in range(50)]
        with Journal(journal) as made:
            made.planned(keys, keys[:7])
        page(0)(journal)
        assert doctor("--results", str(journal.parent), "--mend").exit_code == 0
        with Journal(journal) as made:
            assert made.planned(keys, ()) == set(keys[:7])

    def test_not_while_another_uses_it(self, journal):
        row(journal)
        with Journal(journal) as other:
            other.claim("a")
            done = doctor("--results", str(journal.parent), "--mend")
            assert done.exit_code == 1
            assert "a process is using it. Wait until that is done" in done.stderr
            assert not (journal.parent / "damaged").exists()
        assert doctor("--results", str(journal.parent), "--mend").exit_code == 0

    def test_what_broke_off_is_done_again(self, journal, monkeypatch):
        row(journal)

        def refuse(path, _):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

        with monkeypatch.context() as patch:
            patch.setattr(Path, "rename", refuse)
            assert doctor("--results", str(journal.parent), "--mend").exit_code == 1
        assert len(known(journal)) == 299
        journal.with_name("journal.sqlite.mending-wal").write_bytes(b"left")
        assert doctor("--results", str(journal.parent), "--mend").exit_code == 0
        assert len(known(journal)) == 299
        assert sorted(path.name for path in journal.parent.iterdir()) == [".journal", "damaged", "journal.sqlite"]

    def test_a_full_disk_is_one_paragraph_and_changes_nothing(self, journal, monkeypatch):
        row(journal)
        data = journal.read_bytes()
        connect = layout.connect

        def full(path):
            made = connect(path)
            made.execute("PRAGMA max_page_count=8")
            return made

        monkeypatch.setattr(layout, "connect", full)
        done = doctor("--results", str(journal.parent), "--mend")
        assert done.exit_code == 1
        assert "database or disk is full" in done.stderr
        assert journal.read_bytes() == data

    @pytest.mark.parametrize("length", [9000, 2_000_000])
    def test_a_chain_of_pages_that_comes_back_ends(self, tmp_path, length):
        """A long row whose next page is its own, as damage may have it."""
        kind = 2 * length + 13
        varint = bytes([kind >> shift & 0x7F | (0x80 if shift else 0) for shift in (21, 14, 7, 0)])
        page = b"\x81\x0d" + varint + b"\x4d" + key(1).encode()
        page += (1).to_bytes(4) * (PAGE // 4)
        (tmp_path / "journal.sqlite").write_bytes(page[:PAGE] + b"\x00\x00\x00\x02")
        assert list(salvage.rows(tmp_path / "journal.sqlite")) == []

    @settings(deadline=None, max_examples=25)
    @given(st.lists(st.integers(0, 3 * PAGE), min_size=1, max_size=40), st.randoms(use_true_random=False))
    def test_all_rows_of_a_whole_file_are_found_and_no_wrong_one_in_any(self, sizes, draw):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "journal.sqlite"
            answers = {key(number): answer(number, size) for number, size in enumerate(sizes)}
            fill(path, answers.values())
            assert {row[0].decode() for _, row in salvage.rows(path)} == answers.keys()
            data = bytearray(path.read_bytes())
            for _ in range(draw.randrange(1, 60)):
                data[draw.randrange(len(data))] = draw.randrange(256)
            path.write_bytes(data)
            for table, row in salvage.rows(path):
                assert table == "answers"
                assert layout.load(*row) == answers[row[0].decode()]
