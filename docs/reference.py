"""Directives that make pages from the code: what a page says of a name is checked against the names that there are."""

from __future__ import annotations

import inspect
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from pydantic import BaseModel
from pydantic_core import PydanticUndefined
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

ROOT = Path(__file__).resolve().parent.parent
Rows = Mapping[str, Sequence[str]]


def code(text: str) -> str:
    """``text`` as code in a cell of a table."""
    return f"`{text}`".replace("|", "\\|") if text else ""


def plain(text: str) -> str:
    """``text`` that is no markup, in a cell of a table."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "&#124;")


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [header, [":--"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def type_of(annotation: Any) -> str:
    """A type as a person writes it."""
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        return annotation.__name__
    return re.sub(r"\b(?:typing|collections\.abc|harness(?:\.\w+)*)\.", "", str(annotation))


def fields(model: type[BaseModel]) -> Rows:
    """Type and default of each field of a model."""
    found = {}
    for name, field in model.model_fields.items():
        if field.default_factory is not None:
            default = code(repr(field.get_default(call_default_factory=True)))
        else:
            default = "needed" if field.default is PydanticUndefined else code(json.dumps(field.default, default=repr))
        found[name] = (code(type_of(field.annotation)), default)
    return found


def load(path: str) -> Any:
    """What ``module:attribute`` names."""
    module, _, attribute = path.partition(":")
    return getattr(__import__(module, fromlist=[attribute]), attribute)


class Made(SphinxDirective):
    """A directive that is some Markdown. What its body says of each name, as YAML, is for all the names there are."""

    optional_arguments = 1
    has_content = True

    def text(self) -> str:
        raise NotImplementedError

    def run(self) -> list[nodes.Node]:
        return self.parse_text_to_nodes(self.text(), allow_section_headings=True)

    def described(self, header: Sequence[str], rows: Rows) -> str:
        """The table of ``rows``, each with what the body says of it."""
        said = yaml.safe_load("\n".join(self.content)) or {}
        if wrong := said.keys() ^ rows.keys():
            raise self.error(f"{self.name} {' '.join(self.arguments)}: said, or there, and not both: {sorted(wrong)}")
        return table([*header, ""], [[code(name), *cells, str(said[name])] for name, cells in rows.items()])


class Fields(Made):
    """The fields of a pydantic model."""

    def text(self) -> str:
        return self.described(("field", "type", "default"), fields(load(self.arguments[0])))


class Extras(Made):
    """The optional dependencies of pyproject.toml."""

    def text(self) -> str:
        path = ROOT / "pyproject.toml"
        self.env.note_dependency(str(path))
        extras = tomllib.loads(path.read_text(encoding="utf-8"))["project"]["optional-dependencies"]
        return self.described(("extra",), dict.fromkeys(extras, ()))


class Seen(Made):
    """The names that a template sees besides the inputs."""

    def text(self) -> str:
        from harness.task.definition import RESERVED

        return self.described(("name",), dict.fromkeys(RESERVED, ()))


class Kinds(Made):
    """Each kind of answers: what it is, its fields, what scores it and what is trained for it."""

    def text(self) -> str:
        from harness.kinds import KINDS

        return "\n\n".join(self._kind(name, KINDS.find(name)) for name in KINDS if KINDS.ours(name))

    def _kind(self, name: str, kind: Any) -> str:
        own = [[code(field), *cells] for field, cells in fields(kind).items()]
        said = inspect.getdoc(kind).replace("``", "`")
        parts = [f"**`{name}`**", said, table(("field", "type", "default"), own) if own else ""]
        parts.append(f"Besides its own, these metrics can score it: {', '.join(map(code, kind.measures))}.")
        parts.append(f"Baselines: {', '.join(map(code, kind.baselines))}. Leniently, {kind.lenience}")
        return "\n\n".join(filter(None, parts))


class Names(Made):
    """What there is of a sort (metrics, selectors …) by name, with the first sentence of its docstring, and what can be
    set of it."""

    def text(self) -> str:
        from harness.study.listing import entries

        (sort,) = self.arguments
        rows = []
        for name, said in entries(sort, None, Path("results"), str):
            settings = self._settings(sort, name)
            rows.append([code(name), plain(said), *([] if settings is None else [settings])])
        return table(("name", "", "can be set")[: len(rows[0])], rows)

    @staticmethod
    def _settings(sort: str, name: str) -> str | None:
        """The parameters of a baseline or an engine; None for other sorts."""
        from harness import engines, params, predictors

        if sort == "baselines":
            given = predictors.parameters(name)
        elif sort == "engines":
            taken = params.parameters(engines.ENGINES.find(name), engines.GIVEN)
            given = {key: each.default for key, each in taken.items()}
        else:
            return None
        return ", ".join(code(f"{key}={value}") for key, value in given.items())


class Columns(Made):
    """The columns of predictions.parquet."""

    def text(self) -> str:
        from harness.results import columns

        optional = (*columns.OPTIONAL, *columns.LATER)
        rows = {
            each.name: (code(str(each.type).replace("element: ", "")), "may be empty" if each.name in optional else "")
            for each in columns.schema()
        }
        return self.described(("column", "type", ""), rows)


class Signed(Made):
    """What the signatures of the reference runs hold, with an example of each."""

    def text(self) -> str:
        found: dict[str, Sequence[str]] = {}
        for path in sorted((ROOT / "results" / "reference").glob("*/*/run.json")):
            self.env.note_dependency(str(path))
            for key, value in json.loads(path.read_text(encoding="utf-8"))["signature_pairs"]:
                found.setdefault(key, (code(value if len(value) < 44 else f"{value[:40]}…"),))
        return self.described(("key", "such as"), found)


class Commands(Made):
    """Every command with its arguments and options, in the groups and with the words and defaults of its help."""

    # A text that begins with a heading makes sections of the page; what stood before it would come after them.

    def text(self) -> str:
        import click
        import cloup

        from harness.cli import main

        above = click.Context(main, info_name="harness")
        parts = []
        for name in main.list_commands(above):
            command: Any = main.get_command(above, name)
            ctx = click.Context(command, info_name=name, parent=above)
            usage = command.get_usage(ctx).removeprefix("Usage: ")
            parts += [f"## {name}", f"```text\n{usage}\n```", self._help(command)]
            arguments = [each for each in command.params if isinstance(each, cloup.Argument)]
            groups = [(group.title, group.options) for group in command.option_groups]
            groups.append(("Others" if groups else "Options", command.get_ungrouped_options(ctx)))
            for title, params in [("Arguments", arguments), *groups]:
                rows = [self._row(each.get_help_record(ctx)) for each in params]
                parts += [table((title, ""), rows)] if rows else []
        return "\n\n".join(parts)

    @staticmethod
    def _help(command: Any) -> str:
        return inspect.cleandoc(command.help).replace("<", "&lt;")

    @staticmethod
    def _row(record: tuple[str, str]) -> list[str]:
        flags, said = record
        return [code(flags), plain(said)]


class Notebook(Made):
    """A notebook from its second cell on, a heading: its text, its code and what the code showed."""

    def text(self) -> str:
        path = Path(self.env.doc2path(self.env.docname)).parent / self.arguments[0]
        self.env.note_dependency(str(path))
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return "\n\n".join(part for cell in cells[1:] for part in self._cell(cell))

    @staticmethod
    def _cell(cell: Mapping[str, Any]) -> list[str]:
        said = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            return [said]
        parts = [f"```python\n{said}\n```"]
        for output in cell["outputs"]:
            data = output.get("data", {})
            if html := "".join(data.get("text/html", ())):
                parts.append(f"```{{raw}} html\n{html}\n```")
            else:
                plain = "".join(output.get("text", data.get("text/plain", ())))
                parts.append(f"```text\n{plain.rstrip()}\n```")
        return parts


MADE = {
    "fields": Fields,
    "extras": Extras,
    "seen": Seen,
    "kinds": Kinds,
    "names": Names,
    "columns": Columns,
    "signed": Signed,
    "commands": Commands,
    "notebook": Notebook,
}


def setup(app: Sphinx) -> dict[str, bool]:
    for name, directive in MADE.items():
        app.add_directive(name, directive)
    return {"parallel_read_safe": True}
