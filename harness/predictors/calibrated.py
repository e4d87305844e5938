"""A prompt's answers, held until the rows that mend them are in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from harness import calibration
from harness.errors import InputError
from harness.kinds import Choice, Kind
from harness.types import Example, Prediction, Signature

NONE, TEST = "none", "test"
ON = re.compile(r"train(?::([1-9]\d*))?|test")
Row = tuple[float, ...]
Mended = Callable[[Row], Prediction]
"""Makes an item's prediction of its mended row."""


class Calibrated:
    """The calibration ``name`` estimated ``on`` train:N (N train inputs), train (all of them) or test (the inputs that
    are judged): it asks for rows, and gives predictions once all of them are in. Of
    the ``choices`` of each item those that shut each other out are mended together."""

    def __init__(self, name: str, on: str, kind: Kind, choices: Sequence[Choice]) -> None:
        self.method, self.name, self.on, self._kind, self._choices = calibration.create(name), name, on, kind, choices
        found = ON.fullmatch(on)
        if found is None:
            raise InputError(f"--calibrate-on {on!r}: give train:N (such as train:64), train or test.")
        self.size = int(found[1]) if found[1] else None
        if on == TEST and self.method.labelled:
            raise InputError(
                f"--calibrate {name} learns from labels, so it cannot be estimated on the items that are judged. Use "
                "--calibrate-on train:64, or another calibration."
            )
        self.begin(())

    @property
    def title(self) -> str:
        """What tables call it: an estimate on the very items that are judged is named."""
        return f"{self.name} on test" if self.on == TEST and self.method.sampled else self.name

    @property
    def signature(self) -> Signature:
        return Signature.of(calibrate=self.name, calibrate_on=self.on if self.method.sampled else None)

    def asks(self, pool: Sequence[Example], sample: Sequence[Example], inputs: Sequence[str]) -> Sequence[Example]:
        """What it asks besides the items, which are the ``sample`` where it is estimated on them."""
        if self.on == TEST and self.method.sampled:
            return ()
        return self.method.asks(pool, sample, inputs, seed=0)

    def begin(self, asked: Sequence[Example]) -> None:
        """Wait for the rows of what is ``asked`` besides the items."""
        self._awaited = {example.id for example in asked}
        self._rows: dict[str, tuple[Row, str]] = {}
        self._held: list[tuple[Row, Mended]] = []
        self._ready = False

    def learn(self, example: Example, row: Row | None) -> Iterator[Prediction]:
        """The row of an example that was asked besides the items; None where it has no answer."""
        self._awaited.discard(example.id)
        if row is not None:
            self._rows[example.id] = row, example.target
        if not self._awaited:
            yield from self._release()

    def take(self, example: Example, row: Row, made: Mended) -> Iterator[Prediction]:
        """An item's row, and what makes a prediction of it: at once where all is known, else later."""
        if self.on == TEST and self.method.sampled:
            self._rows[example.id] = row, example.target
        if self._ready:
            yield made(self._mend([row])[0])
        else:
            self._held.append((row, made))

    def close(self) -> Iterator[Prediction]:
        """What is still held: all items were asked."""
        if not self._ready and self._held:
            yield from self._release()

    def _release(self) -> Iterator[Prediction]:
        seen = [self._rows[key] for key in sorted(self._rows)]
        rows = np.array([row for row, _ in seen], np.float64).reshape(len(seen), len(self._choices))
        right = [self._kind.winners(self._choices, target) for _, target in seen] if self.method.labelled else []
        self._fitted = []
        for contest, places in enumerate(map(list, self._kind.contests(self._choices))):
            targets = [each[contest] for each in right]
            self._fitted.append((places, calibration.create(self.name).fit(rows[:, places], targets)))
        self._ready = True
        held, self._held = self._held, []
        for mended, (_, made) in zip(self._mend([row for row, _ in held]), held, strict=True):
            yield made(mended)

    def _mend(self, rows: Sequence[Row]) -> list[Row]:
        if not rows:
            return []
        given = np.array(rows, np.float64)
        mended = given.copy()
        for places, method in self._fitted:
            mended[:, places] = method(given[:, places])
        return [tuple(map(float, row)) for row in mended]
