"""What a Runner tells of its work, to whoever watches it: a log, metrics, the state of health."""

from __future__ import annotations

from collections.abc import Callable  # noqa: TC003  msgspec reads the annotations at run time
from typing import Final

import msgspec

from bounceclass.bookkeeping import Account, Entered  # noqa: TC001  as above
from bounceclass.case import Case  # noqa: TC001  as above

__all__ = ["STORE", "Batch", "Observation", "Quarantined", "Sound", "Trouble"]

STORE: Final = "store"
"""The place that is no source's URL."""


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """Inputs of one source were processed, and it is committed. `provider` names whose servers spoke in a case."""

    place: str
    inputs: int
    accounts: tuple[Account, ...]
    entered: tuple[Entered, ...]
    """What was new of it, and what was decided; the rest was known."""
    seconds: float
    provider: Callable[[Case], str]


class Quarantined(msgspec.Struct, frozen=True):
    """An input of a source was given up."""

    place: str


class Trouble(msgspec.Struct, frozen=True):
    """A source or the store can't be used, and is waited for; told at each attempt."""

    place: str
    fault: str


class Sound(msgspec.Struct, frozen=True):
    """A source was read to its end, or the store works again."""

    place: str


Observation = Batch | Quarantined | Trouble | Sound
