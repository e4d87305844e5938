"""The part of a generated text that holds its answer."""

import pytest

from harness.prompt import parse


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"label": "up", "why": "down"}', "up"),
        ('{"label": 3}', "3"),
        ('{"label": ["up", "down"]}', '["up", "down"]'),
        ('{"why": "up"}', ""),
        ('{"label": "up', ""),
        ('["label"]', ""),
        ("up", ""),
        ("", ""),
    ],
)
def test_a_field_is_found_in_whole_json_only(text, found):
    assert parse.field(text, "label") == found
