"""`harness doctor` as tests call it."""

from click.testing import CliRunner

from harness.cli import main


def doctor(*more):
    done = CliRunner().invoke(main, ["doctor", *more])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def states(done):
    rows = (line.split(maxsplit=1) for line in done.stdout.splitlines() if "  " in line[:9])
    return {said.split(": ")[0]: state for state, said in rows}


def whole(root):
    assert doctor("--results", str(root)).exit_code == 0
    return True
