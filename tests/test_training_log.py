"""A training's epochs in TensorBoard, Weights & Biases and MLflow."""

import pytest
from trained import SHORT, cheap

from harness import predictors


@pytest.mark.slow
class TestLogs:
    def test_tensorboard(self, finsentiment, data, tmp_path):
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        made = cheap("finetune", finsentiment, log="tensorboard", log_dir=str(tmp_path), epochs=2, min_steps=1)
        made.fit(data[0][:16], data[1])
        (folder,) = tmp_path.iterdir()
        events = EventAccumulator(str(folder)).Reload()
        logged = [round(event.value, 4) for event in events.Scalars("dev_loss")]
        assert logged == [round(epoch["dev_loss"], 4) for epoch in made.history]

    @pytest.mark.filterwarnings("ignore")  # wandb's own
    def test_wandb_offline(self, finsentiment, data, tmp_path, monkeypatch):
        monkeypatch.setenv("WANDB_MODE", "offline")
        monkeypatch.setenv("WANDB_SILENT", "true")
        made = cheap("finetune", finsentiment, log="wandb", log_dir=str(tmp_path), epochs=1, min_steps=1)
        made.fit(data[0][:16], data[1])
        assert list(tmp_path.glob("wandb/offline-run-*/*.wandb"))

    @pytest.mark.filterwarnings("ignore")  # mlflow's own
    def test_mlflow(self, finsentiment, data, tmp_path, monkeypatch):
        from mlflow import MlflowClient

        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
        made = cheap("finetune", finsentiment, log="mlflow", log_dir=str(tmp_path), epochs=2, min_steps=1)
        made.fit(data[0][:16], data[1])
        client = MlflowClient(f"sqlite:///{tmp_path / 'mlflow.db'}")
        (logged,) = client.search_runs([each.experiment_id for each in client.search_experiments()])
        history = client.get_metric_history(logged.info.run_id, "dev_loss")
        assert [(each.step, each.value) for each in history] == [
            (epoch["epoch"], epoch["dev_loss"]) for epoch in made.history
        ]

    def test_logging_does_not_change_the_signature(self, finsentiment, tmp_path):
        logged = cheap("lora", finsentiment, log="tensorboard", log_dir=str(tmp_path))
        assert logged.signature == cheap("lora", finsentiment).signature


@pytest.mark.slow
def test_two_settings_log_two_curves(finsentiment, few, tmp_path):
    for lr in (1e-4, 1e-3):
        made = predictors.baseline(
            "prompt-tuning:tiny", finsentiment, log="tensorboard", log_dir=str(tmp_path), lr=lr, **SHORT
        )
        made.fit(few[:4])
    assert len(list(tmp_path.iterdir())) == 2
