"""Where tasks, prompts and models lie: the user's own folder first, then what travels with the package."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def root() -> Path:
    """The folder that holds the built-in ``tasks/``, ``prompts/`` and ``models/``: inside an installed wheel, or
    the checkout when the package runs from source."""
    packed = _PACKAGE / "builtin"
    return packed if packed.is_dir() else _PACKAGE.parent


def find(*parts: str) -> Path | None:
    """The first existing path ``parts`` below the working folder or the built-ins."""
    for base in (Path.cwd(), root()):
        path = base.joinpath(*parts)
        if path.exists():
            return path
    return None


def names(folder: str, suffix: str = "") -> list[str]:
    """Names of the entries of ``folder`` (user's own and built-in together), without ``suffix``, sorted."""
    found = set()
    for base in (Path.cwd(), root()):
        for path in base.joinpath(folder).glob(f"*{suffix}"):
            if path.is_dir() != bool(suffix) and not path.name.startswith((".", "_")):
                found.add(path.name.removesuffix(suffix))
    return sorted(found)
