"""Data files of ours, decoded once and kept beside Python's own compiled files: reading TOML takes longer than all else at a start.

    data/packs/phrases.toml  ->  data/packs/__pycache__/phrases.cpython-311.msgpack

What is kept is of one content and one shape of it, by the hash that Python takes for its own, and believed as far as a .pyc is. Where it can't
be written, the file is decoded each time.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib.util import cache_from_source, source_hash
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["compiled"]

T = TypeVar("T")
_HASH: Final = 8
"""Bytes of Python's hash of a source."""


def compiled(path: Path, kind: type[T], decode: Callable[[bytes], T], shape: Path) -> T:
    """Return what a file says, of a type that msgspec knows; `shape` is the module that defines the type. Raises what `decode` does, and OSError."""
    data = path.read_bytes()
    known = source_hash(data + shape.read_bytes())
    kept = Path(cache_from_source(str(path))).with_suffix(".msgpack")
    with suppress(OSError, msgspec.DecodeError):
        content = kept.read_bytes()
        if content[:_HASH] == known:
            return msgspec.msgpack.decode(content[_HASH:], type=kind)
    found = decode(data)
    if not sys.dont_write_bytecode:
        with suppress(OSError):
            _write(kept, known + msgspec.msgpack.encode(found))
    return found


def _write(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; another process may do the same."""
    path.parent.mkdir(exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_bytes(content)
    draft.replace(path)
