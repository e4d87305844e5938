"""Full fine-tuning: every weight."""

from __future__ import annotations

from dataclasses import dataclass

from harness.predictors.trained import Trained


@dataclass
class Finetune(Trained):
    """All weights of a pretrained model, fine-tuned.

    An encoder with a classification head, or a causal language model that goes on being asked by a template."""

    name = "finetune"
