"""The files that a log consists of, in the order in which they were written, and their content without compression.

Of /var/log/mail.log `mail.log.2.gz`, `mail.log-20260308.gz` and `mail.log.1` are such, left by logrotate; of /var/log/acct.csv
`acct-2026-03-08-0000.csv`, moved away by PowerMTA; of a folder all that is in it, as of KumoMTA's its segments.
"""

from __future__ import annotations

import gzip
import importlib
import re
from typing import IO, TYPE_CHECKING, Any, Final, cast

from bounceclass.errors import MissingExtraError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["list_segments", "open_segment", "unfinished"]

_GZIP: Final = b"\x1f\x8b"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
_OWN_MODULES: Final = ("compression.zstd", "backports.zstd")
"""The standard library's since Python 3.14, and the same for older ones."""


def list_segments(path: Path) -> list[Path]:
    """Return the files of a log, the oldest first; the log itself is the last. Raises OSError where it isn't there."""
    if path.is_dir():
        return sorted((one for one in path.iterdir() if one.is_file() and not one.name.startswith(".")), key=lambda one: one.name)
    path.stat()
    name = re.compile(rf"(?:{re.escape(path.name)}|{re.escape(path.stem)})[.-]\d[\w.-]*")
    rotated = (one for one in path.parent.iterdir() if one != path and name.fullmatch(one.name) and one.is_file() and not _half_compressed(one))
    return [*sorted(rotated, key=lambda one: (one.stat().st_mtime_ns, one.name)), path]


def _half_compressed(path: Path) -> bool:
    return path.suffix in {".gz", ".zst"} and path.with_suffix("").exists()


def open_segment(path: Path) -> IO[bytes]:
    """Open a file for reading, uncompressed by its first octets. Raises OSError, and MissingExtraError for Zstandard without its module."""
    file = path.open("rb")
    magic = file.peek(4)[:4]
    if not magic.startswith((_GZIP, _ZSTD)) or not path.is_file():  # what a pipe has is read once
        return file
    file.close()
    return cast("IO[bytes]", gzip.open(path, "rb") if magic != _ZSTD else _zstandard().open(path, "rb"))


def unfinished(path: Path) -> bool:
    """Tell whether a compressed file is still being written: KumoMTA makes it read-only when it is whole."""
    with path.open("rb") as file:
        return file.read(4) == _ZSTD and bool(path.stat().st_mode & 0o222)


def _zstandard() -> Any:  # noqa: ANN401  one of two modules
    for name in _OWN_MODULES:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise MissingExtraError(_OWN_MODULES[-1], "logs")
