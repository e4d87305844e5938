"""Data as other programs export them."""

import json

from projects import NAMES, TOWNS, rows, sentences


def conll(count=22, scheme="IOB2", columns=1, end="\n"):
    begin = "I" if scheme == "IOB1" else "B"
    blocks = []
    for text, spans in sentences(count):
        lines, place = [], 0
        for word in text.split():
            tag = next((f"{begin}-{type_}" for start, _, type_ in spans if start == place), "O")
            if scheme == "BIOES" and tag != "O":
                tag = "S" + tag[1:]
            lines.append(" ".join([word, *["X"] * columns, tag]))
            place += len(word) + 1
        blocks.append(end.join(lines) + end)
    return end.join(blocks)


FIRST = [[0, 4, "ORG"], [14, 18, "LOC"]]


def check_entities(task, text="Acme signs in Oslo on day 0"):
    first = rows(task)[0]
    assert dict(first.inputs) == {"text": text}
    assert json.loads(first.target) == FIRST
    assert list(task.kind.labels) == ["LOC", "ORG"]


def task_of(text, spans, **value):
    result = [
        {
            "type": "labels",
            "from_name": "label",
            "value": {"start": s, "end": e, "labels": [t], **({"text": m} if m else {})},
        }
        for s, e, t, m in spans
    ]
    return {"id": 1, "data": {"text": text}, "annotations": [{"result": result}], **value}


def brat(home, name="notes", count=12, end="\n"):
    folder = home / name
    folder.mkdir()
    found = list(sentences(2 * count))
    for i in range(count):
        texts = found[2 * i : 2 * i + 2]
        marks, place, number = [], 0, 0
        for text, spans in texts:
            for start, stop, type_ in spans:
                number += 1
                marks.append(f"T{number}\t{type_} {place + start} {place + stop}\t{text[start:stop]}")
            place += len(text) + len(end)
        marks += ["R1\tBased Arg1:T1 Arg2:T2", "#1\tAnnotatorNotes T1\tsure"]
        (folder / f"{i:02}.txt").write_bytes(end.join([text for text, _ in texts] + [""]).encode())
        (folder / f"{i:02}.ann").write_bytes(end.join([*marks, ""]).encode())
    return folder


def squad(version="1.1", articles=3):
    data = []
    for a in range(articles):
        paragraphs = []
        for p in range(4):
            name, town = NAMES[a], TOWNS[(a + 3 * p) % 11]
            context = f"The firm {name} opened its {p + 2}nd mill in {town}, says report {a * 7 + p}."
            qas = [
                {
                    "id": f"{a}{p}0",
                    "question": f"Where is mill {p} of {a}?",
                    "answers": [{"text": town, "answer_start": context.index(town)}],
                }
            ]
            if version == "2.0":
                qas[0]["is_impossible"] = False
                qas.append(
                    {
                        "id": f"{a}{p}1",
                        "question": f"Who owns mill {p} of {a}?",
                        "answers": [],
                        "is_impossible": True,
                        "plausible_answers": [],
                    }
                )
            paragraphs.append({"context": context, "qas": qas})
        data.append({"title": f"T{a}", "paragraphs": paragraphs})
    return {"version": version, "data": data}


def pairs(count=30):
    return [
        (
            f"第{i}天，{NAMES[i % 11]}公司在{TOWNS[i % 7]}卖出了厂房。",
            f"On day {i} {NAMES[i % 11]} sold its mill in {TOWNS[i % 7]}.",
        )
        for i in range(count)
    ]


def tmx(units, srclang="zh"):
    body = "".join(
        f'<tu><tuv xml:lang="en"><seg>{en}</seg></tuv>\n'
        f'<tuv xml:lang="zh"><seg>{zh}<bpt i="1">&lt;b&gt;</bpt></seg></tuv></tu>\n'
        for zh, en in units
    )
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<tmx version="1.4">\n<header srclang="{srclang}"/>\n'
    return f"{head}<body>\n{body}</body>\n</tmx>\n"


def dialogues(count=12):
    def turn(speaker, said, **slots):
        frame = {"service": "Trips_1", "slots": []} | ({"state": {"slot_values": slots}} if speaker == "USER" else {})
        return {"speaker": speaker, "utterance": said, "frames": [frame]}

    return [
        {
            "dialogue_id": f"5_{i:05}",
            "services": ["Trips_1"],
            "turns": [
                turn("USER", f"I am off to {TOWNS[i % 11]} for trip {i}.", to=[TOWNS[i % 11]]),
                turn("SYSTEM", "How many seats?"),
                turn("USER", "Two, please.", to=[TOWNS[i % 11]], seats=["2", "two"]),
            ],
        }
        for i in range(count)
    ]
