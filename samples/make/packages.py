"""Debian packages, unpacked into a folder instead of installed: mail servers conflict with each other."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["alone", "fetch", "fetch_npm", "fetch_pip", "unpack", "version"]


@contextmanager
def alone() -> Iterator[None]:
    """Let one process at a time ask apt: two at once disturb each other, whichever lock they meet."""
    with (Path(tempfile.gettempdir()) / "bounceclass-apt.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def fetch(names: tuple[str, ...], cache: Path) -> None:
    """Fetch packages, with what they need and this system lacks, into a folder of the cache.

    Raises SystemExit, with apt's words, where one can't be had.
    """
    with alone():
        _fetch(names, cache / names[0])


def _fetch(names: tuple[str, ...], archives: Path) -> None:
    if list(archives.glob("*.deb")):
        return
    (archives / "partial").mkdir(parents=True, exist_ok=True)
    options = ["-y", "--download-only", "--no-install-recommends", "-o", f"Dir::Cache::archives={archives}", "-o", "DPkg::Lock::Timeout=120"]
    done = subprocess.run(["apt-get", "install", *options, *names], capture_output=True, text=True, check=False)  # noqa: S603, S607  our own words
    if done.returncode:
        msg = f"apt-get can't fetch {', '.join(names)} (has `apt-get update` been run?):\n{done.stderr}"
        raise SystemExit(msg)


def fetch_npm(name: str, folder: Path) -> None:
    """Fetch a package of npm, with what it needs, into `folder`/node_modules.

    Raises SystemExit, with npm's words, where it can't be had.
    """
    if (folder / "node_modules").is_dir():
        return
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["npm", "install", "--ignore-scripts", "--prefix", folder, name], capture_output=True, text=True, check=False)  # noqa: S603, S607  our own words
    if done.returncode:
        msg = f"npm can't fetch {name}:\n{done.stderr}"
        raise SystemExit(msg)


def fetch_pip(names: tuple[str, ...], folder: Path) -> None:
    """Fetch packages of PyPI, with what they need, into `folder`.

    Raises SystemExit, with pip's words, where one can't be had.
    """
    if folder.is_dir():
        return
    done = subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--target", folder, *names], capture_output=True, text=True, check=False)  # noqa: S603  our own words
    if done.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        msg = f"pip can't fetch {', '.join(names)}:\n{done.stderr}"
        raise SystemExit(msg)


def unpack(names: tuple[str, ...], root: Path, cache: Path) -> None:
    """Unpack what was fetched below `root`."""
    for archive in sorted((cache / names[0]).glob("*.deb")):
        subprocess.run(["dpkg", "-x", archive, root], check=True)  # noqa: S603, S607  our own words
    for name in ("bin", "sbin", "lib"):  # links into /usr on the system below, which a folder would hide
        if (root / name).is_dir():
            shutil.copytree(root / name, root / "usr" / name, symlinks=True, dirs_exist_ok=True)
            shutil.rmtree(root / name)


def version(name: str, cache: Path) -> str:
    """Return the version of a fetched package."""
    (archive,) = (cache / name).glob(f"{name}_*.deb")
    return archive.name.split("_")[1].replace("%3a", ":")
