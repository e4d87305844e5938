"""States of a dialogue: slots and their values."""

import json
from pathlib import Path

import pytest
from kind_contract import KindContract

from harness import metrics
from harness.kinds.state import State
from harness.predictors.last_mention import LastMention
from harness.types import Example, Prediction

KIND = State(slots={"city": "where", "date": "when", "phone": ""})


def item(state, text="x", id_="1"):
    return Example(id_, {"dialogue": text}, KIND.target({"gold": state}, "gold", {}, "here"))


class TestState(KindContract):
    inputs = ("dialogue",)
    good = (
        ({"gold": {"date": "Friday", "city": "Oslo"}}, '{"city": "Oslo", "date": "Friday"}'),
        ({"gold": '{"city": " Oslo "}'}, '{"city": "Oslo"}'),
        ({"gold": {"phone": 5550123}}, '{"phone": "5550123"}'),
        ({"gold": {"city": ["Oslo", "oslo by"]}}, '{"city": ["Oslo", "oslo by"]}'),
        ({"gold": {"city": "上海", "date": "５月３日 🙂"}}, '{"city": "上海", "date": "５月３日 🙂"}'),
        ({"gold": {"city": "cafe\u0301\u200b", "date": "غدا"}}, '{"city": "café\u200b", "date": "غدا"}'),
        ({"gold": {"city": "Oslo\r\nS", "date": None, "phone": float("nan")}}, '{"city": "Oslo\\r\\nS"}'),
        ({"gold": {"phone": True}}, '{"phone": "true"}'),
        ({"gold": {}}, "{}"),
    )
    bad = (
        ({"gold": {"town": "Oslo"}}, "unknown slot 'town'"),
        ({"gold": {"city": ""}}, "empty value"),
        ({"gold": {"city": []}}, "empty value"),
        ({"gold": {"city": ["Oslo", None]}}, "null"),
        ({"gold": {"city": "None"}}, "says that there is none"),
        ({"gold": {"city": {"name": "Oslo"}}}, "an object"),
        ({"gold": '{"city": "a", "city": "b"}'}, "stands twice"),
        ({"gold": "[1]"}, "must be an object"),
        ({"gold": "city=Oslo"}, "no JSON object"),
        ({"gold": None}, "must be an object"),
    )
    forms = (
        None,
        {"city": "城市", "date": "日期", "phone": "电话"},
        {"city": "date", "date": "city", "phone": "phone"},
    )

    @pytest.fixture
    def kind(self):
        return KIND


class TestClosedState(KindContract):
    """Slots with a list of values, and slots that differ in case alone."""

    inputs = ("dialogue",)
    good = (
        ({"gold": {"subtitles": "none", "City": "Oslo"}}, '{"City": "Oslo", "subtitles": "None"}'),
        ({"gold": {"city": "Rome", "outdoors": True}}, '{"city": "Rome", "outdoors": "True"}'),
        ({"gold": {"outdoors": "ＦＡＬＳＥ"}}, '{"outdoors": "False"}'),
    )
    bad = (
        ({"gold": {"subtitles": "Englis"}}, "unknown value of slot 'subtitles' 'Englis'. Did you mean 'English'"),
        ({"gold": {"city": "none"}}, "says that there is none"),
    )

    @pytest.fixture
    def kind(self):
        slots = {"subtitles": "", "outdoors": "", "city": "", "City": ""}
        return State(slots=slots, values={"subtitles": ["None", "English"], "outdoors": [True, False]})

    def test_values_that_are_not_listed_are_lost(self, kind):
        text = '{"outdoors": false, "subtitles": "Klingon", "city": "none"}'
        found = kind.read(text, Example("1", {}, "{}"), kind.words(None, "here"))
        assert (json.loads(found.output), found.lost) == ({"outdoors": "False"}, 1)

    def test_its_schema_names_them(self, kind):
        schema = kind.answer_schema(kind.words(None, "here"))
        assert schema["properties"]["outdoors"] == {"type": "string", "enum": ["True", "False"]}
        assert schema["properties"]["city"] == {"type": "string"}
        assert schema["additionalProperties"] is False

    @pytest.mark.parametrize(
        ("values", "names"),
        [
            ({"cty": ["a"]}, "Did you mean 'city'"),
            ({"city": []}, "'city' has no values"),
            ({"city": ["Oslo", "oslo "]}, "read alike"),
            ({"city": ["a", "a"]}, "stands twice"),
            ({"city": [""]}, "empty"),
            ({"city": [{"a": 1}]}, "no name"),
            (["a"], "dict"),
        ],
    )
    def test_a_list_that_cannot_be_read_is_refused(self, values, names):
        with pytest.raises(ValueError, match=names):
            State(slots={"city": ""}, values=values)


