"""A file is written whole or not at all."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from harness import aside
from harness.errors import HarnessError, InputError

BEGIN = """
import os, resource, signal, sys
from pathlib import Path
from harness import aside
"""
KILLED = BEGIN + "os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)\n"
FULL = BEGIN + "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nresource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))\n"
WRITE = "aside.write(Path(sys.argv[1]), 'new' * 1000)"


def test_text_and_bytes_stand_there_alone(tmp_path):
    path = tmp_path / "a" / "b" / "c.txt"
    for content in ("größer\n", b"\xff\r\n", ""):
        aside.write(path, content)
        assert path.read_bytes() == (content.encode() if isinstance(content, str) else content)
    assert os.listdir(path.parent) == ["c.txt"]
    umask = os.umask(0)
    os.umask(umask)
    assert path.stat().st_mode & 0o777 == 0o666 & ~umask


@pytest.mark.parametrize(("begin", "code"), [(KILLED, -signal.SIGKILL), (FULL, 1)])
def test_what_stood_there_stays(tmp_path, begin, code):
    path = tmp_path / "file"
    path.write_text("old")
    done = subprocess.run([sys.executable, "-c", begin + WRITE, path], capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert path.read_text() == "old"
    if code == 1:
        assert "HarnessError: " in done.stderr
        assert f"{path}: cannot be written: File too large. Make room, and run again." in done.stderr
        assert os.listdir(tmp_path) == ["file"]


def test_a_link_stays_one_and_a_pipe_is_written_to(tmp_path):
    (tmp_path / "real").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real" / "file")
    for text in ("one", "two"):  # also where what it points to is not there yet
        aside.write(link, text)
        assert link.is_symlink()
        assert (tmp_path / "real" / "file").read_text() == text
    pipe, heard = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: heard.append(pipe.read_text()))
    reader.start()
    aside.write(pipe, "said")
    reader.join()
    assert heard == ["said"]
    assert pipe.is_fifo()


@pytest.mark.parametrize("name", ["folder", "file/below", "x" * 300])
def test_a_path_that_is_none(tmp_path, name):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written: "):
        aside.write(tmp_path / name, "text")
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


def test_a_full_disk_is_no_bad_path():
    with pytest.raises(HarnessError, match=r"No space left on device\. Make room") as error:
        aside.write(aside.Path("/dev/full"), "text")
    assert not isinstance(error.value, InputError)
