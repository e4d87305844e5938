"""Tables of what can be had by name: one line each here, and whatever other packages add by an entry point."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from harness.errors import InputError, unknown


class Table(Mapping[str, str]):
    """``entries`` maps a name to ``module:Class`` below the package ``package``; imported on use. The entry points of
    the group ``group`` add names; none can take the place of one of ours."""

    def __init__(self, what: str, package: str, group: str, entries: Mapping[str, str]) -> None:
        self.what, self.package, self.group, self._own = what, package, group, dict(entries)

    @cached_property
    def _added(self) -> Mapping[str, EntryPoint]:
        return {each.name: each for each in entry_points(group=self.group) if each.name not in self._own}

    def __getitem__(self, name: str) -> str:
        if name in self._own:
            return f"{self.package}.{self._own[name]}"
        return self._added[name].value

    def __contains__(self, name: object) -> bool:
        # Looking through all that is installed takes its time: ours are found without.
        return name in self._own or name in self._added

    def __iter__(self) -> Iterator[str]:
        yield from self._own
        yield from self._added

    def __len__(self) -> int:
        return len(self._own) + len(self._added)

    def ours(self, name: str) -> bool:
        """Whether ``name`` is none that another package adds."""
        return name in self._own

    def find(self, name: str, where: str = "") -> Any:
        """The class called ``name``. Raises InputError for an unknown name, and where a plugin cannot be imported."""
        if name not in self:
            raise unknown(self.what, name, self, where)
        module, _, attribute = self[name].partition(":")
        if name in self._own:
            return getattr(importlib.import_module(module), attribute)
        try:
            return self._added[name].load()
        except Exception as error:  # whatever the code of another package raises
            raise InputError(
                f"{self.what} {name!r}: the plugin {self[name]} of the group {self.group!r} cannot be imported "
                f"({type(error).__name__}: {error}). Mend it, or uninstall its package."
            ) from None
