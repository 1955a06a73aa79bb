"""Waiting for mail between two looks at the sources."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from bounceclass.protocols import Watchable

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

    from bounceclass.protocols import Source

__all__ = ["wait"]

_BREATH: Final = 1.0
"""Seconds between two signs of life; that long it takes to stop while a source is watched."""


def wait(sources: Sequence[Source], stopping: threading.Event, seconds: float, alive: Callable[[], None] = lambda: None) -> None:
    """Wait for so long, until stopped, or until the only source has something; `alive` is called now and then."""
    watched = sources[0] if len(sources) == 1 else None
    until = time.monotonic() + seconds
    while not stopping.is_set() and (left := until - time.monotonic()) > 0:
        alive()
        if not isinstance(watched, Watchable):
            stopping.wait(min(_BREATH, left))
        elif watched.watch(min(_BREATH, left)):
            return
