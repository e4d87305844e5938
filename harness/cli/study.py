"""A study as a file: what `run`, `check` and `tune` take, by the names of their options. The command
line outranks it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import click
import cloup
from click.core import ParameterSource

from harness.errors import InputError, unknown

LATER = ("study", "write", "output", "dry_run", "whole", "save", "help")  # what is said of a command, not of a study


def read(ctx: click.Context, _: click.Parameter, path: Path | None) -> Path | None:
    """The callback of an eager argument: what the file says holds where the command line says nothing."""
    if path is not None:
        ctx.default_map = {**(ctx.default_map or {}), **_values(ctx, path)}
    return path


argument = cloup.argument(
    "study_file",
    cls=cloup.Argument,
    metavar="[STUDY.yaml]",
    required=False,
    type=click.Path(path_type=Path),
    is_eager=True,
    callback=read,
    help="A file that says what options say, by their names; options outrank it.",
)


def _values(ctx: click.Context, path: Path) -> dict[str, Any]:
    """The values in the file of the command's own options, each read where the command line does not say another; those
    of the other commands are passed over."""
    fields = _fields(path)
    own = options(ctx.command)
    others = {name for command in _siblings(ctx) for name in options(command)}
    found = {}
    for name, (line, value) in fields.items():
        where = f"{path}, line {line}, field {name}"
        if name not in own:
            if name in others:
                continue
            raise unknown("key", name, sorted({*own, *others}), f"{path}, line {line}")
        found[str(own[name].name)] = partial(_checked, ctx, own[name], value, where)
    return found


def _checked(ctx: click.Context, param: click.Option, value: Any, where: str) -> Any:
    """``value`` as the option takes it. Raises InputError for one that it does not take."""
    taken = _taken(value, param, where)
    try:
        param.process_value(ctx, taken)
    except click.BadParameter as error:
        raise InputError(f"{where}: {error.message}") from None
    return taken


def _siblings(ctx: click.Context) -> list[click.Command]:
    parent = ctx.parent.command if ctx.parent else None
    return (
        [parent.commands[name] for name in ("run", "check", "tune")]
        if isinstance(parent, click.Group)
        else [ctx.command]
    )


def options(command: click.Command) -> dict[str, click.Option]:
    """What a study may say for ``command``, by the options' names without dashes."""
    return {
        name[2:]: param
        for param in command.params
        if isinstance(param, click.Option) and param.name not in LATER
        for name in param.opts
        if name.startswith("--")
    }


def _fields(path: Path) -> dict[str, tuple[int, Any]]:
    """Line and value of each key."""
    import yaml

    from harness.task import asis

    node, made = asis.document(path)
    if not isinstance(node, yaml.MappingNode):
        raise InputError(f"{path}: a study is a mapping of options, such as `task: finsentiment`.")
    return {key.value: (key.start_mark.line + 1, made[key.value]) for key, _ in node.value}


def _taken(value: Any, param: click.Option, where: str) -> Any:
    """``value`` as the option takes it: a list, a mapping of NAME: VALUE, or one value."""
    if isinstance(value, Mapping):
        value = [f"{key}={item}" for key, item in value.items()]
    if param.multiple:
        listed = value if isinstance(value, list) else [value]
        if any(isinstance(item, list | dict) for item in listed):
            raise InputError(f"{where}: give one list of values.")
        return [str(item) for item in listed]
    if isinstance(value, list):
        if len(value) != 1:
            raise InputError(f"{where}: give one value; this command takes no list of them.")
        (value,) = value
    return str(value)


def said(ctx: click.Context) -> dict[str, Any]:
    """What the command line, and a file that it named, say: a study that repeats them."""
    made: dict[str, Any] = {}
    for name, param in options(ctx.command).items():
        place = str(param.name)
        if ctx.get_parameter_source(place) not in (ParameterSource.DEFAULT, None):
            made[name] = _plain(ctx.params[place])
    return made


def _plain(value: Any) -> Any:
    if isinstance(value, Sequence) and not isinstance(value, str):
        listed = list(map(_plain, value))
        return listed[0] if len(listed) == 1 else listed
    return value if isinstance(value, bool | int) else str(value)


def write(path: Path, study: Mapping[str, Any]) -> None:
    """The study as YAML, which `read` reads; a key that is no study's to tell is left out."""
    import yaml

    from harness import aside, secret

    text = str(yaml.safe_dump(dict(study), sort_keys=False, allow_unicode=True))
    aside.write(path, secret.hidden(text))


def line(study: Mapping[str, Any]) -> str:
    """The study in one line, which is YAML too."""
    return json.dumps(study, ensure_ascii=False)
