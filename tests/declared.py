"""TypeScript's declarations of plain data, as JSON schemas: so much of the language as harness/page/data.d.ts uses."""

import json
import re
from typing import ClassVar

_TOKEN = re.compile(r'\s*("[^"]*"|\d+|\w+|\[\]|[{}()<>\[\]|;:,])')
_PLAIN = ("string", "number", "boolean", "null")


def schema(source, name):
    """The schema of the interface or type ``name``; objects may have no other fields."""
    source = re.sub(r"/\*.*?\*/|//[^\n]*", "", source, flags=re.DOTALL)
    named = dict(re.findall(r"interface (\w+) (\{.*?\n\})", source, re.DOTALL))
    named |= dict(re.findall(r"type (\w+) = (.*?);\n", source, re.DOTALL))
    return {"$ref": f"#/$defs/{name}", "$defs": {each: _Reader(text).type() for each, text in named.items()}}


class _Reader:
    def __init__(self, text):
        self.left = _TOKEN.findall(text)[::-1]
        assert "".join(self.left[::-1]).replace(" ", "") == re.sub(r"\s", "", text), text

    def take(self, *expected):
        token = self.left.pop()
        assert not expected or token in expected, (token, expected)
        return token

    def next(self, token):
        return bool(self.left) and self.left[-1] == token

    def type(self):
        parts = [self.listed()]
        while self.next("|"):
            self.take("|")
            parts.append(self.listed())
        return parts[0] if len(parts) == 1 else {"anyOf": parts}

    def listed(self):
        found = self.single()
        while self.next("[]"):
            self.take("[]")
            found = {"type": "array", "items": found}
        return found

    def single(self):
        token = self.take()
        if token in self.BEGUN:
            return self.BEGUN[token](self)
        if token[0] == '"' or token.isdigit():
            return {"const": json.loads(token)}
        return {"type": token} if token in _PLAIN else {"$ref": f"#/$defs/{token}"}

    def grouped(self):
        found = self.type()
        self.take(")")
        return found

    def record(self):
        for each in ("<", "string", ","):
            self.take(each)
        found = self.type()
        self.take(">")
        return {"type": "object", "additionalProperties": found}

    def fields(self):
        held = {}
        while not self.next("}"):
            name = self.take()
            self.take(":")
            held[name] = self.type()
            if not self.next("}"):
                self.take(";")
        self.take("}")
        return {"type": "object", "properties": held, "required": list(held), "additionalProperties": False}

    def tuple(self):
        parts = []
        while not self.next("]"):
            if len(self.left) > 1 and self.left[-2] == ":":
                self.take()
                self.take(":")
            parts.append(self.type())
            if not self.next("]"):
                self.take(",")
        self.take("]")
        return {"type": "array", "prefixItems": parts, "items": False, "minItems": len(parts), "maxItems": len(parts)}

    BEGUN: ClassVar = {"(": grouped, "{": fields, "[": tuple, "Record": record}
