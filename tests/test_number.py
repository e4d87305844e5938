"""Numbers with units: how they are written, read and held against each other."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kind_contract import KindContract

from harness.kinds.number import Number
from harness.kinds.quantities import quantities, whole
from harness.predictors.largest import LargestNumber
from harness.predictors.last_number import LastNumber
from harness.predictors.operation import Operation
from harness.types import Example

KIND = Number(tolerance=0.005)
INPUTS = ("table", "question")
PIECES = (
    *("1", "25", "0", "1,234", "２", ".", ",", " ", "-", "−", "+", "(", ")", "'", "=", "Answer: ", "\u200b", "🙂"),
    *(
        "%",
        " percent",
        " per cent",
        " percentage points",
        "百分之",
        "十",
        "$",
        "US$",
        "€",
        " USD",
        "元",
        "人民币",
        "股",
    ),
    *(" million", "m", "bn", " b", "k", " t", "亿", "万", " GWh", " shares", " of", "x"),
)


class TestNumber(KindContract):
    inputs = INPUTS
    good = (
        ({"gold": "12.5 %"}, "12.5 %"),
        ({"gold": "340 million USD"}, "340 million USD"),
        ({"gold": "$1.2bn"}, "1.2 billion USD"),
        ({"gold": "1,234.50"}, "1234.50"),
        ({"gold": 42}, "42"),
        ({"gold": "(18) million EUR"}, "-18 million EUR"),
        ({"gold": "1.2亿元"}, "120000000 CNY"),
        ({"gold": "１２．５％"}, "12.5 %"),
        ({"gold": "12\u200b.5 %"}, "12.5 %"),
        ({"gold": "负12亿元"}, "-1200000000 CNY"),
        ({"gold": " 12.5 %\r\n"}, "12.5 %"),
        ({"gold": "١٢"}, "12"),
    )
    bad = (
        ({"gold": "twelve"}, "not one number"),
        ({"gold": "12 or 13"}, "not one number"),
        ({"gold": ""}, "not one number"),
        ({"gold": None}, "null"),
        ({"gold": True}, "not one number"),
        ({"gold": [12]}, "a list"),
        ({"gold": {"value": 12}}, "an object"),
        ({"gold": "2019-2020"}, "not one number"),
        ({"gold": "12 🙂"}, "not one number"),
        ({"gold": "١٢٫٥"}, "not one number"),
        ({"gold": "2亿m b t"}, "not one number"),
    )

    @pytest.fixture
    def kind(self):
        return KIND


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("1,234.5", "1234.5", ""), ("1.234,5", "1234.5", ""), ("1,234", "1234", ""), ("1'234", "1234", ""),
        ("1 234 567", "1234567", ""), ("1.234.567", "1234567", ""), ("0,5", "0.5", ""), (".5", "0.5", ""),
        ("(12)", "-12", ""), ("-12", "-12", ""), ("−12", "-12", ""), ("–12", "-12", ""), ("+3", "3", ""),
        ("12%", "12", "%"), ("12 percent", "12", "%"), ("12 per cent", "12", "%"), ("百分之十二", "12", "%"),
        ("百分之12.5", "12.5", "%"), ("3 percentage points", "3", "pp"), ("5个百分点", "5", "pp"),
        ("1.2 million", "1200000", ""), ("1.2mn", "1200000", ""), ("3k", "3000", ""), 
        ("2.5 trillion", "2500000000000", ""),
        ("1.2亿", "120000000", ""), ("3万", "30000", ""), ("3.5万亿元", "3500000000000", "CNY"),
        ("US$12", "12", "USD"), ("€ 3.5 million", "3500000", "EUR"), ("12 dollars", "12", "USD"), ("CHF 7", "7", "CHF"),
        ("人民币3.5亿元", "350000000", "CNY"), ("360 GWh", "360", "GWh"), ("$(4)", "-4", "USD"),
    ],
)  # fmt: skip
def test_forms_of_a_number(text, value, unit):
    found = whole(text)
    assert found is not None
    assert (found.value, found.unit) == (Decimal(value), unit)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("in Q3 of FY2024 the A4 paper", []),
        ("2019-2020", ["2019", "2020"]),
        ("It rose from 1,200 to 1,500, or 25 %.", ["1200", "1500", "25 %"]),
        ("EUR million | 2022 | 2023", ["2022", "2023"]),
    ],
)
def test_numbers_in_running_text(text, found):
    assert [str(each) for each in quantities(text)] == found


@given(st.decimals(-(10**9), 10**9, places=2), st.sampled_from(["", "%", "USD", "million EUR"]))
def test_what_is_written_is_read(number, unit):
    text = f"{number} {unit}".strip()
    found = whole(text)
    assert found is not None
    assert whole(str(found)) == found
    assert found.number == number


@given(st.lists(st.sampled_from(PIECES), min_size=1, max_size=7).map("".join))
def test_whatever_is_written_is_no_answer_or_one_that_is_read_alike_and_scored(text):
    item = Example("1", {"question": ""}, "12 %")
    words = KIND.words(None, "here")
    found = KIND.read(text, item, words)
    for said in filter(None, (found.output, found.mentioned)):
        assert KIND.read(said, item, words).output == said
        assert KIND.right(item, said) in (0, 1)


@pytest.mark.parametrize("text", ["2亿m b t", "340亿m b十per cent", "12亿bn b", "5 k b b"])
def test_a_unit_that_would_read_as_a_scale_is_no_answer(text):
    assert KIND.read(text, Example("1", {"q": ""}, "1"), KIND.words(None, "here")).output is None


@pytest.mark.parametrize(
    ("said", "right", "near"),
    [
        ("12.5 %", 1, True), ("12.54%", 1, True), ("12.6 %", 0, False), ("12.5", 0, True), ("0.125", 0, False),
        ("12.5 USD", 0, True),
    ],
)  # fmt: skip
def test_value_and_unit_are_judged_apart(said, right, near):
    item = Example("1", {"table": "", "question": ""}, "12.5 %")
    output = KIND.read(said, item, KIND.words(None, "here")).output
    assert (KIND.right(item, output), KIND.near(item.target, output)) == (right, near)


def test_a_target_without_unit_takes_any_but_percent():
    item = Example("1", {}, "360")
    assert KIND.right(item, "360 GWh") == 1
    assert KIND.right(item, "360 %") == 0


@pytest.mark.parametrize(
    ("text", "output", "mentioned"),
    [
        ("Answer: 12.5 %", "12.5 %", None),
        ("12.5 %.", "12.5 %", None),
        ("It grew by 12.5 % in all.", None, "12.5 %"),
        ("(793 - 760) / 760 = 4.3 %", None, "4.3 %"),
        ("760 and 793", None, None),
        ("no idea", None, None),
    ],
)
def test_answers_in_chatter_are_lenient(text, output, mentioned):
    found = KIND.read(text, Example("1", {"q": ""}, "1"), KIND.words(None, "here"))
    assert (found.output, found.mentioned) == (output, mentioned)


def test_baselines():
    def item(id_, a, b, question, target):
        table = f"USD million | 2022 | 2023\nSales | {a} | {b}"
        return Example(id_, {"table": table, "question": question}, target)

    train = [
        item("a", 100, 110, "By how much did sales grow?", "10.0 %"),
        item("b", 50, 70, "What is the difference in sales?", "20 million USD"),
        item("c", 80, 90, "What were sales in 2023?", "90 million USD"),
    ]
    test = [
        item("x", 200, 250, "By how much did sales grow this year?", "25.0 %"),
        item("y", 30, 75, "What is the difference in sales now?", "45 million USD"),
        item("z", 20, 30, "What were sales in 2023, please?", "30 million USD"),
    ]
    made = Operation(KIND).fit(train)
    assert [p.output for p in made.predict(test)] == ["25 %", "45 million USD", "30 million USD"]
    assert [p.output for p in LargestNumber(KIND).fit(train).predict(test[:1])] == ["2023"]
    assert [p.output for p in LastNumber(KIND).fit(train).predict(test[:1])] == ["250"]
