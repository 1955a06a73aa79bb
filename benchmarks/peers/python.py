"""The readers in Python, and the loop of a reader's process: `python.py NAME`.

Needs nothing of bounceclass, for it runs in the peers' own environment too.
"""

from __future__ import annotations

import contextlib
import gc
import json
import sys
import time
from collections import Counter
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Read = Callable[[Any], object]

__all__ = ["go_over", "load", "serve"]

_STATUS = Path("/proc/self/status")  # Linux only: elsewhere the memory is not told


def serve(name: str, read: Read, prepare: Callable[[], Read] | None = None) -> None:
    """Answer each set with the figures of one pass. `prepare` is called before each, outside the clock, and returns a fresh `read`."""
    _say({"name": name})
    sets: dict[str, list[Any]] = {}
    for line in sys.stdin:
        path = line.strip()
        if path not in sets:
            sets[path] = load(Path(path))
        if prepare is not None:
            read = prepare()
        _say(go_over(read, sets[path]))


def load(path: Path) -> list[Any]:
    """Return the messages that a file names, or its reply lines."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [Path(line).read_bytes() for line in lines] if lines[0].startswith("/") else lines


def go_over(read: Read, texts: list[Any]) -> dict[str, object]:
    """Return the figures of one pass; whatever a reader raises is counted."""
    found, faults = 0, Counter[str]()
    gc.collect()
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak starts anew: proc(5)
    before = _memory("VmRSS")
    start = time.process_time()
    for text in texts:
        try:
            found += bool(read(text))
        except Exception as error:  # noqa: BLE001  counted, and free where nothing is raised
            faults[type(error).__name__] += 1
    cpu = time.process_time() - start
    peak = _memory("VmHWM")
    return {"cpu": cpu, "found": found, "faults": faults, "peak": peak, "extra": peak - before}


def _memory(name: str) -> int:
    """Return a figure of this process in KiB, 0 where the system doesn't tell."""
    lines = _STATUS.read_text(encoding="ascii").splitlines() if _STATUS.exists() else []
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)


def _say(figures: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(figures) + "\n")
    sys.stdout.flush()


def _compat32() -> Read:
    from email import message_from_bytes  # noqa: PLC0415  each reader imports what is its own

    return message_from_bytes


def _flufl() -> Read:
    from email import message_from_bytes  # noqa: PLC0415

    from flufl.bounce import all_failures  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415  the peers' environment

    return lambda raw: any(all_failures(message_from_bytes(raw)))


def _flanker() -> Read:
    from flanker.mime import bounce, from_string  # noqa: PLC0415

    return lambda raw: bounce.detect(from_string(raw.decode("utf-8", "surrogateescape"))).is_bounce()


def _bounced() -> Read:
    from email import message_from_bytes  # noqa: PLC0415

    from bounced import get_bounces  # type: ignore[import-not-found, unused-ignore]  # noqa: PLC0415

    return lambda raw: get_bounces(message_from_bytes(raw))


_READERS = {"compat32": _compat32, "flufl.bounce": _flufl, "flanker": _flanker, "bounced": _bounced}

if __name__ == "__main__":
    chosen = sys.argv[1]
    reader = _READERS[chosen]()
    serve(chosen if chosen == "compat32" else f"{chosen} {version(chosen)}", reader)
