"""Templates: a Jinja file with YAML front matter becomes a Prompt. Templates are untrusted input."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal

import jinja2
import yaml
from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from harness import builtin
from harness.errors import InputError, unknown
from harness.prompt import chat
from harness.task.definition import Task
from harness.types import Constraint, Example, Message, Messages, Prompt

MAX_CHARS = 1_000_000
MAX_INDENT = 8
FENCE = re.compile(r"---[ \t]*(?:\r?\n|\Z)")  # a line that opens or closes front matter
ROLES = ("system", "user", "assistant")
# String methods and filters that make long output from short input; the sandbox has no bound of its own for them.
_GROWING = {"center", "ljust", "rjust", "zfill", "expandtabs", "format", "format_map", "join", "replace", "translate"}


class Grammar(BaseModel):
    """What a generated answer must match: a regular expression or a JSON schema."""

    model_config = ConfigDict(extra="forbid")
    regex: str | None = None
    json_schema: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _one(self) -> Grammar:
        if (self.regex is None) == (self.json_schema is None):
            raise ValueError("give either regex or json_schema")
        return self


class Settings(BaseModel):
    """A template's front matter. Unknown keys are errors. ``constrain`` holds generated answers to the labels' answer
    words or to a grammar; ``answer_field`` names the field of a JSON answer that holds the answer word;
    ``chat_template_kwargs`` is what the model's chat template is told, such as ``enable_thinking: false``."""

    model_config = ConfigDict(extra="forbid")
    description: str = ""
    language: str = "en"
    verbalizer: dict[str, str] | Literal["letters"] | None = None
    answer_prefix: str | None = None
    stop: list[str] = ["\n"]
    max_tokens: int = 16
    constrain: Literal["labels"] | Grammar | None = None
    answer_field: str | None = None
    chat_template_kwargs: dict[str, Any] = {}

    @field_validator("chat_template_kwargs")
    @classmethod
    def _free(cls, value: dict[str, Any]) -> dict[str, Any]:
        if taken := sorted(set(value) & set(chat.OWN)):
            raise ValueError(f"{', '.join(taken)} cannot be set here")
        try:
            json.dumps(value)
        except TypeError as error:  # a date, which a server cannot be sent
            raise ValueError(f"{error}; write it in quotation marks") from None
        return value


@dataclass(frozen=True, slots=True)
class Label:
    """What a template sees of a label: its ``name``, the ``answer`` word that stands for it, its ``description``."""

    name: str
    answer: str
    description: str

    def __str__(self) -> str:
        return self.answer


class _Roles(Extension):
    """``{% user %}…{% enduser %}`` and its siblings. The nonce keeps data from forging a message boundary."""

    tags = set(ROLES)  # noqa: RUF012 (Jinja declares it so)

    def __init__(self, environment: jinja2.Environment) -> None:
        super().__init__(environment)
        self.nonce = secrets.token_hex(16)

    def parse(self, parser: Any) -> nodes.Node:
        token = next(parser.stream)
        body = parser.parse_statements((f"name:end{token.value}",), drop_needle=True)
        call = self.call_method("_wrap", [nodes.Const(token.value)])
        return nodes.CallBlock(call, [], [], body).set_lineno(token.lineno)

    def _wrap(self, role: str, caller: Any) -> str:
        return f"\0{self.nonce}:{role}\0{caller().strip()}\0{self.nonce}:end\0"


class _Sandbox(ImmutableSandboxedEnvironment):
    intercepted_binops = frozenset(["*", "**", "%"])

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        if not all(isinstance(x, (int, float)) and abs(x) < 1e6 for x in (left, right)) or operator == "**":
            raise SecurityError(f"operator {operator!r} works on numbers below a million only")
        return super().call_binop(context, operator, left, right)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return not (isinstance(obj, str) and attr in _GROWING) and super().is_safe_attribute(obj, attr, value)


def _environment() -> _Sandbox:
    env = _Sandbox(undefined=jinja2.StrictUndefined, extensions=[_Roles], trim_blocks=True, lstrip_blocks=True)
    for name in ("center", "format", "indent", "wordwrap", "pprint", "xmlattr"):
        del env.filters[name]
    env.filters["tojson"] = _json
    return env


