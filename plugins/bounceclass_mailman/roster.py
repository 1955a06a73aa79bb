"""Whose a fingerprint is: an index of a list's members, made when one is asked for that it does not have."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from bounceclass.tags import Addressee, fingerprint

if TYPE_CHECKING:
    from collections.abc import Callable

    from bounceclass.tags import Lookup

__all__ = ["Roster"]

_SECONDS: Final = 60.0
"""No index is made anew sooner: who invents fingerprints must not make us read all members for each."""


class Roster:
    """An index for each list, for one process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin with nothing read."""
        self._clock = clock
        self._read: dict[str, tuple[float, dict[str, str]]] = {}

    def of(self, mlist: Any) -> Lookup:  # noqa: ANN401  Mailman has no types
        """Return what looks up the members of a list."""

        def look_up(mark: str) -> Addressee | None:
            list_id: str = mlist.list_id
            at, known = self._read.get(list_id, (-_SECONDS, {}))
            if mark not in known and self._clock() - at >= _SECONDS:
                known = {fingerprint(member.address.email, list_id): member.address.email for member in mlist.members.members}
                self._read[list_id] = (self._clock(), known)
            found = known.get(mark)
            return None if found is None else Addressee(found, list_id)

        return look_up
