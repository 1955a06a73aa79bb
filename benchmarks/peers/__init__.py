"""Other readers of bounces, each run in a process of its own: a row here, and a function in the file of its language.

A reader's process writes one line of JSON when it is ready, then one for each line that it gets: the file of a set in, the figures of
one pass out (`cpu` in seconds, `found`: how many it says are bounces, `faults`: how many raised, by name). None is installed where
bounceclass is: `install` makes a private folder.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["FOLDER", "PEERS", "Peer", "install"]

FOLDER: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bounceclass-benchmarks"
_HERE: Final = Path(__file__).parent


class Peer(NamedTuple):
    """One other reader: its name in the script of its language, and the packages to install, its own first. Python itself brings one without."""

    name: str
    language: str
    packages: tuple[str, ...] = ()
    reads_big: bool = False

    @property
    def command(self) -> list[str]:
        """The command that starts its process."""
        program = _PROGRAMS[self.language] if self.packages else sys.executable
        return [program, str(_HERE / _SCRIPTS[self.language]), self.name]

    @property
    def hint(self) -> str:
        """How to get it."""
        return f"{_INSTALLERS[self.language]} {self.packages[0]}, or python -m benchmarks --install" if self.packages else "comes with Python"


_MIME_TOOLS: Final = ("libmailtools-perl", "libmime-tools-perl", "libconvert-binhex-perl", "libtimedate-perl")
PEERS: Final = (
    Peer("compat32", "python", reads_big=True),  # a mere parse by the standard library: the yardstick
    Peer("flufl.bounce", "python", ("flufl.bounce",), reads_big=True),
    Peer("flanker", "python", ("flanker",)),
    Peer("bounced", "python", ("bounced",)),
    Peer("BounceParser", "perl", ("libmail-deliverystatus-bounceparser-perl", *_MIME_TOOLS)),
    Peer("Sisimai", "perl", ("libsisimai-perl", "libclass-accessor-lite-perl", "libjson-perl")),
    Peer("baunsu", "node", ("baunsu",)),
    Peer("email-bounce-parser", "node", ("email-bounce-parser",)),
)

_VENV: Final = FOLDER / "python"
_PYTHON: Final = _VENV / "bin" / "python"
_PROGRAMS: Final = {"python": str(_PYTHON), "perl": "perl", "node": "node"}
_SCRIPTS: Final = {"python": "python.py", "perl": "perl.pl", "node": "node.js"}
_INSTALLERS: Final = {"python": "pip install", "perl": "apt-get install", "node": "npm install"}


def environment() -> dict[str, str]:
    """Return the environment of a reader's process, in which the private folder is looked in first."""
    own = {"PERL5LIB": str(FOLDER / "perl/usr/share/perl5"), "NODE_PATH": str(FOLDER / "node/node_modules")}
    return {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"} | own


def install() -> None:
    """Put every peer whose installer is there into the private folder, which may be deleted at any time."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = {language: [name for peer in PEERS if peer.language == language for name in peer.packages] for language in _PROGRAMS}
    _run([sys.executable, "-m", "venv", str(_VENV)])
    _run([str(_PYTHON), "-m", "pip", "install", *wanted["python"]])
    if shutil.which("npm"):
        _run(["npm", "install", "--prefix", str(FOLDER / "node"), *wanted["node"]])
    if platform.system() == "Linux" and shutil.which("apt-get"):
        _run(["apt-get", "download", *wanted["perl"]])
        for package in FOLDER.glob("*.deb"):
            _run(["dpkg", "-x", str(package), str(FOLDER / "perl")])


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, cwd=FOLDER)  # noqa: S603  commands of this module
