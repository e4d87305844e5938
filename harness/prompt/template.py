"""Templates: a Jinja file with YAML front matter becomes a Prompt. Templates are untrusted input."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import jinja2
import yaml
from jinja2 import nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from harness import builtin
from harness.errors import InputError, unknown
from harness.kinds import Choice, Label
from harness.prompt import chat
from harness.task import asis
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
    """A template's front matter. Unknown keys are errors. ``constrain`` holds generated answers to the labels' answer
    words or to a grammar; ``answer_field`` names the field of a JSON answer that holds the answer word;
    ``chat_template_kwargs`` is what the model's chat template is told, such as ``enable_thinking: false``."""

    model_config = ConfigDict(extra="forbid")
    description: str = ""
    language: str = "en"
    verbalizer: dict[str, str] | Literal["letters"] | None = None
    answer_prefix: str | None = None
    stop: list[str] = ["\n"]
    max_tokens: Annotated[int, Field(ge=1)] = 16
    constrain: Literal["labels"] | Grammar | None = None
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


class Shot(NamedTuple):
    """A demonstration as a template gets it: its inputs, the answer that it shows, and the canonical one."""

    inputs: Mapping[str, str]
    answer: str
    target: str


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
    for name in ("center", "format", "indent", "wordwrap", "pprint", "xmlattr", "random"):
        del env.filters[name]
    del env.globals["lipsum"]  # like ``random`` it would make another prompt each time, and a long one
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
    def words(self) -> Mapping[str, str]:
        """What stands for the answers in this template, by the kind of its task."""
        return self.task.kind.words(self.settings.verbalizer, str(self.path))

    @cached_property
    def labels(self) -> tuple[Label, ...]:
        """The task's labels with their answer words, in label order."""
        return self.task.kind.labels_of(self.words)

    def choices(self, example: Example) -> Sequence[Choice] | None:
        """The answers to score for an item; None where it is to be written."""
        return self.task.kind.choices(example, self.words)

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
        with self._told(lambda error: _written_line(error, self._env, body)):
            return self._env.from_string(body)

    @contextmanager
    def _told(self, line: Callable[[Exception], int | None], values: Mapping[str, Any] | None = None) -> Iterator[None]:
        """Whatever a template makes Jinja or Python raise becomes an InputError that names the template and the line:
        Jinja has errors of its own, and passes on those of the expressions and of the code that it writes."""
        try:
            yield
        except (InputError, MemoryError):
            raise
        except Exception as error:
            raise self._error(line(error), self._explain(error, values or {})) from None

    def render(self, example: Example, shots: Sequence[Example] = ()) -> Prompt:
        """The prompt for ``example`` after the demonstrations ``shots``, in the order given.

        Raises InputError naming template, line and the missing name where the template asks for what is not there.
        """
        shown = [Shot(each.inputs, self.task.kind.shown(each.target, self.words), each.target) for each in shots]
        content = self._content(example.inputs, shown)
        offered = self.choices(example)
        choices = None if offered is None else self.joined(content, [choice.word for choice in offered])
        written = partial(self._content, example.inputs, shown)
        return Prompt(example.id, content, choices, tuple(each.id for each in shots), written)

    def joined(self, content: str | Messages, words: Sequence[str]) -> tuple[str, ...]:
        """The answer words as they continue ``content``."""
        prefix = self.settings.answer_prefix
        if prefix is None:
            prefix = " " if isinstance(content, str) else ""
        return tuple(prefix + word for word in words)

    def demonstration(self, answer: str, text: str) -> str | Messages:
        """A prompt with one demonstration, answered by ``answer``; every input of it and of the item is ``text``."""
        inputs = dict.fromkeys(self.task.spec.inputs, text)
        return self._content(inputs, [Shot(inputs, answer, self.labels[0].name if self.labels else "")])

    def _content(
        self, inputs: Mapping[str, str], shots: Sequence[Shot], done: Callable[[str], str] = str
    ) -> str | Messages:
        """The template filled in, with ``done`` to each text that it is given."""
        labels = {each.name: Label(done(each.name), done(each.answer), done(each.description)) for each in self.labels}
        values = {
            **{name: done(text) for name, text in inputs.items()},
            "labels": list(labels.values()),
            "shots": [
                {
                    **{name: done(text) for name, text in shot.inputs.items()},
                    "answer": done(shot.answer),
                    **({"label": replace(labels[shot.target], answer=done(shot.answer))} if labels else {}),
                }
                for shot in shots
            ],
        }
        pieces, size = [], 0
        compiled = self._compiled
        with self._told(_line_of, values):
            for piece in compiled.generate(values):
                pieces.append(piece)
                size += len(piece)
                if size > MAX_CHARS:
                    raise self._error(None, f"the prompt grew past {MAX_CHARS} characters")
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

    def _explain(self, error: Exception, values: Mapping[str, Any]) -> str:
        message = str(error.msg if isinstance(error, SyntaxError) else error)
        if isinstance(error, jinja2.UndefinedError) and message.endswith("is undefined"):
            name = message.split("'")[1]
            return str(unknown("name", name, values))
        if isinstance(error, RecursionError):
            return "it nests too deeply, or a macro calls itself without end"
        if isinstance(error, jinja2.TemplateError):
            return message
        return f"{message or 'it failed'} ({type(error).__name__})"

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


def _written_line(error: Exception, env: _Sandbox, body: str) -> int | None:
    """The template line of an error from compiling: Jinja's own have it, Python's have that of the code written."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return error.lineno
    if not isinstance(error, SyntaxError) or error.lineno is None:
        return None
    # The code ends with pairs of lines, template=code, in the code's order.
    pairs = re.findall(r"(\d+)=(\d+)", env.compile(body, raw=True).rstrip().rsplit("\n", 1)[-1])
    return max((int(line) for line, code in pairs if int(code) <= error.lineno), default=None)


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


def parse(name: str, path: Path, source: str, task: Task) -> Template:
    """Split the front matter from the body and validate it."""
    settings, first_line = Settings(), 1
    if "\0" in source:
        line = source[: source.index("\0")].count("\n") + 1
        raise InputError(f"template {path}, line {line}: it holds a null byte, so it is no text. Save it as UTF-8.")
    before = re.match(r"\ufeff?(?:[ \t]*\r?\n)*", source)
    assert before is not None
    if opened := FENCE.match(source, before.end()):
        header, rest = _front_matter(path, source, opened.end())
        first_line = source.count("\n", 0, rest) + (1 if source[rest - 1] == "\n" else 2)
        settings = _settings("\n" * source.count("\n", 0, opened.end()) + header, path)
    template = Template(name, path, source, task, settings, first_line)
    _ = template.words, template._compiled  # report a bad verbalizer or syntax before anything runs
    return template


def _front_matter(path: Path, source: str, start: int) -> tuple[str, int]:
    """The front matter that begins at ``start``, and where what follows it begins."""
    place = start
    while place < len(source):
        if closed := FENCE.match(source, place):
            return source[start:place], closed.end()
        place = source.find("\n", place) + 1 or len(source)
    raise InputError(f"template {path}: the front matter that starts with --- is not closed by a line ---.")
