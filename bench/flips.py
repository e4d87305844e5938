"""What becomes of a journal in which one bit is flipped, 300 times, each anywhere in the file or in the log beside it
that a killed run leaves: python bench/flips.py. Each time a study is run again over it, and where that is refused,
`harness doctor --mend` goes first."""

from __future__ import annotations

import json
import os
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from click.testing import CliRunner, Result

from harness.cli import main as command
from harness.engines.journal import Journal
from harness.results import store

FLIPS = 300
STUDY = ("run", "--task", "finsentiment", "--engine", "null", "--shots", "2", "--limit", "150", "--format", "json")
JOURNAL, LOG = "journal.sqlite", "journal.sqlite-wal"


def run(root: Path, *words: str) -> Result:
    return CliRunner().invoke(command, [*words, "--results", str(root)])


def files(root: Path) -> list[Mapping[str, bytes]]:
    """What a finished study leaves, and what one leaves that is killed before SQLite has moved its log into the
    file."""
    assert run(root / "whole", *STUDY).exit_code == 0
    closed = (root / "whole" / JOURNAL).read_bytes()
    with Journal(root / "whole" / JOURNAL) as one:
        keys = [key.decode() for (key,) in one._execute("SELECT key FROM answers ORDER BY key")]
        answers = list(one.look_up(keys))
        with Journal(root / "logged" / JOURNAL) as two:
            for answer in answers:
                two.record(answer)
            logged = {name: (root / "logged" / name).read_bytes() for name in (JOURNAL, LOG)}
    return [{JOURNAL: closed}, logged]


def said(root: Path, done: Result) -> tuple[object, object]:
    """What a study found: its metrics, and every log-probability."""
    (row,) = json.loads(done.stdout)
    (folder,) = store.find(root)
    return row["metrics"], [prediction.label_logprobs for prediction in store.load(folder).predictions]


def flipped(whole: Mapping[str, bytes], draw: random.Random) -> dict[str, bytes]:
    """``whole`` with one bit flipped, each of all being as likely."""
    bit = draw.randrange(8 * sum(map(len, whole.values())))
    found = {}
    for name, data in whole.items():
        changed = bytearray(data)
        if 0 <= bit < 8 * len(data):
            changed[bit // 8] ^= 1 << bit % 8
        bit -= 8 * len(data)
        found[name] = bytes(changed)
    return found


def flip(root: Path, kept: Mapping[str, bytes], expected: object) -> Counter[str]:
    """Run the study over the journal ``kept``, mending it where that is refused."""
    root.mkdir()
    for name, data in kept.items():
        (root / name).write_bytes(data)
    found = Counter[str]()
    doctor = run(root, "doctor")
    done = run(root, *STUDY)
    found["seen_by_the_doctor"] += doctor.exit_code == 1
    if done.exit_code:
        found["refused_in_one_paragraph"] += done.stderr.startswith("harness: ") and done.stderr.count("\n") == 1
        mended = run(root, "doctor", "--mend")
        found["mended"] += mended.exit_code == 0
        done = run(root, *STUDY)
    else:
        found["told_on_stderr_by_run"] += "damaged" in done.stderr
    found["tracebacks"] += any(
        each.exception is not None and not isinstance(each.exception, SystemExit) for each in (doctor, done)
    )
    found["silent_changes"] += done.exit_code != 0 or said(root, done) != expected
    shutil.rmtree(root)
    return found


def measure(flips: int, root: Path) -> dict[str, int]:
    whole = files(root)
    expected = said(root / "whole", run(root / "whole", *STUDY))
    found = Counter[str]()
    for number in range(flips):
        draw = random.Random(number)
        found += Counter({"flips": 1})
        found.update(flip(root / str(number), flipped(whole[number % len(whole)], draw), expected))
    return dict(found)


def main() -> None:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps({"study": " ".join(STUDY), **measure(FLIPS, Path(folder))}, indent=2))


if __name__ == "__main__":
    main()