def _json(value: Any, indent: int | None = None) -> str:
    """``value`` as JSON with every character as it is: a prompt is no HTML page, for which Jinja's filter writes."""
    if isinstance(value, jinja2.Undefined):
        str(value)  # raises the error that names it
    if indent is not None and not 0 <= indent <= MAX_INDENT:
        raise SecurityError(f"tojson indents by {MAX_INDENT} at most")
    return json.dumps(value, ensure_ascii=False, sort_keys=True, indent=indent)


@dataclass(frozen=True)
class Template:
    """One prompt template, bound to a task. ``sha`` is the hash of the file: one character changes it."""

    name: str
    path: Path
    source: str
    task: Task
    settings: Settings = field(default_factory=Settings)
    first_line: int = 1

    @property
    def sha(self) -> str:
        return hashlib.sha256(self.source.encode()).hexdigest()

    @cached_property
    def labels(self) -> tuple[Label, ...]:
        """The task's labels with their answer words, in label order."""
        described, words = self.task.spec.labels, self.settings.verbalizer
        if words is None:
            words = {name: name for name in described}
        elif words == "letters":
            if len(described) > 26:
                raise InputError(
                    f"{self.path}: `verbalizer: letters` names 26 labels at most, {self.task.name} has more."
                )
            words = dict(zip(described, string.ascii_uppercase, strict=False))
        assert isinstance(words, dict)
        for name in words:
            if name not in described:
                raise unknown("label in the verbalizer", name, described, str(self.path))
        if missing := [name for name in described if name not in words]:
            raise InputError(f"{self.path}: the verbalizer has no word for {', '.join(missing)}.")
        if len(set(words.values())) < len(words):
            raise InputError(f"{self.path}: two labels share one verbalizer word; parsing could not tell them apart.")
        return tuple(Label(name, str(words[name]), text) for name, text in described.items())

    @cached_property
    def _env(self) -> _Sandbox:
        return _environment()

    @property
    def digest(self) -> str:
        """A hash of all that its prompts hold besides examples: the file, the labels with their words and
        descriptions in order, the inputs' names."""
        seen = [(label.name, label.answer, label.description) for label in self.labels]
        whole = json.dumps([self.source, seen, list(self.task.spec.inputs)])
        return hashlib.sha256(whole.encode()).hexdigest()

    @cached_property
    def _compiled(self) -> jinja2.Template:
        body = "\n".join(self.source.removeprefix("\ufeff").split("\n")[self.first_line - 1 :])
        try:
            return self._env.from_string(body)
        except jinja2.TemplateSyntaxError as error:
            raise self._error(error.lineno, error.message or "syntax error") from None

    def render(self, example: Example, shots: Sequence[Example] = ()) -> Prompt:
        """The prompt for ``example`` after the demonstrations ``shots``, in the order given.

        Raises InputError naming template, line and the missing name where the template asks for what is not there.
        """
        words = {label.name: label for label in self.labels}
        shown = [(shot.inputs, words[shot.target]) for shot in shots]
        content = self._content(example.inputs, shown)
        written = partial(self._content, example.inputs, shown)
        return Prompt(example.id, content, self.choices(content), tuple(shot.id for shot in shots), written)

    def choices(self, content: str | Messages) -> tuple[str, ...]:
        """What may continue ``content``: one string a label, in label order."""
        prefix = self.settings.answer_prefix
        if prefix is None:
            prefix = " " if isinstance(content, str) else ""
        return tuple(prefix + label.answer for label in self.labels)

    def demonstration(self, answer: str, text: str) -> str | Messages:
        """A prompt with one demonstration, answered by ``answer``; every input of it and of the item is ``text``."""
        inputs = dict.fromkeys(self.task.spec.inputs, text)
        first = self.labels[0]
        return self._content(inputs, [(inputs, Label(first.name, answer, first.description))])

    def _content(
        self,
        inputs: Mapping[str, str],
        shots: Sequence[tuple[Mapping[str, str], Label]],
        done: Callable[[str], str] = str,
    ) -> str | Messages:
        """The template filled in, with ``done`` to each text that it is given."""
        labels = {label: Label(done(label.name), done(label.answer), done(label.description)) for label in self.labels}
        values = {
            **{name: done(text) for name, text in inputs.items()},
            "labels": list(labels.values()),
            "shots": [
                {**{name: done(text) for name, text in shot.items()}, "answer": done(label.answer), "label": label}
                for shot, label in shots
            ],
        }
        pieces, size = [], 0
        try:
            for piece in self._compiled.generate(values):
                pieces.append(piece)
                size += len(piece)
                if size > MAX_CHARS:
                    raise self._error(None, f"the prompt grew past {MAX_CHARS} characters")
        except (jinja2.UndefinedError, SecurityError, TypeError, ValueError, OverflowError) as error:
            raise self._error(_line_of(error), self._explain(error, values)) from None
        return self._messages("".join(pieces))

    def constraint(self, prompt: Prompt) -> Constraint | None:
        """What a generated answer to ``prompt`` is held to."""
        asked = self.settings.constrain
        if asked is None:
            return None
        if asked == "labels":
            return Constraint("choice", prompt.choices or ())
        if asked.regex is not None:
            return Constraint("regex", asked.regex)
        return Constraint("json", json.dumps(asked.json_schema, sort_keys=True))

    def _messages(self, text: str) -> str | Messages:
        nonce = self._env.extensions[f"{_Roles.__module__}.{_Roles.__qualname__}"].nonce  # type: ignore[attr-defined]
        parts = text.split(f"\0{nonce}:")
        if len(parts) == 1:
            return text.strip()
        messages = []
        for part in parts:
            role, _, content = part.partition("\0")
            if role in ROLES:
                messages.append(Message(role, content.rstrip("\0")))
            elif (content if role == "end" else part).strip():
                raise self._error(None, "text outside the role tags; put all of it inside {% user %} … {% enduser %}")
        return tuple(messages)

    def _explain(self, error: Exception, values: dict[str, Any]) -> str:
        message = str(error)
        if isinstance(error, jinja2.UndefinedError) and message.endswith("is undefined"):
            name = message.split("'")[1]
            return str(unknown("name", name, values))
        return message

    def _error(self, line: int | None, message: str) -> InputError:
        where = f", line {line + self.first_line - 1}" if line else ""
        return InputError(f"template {self.path}{where}: {message}")


