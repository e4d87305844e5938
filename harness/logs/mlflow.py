"""MLflow."""

from __future__ import annotations

import io
import logging
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from harness.logs import Rows

EXPERIMENT = "harness"
LONGEST = 6000  # characters of a parameter that MLflow takes


class MLflow:
    """A run of the server that ``MLFLOW_TRACKING_URI`` names, else of ``folder``/mlflow.db: folders of files are no
    longer a place for MLflow's runs."""

    packages: ClassVar[Sequence[str]] = ("mlflow", "sqlalchemy", "alembic")

    def __init__(self, folder: Path, group: str, title: str, config: Mapping[str, str]) -> None:
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")  # nobody asked for what is measured to be told
        from mlflow import MlflowClient

        for teller in ("mlflow", "alembic"):  # of the tables that they make
            logging.getLogger(teller).setLevel(logging.WARNING)
        address, place = os.environ.get("MLFLOW_TRACKING_URI"), None
        if not address:
            folder.mkdir(parents=True, exist_ok=True)
            address = f"sqlite:///{(folder / 'mlflow.db').absolute()}"
            place = (folder / "mlflow").absolute().as_uri()
        self._client: Any = MlflowClient(address)
        known = self._client.get_experiment_by_name(EXPERIMENT)
        experiment = known.experiment_id if known else self._client.create_experiment(EXPERIMENT, place)
        self._id: str = self._client.create_run(experiment, tags={"group": group}, run_name=title).info.run_id
        for key, value in config.items():
            self._client.log_param(self._id, _name(key), value[:LONGEST])

    def write(self, values: Mapping[str, float], step: int = 0) -> None:
        for name, value in values.items():
            self._client.log_metric(self._id, _name(name), value, step=step)

    def text(self, name: str, markdown: str) -> None:
        self._client.log_text(self._id, markdown, f"{name}.md")

    def table(self, name: str, rows: Rows) -> None:
        columns = {title: [row[title] for row in rows] for title in rows[0]}
        self._client.log_table(self._id, columns, f"{name}.json")

    def image(self, name: str, png: bytes) -> None:
        from PIL import Image

        self._client.log_image(self._id, Image.open(io.BytesIO(png)), artifact_file=f"figures/{name}.png")

    def close(self) -> None:
        self._client.set_terminated(self._id)


def _name(text: str) -> str:
    """``text`` in the characters that MLflow takes in a name."""
    return re.sub(r"[^\w.\- /]", "_", text)
