"""An Exim that is unpacked and not installed, run in a mount namespace of its own where it finds its user and its libraries."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import bounceclass
from samples.make.packages import fetch, unpack
from tests.servers import REQUIRED

PACKAGES = ("exim4-daemon-light", "exim4-base", "exim4-config")
_USER = 61001
SCRIPT = "mount --make-rprivate / && mount --bind passwd /etc/passwd && mount --bind group /etc/group && {home} LD_LIBRARY_PATH={libraries} exec {exim} -C {folder}/conf {arguments}"


def unpacked() -> Path:
    """Return a folder with Exim in it."""
    if not REQUIRED or os.geteuid() != 0:
        pytest.skip("Exim is fetched where servers are required, and run by root alone")
    folder = Path(tempfile.mkdtemp(prefix="exim-", dir="/tmp"))
    folder.chmod(0o755)
    os.chown(folder, _USER, _USER)
    fetch(PACKAGES, folder / "cache")
    unpack(PACKAGES, folder / "root", folder / "cache")
    program(folder).chmod(0o755)  # a program that is set-uid is told of no other libraries
    (folder / "passwd").write_text(Path("/etc/passwd").read_text() + f"Debian-exim:x:{_USER}:{_USER}::/nonexistent:/usr/sbin/nologin\n")
    (folder / "group").write_text(Path("/etc/group").read_text() + f"Debian-exim:x:{_USER}:\n")
    return folder


def program(folder: Path) -> Path:
    (exim,) = (folder / "root").rglob("usr/sbin/exim4")
    return exim


def run(folder: Path, arguments: str, stdin: str) -> subprocess.CompletedProcess[str]:
    """Run it with the configuration that lies in the folder as `conf`."""
    library = next((folder / "root").rglob("libidn.so*"))
    script = SCRIPT.format(home=_readable(folder), libraries=library.parent, exim=program(folder), folder=folder, arguments=arguments)
    return subprocess.run(["unshare", "-m", "sh", "-c", script], input=stdin, cwd=folder, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603, S607  our own command


def _readable(folder: Path) -> str:
    """Let everybody reach our interpreter and our code where they lie in a folder that is closed to others, as Exim's user must."""
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
