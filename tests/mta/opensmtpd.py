"""An OpenSMTPD that is unpacked and not installed, on loopback."""

from __future__ import annotations

import shutil
import smtplib
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from tests.mta.unpacked import PRIVATE, readable, unpacked

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PACKAGES = ("opensmtpd", "opensmtpd-extras")
USERS = {"opensmtpd": 61002, "opensmtpq": 61003, "bounces": 61004, "bounceclass": 61005}
SCRIPT = (
    PRIVATE + " mount --bind root/usr/libexec /usr/libexec && mount --bind spool /var/spool && mount --bind lib /var/lib && mount -t tmpfs none /run &&"
    " {home} LD_LIBRARY_PATH={libraries} exec root/usr/sbin/smtpd -d -v -f {folder}/smtpd.conf"
)


class OpenSMTPD:
    """One folder, readable by all, in which a server is started with a configuration: `start`, `stop`."""

    def __init__(self) -> None:
        """Unpack it; nothing runs."""
        self.folder = unpacked(PACKAGES, USERS, {"bounceclass": "opensmtpd"})
        for name in ("spool", "lib/opensmtpd/empty"):
            (self.folder / name).mkdir(parents=True)
        self._control = self.folder / "root/usr/sbin/smtpctl"
        shutil.chown(self._control, 0, USERS["opensmtpq"])
        self._control.chmod(0o2755)  # as the package's script does
        self.log = self.folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def give(self, path: Path, user: str) -> None:
        """Let a file or folder belong to the group of a user, who may write there."""
        shutil.chown(path, -1, USERS[user])
        path.chmod(0o2770 if path.is_dir() else 0o660)

    def start(self, configuration: str, ports: Sequence[int]) -> None:
        """Start it with smtpd.conf, and wait until it listens at all ports."""
        (self.folder / "smtpd.conf").write_text(configuration)
        library = next((self.folder / "root").rglob("libhiredis.so*")).parent
        script = SCRIPT.format(home=readable(self.folder), libraries=library, folder=self.folder)
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(["unshare", "-m", "sh", "-c", script], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: S603, S607  our own command
        for port in ports:
            self._wait(port)

    def _wait(self, port: int) -> None:
        for _ in range(200):
            try:
                smtplib.SMTP("127.0.0.1", port, timeout=5).quit()
            except (OSError, smtplib.SMTPException):
                assert self._process is not None
                assert self._process.poll() is None, self.told()
                time.sleep(0.05)
            else:
                return
        pytest.fail(self.told())

    def control(self, *arguments: str, program: str = "smtpctl", stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run smtpctl, or what it is under another name, beside the server."""
        assert self._process is not None
        inside = ["nsenter", "-m", "-t", str(self._process.pid), str(self._control.with_name(program)), *arguments]
        return subprocess.run(inside, input=stdin, capture_output=True, text=True, check=False, timeout=30)  # noqa: S603  our own command

    def told(self) -> str:
        """What it wrote into its log."""
        return self.log.read_text(errors="replace")

    def stop(self) -> None:
        """Stop what was started, and wait for it."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(20)

    def remove(self) -> None:
        """Stop it, and take its folder away."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def replies(port: int, sender: str, recipients: Sequence[str]) -> dict[str, str]:
    """What a server says to each recipient."""
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
        client.ehlo()
        client.mail(sender)
        return {one: f"{code} {text.decode()}" for one in recipients for code, text in [client.rcpt(one)]}
