"""Many that seal the same run, or keep the same model, at one moment: no errors, and what is there is whole."""

import os
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest
from runs import run

from harness.results import store, whole
from harness.results.vault import Vault

AT_ONCE, ROUNDS = 20, 20


def together(work):
    """``work`` done by many threads at one moment; what they raised."""
    barrier, errors = threading.Barrier(AT_ONCE), []

    def each(number):
        barrier.wait()
        try:
            work(number)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=each, args=(number,)) for number in range(AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def said(made):
    return made.scores["accuracy"], [prediction.output for prediction in made.predictions]


@pytest.mark.parametrize("before", ["nothing", "a damaged one", "others"])
def test_400_seals_of_one_run_by_twenty_at_a_time(tmp_path, before):
    made = [replace(run(draw=draw, n=9), name="same") for draw in range(AT_ONCE)]
    for number in range(ROUNDS):
        root = tmp_path / str(number)
        if before == "a damaged one":
            (store.seal(made[0], root) / "run.json").write_text("{")
        errors = together(lambda n, root=root: store.seal(made[n if before == "others" else 0], root))
        assert errors == []
        (folder,) = store.find(root)
        found = store.load(folder)
        assert said(found) in map(said, made if before == "others" else made[:1])
        assert [path.name for path in folder.parent.iterdir()] == ["same"]


@pytest.mark.parametrize("damaged", [False, True])
def test_400_that_keep_one_model(tmp_path, damaged):
    for number in range(ROUNDS):
        vault = Vault(tmp_path / str(number))
        if damaged:
            (vault.store("k", lambda folder: (folder / "w").write_text("x")) / "w").write_text("y")
        errors = together(lambda n, vault=vault: vault.store("k", lambda folder: (folder / "w").write_text("x" * 9999)))
        assert errors == []
        assert (vault.fetch("k") / "w").read_text() in ("x", "x" * 9999)
        assert [path.name for path in vault.root.iterdir()] == ["k"]


SEALING = """
import sys
from dataclasses import replace
from pathlib import Path
from runs import run
from harness.results import store
made = [replace(run(draw=draw, n=9), name="same") for draw in (0, 1)]
print("ready", flush=True)
sys.stdin.readline()
for number in range(100):
    store.seal(made[number % 2], Path(sys.argv[1]))
"""


@pytest.mark.slow
def test_400_seals_by_four_processes_that_replace_each_others(tmp_path):
    command, pipes = (
        [sys.executable, "-c", SEALING, str(tmp_path)],
        {"stdin": subprocess.PIPE, "stderr": subprocess.PIPE},
    )
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **pipes) for _ in range(4)]
    for each in running:
        assert each.stdout.readline() == "ready\n"
    for each in running:
        each.stdin.write("go\n")
        each.stdin.flush()
    errors = [each.communicate()[1] for each in running]
    assert errors == [""] * 4
    (folder,) = store.find(tmp_path)
    assert len(store.load(folder).predictions) == 9
    assert [path.name for path in folder.parent.iterdir()] == ["same"]


def test_what_a_killed_sealing_left_is_no_run_and_goes_after_an_hour(tmp_path):
    folder = store.seal(run(n=9), tmp_path)
    left = folder.with_name(".sealing-left")
    folder.rename(left)  # killed just before its end: whole, and not yet in its place
    assert store.find(tmp_path) == []
    assert store.seal(run(n=9), tmp_path) == folder
    assert store.find(tmp_path) == [folder]
    assert left.exists()
    os.utime(left, (time.time() - whole.FILLING - 60,) * 2)
    store.seal(run(n=9), tmp_path)
    assert not left.exists()
