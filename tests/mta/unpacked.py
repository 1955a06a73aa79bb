"""Mail servers that are unpacked and not installed, run in a mount namespace of their own where they find their users."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest

import bounceclass
from samples.make.packages import fetch, unpack
from tests.servers import REQUIRED

if TYPE_CHECKING:
    from collections.abc import Mapping

PRIVATE = "mount --make-rprivate / && mount --bind passwd /etc/passwd && mount --bind group /etc/group &&"
"""How the script in the namespace begins, run in the folder that `unpacked` gives."""


def unpacked(packages: tuple[str, ...], users: Mapping[str, int], members: Mapping[str, str] = MappingProxyType({})) -> Path:
    """Return a folder with packages in `root`, and with accounts and groups, of a user's name and with `members`, for `PRIVATE`; skip where servers are not required."""
    if not REQUIRED or os.geteuid() != 0:
        pytest.skip(f"{packages[0]} is fetched where servers are required, and run by root alone")
    folder = Path(tempfile.mkdtemp(prefix=f"{packages[0]}-", dir="/tmp"))
    folder.chmod(0o755)
    fetch(packages, folder / "cache")
    unpack(packages, folder / "root", folder / "cache")
    accounts = "".join(f"{name}:x:{number}:{number}::/nonexistent:/bin/sh\n" for name, number in users.items())
    (folder / "passwd").write_text(Path("/etc/passwd").read_text() + accounts)
    groups = "".join(f"{name}:x:{number}:{members.get(name, '')}\n" for name, number in users.items())
    (folder / "group").write_text(Path("/etc/group").read_text() + groups)
    return folder


def readable(folder: Path) -> str:
    """Let everybody reach our interpreter and our code where they lie in a folder that is closed to others, as a server's user must."""
    places = {Path(sys.base_prefix).resolve(), Path(sys.prefix).resolve(), Path(bounceclass.__file__).resolve().parents[1]}
    views: dict[Path, list[Path]] = {}
    for place in sorted(places):
        closed = next((one for one in reversed(place.parents) if not one.stat().st_mode & 0o001), None)
        if closed is not None and not any(other in place.parents for other in places):
            views.setdefault(closed, []).append(place)
    commands = []
    for number, (closed, seen) in enumerate(views.items()):
        top = folder / f"view{number}"
        for place in seen:
            (top / place.relative_to(closed)).mkdir(parents=True, exist_ok=True)
            commands.append(f'mount --bind "{place}" "{top / place.relative_to(closed)}" &&')
        commands.append(f'mount --rbind "{top}" "{closed}" &&')
    return " ".join(commands)
