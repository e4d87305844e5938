"""The documents as a reader follows them: every block of a page is run in its order, or says why it is not."""

from __future__ import annotations

import contextlib
import io
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from click.testing import CliRunner
from conftest import ROOT
from markdown_it import MarkdownIt

from harness import calibration, engines, kinds, metrics, predictors
from harness.cli import main
from harness.prompt import selectors

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
SKIPPED = "no-test: "
PARSED = {"yaml": yaml.safe_load, "json": json.loads, "toml": tomllib.loads}
TABLES = (
    *(kinds.KINDS, metrics.METRICS, predictors.BASELINES, selectors.SELECTORS),
    *(engines.ENGINES, calibration.CALIBRATIONS),
)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, what is said behind that (a file to write, or why it is not run), its text."""

    place: str
    language: str
    said: str
    text: str


def blocks(page: Path) -> list[Block]:
    """The blocks of a page, but for the site's directives."""
    found = []
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        if token.type == "fence" and not token.info.startswith("{"):
            language, _, said = token.info.partition(" ")
            found.append(Block(f"{page.name}, line {token.map[0] + 1}", language, said, token.content))
    return found


class Reader:
    """Does what a page says, in the working folder."""

    def __init__(self) -> None:
        self.names: dict[str, object] = {}
        self.shown = ""

    def follow(self, page: Path) -> None:
        for block in blocks(page):
            if block.said.startswith("no-test"):
                assert re.match(rf"{SKIPPED}\S", block.said), f"{block.place}: say why, as in no-test: needs a GPU"
            elif block.language == "text":
                self.compare(block)
            elif block.said:
                Path(block.said).parent.mkdir(parents=True, exist_ok=True)
                Path(block.said).write_text(block.text, encoding="utf-8")
            elif block.language == "sh":
                self.shown = "".join(self.typed(line, block) for line in block.text.replace("\\\n", " ").splitlines())
            elif block.language == "python":
                self.execute(block)
            else:
                assert block.language in PARSED, f"{block.place}: {block.language!r} is none of sh, python, text, …"
                assert PARSED[block.language](block.text), block.place

    def typed(self, line: str, block: Block) -> str:
        """What a command prints, on both streams. Its exit code is 0, or that which its comment says."""
        words = shlex.split(line, comments=True)
        if not words:
            return ""
        if words == ["pip", "install", "-e", "."]:
            return install()
        assert words[0] == "harness", f"{block.place}: {line}"
        done = CliRunner().invoke(main, words[1:])
        said = re.search(r"# exit code (\d+)", line)
        assert done.exit_code == int(said[1] if said else 0), f"{block.place}: {line}\n{done.output}"
        assert done.output, f"{block.place}: {line}"
        return done.output

    def execute(self, block: Block) -> None:
        with contextlib.redirect_stdout(io.StringIO()) as out:
            exec(compile(block.text, block.place, "exec"), self.names)
        self.shown = out.getvalue()

    def compare(self, block: Block) -> None:
        """Each line of the block is one that was shown, in this order; … stands for anything."""
        lines = iter(self.shown.splitlines())
        for line in filter(None, map(squeezed, block.text.splitlines())):
            wanted = re.compile(".*".join(map(re.escape, line.split("…"))))
            assert any(wanted.fullmatch(squeezed(each)) for each in lines), f"{block.place}: {line}\n{self.shown}"


def squeezed(line: str) -> str:
    return " ".join(line.split())


def install() -> str:
    """What ``pip install -e .`` does with a package of one file in the working folder."""
    said = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
    folder = Path(f"{said['name'].replace('-', '_')}-{said['version']}.dist-info")
    folder.mkdir()
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {said['name']}\nVersion: {said['version']}\n")
    lines = []
    for group, entries in said["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in entries.items())]
    (folder / "entry_points.txt").write_text("\n".join(lines) + "\n")
    forget()
    return ""


def forget() -> None:
    """Tables look anew for what other packages add."""
    for table in TABLES:
        table.__dict__.pop("_added", None)


def links(page: Path) -> Iterator[str]:
    """The targets of the page's links and pictures."""
    for token in MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8")):
        for child in token.children or ():
            if target := child.attrGet("href") or child.attrGet("src"):
                yield str(target)
