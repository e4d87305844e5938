"""Published sets of dialogues."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from published.data import Data, Row, template, values

HISTORY = 4  # turns of a dialogue that its intent is told by
MOST_SLOTS = 12


def sgd_intents(folder: Path) -> Data:
    """What a user wants with each turn of a dialogue (Schema-Guided Dialogue)."""
    body = """Say what the user wants from the assistant at the end of each chat. The intents:
{% for label in labels %}
{{ label }}: {{ label.description }}
{% endfor %}

{% for shot in shots %}
{{ shot.dialogue }}
Intent: {{ shot.answer }}

{% endfor %}
{{ dialogue }}
Intent:
"""
    rows = _turns(folder, HISTORY)
    known = {intent["name"]: intent["description"] for each in _schema(folder) for intent in each["intents"]}
    known["NONE"] = "nothing more: thanks or a farewell"
    return Data(
        {
            "kind": "classification",
            "language": "en",
            "domain": "customer service",
            "inputs": ["dialogue"],
            "target": "intent",
            "labels": {name: known[name] for name in values(rows, "intent")},
            "cluster": "id_of_dialogue",
            "metrics": ["accuracy", "macro-f1", "mcc"],
        },
        rows,
        template(body),
        f"{_BY_DIALOGUE}; an item is a user turn with at most {HISTORY - 1} turns before it",
        {"dialogues": len({row["id_of_dialogue"] for part in rows.values() for row in part})},
    )


def sgd_states(folder: Path) -> Data:
    """What a user has said of the slots of a service, after each turn of a dialogue (Schema-Guided Dialogue)."""
    body = """Say what the user has asked for by the end of each chat, as a JSON object. \
Leave out what was not said. The slots:
{% for label in labels %}
{{ label }}: {{ label.description }}
{% endfor %}

{% for shot in shots %}
{{ shot.dialogue }}
State: {{ shot.answer }}

{% endfor %}
{{ dialogue }}
State:
"""
    rows = _turns(folder, None)
    times = Counter(row["service"] for part in rows.values() for row in part)
    schema = {each["service_name"]: each["slots"] for each in _schema(folder)}
    taken: list[str] = []
    for service, _ in times.most_common():
        if sum(len(schema[name]) for name in (*taken, service)) > MOST_SLOTS:
            break
        taken.append(service)
    slots = [slot for name in taken for slot in schema[name]]
    closed = {slot["name"]: [*slot["possible_values"], "dontcare"] for slot in slots if slot["is_categorical"]}
    told = {
        slot["name"]: f"{slot['description']} ({', '.join(slot['possible_values'])})"
        if slot["is_categorical"]
        else slot["description"]
        for slot in slots
    }
    left = {split: [row for row in part if row["service"] in taken] for split, part in rows.items()}
    return Data(
        {
            "kind": "state",
            "language": "en",
            "domain": "customer service",
            "inputs": ["dialogue"],
            "target": "state",
            "slots": told,
            "values": closed,
            "cluster": "id_of_dialogue",
        },
        left,
        template(body, max_tokens=64),
        f"{_BY_DIALOGUE}; an item is a user turn with all turns before it; services {', '.join(taken)}",
        {
            "dialogues": len({row["id_of_dialogue"] for part in left.values() for row in part}),
            "user turns of other services, left out": sum(map(len, rows.values())) - sum(map(len, left.values())),
        },
        template("{{ dialogue }}\nState:\n", max_tokens=64),
    )


_BY_DIALOGUE = "of every ten dialogues of dialogues_005.json, in file order, seven are train, one dev, two test"


def _turns(folder: Path, history: int | None) -> dict[str, list[Row]]:
    """Each user turn of each dialogue, with what was said before: at most ``history`` turns in all."""
    rows: dict[str, list[Row]] = {"train": [], "dev": [], "test": []}
    dialogues = json.loads((folder / "dialogues_005.json").read_text(encoding="utf-8"))
    for number, dialogue in enumerate(dialogues):
        split = ("train", "dev", "test")[(number % 10 >= 7) + (number % 10 >= 8)]
        said: list[str] = []
        for turn in dialogue["turns"]:
            said.append(f"{turn['speaker'].title()}: {turn['utterance'].strip()}")
            if turn["speaker"] != "USER":
                continue
            (frame,) = turn["frames"]
            rows[split].append(
                {
                    "id": f"{dialogue['dialogue_id']}-{len(said):02}",
                    "dialogue": "\n".join(said[-history:] if history else said),
                    "intent": frame["state"]["active_intent"],
                    "state": frame["state"]["slot_values"],
                    "service": frame["service"],
                    "id_of_dialogue": dialogue["dialogue_id"],
                }
            )
    return rows


def _schema(folder: Path) -> list[Row]:
    found: list[Row] = json.loads((folder / "schema.json").read_text(encoding="utf-8"))
    return found
