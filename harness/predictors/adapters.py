"""What the methods that train a few new weights share (peft)."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import missing_extra
from harness.predictors.networks import pretrained
from harness.predictors.trained import Trained
from harness.types import Signature


@dataclass
class Adapted(Trained):
    """A frozen model with a peft adapter; subclasses say which by ``config``."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if importlib.util.find_spec("peft") is None:
            raise missing_extra("peft", "peft", f"The baseline {self.name!r}")

    @property
    def signature(self) -> Signature:
        from importlib.metadata import version

        return super().signature + Signature.of(peft=version("peft"))

    def config(self, task: str, body: Any) -> Any:
        """The peft configuration for a peft task type and the network to adapt."""
        raise NotImplementedError

    def adapted(self, body: Any, causal: bool) -> Any:
        import peft

        return peft.get_peft_model(body, self.config("CAUSAL_LM" if causal else "FEATURE_EXTRACTION", body))

    def restored(self, folder: Path, causal: bool) -> Any:
        import peft

        return peft.PeftModel.from_pretrained(pretrained(self._files), folder)
