"""Our own readers' process: `python -m benchmarks.ours cold|warm|reply`."""

from __future__ import annotations

import functools
import gc
import sys
from typing import TYPE_CHECKING, Final

import bounceclass
from benchmarks.peers.python import serve
from bounceclass.model import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    Cache = functools._lru_cache_wrapper[object]  # noqa: SLF001  its only name

__all__ = ["answer_caches", "clear_caches", "fresh_reader"]

_FAILURES: Final = frozenset({Kind.BOUNCE, Kind.DELAY})


def answer_caches() -> list[Cache]:
    """Return the bounded caches of functions, wherever they stand in bounceclass; an unbounded one holds a table, not answers.

    An Engine's own go with the Engine.
    """
    caches = (thing for thing in gc.get_objects() if isinstance(thing, functools._lru_cache_wrapper))  # noqa: SLF001  its only name
    ours = [cache for cache in caches if str(cache.__module__).startswith("bounceclass.")]
    return [cache for cache in ours if cache.cache_parameters()["maxsize"] is not None]


def clear_caches() -> None:
    """Forget every answer."""
    for cache in answer_caches():
        cache.cache_clear()


def fresh_reader() -> Callable[[bytes], object]:
    """Return `classify` of a new Engine, its tables loaded and no answer remembered."""
    engine = bounceclass.Engine()
    engine.classify(b"")
    clear_caches()
    return lambda raw: engine.classify(raw).kind in _FAILURES


def _fresh_reply() -> Callable[[str], object]:
    engine = bounceclass.Engine()
    engine.reply("")
    clear_caches()
    return lambda text: engine.reply(text).kind in _FAILURES


if __name__ == "__main__":
    mode = sys.argv[1]
    fresh = _fresh_reply if mode == "reply" else fresh_reader
    serve(f"bounceclass {mode}", fresh(), None if mode == "warm" else fresh)
