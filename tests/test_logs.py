"""A study's table in TensorBoard, Weights & Biases and MLflow, read back from what they wrote, offline."""

import json
import struct
import sys
import time

import pytest
from click.testing import CliRunner
from runs import baseline, run

from harness import logs
from harness.cli import main
from harness.compare import differences
from harness.errors import HarnessError, InputError
from harness.report import log, markdown
from harness.results import store


@pytest.fixture
def offline(monkeypatch):
    for name, value in {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture(scope="module")
def compared():
    return differences.compare([run(), baseline()])


def test_tensorboard(compared, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    log.write(compared, ["tensorboard"], tmp_path)
    prompt = compared.rows[0]
    found = {folder.name: EventAccumulator(str(folder)).Reload() for folder in (tmp_path / "news_task").iterdir()}
    assert len(found) == 3
    events = next(each for name, each in found.items() if name.startswith("some-model-5-shot"))
    wanted = {
        **{"macro-f1": prompt.score.value, "macro-f1 low": prompt.score.low, "macro-f1 high": prompt.score.high},
        **{"accuracy": prompt.accuracy.value, "difference": prompt.difference.value, "tokens": 1000, "seconds": 1.5},
    }
    for name, value in wanted.items():
        assert [each.value for each in events.Scalars(name)] == pytest.approx([value]), name
    reference = next(each for name, each in found.items() if name.startswith("svm"))
    assert "difference" not in reference.Tags()["scalars"]
    assert b"predictor:svm" in reference.Tensors("signature/text_summary")[0].tensor_proto.string_val[0]
    whole = next(each for name, each in found.items() if name.startswith("table-"))
    text = whole.Tensors("table/text_summary")[0].tensor_proto.string_val[0].decode()
    assert text == markdown.render([compared])
    assert set(whole.Tags()["images"]) == {"confusion", "reliability", "cost"}
    assert whole.Images("confusion")[0].width > 300


@pytest.mark.filterwarnings("ignore")  # mlflow's own
def test_mlflow(compared, tmp_path, offline):
    from mlflow import MlflowClient

    log.write(compared, ["mlflow"], tmp_path)
    client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
    (experiment,) = (each for each in client.search_experiments() if each.name == "harness")
    found = {each.info.run_name: each for each in client.search_runs([experiment.experiment_id])}
    assert len(found) == 3
    assert {each.info.status for each in found.values()} == {"FINISHED"}
    assert {each.data.tags["group"] for each in found.values()} == {"news_task"}
    prompt = next(each for name, each in found.items() if name.startswith("some-model-5-shot"))
    row = compared.rows[0]
    assert prompt.data.metrics["macro-f1"] == row.score.value
    assert prompt.data.metrics["difference high"] == row.difference.high
    assert prompt.data.params["model"] == "org/some_model"
    assert prompt.data.params["row"] == row.label
    whole = next(each for name, each in found.items() if name.startswith("table-"))
    folder = tmp_path / "mlflow" / whole.info.run_id / "artifacts"
    assert (folder / "table.md").read_text() == markdown.render([compared])
    said = json.loads((folder / "table.json").read_text())
    line = dict(zip(said["columns"], said["data"][0], strict=True))
    assert (line["predictor"], line["macro-f1"]) == (row.title, pytest.approx(row.score.value))
    assert {each.name for each in (folder / "figures").iterdir()} == {"confusion.png", "reliability.png", "cost.png"}


def records(content):
    """What is in a file of wandb: after a head of seven bytes LevelDB's log, whose blocks of 32 KiB hold records, or
    parts of them, of checksum (4 bytes), length (2) and type (1: whole, 2: first, 3: middle, 4: last)."""
    from wandb.proto.wandb_internal_pb2 import Record

    assert content[:4] == b":W&B"
    place, held = 7, b""
    while place + 7 <= len(content):
        if 32768 - place % 32768 < 7:
            place += 32768 - place % 32768
            continue
        _, length, kind = struct.unpack("<IHB", content[place : place + 7])
        held += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):
            yield Record.FromString(held)
            held = b""


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # wandb's own
def test_wandb(compared, tmp_path, offline):
    log.write(compared, ["wandb"], tmp_path)
    summaries, groups = [], set()
    for path in tmp_path.glob("wandb/offline-run-*/*.wandb"):
        summary, deadline = {}, time.monotonic() + 60
        while not any(record.HasField("exit") for record in records(path.read_bytes())):  # its process writes on
            assert time.monotonic() < deadline
            time.sleep(0.2)
        for record in records(path.read_bytes()):
            if record.HasField("run") and record.run.run_group:
                groups.add(record.run.run_group)
            for item in record.history.item:
                summary[item.key or "/".join(item.nested_key)] = json.loads(item.value_json)
        summaries.append(summary)
    assert groups == {"news_task"}
    row = compared.rows[0]
    assert any(each.get("macro-f1") == row.score.value for each in summaries)
    whole = next(each for each in summaries if "table/_type" in each)
    assert (whole["table/_type"], whole["table/nrows"]) == ("table-file", 2)
    assert [whole[f"{name}/_type"] for name in ("confusion", "reliability", "cost")] == ["image-file"] * 3


def test_figures_are_left_out_where_matplotlib_is_missing(compared, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    log.write(compared, ["tensorboard"], tmp_path)
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (folder,) = (tmp_path / "news_task").glob("table-*")
    assert EventAccumulator(str(folder)).Reload().Tags()["images"] == []


def test_hostile_names_stay_below_the_folder(tmp_path):
    made = differences.compare([run(template="../../x"), baseline("a/../../b")])
    log.write(made, ["tensorboard"], tmp_path / "logs")
    assert [each.name for each in tmp_path.iterdir()] == ["logs"]
    assert len(list((tmp_path / "logs" / "news_task").iterdir())) == 3


def test_what_a_logger_raises_is_told_with_the_command_that_logs_again(compared, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HarnessError, match="harness report --log tensorboard logs it again"):
        log.write(compared, ["tensorboard"], tmp_path / "file")


def test_a_log_that_is_none_or_not_installed_is_refused_before_anything_runs(home, monkeypatch):
    done = CliRunner().invoke(main, ["run", "--task", "no-such-task", "--log", "tensorbord"])
    assert done.exit_code == 2
    assert "Did you mean 'tensorboard'" in done.stderr
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"'mlflow', which is not installed.*prompt-harness\[logging\]"):
        logs.find("mlflow")


def test_run_and_report_log_what_they_print(project):
    words = ["--log", "tensorboard"]
    asked = ["run", "--task", "pets", "--baseline", "majority", "--baselines-only"]
    done = CliRunner().invoke(main, [*asked, *words])
    assert done.exit_code == 0, done.stderr
    assert len(list((project / "results" / "logs" / "pets").iterdir())) == 2
    assert CliRunner().invoke(main, ["report", *words, "--log-dir", "elsewhere"]).exit_code == 0
    assert len(list((project / "elsewhere" / "pets").iterdir())) == 2
    assert len(store.find(project / "results")) == 1  # logs are no runs
