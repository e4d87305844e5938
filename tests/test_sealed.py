"""Sealed runs: all of a run is under its checksums, and what is damaged is told and made anew."""

import copy

import pandas
import pytest
from click.testing import CliRunner
from conftest import ROOT
from sealed import at, leaves, make, raising, said, tell

from harness.cli import main
from harness.results import checksum, document, store
from harness.study import grid
from harness.task import definition

WRONG = (None, 7, -1.5, "text", [], {}, [1], {"a": None}, True)


@pytest.fixture
def folder(home):
    return make(home / "results")


def older(document):
    """The same run as layout 3 says it."""
    rows = {"predictions.parquet": document["checksums"]["predictions.parquet"]}
    rest = {key: value for key, value in document.items() if key != "kind"}
    labels = {"labels": document["kind"]["labels"]} if "kind" in document else {}
    return {**rest, **labels, "version": 3, "checksums": rows}


class TestChecksum:
    def test_every_change_of_any_value_is_refused_by_name(self, folder):
        whole = said(folder)
        for path in list(leaves(whole))[1:]:
            for change in (lambda holder, key: holder.__setitem__(key, "changed"), lambda holder, key: holder.pop(key)):
                tell(folder, at(whole, path, change))
                text = raising(folder)
                assert "again" in text  # what to do
        tell(folder, whole)
        assert store.load(folder).scores

    @pytest.mark.parametrize(
        "change",
        [
            lambda d: d["metrics"]["accuracy"].update(value=0.99),
            lambda d: d["kind"]["labels"].reverse(),
            lambda d: d["spec"].update(shots=5),
            lambda d: d["signature_pairs"][0].__setitem__(1, "other"),
            lambda d: d["usage"].update(computed_tokens=1),
            lambda d: d["counts"].update(ok=39),
            lambda d: d["history"].append({"epoch": 1.0}),
            lambda d: d["environment"].update(python="2.7"),
            lambda d: d["checksums"].update({"predictions.parquet": "0" * 64}),
            lambda d: d.update(more="x"),
        ],
    )
    def test_a_changed_run_is_refused_and_a_rerun_makes_it_anew(self, folder, home, change):
        whole = said(folder)
        changed = copy.deepcopy(whole)
        change(changed)
        tell(folder, changed)
        assert "run.json: checksum" in raising(folder)
        assert make(home / "results") == folder
        again = said(folder)
        for key in whole.keys() - {"usage", "checksums"}:
            assert again[key] == whole[key]
        assert store.load(folder).scores["accuracy"][0] == whole["metrics"]["accuracy"]["value"]

    def test_laid_out_otherwise_it_says_the_same(self, folder):
        tell(folder, dict(reversed(said(folder).items())))
        assert store.load(folder).kind.outputs

    def test_rows_exchanged_with_their_checksum_are_refused(self, folder):
        path = folder / "predictions.parquet"
        frame = pandas.read_parquet(path)
        frame.loc[0, "output"] = "negative"
        frame.to_parquet(path)
        changed = said(folder)
        changed["checksums"]["predictions.parquet"] = checksum.of_file(path)
        tell(folder, changed)
        assert "changed after the run" in raising(folder)

    def test_saying_that_it_is_older_does_not_help(self, folder):
        tell(folder, {**said(folder), "version": 3})
        assert "damaged" in raising(folder)


# What not every run says.
SPARE = {("spec", "calibration"), ("spec", "train_labels"), ("spec", "with"), ("usage", "retries")}


