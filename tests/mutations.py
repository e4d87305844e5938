"""Files as nobody should write them: seeded changes of the bytes of a good one, and of what a document in it says."""

import codecs
import copy
import json

DEEP = 100_000  # levels
NUMBERS = ("9" * 10_000, "-1", "0", "1e999", "-0.0", "NaN", "-Infinity", "1_000", "0x7f", "1" + "0" * 400, "2024-13-45")
YAML = (
    "&a [*a]",
    "<<: {a: b}",
    "<<: *b",
    "!!python/object:os.system x",
    "!!int 5",
    "!!binary //8=",
    "? [a]\n: b",
    "--- ",
    "... ",
    "%YAML 9.9",
    "%TAG ! x",
    "|9\n x",
    ">+\n\n x",
    "@a",
    "`b",
    "{a: [b, c}",
    "- - - -",
    "\t",
    "# ",
    "'",
    '"\\x00',
    '"\\ud800"',
    '"\\U00110000"',
)
TEXTS = (
    "\0",
    "\ufeff",
    "\ud800",
    "\u2028",
    "\x85",
    "\x1b[31m",
    "\u202e",
    "\uffff",
    "é",
    "😀",
    "日本",
    '"',
    '""',
    "\\",
    "\r",
    "\n\n",
    ",",
    ";;",
    "\t",
    "null",
    "true",
    "{{ 1/0 }}",
    "{% for x in [1] %}",
    "{#",
    "---\n",
    "=1+1",
    "'''",
    "</row>",
)
LONG = (
    "[" * DEEP,
    "{" * DEEP,
    '{"a":' * DEEP,
    "[" * DEEP + "]" * DEEP,
    "(" * DEEP,
    "- " * DEEP,
    "<a>" * DEEP,
    "x" * 1_000_000,
)
BYTES = (
    b"",
    b"\xff",
    b"\x80",
    b"\xc3",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xff" * 8,
    b"\x7f\xff\xff\xff",
    b"\x00" * 64,
    b"PAR1",
    b"PK\x03\x04",
    b"\x1f\x8b",
    b"GGUF",
    codecs.BOM_UTF16_LE,
    codecs.BOM_UTF32_BE,
    codecs.BOM_UTF8,
)
VALUES = (
    None,
    True,
    -1,
    0,
    2**63,
    10**400,
    1.5,
    float("nan"),
    float("inf"),
    "",
    "\ud800",
    "\0",
    "..",
    "a/b",
    "x" * 5000,
    [],
    {},
    [[]],
    {"": ""},
    [None],
    ["a", "a"],
    "null",
    "2024-13-45",
)


def fragment(rng):
    """Bytes that some reader takes for more than data."""
    pool = rng.choice((NUMBERS, YAML, TEXTS, BYTES, BYTES)) if rng.random() < 0.93 else LONG
    found = rng.choice(pool)
    return found if isinstance(found, bytes) else found.encode("utf-8", "surrogatepass")


def bytes_(rng, good):
    """``good`` with one to four changes."""
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        good = rng.choice(WAYS)(rng, good)
    return good


def _flip(rng, data):
    made = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8, 64)) if made else 0):
        made[rng.randrange(len(made))] ^= 1 << rng.randrange(8)
    return bytes(made)


def _spot(rng, data):
    return rng.randrange(len(data) + 1)


def _cut(rng, data):
    return data[: _spot(rng, data)]


def _behead(rng, data):
    return data[_spot(rng, data) :]


def _take_out(rng, data):
    start = _spot(rng, data)
    return data[:start] + data[start + rng.choice((1, 2, 16, 256)) :]


def _double(rng, data):
    start = _spot(rng, data)
    end = start + rng.choice((1, 8, 64, len(data)))
    return data[:end] + data[start:end] * rng.choice((1, 1, 2, 50)) + data[end:]


def _insert(rng, data):
    start = _spot(rng, data)
    return data[:start] + fragment(rng) + data[start:]


def _replace_word(rng, data):
    """Something in place of what stands between two signs: a value in the place of another."""
    start = _spot(rng, data)
    end = next((i for i in range(start, len(data)) if data[i : i + 1] in b" ,:\n}]"), len(data))
    return data[:start] + fragment(rng) + data[end:]


def _reencode(rng, data):
    name = rng.choice(("utf-16", "utf-16-le", "utf-32", "utf-8-sig", "cp037", "utf-7"))
    return data.decode("utf-8", "replace").encode(name, "replace")


def _lines(rng, data):
    rows = data.split(b"\n")
    rng.shuffle(rows)
    return b"\n".join(rows[: rng.randrange(len(rows) + 1)])


WAYS = (
    _flip,
    _flip,
    _cut,
    _behead,
    _take_out,
    _double,
    _insert,
    _insert,
    _replace_word,
    _replace_word,
    _reencode,
    _lines,
)


def document(rng, good):
    """``good``, of JSON's types, with one to three of its values exchanged, taken out, doubled or renamed."""
    made = copy.deepcopy(good)
    for _ in range(rng.choice((1, 1, 2, 3))):
        holder, key = rng.choice(list(_places(made)) or [(None, None)])
        if holder is None:
            return rng.choice(VALUES)
        way = rng.randrange(6)
        if way < 3:
            holder[key] = copy.deepcopy(rng.choice(VALUES))
        elif way == 3:
            del holder[key]
        elif isinstance(holder, dict):
            holder[rng.choice(("", "\ud800", key + " ", "version", "a" * 300))] = (
                holder[key] if way == 4 else holder.pop(key)
            )
        else:
            holder.insert(key, copy.deepcopy(holder[key]))
    return made


def _places(value):
    """Every place in a document that holds a value, as its holder and the key there."""
    if isinstance(value, (dict, list)):
        for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
            yield value, key
            yield from _places(inner)


def written(value):
    """``value`` as JSON text in bytes, half surrogate pairs escaped."""
    return json.dumps(value).encode()
