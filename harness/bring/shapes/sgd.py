"""Schema-Guided Dialogue: turns with frames, whose state says what is known of the slots."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.bring.rows import Row, Table
from harness.bring.shapes.file import File
from harness.errors import InputError
from harness.kinds import values
from harness.task import jsons
from harness.tokens import fold

SCHEMA = "schema.json"
ANY = "dontcare"  # what the data set writes where any value is right
SPEAKERS = {"USER": "User", "SYSTEM": "System"}

State = dict[tuple[str, str], list[str]]  # values by service and slot


def found(file: File) -> bool:
    """Whether an object has turns with frames."""
    return any(
        isinstance(value, Mapping)
        and isinstance(value.get("turns"), list)
        and any(isinstance(turn, Mapping) and "frames" in turn for turn in value["turns"])
        for value in file.values
    )


def read(file: File) -> Table:
    """A row a turn of the user: all that was said so far, and what is known then. What slots mean, and which have a
    closed list of values, is read from ``schema.json`` where it lies beside the file.

    Raises InputError for a turn that is none."""
    items = [item for where, value in jsons.each(file.source) for item in _turns(value, where)]
    slots = list(dict.fromkeys(key for *_, state in items for key in state))
    times = Counter(slot for _, slot in slots)
    names = {(service, slot): slot if times[slot] == 1 else f"{service}_{slot}" for service, slot in slots}
    told, closed = _schema(file, names, [state for *_, state in items])
    rows = [
        Row(number, where, {"dialogue": said, "state": _named(state, names), "id_of_dialogue": name})
        for number, (where, name, said, state) in enumerate(items, 1)
    ]
    own = {"slots": told} | ({"values": closed} if closed else {})
    found = f"Schema-Guided Dialogue, {file.source.encoding}"
    said = f"slots: {', '.join(names.values())}"
    return Table(file.path, found, rows, "state", ("dialogue",), "state", "id_of_dialogue", own, (said,))


def _named(state: State, names: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    """One right value as a text, several as a list."""
    return {names[key]: held[0] if len(held) == 1 else held for key, held in state.items()}


def _turns(value: Any, where: str) -> Iterator[tuple[str, str, str, State]]:
    """Where each turn of the user stands, its dialogue, what was said up to it, and what is known."""
    turns = value.get("turns") if isinstance(value, Mapping) else None
    if not isinstance(turns, list):
        raise InputError(f"{where}: must be one dialogue, an object with turns.")
    name = str(value.get("dialogue_id") or where)
    lines = list[str]()
    for number, turn in enumerate(turns, 1):
        place = f"{where}, turn {number}"
        speaker = turn.get("speaker") if isinstance(turn, Mapping) else None
        said = turn.get("utterance") if isinstance(turn, Mapping) else None
        if not isinstance(speaker, str) or speaker not in SPEAKERS or not isinstance(said, str):
            raise InputError(f"{place}: needs a speaker, USER or SYSTEM, and an utterance.")
        lines.append(f"{SPEAKERS[speaker]}: {' '.join(said.split())}")
        frames = turn.get("frames")
        if speaker == "USER":
            yield place, name, "\n".join(lines), _state(frames if isinstance(frames, list) else [], place)


def _state(frames: Sequence[Any], where: str) -> State:
    made: State = {}
    for frame in frames:
        held = frame.get("state") if isinstance(frame, Mapping) else None
        slots = held.get("slot_values", {}) if isinstance(held, Mapping) else {}
        service = values.text(frame.get("service", ""), where, "service") if slots else ""
        if not isinstance(slots, Mapping):
            raise InputError(f"{where}: slot_values is no object of slots.")
        for slot, given in slots.items():
            listed = given if isinstance(given, list) else [given]
            texts = [values.text(each, where, str(slot)) for each in listed]
            if texts:
                made[service, values.text(slot, where, "slot")] = list(dict.fromkeys(texts))
    return made


def _schema(
    file: File, names: Mapping[tuple[str, str], str], states: Sequence[State]
) -> tuple[dict[str, str], dict[str, list[str]]]:
    """What each slot means, and the values of those that have a closed list which holds all that are said."""
    told, closed = dict.fromkeys(names.values(), ""), dict[str, list[str]]()
    path = file.path.parent / SCHEMA
    if not path.exists():
        return told, closed
    for _, service in jsons.each(File(path, file.said).source):
        slots = service.get("slots") if isinstance(service, Mapping) else None
        for slot in slots if isinstance(slots, list) else ():
            key = (str(service.get("service_name")), str(slot.get("name") if isinstance(slot, Mapping) else ""))
            if key not in names:
                continue
            told[names[key]] = str(slot.get("description") or "")
            said = {fold(each) for state in states for each in state.get(key, ())}
            listed = {fold(str(each)): str(each) for each in (*(slot.get("possible_values") or ()), ANY)}
            if str(slot.get("is_categorical")) == "True" and said <= listed.keys():
                closed[names[key]] = list(listed.values())
    return told, closed