class TestShape:
    """What a checksum cannot tell, since it is right, or since there was none: layout 3."""

    @pytest.mark.parametrize("dressed", [document.signed, older])
    def test_a_key_less_or_of_another_type_is_one_input_error(self, folder, dressed):
        def told(changed):
            try:
                tell(folder, dressed(changed))
            except (KeyError, TypeError, AttributeError):  # no checksums to dress it with
                tell(folder, changed)
            errors = []
            for run in store.load_all([folder], errors.append):
                assert len(run.scores[run.spec["main_metric"]]) == 3
            assert all(str(folder) in str(error) for error in errors)
            return not errors

        whole = said(folder)
        assert told(whole)
        free = ("environment", "counts", "signature_pairs", "kind", "version", "checksums")
        needed = [path for path in leaves(whole) if 0 < len(path) <= 2 and path[0] not in free]
        assert len(needed) > 30
        for path in needed:
            kept = told(at(whole, path, lambda holder, key: holder.pop(key)))
            assert (
                not kept
                or path in SPARE
                or (path[0] == "metrics" and path[1:] not in ((), (whole["spec"]["main_metric"],)))
            )
        for path in list(leaves(whole))[1:]:
            for wrong in WRONG:
                told(at(whole, path, lambda holder, key, wrong=wrong: holder.__setitem__(key, wrong)))

    def test_the_metrics_may_not_lack_the_main_one(self, folder):
        whole = said(folder)
        del whole["metrics"][whole["spec"]["main_metric"]]
        tell(folder, older(whole))
        assert "metrics lacks the main metric 'macro-f1'" in raising(folder)

    @pytest.mark.parametrize(
        "text", [b"", b"[]", b"null", b"{}", b'{"version": []}', b'{"version": 4}', b"[" * 100_000, b"\xff"]
    )
    def test_other_documents(self, folder, text):
        (folder / "run.json").write_bytes(text)
        assert "run.json" in raising(folder)

    def test_a_folder_in_place_of_a_file(self, folder):
        (folder / "run.json").unlink()
        (folder / "run.json").mkdir()
        assert "run.json" in raising(folder)

    @pytest.mark.parametrize("damage", ["no parquet", "fewer rows", "a column less"])
    def test_rows_of_another_shape(self, folder, damage):
        path = folder / "predictions.parquet"
        frame = pandas.read_parquet(path)
        if damage == "no parquet":
            path.write_bytes(b"PAR1")
        else:
            (frame[1:] if damage == "fewer rows" else frame.drop(columns="status")).to_parquet(path)
        tell(folder, document.signed({**said(folder), "checksums": {"predictions.parquet": checksum.of_file(path)}}))
        assert "predictions.parquet: damaged" in raising(folder)


class TestOlder:
    def test_committed_runs_of_layout_3_are_read(self):
        folders = store.find(ROOT / "results" / "reference")
        assert {said(folder)["version"] for folder in folders} >= {3}
        assert all(len(store.load(folder).predictions) == 300 for folder in folders)

    def test_a_rerun_seals_it_in_the_present_layout_with_the_usage_it_had(self, folder, home):
        whole = older(said(folder))
        whole["usage"]["seconds"] = 4321.5
        whole["metrics"]["accuracy"]["value"] = 0.99  # what no checksum guarded is computed again
        tell(folder, whole)
        make(home / "results")
        again = said(folder)
        assert again["version"] == document.VERSION
        assert again["usage"] == whole["usage"]
        assert again["metrics"]["accuracy"]["value"] < 0.9
        assert store.load(folder).usage["seconds"] == 4321.5


class TestTold:
    """Commands over all runs tell the damaged ones, and go on."""

    @pytest.fixture
    def runs(self, home):
        root = home / "results"
        spec = grid.Spec(baselines=("majority",), limit=30)
        folders = [make(root), *(folder for _, folder in grid.run(definition.load("finsentiment"), spec, [], root))]
        broken = said(folders[0])
        del broken["metrics"]
        tell(folders[0], broken)
        return folders

    @pytest.mark.parametrize(
        "command",
        [
            ("list", "runs"),
            ("report",),
            ("plan", "--task", "finsentiment"),
            ("run", "--task", "finsentiment", "--dry-run", "--limit", "2", "--engine", "null"),
        ],
    )
    def test_on_stderr_one_line_each(self, runs, command):
        done = CliRunner().invoke(main, command)
        assert done.exit_code == 0, done.output
        assert [line for line in done.stderr.splitlines() if "left out" in line] == done.stderr.splitlines()
        assert len(done.stderr.splitlines()) == 1
        assert str(runs[0].name) in done.stderr
        if command[0] in ("list", "report"):
            assert runs[0].name not in done.stdout
            assert "majority" in done.stdout

    def test_named_it_is_refused(self, runs):
        done = CliRunner().invoke(main, ["report", runs[0].name])
        assert done.exit_code == 2
        assert "changed after the run" in done.stderr

    def test_nothing_but_damaged_ones(self, runs):
        tell(runs[1], [])
        done = CliRunner().invoke(main, ["report"])
        assert done.exit_code == 2
        assert len(done.stderr.splitlines()) == 3
        assert "none of its runs can be read" in done.stderr
