"""Tokens computed against the trie and against a straightforward harness: python bench/tokens.py [ENGINE]

Counts, so they are the same on any machine. Each line is a fresh run over finsentiment's test split.
"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from harness import study, task
from harness.engines import create

LONG = str(Path(__file__).parent / "long-answers.j2")


def main() -> None:
    """Answers of one token and of several, with and without demonstrations, shared by all items and not."""
    name = sys.argv[1] if len(sys.argv) > 1 else "transformers"
    engine, found = create(name, "tiny"), []
    finsentiment = task.load("finsentiment")
    for template, shots, selector in (
        ("plain", 0, "balanced"),
        ("plain", 5, "balanced"),
        (LONG, 5, "balanced"),
        ("plain", 5, "knn"),
    ):
        spec = study.Spec(templates=(template,), shots=(shots,), selectors=(selector,))
        with tempfile.TemporaryDirectory() as folder:
            ((run, _),) = study.run(finsentiment, spec, [engine], Path(folder))
        usage = run.usage
        found.append(
            {
                "engine": engine.identity["engine"],
                "template": Path(template).stem,
                "shots": shots,
                "selector": selector if shots else None,
                **{key: usage[key] for key in ("submitted_tokens", "computed_tokens", "trie_tokens")},
                "computed_over_trie": round(usage["computed_tokens"] / usage["trie_tokens"], 3),
                "submitted_over_trie": round(usage["submitted_tokens"] / usage["trie_tokens"], 1),
            }
        )
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
