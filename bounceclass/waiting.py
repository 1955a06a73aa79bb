"""Waiting for mail between two looks at the sources."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from bounceclass.protocols import Watchable

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence

    from bounceclass.protocols import Source

__all__ = ["wait"]

_WATCHED: Final = 1.0
"""Seconds that a source is watched at a time: that long it takes to stop."""


def wait(sources: Sequence[Source], stopping: threading.Event, seconds: float) -> None:
    """Wait for so long, until stopped, or until the only source has something."""
    if len(sources) != 1 or not isinstance(watched := sources[0], Watchable):
        stopping.wait(seconds)
        return
    until = time.monotonic() + seconds
    while not stopping.is_set() and (left := until - time.monotonic()) > 0:
        if watched.watch(min(_WATCHED, left)):
            return
