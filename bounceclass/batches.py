"""Calls for many at once, where one that is refused must not stop the others.

A batch that is refused is halved until the one is found that is at fault; where nearly all are, that isn't theirs but
ours, and it ends. Halving asks again for some that were taken, which changes nothing at an ESP.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from bounceclass.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from bounceclass.remotelist import Patience

__all__ = ["Batches"]

T = TypeVar("T")
_HOPELESS: Final = 25
"""Refused one after another, with none taken in between: a key that fits nothing, an account that is closed."""


class Batches(Generic[T]):
    """Makes one kind of call; `act` is given some and a key of its own, `refused` is told of each that is, and why."""

    def __init__(self, act: Callable[[list[T], str], object], refused: Callable[[T, str], None], patience: Patience) -> None:
        """Take what is called, what is told, and how long is waited."""
        self._act = act
        self._refused = refused
        self._patience = patience
        self._run = secrets.token_hex(8)  # a key of an earlier run would be taken for a repetition
        self._number = 0
        self._in_vain = 0

    def make(self, batch: list[T]) -> list[T]:
        """Call for a batch; return those that were taken. Raises Retry where it has to wait for too long, Refused where all is in vain."""
        if not batch:
            return []
        self._number += 1
        key = f"sync:{self._run}:{self._number}"
        try:
            self._patience.call(lambda: self._act(batch, key))
        except Refused as error:
            return self._halve(batch, str(error))
        self._in_vain = 0
        return batch

    def _halve(self, batch: list[T], why: str) -> list[T]:
        if len(batch) > 1:
            middle = len(batch) // 2
            return self.make(batch[:middle]) + self.make(batch[middle:])
        self._refused(batch[0], why)
        self._in_vain += 1
        if self._in_vain >= _HOPELESS:
            msg = f"{self._in_vain} were refused one after another, the last because {why}"
            raise Refused(msg)
        return []