@pytest.mark.parametrize(
    ("text", "output", "lost", "mentioned"),
    [
        ('{"date": "friday", "city": "OSLO"}', {"city": "OSLO", "date": "friday"}, 0, None),
        ('```json\n{"City": "Oslo"}\n```', {"city": "Oslo"}, 0, None),
        ('{"city": "Oslo", "date": null, "phone": "none"}', {"city": "Oslo"}, 0, None),
        ('{"city": "Oslo", "pet": "cat", "date": ["a"]}', {"city": "Oslo"}, 2, None),
        ('So far: {"city": "Oslo"} I think', None, 0, {"city": "Oslo"}),
        ('{"city": "Oslo"', None, 0, None),
        ('{"city": "Oslo"} or {"city": "Rome"}', None, 0, None),
        ('{"city": "Oslo"}\n{"city": "Oslo"}', None, 0, {"city": "Oslo"}),
        ('{"phone": true, "date": 5.0}', {"phone": "true", "date": "5"}, 0, None),
        ('{"phone": 1e999, "date": {"day": 5}}', {}, 2, None),
        ('{"city": "\\ud800", "date": "a\\u0000b"}', {}, 2, None),
        ("{" * 3000, None, 0, None),
        ("", None, 0, None),
    ],
)
def test_states_are_read(text, output, lost, mentioned):
    found = KIND.read(text, item({}), KIND.words(None, "here"))
    assert (json.loads(found.output or "null"), found.lost) == (output, lost)
    assert json.loads(found.mentioned or "null") == mentioned


def test_full_width_signs_case_and_blanks_are_one_but_not_zero_width_ones():
    gold = item({"date": "5 May 2024"})
    assert KIND.right(gold, '{"date": "５　may\\n2024"}') == 1
    assert KIND.right(gold, '{"date": "5\u200b May 2024"}') == 0


SGD = Path(__file__).parents[2] / "shared" / "data" / "sgd"


@pytest.mark.skipif(not SGD.is_dir(), reason="the dialogues of ../shared/data/sgd are not there")
def test_every_state_of_real_dialogues_is_read_back():
    """Schema-Guided Dialogue: several accepted values of a slot, booleans, and "None" as a value."""
    schema = {each["service_name"]: each["slots"] for each in json.loads((SGD / "schema.json").read_text())}
    kinds = {
        name: State(
            slots={slot["name"]: slot["description"] for slot in slots},
            values={s["name"]: [*s["possible_values"], "dontcare"] for s in slots if s["is_categorical"]},
        )
        for name, slots in schema.items()
    }
    read = 0
    for dialogue in json.loads((SGD / "dialogues_005.json").read_text()):
        for frame in (frame for turn in dialogue["turns"] for frame in turn["frames"] if "state" in frame):
            kind, state = kinds[frame["service"]], frame["state"]["slot_values"]
            words = kind.words(None, "here")
            made = Example("1", {"dialogue": ""}, kind.target({"gold": state}, "gold", {}, "here"))
            found = kind.read(kind.shown(made, words), made, words)
            assert (kind.right(made, found.output), found.lost) == (1, 0)
            read += 1
    assert read > 600


def test_joint_goal_and_slots_by_hand():
    items = [
        item({"city": ["Oslo", "Oslo by"], "date": "Friday"}, id_="a"),
        item({}, id_="b"),
        item({"city": "Rome"}, id_="c"),
    ]
    said = ['{"city": "oslo  BY", "date": "Friday"}', '{"phone": "1"}', None]
    predictions = [Prediction(e.id, text) for e, text in zip(items, said, strict=True)]

    def value(name):
        metric = metrics.create(name, KIND)
        return metric.score(metric.statistics(items, predictions).sum(0))[0]

    assert value("joint-goal-accuracy") == pytest.approx(1 / 3)
    assert value("slot-f1") == pytest.approx(2 * 2 / (3 + 3))  # 2 right of 3 right ones and 3 said


def test_the_value_mentioned_last_is_said():
    train = [
        item({"city": "Oslo", "date": "Friday"}, id_="a"),
        item({"city": ["Rome", "Roma"], "date": "Friday morning"}, id_="b"),
    ]
    text = "Customer: To Oslo on Friday. Agent: Rome? Customer: No, friday morning, to Oslo."
    (found,) = LastMention(KIND).fit(train).predict([item({}, text)])
    assert json.loads(found.output) == {"city": "Oslo", "date": "Friday morning"}
