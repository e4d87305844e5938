"""Each leaf, bit and column of a sealed run, edited: refused, told, left out, and made anew."""

import math
import random

import pandas
import pytest
from click.testing import CliRunner
from sealed import at, leaves, make, raising, said, tell

from harness.cli import main
from harness.results import checksum, columns
from harness.study import grid
from harness.task import definition


@pytest.fixture
def folder(home):
    return make(home / "results")


def value_at(document, path):
    for key in path:
        document = document[key]
    return document


def nearest(holder, key):
    """The least change of a value, of its own type where there is one."""
    value = holder[key]
    if isinstance(value, str):
        holder[key] = value + " "
    elif isinstance(value, float):
        holder[key] = math.nextafter(value, math.inf)
    else:
        holder[key] = 0 if value is None else not value if isinstance(value, bool) else value + 1


def renamed(holder, key):
    """The value under another name, or in another place."""
    if isinstance(holder, dict):
        holder[f"{key}_"] = holder.pop(key)
    else:
        holder.insert(0, holder.pop(key)) if key else holder.append(None)


def test_the_least_change_of_any_leaf_is_refused(folder):
    whole = said(folder)
    paths = [path for path in list(leaves(whole))[1:] if not isinstance(value_at(whole, path), dict | list)]
    assert len(paths) > 60
    for path in paths:
        for change in (nearest, renamed):
            tell(folder, at(whole, path, change))
            assert "again" in raising(folder)


def test_any_bit_of_what_is_said_is_refused(folder):
    path = folder / "run.json"
    whole, draw = path.read_bytes(), random.Random(0)
    for _ in range(300):
        changed = bytearray(whole)
        changed[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
        path.write_bytes(changed)
        raising(folder)


def test_any_bit_of_the_rows_is_refused(folder):
    path = folder / "predictions.parquet"
    whole, draw = path.read_bytes(), random.Random(0)
    for _ in range(100):
        changed = bytearray(whole)
        changed[draw.randrange(len(whole))] ^= 1 << draw.randrange(8)
        path.write_bytes(changed)
        assert "predictions.parquet: checksum" in raising(folder)


@pytest.mark.parametrize("column", columns.schema().names)
def test_any_column_written_anew_is_refused(folder, column):
    path = folder / "predictions.parquet"
    frame = pandas.read_parquet(path)
    frame[column] = frame[column].iloc[::-1].to_numpy()
    frame.to_parquet(path)
    assert "predictions.parquet: checksum" in raising(folder)
    changed = said(folder)
    changed["checksums"]["predictions.parquet"] = checksum.of_file(path)
    tell(folder, changed)
    assert "run.json: checksum" in raising(folder)


@pytest.mark.parametrize("command", [("list", "runs"), ("report",), ("plan", "--task", "finsentiment")])
@pytest.mark.parametrize("name", ["run.json", "predictions.parquet"])
@pytest.mark.parametrize("how", ["cut", "empty", "changed"])
def test_either_file_damaged_in_any_way_leaves_its_run_out(home, command, name, how):
    root = home / "results"
    spec = grid.Spec(baselines=("majority",), limit=30)
    folders = [make(root), *(folder for _, folder in grid.run(definition.load("finsentiment"), spec, [], root))]
    path = folders[0] / name
    data = path.read_bytes()
    path.write_bytes({"cut": data[:-9], "empty": b"", "changed": data[:99] + bytes([data[99] ^ 1]) + data[100:]}[how])
    done = CliRunner().invoke(main, command)
    assert done.exit_code == 0, done.output
    assert len(done.stderr.splitlines()) == 1
    assert f"left out: {folders[0].relative_to(home)}" in done.stderr
    assert make(root) == folders[0]
    assert path.read_bytes() == data or name == "run.json"
    done = CliRunner().invoke(main, command)
    assert (done.exit_code, done.stderr) == (0, "")
