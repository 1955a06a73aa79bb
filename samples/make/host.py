"""The sending host: this system under an overlay, in namespaces of its own, with the server unpacked into it.

    python -m samples.make.host MTA VARIANT TARGET CACHE         run within `unshare`, by `__main__`

Its network has one link, to the internet of `internet`. Whatever is written goes to memory, but for
the samples.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from samples.make import packages
from samples.make.internet import GATEWAY, GATEWAY_SIX, LINK, SENDER, SENDER_SIX
from samples.make.scenarios import LISTS, SENDER_HOST, Scenario, sender, table

if TYPE_CHECKING:
    from samples.make.mta import MTA, Variant

__all__ = ["Host", "main"]

_USER_ID: Final = 61000
_QUIET: Final = 2.0
_HOSTS: Final = f"127.0.0.1 localhost\n{SENDER} {SENDER_HOST} mail\n"


class Host:
    """The root folder of the sending host, and what can be done in it."""

    def __init__(self, root: Path, cache: Path) -> None:
        """Take the folder in which the overlay is mounted."""
        self.root = root
        self.cache = cache
        self._accounts = _USER_ID

    def write(self, path: str, text: str, mode: int = 0o644) -> None:
        """Write a file of the host."""
        place = self.root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
        place.chmod(mode)

    def folder(self, path: str, owner: str = "root", group: str | None = None, mode: int = 0o755) -> None:
        """Make a folder of the host."""
        place = self.root / path.lstrip("/")
        place.mkdir(parents=True, exist_ok=True)
        self.run("chown", f"{owner}:{group or owner}", path)
        place.chmod(mode)

    def account(self, name: str) -> None:
        """Add a user with a group of the same name."""
        self._accounts += 1
        with (self.root / "etc/passwd").open("a", encoding="utf-8") as passwd:
            passwd.write(f"{name}:x:{self._accounts}:{self._accounts}::/nonexistent:/usr/sbin/nologin\n")
        with (self.root / "etc/group").open("a", encoding="utf-8") as group:
            group.write(f"{name}:x:{self._accounts}:\n")

    def run(self, *command: str, stdin: bytes = b"", check: bool = True) -> subprocess.CompletedProcess[bytes]:
        """Run a command on the host and wait for it; raises SystemExit with its words where it fails."""
        done = subprocess.run(["chroot", self.root, *command], input=stdin, capture_output=True, check=False, env=_ENVIRONMENT)  # noqa: S603, S607  our own words
        if check and done.returncode:
            msg = f"{' '.join(command)}: {done.returncode}\n{done.stdout.decode()}{done.stderr.decode()}"
            raise SystemExit(msg)
        return done

    def spawn(self, *command: str) -> None:
        """Start a server in the background; what it says goes to /var/log/spawned of the host."""
        with (self.root / "var/log/spawned").open("ab") as log:
            subprocess.Popen(["chroot", self.root, *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_ENVIRONMENT)  # noqa: S603, S607  as above

    def take_syslog(self, path: str) -> None:
        """Be the host's syslogd from now on: what is said at /dev/log goes to a file of the host, stamped as a relay stamps it (RFC 3164, 4.3)."""
        upper, work = (Path(tempfile.mkdtemp(dir=self.root.parent)) for _ in range(2))
        subprocess.run(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir=/dev,upperdir={upper},workdir={work}", self.root / "dev"], check=True)  # noqa: S603, S607  our own words
        (self.root / "dev/log").unlink(missing_ok=True)
        taken = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        taken.bind(str(self.root / "dev/log"))
        (self.root / "dev/log").chmod(0o666)
        log = (self.root / path.lstrip("/")).open("ab", buffering=0)
        threading.Thread(target=_write_syslog, args=(taken, log), daemon=True).start()

    def wait_for_port(self, port: int = 25) -> None:
        """Wait until the server takes connections; raises SystemExit where it never does."""
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                time.sleep(0.1)
            else:
                return
        msg = f"nobody listens on port {port}:\n{(self.root / 'var/log/spawned').read_text(errors='replace')}"
        raise SystemExit(msg)


def _write_syslog(taken: socket.socket, log: IO[bytes]) -> None:
    while True:
        said = _PRIORITY.sub(b"", taken.recv(65536)).rstrip(b"\n\0")
        log.write(said[:_STAMP] + f" {SENDER_HOST.partition('.')[0]}".encode() + said[_STAMP:] + b"\n")


_PRIORITY: Final = re.compile(rb"\A<\d{1,3}>")
_STAMP: Final = len("Dec  1 12:00:00")
_ENVIRONMENT: Final = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/root"}


def _overlay(mta: MTA, cache: Path) -> Host:
    memory = Path(tempfile.mkdtemp(prefix="sending-host-"))
    subprocess.run(["mount", "-t", "tmpfs", "sending-host", memory], check=True)  # noqa: S603, S607  our own words
    upper, work, root = (memory / name for name in ("upper", "work", "root"))
    for folder in (upper, work, root):
        folder.mkdir()
    if mta.packages:
        packages.unpack(mta.packages, upper, cache)
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", f"lowerdir=/,upperdir={upper},workdir={work}", root], check=True)  # noqa: S603, S607  as above
    for name in ("proc", "dev"):
        subprocess.run(["mount", "--rbind", f"/{name}", root / name], check=True)  # noqa: S603, S607  as above
    host = Host(root, cache)
    for name in ("hosts", "resolv.conf", "hostname", "mailname"):
        (root / "etc" / name).unlink(missing_ok=True)
    host.write("/etc/hosts", _HOSTS)
    host.write("/etc/resolv.conf", f"nameserver {GATEWAY}\n")
    host.write("/etc/hostname", f"{SENDER_HOST}\n")
    host.write("/etc/mailname", f"{SENDER_HOST}\n")
    host.write("/var/log/spawned", "")
    for account in mta.accounts:
        host.account(account)
    return host


def _connect(spool: Path) -> None:
    """Start the internet in a namespace of its own and link to it."""
    socket.sethostname(SENDER_HOST)
    internet = subprocess.Popen(  # noqa: S603  our own words
        ["unshare", "--net", "--mount", sys.executable, "-m", "samples.make.internet", str(spool)],  # noqa: S607  as above
        stdout=subprocess.PIPE,
    )
    time.sleep(0.3)  # until unshare is in its new namespace
    for words in (
        ("link", "set", "lo", "up"),
        ("link", "add", "eth0", "type", "veth", "peer", "name", LINK),
        ("link", "set", LINK, "netns", str(internet.pid)),
        ("addr", "add", f"{SENDER}/24", "dev", "eth0"),
        ("addr", "add", f"{SENDER_SIX}/64", "dev", "eth0", "nodad"),
        ("link", "set", "eth0", "up"),
        ("route", "add", "default", "via", GATEWAY),
        ("-6", "route", "add", "default", "via", GATEWAY_SIX),
    ):
        subprocess.run(["ip", *words], check=True)  # noqa: S603, S607  as above
    if internet.stdout is None or internet.stdout.readline() != b"ready\n":
        msg = "the receiving side did not come up"
        raise SystemExit(msg)


def compose(name: str, scenario: Scenario) -> EmailMessage:
    """Return the mail of a scenario; the same at every run, but for its date."""
    mail = EmailMessage(policy=SMTP.clone(utf8=scenario.utf8))
    mail["From"] = f"The Meadow List <meadow@{LISTS}>"
    mail["To"] = ", ".join(scenario.to) if len(scenario.to) == 1 else f"meadow@{LISTS}"
    mail["Subject"] = f"Meadow digest 42: {name}"
    mail["Message-ID"] = f"<digest-42.{name}@{LISTS}>"
    mail["List-Id"] = f"<meadow.{LISTS}>"
    mail["Precedence"] = "list"
    text = "Good morning,\n\nthe grass has been cut.\n\n-- \nThe Meadow List\n"
    mail.set_content(text + "All of it, blade by blade.\n" * (scenario.size // 27))
    return mail


def _wait(spool: Path, wanted: int, patience: float) -> list[Path]:
    deadline = time.monotonic() + patience
    came: list[Path] = []
    while time.monotonic() < deadline:
        came = sorted(path for path in spool.iterdir() if not path.name.startswith("."))
        if len(came) >= wanted:
            time.sleep(_QUIET)  # what comes in spite of all
            break
        time.sleep(0.2)
    return sorted(path for path in spool.iterdir() if not path.name.startswith("."))


def _keep(came: list[Path], variant: Variant, target: Path) -> list[str]:
    """Copy what came into the target, named after variant and scenario; return the scenarios that nothing came for."""
    order = {sender(name): name for name in variant.scenarios}
    counts: dict[str, int] = {}
    for path in came:
        name = order.get(path.name.partition(" ")[2], "other")
        counts[name] = counts.get(name, 0) + 1
        again = f"-{counts[name]}" if counts[name] > 1 else ""
        shutil.copyfile(path, target / f"{variant.name}-{name}{again}.eml")
    return [name for name in variant.scenarios if name not in counts]


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


def main(name: str, variant_name: str, target: Path, cache: Path) -> None:
    """Run one variant of one server and keep what came back in `target`."""
    from samples.make import mta_named  # noqa: PLC0415  the servers' files use Host

    mta = mta_named(name)
    (variant,) = (one for one in mta.variants if one.name == variant_name)
    spool = Path(tempfile.mkdtemp(prefix="collected-"))
    _connect(spool)
    host = _overlay(mta, cache)
    mta.configure(host, variant)
    mta.start(host, variant)
    for scenario in variant.scenarios:
        one = table().scenarios[scenario]
        try:
            mta.submit(host, one, sender(scenario), compose(scenario, one))
        except (OSError, ValueError) as error:
            _say(f"{name}: {variant_name}: {scenario}: not taken: {error}")
    came = _wait(spool, variant.each * len(variant.scenarios), variant.patience)
    missing = _keep(came, variant, target)
    if mta.log is not None:
        shutil.copyfile(host.root / mta.log.lstrip("/"), target / f"{variant.name}.log")
    if missing:
        _say(f"{name}: {variant_name}: nothing came for {', '.join(missing)}")
    if os.environ.get("SHOW_LOG"):
        _say((host.root / "var/log/spawned").read_text(errors="replace"))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
