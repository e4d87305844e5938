"""The site is built from the pages and the code, strictly, and asks nothing of the network."""

import re
import shutil
import subprocess
import sys

import pytest
from conftest import ROOT

pytestmark = pytest.mark.slow
DOCS = ROOT / "docs"
# What a browser loads by itself: of links it follows none unasked.
LOADED = re.compile(r"<(?:script|img|source|iframe)\b[^>]*\bsrc=\"([^\"]+)|<link\b[^>]*\bhref=\"([^\"]+)")
IN_STYLES = re.compile(r"(?:url\(|@import )[\"']?(?:https?:)?//")


def build(source, out):
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", str(source), str(out)]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    out = tmp_path_factory.mktemp("site")
    done = build(DOCS, out)
    assert done.returncode == 0, done.stderr
    return out


def test_every_page_is_built_without_a_warning(site):
    assert {page.stem for page in DOCS.glob("*.md")} <= {page.stem for page in site.glob("*.html")}


def test_nothing_is_loaded_from_elsewhere(site):
    pages, styles = list(site.rglob("*.html")), list(site.rglob("*.css"))
    assert pages
    assert styles
    for page in pages:
        loaded = [one or other for one, other in LOADED.findall(page.read_text(encoding="utf-8"))]
        assert loaded
        assert not [each for each in loaded if each.startswith(("http:", "https:", "//"))], page.name
    for style in styles:
        assert not IN_STYLES.search(style.read_text(encoding="utf-8")), style.name


def test_the_reference_has_the_commands_the_names_and_the_fields(site):
    texts = {
        name: (site / f"{name}.html").read_text(encoding="utf-8") for name in ("commands", "names", "task", "python")
    }
    for name, wanted in {
        "commands": "--latency-margin",
        "names": "krippendorff-alpha",
        "task": "main_metric",
        "python": "harness.types.Prediction",
    }.items():
        assert wanted in texts[name]


@pytest.mark.parametrize(
    ("page", "told"),
    [
        ("```{extras}\nnone: there is none\n```", "'none'"),
        ("```{fields} harness.results.document:_Usage\nseconds: of the run\n```", "'retries'"),
        ("[there](index.md#nowhere)", "nowhere"),
        ("[there](nowhere.md)", "nowhere"),
    ],
)
def test_a_page_that_names_what_is_not_there_is_no_site(tmp_path, page, told):
    source = tmp_path / "docs"
    source.mkdir()
    for name in ("conf.py", "reference.py"):
        shutil.copy(DOCS / name, source)
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    (source / "index.md").write_text(f"# Site\n\n{page}\n", encoding="utf-8")
    done = build(source, tmp_path / "site")
    assert done.returncode != 0
    assert told in done.stderr
