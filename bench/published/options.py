"""Published sets of options to choose among."""

from __future__ import annotations

import json
from pathlib import Path

from published.data import Data, template


def medqa(folder: Path) -> Data:
    """Questions of the medical licensing examination of the United States, with four options."""
    body = """Each question of a medical exam has four options, of which exactly one is right. Answer with its letter.

{% for shot in shots %}
Question: {{ shot.question }}
{% for option in shot.options %}
{{ option.answer }}. {{ option.text }}
{% endfor %}
Answer: {{ shot.answer }}

{% endfor %}
Question: {{ question }}
{% for option in options %}
{{ option.answer }}. {{ option.text }}
{% endfor %}
Answer:
"""
    lines = (folder / "test.jsonl").read_text(encoding="utf-8").splitlines()
    read = [json.loads(line) for line in lines]
    rows = [
        {
            "id": f"q{each['realidx']:04}",
            "question": each["question"].strip(),
            "options": each["options"],
            "answer": each["answer_idx"],
        }
        for each in read
    ]
    wrong = sum(each["options"][each["answer_idx"]] != each["answer"] for each in read)
    return Data(
        {
            "kind": "choice",
            "language": "en",
            "domain": "medicine",
            "inputs": ["question"],
            "options": "options",
            "target": "answer",
        },
        {"train": rows[:600], "dev": rows[600:673], "test": rows[673:]},
        template(body, verbalizer="letters"),
        "of the published test file, the only one at hand, in file order: 600 train, 73 dev, 600 test",
        {"answers that are not the option of their letter": wrong},
    )
