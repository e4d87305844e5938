"""A template's front matter: what it says of itself, and how its answers are written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from harness.errors import InputError, unknown
from harness.prompt import chat
from harness.task import asis

FENCE = re.compile(r"---[ \t]*(?:\r?\n|\Z)")  # a line that opens or closes front matter


class Grammar(BaseModel):
    """What a generated answer must match: a regular expression or a JSON schema."""

    model_config = ConfigDict(extra="forbid")
    regex: str | None = None
    json_schema: dict[str, Any] | None = None
    _nulls = model_validator(mode="before")(asis.nulls)

    @field_validator("json_schema", mode="before")
    @classmethod
    def _typed(cls, value: Any) -> Any:
        return asis.typed(value)

    @model_validator(mode="after")
    def _one(self) -> Grammar:
        if (self.regex is None) == (self.json_schema is None):
            raise ValueError("give either regex or json_schema")
        return self


class Settings(BaseModel):
    """A template's front matter. Unknown keys are errors. ``stop`` ends a written answer: where none is named, the end
    of its line, if answers are one line. ``strip: false`` keeps a prompt to the byte as the body gives it: the white
    space around it and each role's text, and around blocks. ``constrain`` holds generated answers to the labels' answer
    words, to the JSON schema of the task's kind, or to a grammar; ``answer_field`` names the field of a JSON answer
    that holds the answer word; ``chat_template_kwargs`` is what the model's chat template is told, such as
    ``enable_thinking: false``."""

    model_config = ConfigDict(extra="forbid")
    description: str = ""
    language: str = "en"
    verbalizer: dict[str, str] | str | None = None
    answer_prefix: str | None = None
    strip: bool = True
    stop: list[str] | None = None
    max_tokens: Annotated[int, Field(ge=1)] = 16
    constrain: Literal["labels", "schema"] | Grammar | None = None
    answer_field: str | None = None
    _nulls = model_validator(mode="before")(asis.nulls)
    chat_template_kwargs: dict[str, Any] = {}

    @field_validator("chat_template_kwargs", mode="before")
    @classmethod
    def _typed(cls, value: Any) -> Any:
        return asis.typed(value)

    @field_validator("chat_template_kwargs")
    @classmethod
    def _free(cls, value: dict[str, Any]) -> dict[str, Any]:
        if taken := sorted(set(value) & set(chat.OWN)):
            raise ValueError(f"{', '.join(taken)} cannot be set here")
        return value


def read(path: Path, source: str) -> tuple[Settings, int]:
    """The settings of the template ``source``, and the line on which its body begins. Raises InputError for front
    matter that is not closed, is no YAML, or says what is not known."""
    before = re.match(r"\ufeff?(?:[ \t]*\r?\n)*", source)
    assert before is not None
    opened = FENCE.match(source, before.end())
    if opened is None:
        return Settings(), 1
    header, rest = _header(path, source, opened.end())
    first_line = source.count("\n", 0, rest) + (1 if source[rest - 1] == "\n" else 2)
    return _settings("\n" * source.count("\n", 0, opened.end()) + header, path), first_line


def _header(path: Path, source: str, start: int) -> tuple[str, int]:
    """The front matter that begins at ``start``, and where what follows it begins."""
    place = start
    while place < len(source):
        if closed := FENCE.match(source, place):
            return source[start:place], closed.end()
        place = source.find("\n", place) + 1 or len(source)
    raise InputError(f"template {path}: the front matter that starts with --- is not closed by a line ---.")


def _settings(header: str, path: Path) -> Settings:
    """The front matter, read and validated."""
    try:
        found = asis.load(header) or {}
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InputError(f"template {path}: front matter is not valid YAML: {error}") from None
    try:
        return Settings.model_validate(found)
    except ValidationError as error:
        # Where a key takes several forms, that it is none of the words says the least.
        first = min(error.errors(), key=lambda each: each["type"] == "literal_error")
        where = f"template {path}, front matter"
        if first["type"] == "extra_forbidden":
            raise unknown("key", first["loc"][-1], Settings.model_fields, where) from None
        place = ".".join(map(str, first["loc"]))
        raise InputError(f"{where}{place and f', {place}'}: {first['msg']}.") from None
