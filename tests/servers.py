"""Servers from Debian's packages that tests start: installed where that is wanted, else a skip with its reason."""

from __future__ import annotations

import itertools
import os
import shutil
import socket
import subprocess
from typing import Final

import pytest

from samples.make.packages import alone

__all__ = ["REQUIRED", "free_port", "install", "require"]

REQUIRED = os.environ.get("CI") == "true" or os.environ.get("BOUNCECLASS_SERVERS") == "install"
"""Whether a missing server is a failure, and fetched first where this is root's Debian."""
_SBIN = "/usr/sbin:/usr/local/sbin:/sbin"


def find(program: str) -> str | None:
    """Return the path of a program, also where it is kept off a user's PATH."""
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:{_SBIN}")


_WORKER: Final = int("0" + os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw"))
_PORTS: Final = itertools.cycle(range(20_000 + 1_000 * (_WORKER % 12), 21_000 + 1_000 * (_WORKER % 12)))
"""Below those that systems give to who asks for any; each worker has its own."""


def free_port() -> int:
    """Return a port of loopback that nobody listens at, another one each time."""
    for port in _PORTS:
        with socket.socket() as one:
            try:
                one.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError


def install(*packages: str) -> None:
    """Install packages, where that is wanted and can be done; services are not started."""
    fetch = shutil.which("apt-get")
    if not (REQUIRED and os.geteuid() == 0 and fetch):
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    with alone():
        done = subprocess.run([fetch, "install", "-y", "-qq", "-o", "DPkg::Lock::Timeout=120", "--no-install-recommends", *packages], capture_output=True, text=True, check=False, env=environment)  # noqa: S603  our own command
    assert done.returncode == 0, done.stderr


def require(programs: dict[str, str]) -> dict[str, str]:
    """Return the paths of programs, each given with the package that has it; skip where one is missing, or fail where servers are required."""
    missing = {package for program, package in programs.items() if find(program) is None}
    if missing:
        install(*sorted(missing))
    found = {program: find(program) for program in programs}
    lacking = sorted(program for program, path in found.items() if path is None)
    if lacking and not REQUIRED:
        pytest.skip(f"not installed: {', '.join(lacking)}")
    assert not lacking, lacking
    return {program: path for program, path in found.items() if path is not None}
