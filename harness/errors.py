"""Errors a user can mend. Each says what is wrong, where, and what would be right."""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable

# What is wrong with a path that was given. A full disk is none of it.
GIVEN = (
    *(errno.ENOENT, errno.EACCES, errno.EPERM, errno.EISDIR, errno.ENOTDIR, errno.EEXIST, errno.ENAMETOOLONG),
    *(errno.EINVAL, errno.ELOOP, errno.EROFS, errno.ENXIO),
)
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class HarnessError(Exception):
    """Something failed while running (exit code 1; 4 of a check, whose 1 is a verdict)."""

    exit_code = 1


class InputError(HarnessError):
    """Wrong usage or bad input (exit code 2): the message tells the user how to mend it."""

    exit_code = 2


def unknown(kind: str, name: object, known: Iterable[str], where: str = "") -> InputError:
    """The error for a name that is not in a list: names the nearest valid one and shows the list."""
    names = list(known)
    near = difflib.get_close_matches(str(name), names, n=1, cutoff=0.5)
    place = f"{where}: " if where else ""
    hint = f" Did you mean {near[0]!r}?" if near else ""
    shown = ", ".join(names[:30]) + (", …" if len(names) > 30 else "")
    return InputError(f"{place}unknown {kind} {str(name)!r}.{hint} Known: {shown or 'none'}.")


def missing_extra(package: str, extra: str, why: str) -> InputError:
    """The error for an optional package that is not installed."""
    return InputError(
        f"{why} needs the package {package!r}, which is not installed. "
        f"Install it with: pip install 'prompt-harness[{extra}]'"
    )


def of_file(error: OSError, path: object) -> HarnessError:
    """The error for a file that cannot be read or written: InputError where it is about the path that was given."""
    said = error.strerror or type(error).__name__
    if error.errno in GIVEN:
        return InputError(f"{path}: {said}.")
    return HarnessError(f"{path}: {said}." + (" Make room, and run again." if error.errno in FULL else ""))
