"""The ACL of docs/mta.md, tried by Exim itself in a session that it only pretends (`exim -bh`)."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bounceclass.model import Reason, Suppression
from bounceclass.mta import Asked, Server
from bounceclass.store import open_store
from samples.make.packages import fetch, unpack
from tests.servers import REQUIRED, free_port

PACKAGES = ("exim4-daemon-light", "exim4-base", "exim4-config")
PAGE = (Path(__file__).parents[2] / "docs/mta.md").read_text(encoding="utf-8")
CONFIG = "log_file_path = {folder}/log_%s\nspool_directory = {folder}\nprimary_hostname = mx.example.com\nacl_smtp_rcpt = acl_check_rcpt\nbegin acl\n{acl}"
# An Exim that is unpacked and not installed lacks its user and its libraries.
SCRIPT = "mount --make-rprivate / && mount --bind passwd /etc/passwd && mount --bind group /etc/group && LD_LIBRARY_PATH={libraries} exec {exim} -C {folder}/conf -bh 198.51.100.7"
SESSION = "HELO client.example\nMAIL FROM:<news@lists.example.com>\nRCPT TO:<ruth@example.net>\nRCPT TO:<eve@example.net>\nQUIT\n"


@pytest.fixture(scope="module")
def folder() -> Path:
    if not REQUIRED or os.geteuid() != 0:
        pytest.skip("Exim is fetched where servers are required, and run by root alone")
    folder = Path(tempfile.mkdtemp(prefix="exim-", dir="/tmp"))
    fetch(PACKAGES, folder / "cache")
    unpack(PACKAGES, folder / "root", folder / "cache")
    (folder / "passwd").write_text(Path("/etc/passwd").read_text() + "Debian-exim:x:61001:61001::/nonexistent:/usr/sbin/nologin\n")
    (folder / "group").write_text(Path("/etc/group").read_text() + "Debian-exim:x:61001:\n")
    return folder


def said(folder: Path, port: int) -> list[str]:
    """What Exim says to the two recipients."""
    block = re.search(r"```exim\n(.*?)```", PAGE, re.DOTALL)
    assert block is not None
    (folder / "conf").write_text(CONFIG.format(folder=folder, acl=block[1].replace("127.0.0.1:10040", f"127.0.0.1:{port}")))
    (exim,) = (folder / "root").rglob("usr/sbin/exim4")
    library = next((folder / "root").rglob("libidn.so*"))
    script = SCRIPT.format(libraries=library.parent, exim=exim, folder=folder)
    done = subprocess.run(["unshare", "-m", "sh", "-c", script], input=SESSION, cwd=folder, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603, S607  our own command
    replies = [line for line in done.stdout.splitlines() if re.match(r"\d{3} ", line)]
    assert len(replies) >= 5, done.stderr
    return replies[3:5]


def test_who_is_suppressed_is_refused_and_nobody_where_nobody_answers(folder: Path, tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path}/b.db")
    with store.transaction() as ledger:
        ledger.suppress(Suppression(address="ruth@example.net", reason=Reason.USER_UNKNOWN, since=datetime.now(UTC) - timedelta(days=1), by="policy"))
    port = free_port()
    server = Server("policy", f"127.0.0.1:{port}", Asked(store))
    assert said(folder, port) == ["550 5.7.1 suppressed: user-unknown", "250 Accepted"]
    server.close()
    store.close()
    assert said(folder, port) == ["250 Accepted", "250 Accepted"]
