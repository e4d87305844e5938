"""No file gives a traceback: whatever stands in it, reading ends in a result or in one of the package's own errors."""

import random

import pytest
from readers import READERS

from harness.errors import HarnessError

QUICK, WHOLE = 500, 10_000  # mutations in all
DEAR = ("config.json", "tokenizer_config.json", "tokenizer.json", "predictions.parquet")  # to read: each gets fewer


def share(name, whole):
    """How many of ``whole`` mutations are made of one reader's file."""
    weights = {each: 1 if each in DEAR else 5 for each in READERS}
    return -(-whole * weights[name] // sum(weights.values()))


def mutated(name, home, numbers):
    """Read mutations of a reader's file; those of a number are always the same."""
    reader = READERS[name](home)
    reader.put(reader.good)
    reader.read()
    for number in numbers:
        bad = reader.change(random.Random(f"{name} {number}"), reader.good)
        reader.put(bad)
        try:
            reader.read()
        except HarnessError:
            pass
        except Exception as error:
            error.add_note(f"mutation {number} of {name}: {str(bad)[:2000]}")
            raise


@pytest.mark.parametrize("name", READERS)
def test_a_few_mutations(name, home):
    mutated(name, home, range(share(name, QUICK)))


@pytest.mark.slow
@pytest.mark.parametrize("name", READERS)
def test_ten_thousand_mutations(name, home):
    mutated(name, home, range(share(name, QUICK), share(name, WHOLE)))
