"""Pages of runs, of every built-in task, opened in a browser."""

from pathlib import Path

import pages
import pytest
from browsing import aside, kept, number, unfold
from click.testing import CliRunner

from harness import builtin
from harness.cli import main
from harness.engines import create
from harness.study import grid
from harness.task import definition

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", builtin.names("tasks"))
def test_every_built_in_task_is_shown_with_its_texts_answers_and_prompts(home, reader, name):
    spec = grid.Spec(limit=24, baselines=[], shots=(0, 2))
    list(grid.run(definition.load(name), spec, [create("null", "tiny")], home / "results"))
    done = CliRunner().invoke(main, ["report", "--page", "page.html"])
    assert done.exit_code == 0, done.output
    html = Path("page.html").read_bytes().decode()
    blocks = pages.blocks(html)
    page = reader.open(html)
    n = blocks["summary"]["tables"][0]["n"]
    counts = [number(each.split(":")[1]) for each in page.locator(".square .cell").all_inner_texts()]
    assert sum(counts) == kept(page) == n
    page.keyboard.press("o")
    page.wait_for_selector(".answers")
    unfold(page)
    a, _ = blocks["summary"]["tables"][0]["first"]
    prompt = pages.prompt(blocks[f"prompts-0-{a}"], 0)
    assert page.locator(".answer").first.locator("pre").last.text_content() == prompt
    assert (
        page.locator(".question .text").first.text_content().endswith(blocks["texts-0"]["inputs"][0]["texts"][0][-5:])
    )
    assert aside(page) == 0