def _line_of(error: BaseException) -> int | None:
    """The template line in the traceback: Jinja rewrites it to point into ``<template>``."""
    line, trace = None, error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def load(name: str, task: Task) -> Template:
    """The template ``prompts/TASK/NAME.j2`` (the user's own folder first), or the file ``name`` if it ends in .j2."""
    path = Path(name) if name.endswith(".j2") else builtin.find("prompts", task.name, f"{name}.j2")
    if path is None or not path.exists():
        raise unknown("template", name, builtin.names(f"prompts/{task.name}", ".j2"), f"task {task.name!r}")
    try:
        source = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"template {path}: cannot be read: {error}.") from None
    return parse(path.stem, path, source, task)


def parse(name: str, path: Path, source: str, task: Task) -> Template:
    """Split the front matter from the body and validate it."""
    settings, first_line = Settings(), 1
    before = re.match(r"\ufeff?(?:[ \t]*\r?\n)*", source)
    assert before is not None
    if opened := FENCE.match(source, before.end()):
        header, rest = _front_matter(path, source, opened.end())
        first_line = source.count("\n", 0, rest) + (1 if source[rest - 1] == "\n" else 2)
        settings = _settings(path, "\n" * source.count("\n", 0, opened.end()) + header)
    template = Template(name, path, source, task, settings, first_line)
    _ = template.labels, template._compiled  # report a bad verbalizer or syntax before anything runs
    return template


def _front_matter(path: Path, source: str, start: int) -> tuple[str, int]:
    """The front matter that begins at ``start``, and where what follows it begins."""
    place = start
    while place < len(source):
        if closed := FENCE.match(source, place):
            return source[start:place], closed.end()
        place = source.find("\n", place) + 1 or len(source)
    raise InputError(f"template {path}: the front matter that starts with --- is not closed by a line ---.")


def _settings(path: Path, header: str) -> Settings:
    try:
        return Settings.model_validate(yaml.safe_load(header) or {})
    except yaml.YAMLError as error:
        raise InputError(f"template {path}: front matter is not valid YAML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = f"template {path}, front matter"
        if first["type"] == "extra_forbidden":
            raise unknown("key", first["loc"][-1], Settings.model_fields, where) from None
        raise InputError(f"{where}, {'.'.join(map(str, first['loc']))}: {first['msg']}.") from None
