"""What a shell is told: real commands that fail, regress or find a full disk."""

import os
import re
from xml.etree import ElementTree

import pytest
from faults import status
from shell import CHECK, begun, ended, harness

pytestmark = pytest.mark.slow


def reports(folder):
    return ["--junit", str(folder / "out.xml"), "--markdown", str(folder / "out.md"), "--github"]


def cases(folder, kind):
    return list(ElementTree.parse(folder / "out.xml").getroot().iter(kind))


class TestCheck:
    def test_a_server_that_fails_is_no_verdict(self, server, served, project):
        server.always = status(500, "the machine is on fire")
        done, out, err = harness(*CHECK, *served, *reports(project))
        assert done == 4, err
        assert err.startswith("harness: pets/loud: ")
        assert "the machine is on fire" in err
        assert err.count("\n") == 1
        (error,) = cases(project, "error")
        assert error.get("type") == "failed"
        assert "on fire" in error.get("message")
        assert not cases(project, "failure")
        assert (project / "out.md").read_text().startswith("### FAILED: `pets/loud`\n")
        assert re.search("^::error title=harness check: failed::pets/loud: .*on fire", out, re.MULTILINE)
        done, _, err = harness("run", "--task", "pets", *served)
        assert (done, err.count("\n")) == (1, 1)

    def test_a_regression_is_one(self, served, project):
        done, out, err = harness(*CHECK, *served, *reports(project))
        assert (done, err) == (1, "")
        (failure,) = cases(project, "failure")
        assert failure.get("type") == "regression"
        assert not cases(project, "error")
        assert "REGRESSION" in out
        missing = [*CHECK[:4], "plian", *CHECK[5:]]
        done, _, err = harness(*missing, *served, *reports(project))
        assert done == 2
        assert "Did you mean 'plain'" in err
        (error,) = cases(project, "error")
        assert error.get("type") == "wrong use"

    def test_of_several_one_fails_and_the_others_are_told(self, server, served, project):
        folder = project / "prompts" / "pets"
        (folder / "odd.j2").write_text((folder / "plain.j2").read_text().replace("{{ text }}", "odd: {{ text }}"))
        for name in ("plain", "odd", "loud"):
            done, _, err = harness("check", "--task", "pets", "--template", name, "--margin", "0.4", "--save", *served)
            assert done == 0, err
        (folder / "odd.j2").write_text((folder / "odd.j2").read_text().replace("odd:", "curious:"))
        honest = server.model
        server.model = lambda body: (503, {}) if "curious" in str(body) else honest(body)
        done, out, err = harness("check", "--all", *served, *reports(project))
        assert done == 4, err
        assert re.search("^pets/odd +FAILED", out, re.MULTILINE)
        assert re.search("^pets/plain +PASS", out, re.MULTILINE)
        assert re.search("^pets/loud +PASS", out, re.MULTILINE)
        assert err.startswith("harness: pets/odd: ")
        assert [suite.get("errors") for suite in cases(project, "testsuite")].count("1") == 1
        (folder / "plain.j2").write_text(
            (folder / "plain.j2").read_text().replace("{{ text }} =>", "loud {{ text }} =>")
        )
        done, _, _ = harness("check", "--all", *served, *reports(project))
        assert done == 1  # a regression is worse than what is not known
        (error,), (failure,) = cases(project, "error"), cases(project, "failure")
        assert (error.get("type"), failure.get("type")) == ("failed", "regression")
        text = (project / "out.md").read_text()
        assert "### REGRESSION: `pets/plain`" in text
        assert "### FAILED: `pets/odd`" in text

    @pytest.mark.parametrize("raised", ["KeyError('x')", "SystemExit(1)", "MemoryError()", "OSError(28, 'full')"])
    def test_nothing_that_is_raised_looks_like_a_verdict(self, project, raised):
        text = f"""
from harness.gate import check
def broken(*_): raise {raised}
check.Check.decide = broken
from harness.cli import main
main({[*CHECK[:4], "plain", *CHECK[5:], "--engine", "null", *reports(project)]!r})
"""
        for env in ({}, {"HARNESS_TRACEBACK": "1"}):
            done, _, err = ended(begun("-c", text, env={**os.environ, **env}))
            assert done == 4, err
            assert "pets/plain" in err
            assert len(cases(project, "error")) == 1


class TestFullDisk:
    def test_a_verdict_that_cannot_be_said_or_written(self, served, project):
        same = [*CHECK[:4], "plain", *CHECK[5:], *served]
        done, out, err = harness(*same, "--junit", "/dev/full")
        assert done == 4
        assert out.startswith("PASS")
        assert err.startswith("harness: /dev/full: cannot be written: No space left on device. Make room")
        with open("/dev/full", "w") as full:
            assert harness(*same, stdout=full)[0] == 4
            assert harness(*same, stderr=full)[0] == 0
            assert harness(*same[:-2], "--engine-with", "nothing=1", stderr=full)[0] == 2
        assert harness(*CHECK, *served, "--junit", "/dev/full")[0] == 1
