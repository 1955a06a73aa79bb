"""An Exim that is unpacked and not installed, run in a mount namespace of its own where it finds its user and its libraries."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

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
    """Let everybody reach our interpreter where it lies in a home that is closed to others, as Exim's user must."""
    base = Path(sys.base_prefix).resolve()
    closed = next((one for one in reversed(base.parents) if not one.stat().st_mode & 0o001), None)
    if closed is None:
        return ""
    view = folder / "view" / base.relative_to(closed)
    view.mkdir(parents=True, exist_ok=True)
    return f'mount --bind "{base}" "{view}" && mount --rbind "{folder}/view" "{closed}" &&'
