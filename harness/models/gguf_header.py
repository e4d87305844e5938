"""What a GGUF file says of itself ahead of its weights: architecture, tensors and how they are stored."""

from __future__ import annotations

import mmap
import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import TypeAlias

from harness import paths

Value: TypeAlias = str | int | float | bool

MAGIC = b"GGUF"
VERSIONS = (2, 3)
ALIGNMENT = 32  # of the weights, where the file names none
STRING, ARRAY = 8, 9
SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
# Names that llama.cpp gives its files' types (llama_ftype) and its tensors' (ggml_type).
FILE_TYPES = {
    **{0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 7: "Q8_0", 8: "Q5_0", 9: "Q5_1", 10: "Q2_K"},
    **{11: "Q3_K_S", 12: "Q3_K_M", 13: "Q3_K_L", 14: "Q4_K_S", 15: "Q4_K_M", 16: "Q5_K_S", 17: "Q5_K_M", 18: "Q6_K"},
    **{19: "IQ2_XXS", 20: "IQ2_XS", 21: "Q2_K_S", 22: "IQ3_XS", 23: "IQ3_XXS", 24: "IQ1_S", 25: "IQ4_NL"},
    **{26: "IQ3_S", 27: "IQ3_M", 28: "IQ2_S", 29: "IQ2_M", 30: "IQ4_XS", 31: "IQ1_M", 32: "BF16"},
    **{36: "TQ1_0", 37: "TQ2_0", 38: "MXFP4"},
}
TENSOR_TYPES = {
    **{0: "F32", 1: "F16", 2: "Q4_0", 3: "Q4_1", 6: "Q5_0", 7: "Q5_1", 8: "Q8_0", 9: "Q8_1"},
    **{10: "Q2_K", 11: "Q3_K", 12: "Q4_K", 13: "Q5_K", 14: "Q6_K", 15: "Q8_K", 16: "IQ2_XXS", 17: "IQ2_XS"},
    **{18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S", 22: "IQ2_S", 23: "IQ4_XS", 28: "F64", 29: "IQ1_M"},
    **{30: "BF16", 34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4"},
}


@dataclass(frozen=True, slots=True)
class Tensor:
    """``offset`` is counted in bytes from where the weights begin."""

    name: str
    shape: tuple[int, ...]
    type: int
    offset: int

    @property
    def elements(self) -> int:
        return prod(self.shape)


@dataclass(frozen=True, slots=True)
class Header:
    """``values`` are those of the file's keys that are no lists; the weights begin at byte ``start``."""

    values: Mapping[str, Value]
    tensors: Sequence[Tensor]
    start: int

    @classmethod
    def read(cls, path: Path) -> Header:
        """The header of the file at ``path``. Raises ValueError where it has none, or not all of it,
        OSError where it is no file."""
        paths.check(path)
        with path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise ValueError("it does not begin with GGUF")
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                try:
                    return _Reader(data).header()
                except (struct.error, OverflowError):
                    raise ValueError("it ends within its header") from None

    @property
    def architecture(self) -> str:
        return str(self.values.get("general.architecture", "unknown"))

    def number(self, key: str, default: int) -> int:
        """The whole number under ``key``; ``default`` where there is none."""
        value = self.values.get(key)
        return value if isinstance(value, int) else default

    @property
    def quantization(self) -> str:
        """How it is stored: the file's own word, else the type of most of its weights."""
        named = FILE_TYPES.get(self.number("general.file_type", -1))
        if named or not self.tensors:
            return named or "unknown"
        sizes: Counter[int] = Counter()
        for tensor in self.tensors:
            sizes[tensor.type] += tensor.elements
        ((most, _),) = sizes.most_common(1)
        return TENSOR_TYPES.get(most, f"type {most}")


class _Reader:
    """A place in the bytes of a file, which reading moves on."""

    def __init__(self, data: mmap.mmap) -> None:
        self._data, self._at = data, len(MAGIC)

    def header(self) -> Header:
        version = int(self._number("I"))
        if version not in VERSIONS:
            raise ValueError(f"its version is {version}, not {' or '.join(map(str, VERSIONS))}")
        tensors, keys = int(self._number("Q")), int(self._number("Q"))
        values = {}
        for _ in range(keys):
            name = self._string()
            value = self._value(int(self._number("I")))
            if value is not None:
                values[name] = value
        found = [self._tensor() for _ in range(tensors)]
        head = Header(values, found, self._at)
        step = max(head.number("general.alignment", ALIGNMENT), 1)
        return replace(head, start=-(-self._at // step) * step)

    def _number(self, kind: str) -> int | float | bool:
        (value,) = struct.unpack_from(f"<{kind}", self._data, self._at)
        self._at += struct.calcsize(f"<{kind}")
        found: int | float | bool = value
        return found

    def _string(self) -> str:
        length = int(self._number("Q"))
        self._skip(length)
        return self._data[self._at - length : self._at].decode("utf-8", "replace")

    def _skip(self, count: int) -> None:
        self._at += count
        if self._at > len(self._data):
            raise OverflowError

    def _value(self, kind: int) -> Value | None:
        """A value of type ``kind``; None for a list, which is passed over."""
        if kind == STRING:
            return self._string()
        if kind in SCALARS:
            return self._number(SCALARS[kind])
        if kind != ARRAY:
            raise ValueError(f"it holds a value of the unknown type {kind}")
        inner, count = int(self._number("I")), int(self._number("Q"))
        if inner in SCALARS:
            self._skip(count * struct.calcsize(f"<{SCALARS[inner]}"))
            return None
        if inner != STRING:
            raise ValueError(f"it holds a list of the unknown type {inner}")
        for _ in range(count):
            self._skip(int(self._number("Q")))
        return None

    def _tensor(self) -> Tensor:
        name = self._string()
        shape = tuple(int(self._number("Q")) for _ in range(int(self._number("I"))))
        return Tensor(name, shape, int(self._number("I")), int(self._number("Q")))
