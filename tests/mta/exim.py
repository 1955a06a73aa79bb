"""An Exim that is unpacked and not installed."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from tests.mta.unpacked import PRIVATE, readable, unpacked

if TYPE_CHECKING:
    from pathlib import Path

PACKAGES = ("exim4-daemon-light", "exim4-base", "exim4-config")
_USER = 61001
SCRIPT = PRIVATE + " {home} LD_LIBRARY_PATH={libraries} exec {exim} -C {folder}/conf {arguments}"


def exim_folder() -> Path:
    """Return a folder with Exim in it."""
    folder = unpacked(PACKAGES, {"Debian-exim": _USER})
    os.chown(folder, _USER, _USER)
    program(folder).chmod(0o755)  # a program that is set-uid is told of no other libraries
    return folder


def program(folder: Path) -> Path:
    (exim,) = (folder / "root").rglob("usr/sbin/exim4")
    return exim


def run(folder: Path, arguments: str, stdin: str) -> subprocess.CompletedProcess[str]:
    """Run it with the configuration that lies in the folder as `conf`."""
    library = next((folder / "root").rglob("libidn.so*"))
    script = SCRIPT.format(home=readable(folder), libraries=library.parent, exim=program(folder), folder=folder, arguments=arguments)
    return subprocess.run(["unshare", "-m", "sh", "-c", script], input=stdin, cwd=folder, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603, S607  our own command
