"""A real Postfix on loopback, in a mount namespace of its own, that hands what it gets to a pipe or to an LMTP server.

Postfix runs pipes as nobody, so the interpreter and the library are bound to where nobody can read them.
"""

from __future__ import annotations

import os
import shutil
import signal
import smtplib
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

import bounceclass
from tests.servers import REQUIRED, free_port, require

if TYPE_CHECKING:
    from collections.abc import Iterable

MAIN = """
compatibility_level = 3.6
queue_directory = {top}/spool
data_directory = {top}/data
mail_owner = postfix
setgid_group = postdrop
myhostname = mx.example.com
mydestination = pipe.test
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
maillog_file = /dev/stdout
alias_maps = texthash:{top}/aliases
alias_database =
local_recipient_maps =
default_privs = nobody
virtual_mailbox_domains = lmtp.test
virtual_transport = lmtp:inet:127.0.0.1:{lmtp}
recipient_delimiter = +
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
in_flow_delay = 0
local_destination_concurrency_limit = 4
smtpd_client_connection_rate_limit = 0
"""
MASTER = """
127.0.0.1:{smtp} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
lmtp unix - - n - - lmtp
smtp unix - - n - - smtp
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""
SCRIPT = 'mount --make-rprivate / && {binds} exec postfix -c "{top}/etc" start-fg'


class Postfix:
    """Started with `aliases`, whose commands may name {python} and {top}, and more of main.cf; stopped with `stop`."""

    def __init__(self, aliases: str, lmtp: int, main: str = "relayhost = [127.0.0.1]:9\nsmtpd_recipient_restrictions = permit_mynetworks\n") -> None:
        require({"postfix": "postfix", "unshare": "util-linux"})
        if os.geteuid() != 0 and not REQUIRED:
            pytest.skip("Postfix is started as root alone")
        self.top = Path(tempfile.mkdtemp(prefix="postfix-", dir="/tmp"))
        self.port = free_port()
        self.top.chmod(0o755)
        for name in ("etc", "spool", "data", "base", "site", "code"):
            (self.top / name).mkdir()
        shutil.chown(self.top / "data", "postfix", "postfix")
        self.box = self.top / "box"
        self.box.mkdir()
        self.box.chmod(0o777)
        (self.top / "aliases").write_text(aliases.replace("{python}", self._python()).replace("{top}", str(self.top)))
        (self.top / "etc" / "main.cf").write_text(MAIN.format(top=self.top, lmtp=lmtp) + main)
        (self.top / "etc" / "master.cf").write_text(MASTER.format(smtp=self.port))
        self.log = self.top / "log"
        self.start()

    def _python(self) -> str:
        """The interpreter as nobody can start it."""
        base = Path(sys.base_prefix)
        program = Path(os.path.realpath(sys.executable)).relative_to(base)
        return f"env LD_LIBRARY_PATH={self.top}/base/lib PYTHONPATH={self.top}/code:{self.top}/site {self.top}/base/{program}"

    def start(self) -> None:
        folders = {"base": Path(sys.base_prefix), "site": Path(msgspec.__file__).parents[1], "code": Path(bounceclass.__file__).parents[1]}
        binds = " ".join(f'mount --bind "{folder}" "{self.top}/{name}" &&' for name, folder in folders.items())
        with self.log.open("ab") as log:
            command = ["unshare", "-m", "sh", "-c", SCRIPT.format(binds=binds, top=self.top)]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)  # noqa: S603  our own command
        self._wait()

    def _wait(self) -> None:
        for _ in range(200):
            try:
                smtplib.SMTP("127.0.0.1", self.port, timeout=5).quit()
            except (OSError, smtplib.SMTPException):
                assert self._process.poll() is None, self.log.read_text()
                time.sleep(0.05)
            else:
                return
        pytest.fail(self.log.read_text())

    def send(self, recipients: Iterable[tuple[str, bytes]], sender: str = "") -> None:
        """Send messages, each to its recipient, over a few connections."""
        with smtplib.SMTP("127.0.0.1", self.port, timeout=30) as client:
            for recipient, raw in recipients:
                client.sendmail(sender, [recipient], raw)

    def queued(self) -> int:
        """How many messages it still has."""
        return sum(1 for name in ("incoming", "active", "deferred", "maildrop") for path in (self.top / "spool" / name).rglob("*") if path.is_file())

    def drain(self, patience: float = 120) -> None:
        """Wait until everything is delivered."""
        end = time.monotonic() + patience
        while self.queued():
            assert time.monotonic() < end, f"{self.queued()} are left\n{self.log.read_text()[-3000:]}"
            time.sleep(0.1)

    def stop(self) -> None:
        pid = self.top / "spool" / "pid" / "master.pid"
        if pid.exists():
            os.kill(int(pid.read_text()), signal.SIGTERM)
        self._process.wait(20)
        shutil.rmtree(self.top, ignore_errors=True)
