"""A Dovecot of our own, in a folder of its own, in the foreground; any user may log in with the one password."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from imapclient import IMAPClient

from tests.servers import free_port, require

PASSWORD = "correct-horse"  # noqa: S105  of a server that lives for a test
CONFIG = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
listen = 127.0.0.1
protocols = imap pop3
ssl = yes
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.key
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2 oauthbearer
auth_failure_delay = 0
auth_verbose = yes
mail_location = maildir:~/Maildir
mail_max_userip_connections = 100
mail_fsync = never
mailbox_idle_check_interval = 1 s
first_valid_uid = 1
first_valid_gid = 1
default_process_limit = 200
{users}
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/oauth2.conf
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/homes/%u
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
{extra}
"""
OWN_USERS = """\
default_internal_user = {name}
default_internal_group = {group}
default_login_user = {name}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
}}
service pop3-login {{
  chroot =
}}
"""
OAUTH2 = """\
introspection_url = {url}
introspection_mode = post
username_attribute = user
active_attribute = active
active_value = true
"""


def certificate(folder: Path, name: str = "server", host: str = "localhost") -> Path:
    """A certificate of its own making for a host."""
    path = folder / f"{name}.pem"
    made = ["req", "-x509", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2", "-subj", f"/CN={host}"]
    names = [f"subjectAltName=DNS:{host}" + (",IP:127.0.0.1" if host == "localhost" else "")]
    command = [require({"openssl": "openssl"})["openssl"], *made, "-addext", *names, "-keyout", str(folder / f"{name}.key"), "-out", str(path)]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603  our own command
    return path


class Dovecot:
    """The server; `ports` by the names of the protocols."""

    def __init__(self, *, extra: str = "", tokens: str = "http://127.0.0.1:9/", host: str = "localhost") -> None:
        self._program = require({"dovecot": "dovecot-core", "/usr/lib/dovecot/imap": "dovecot-imapd", "/usr/lib/dovecot/pop3": "dovecot-pop3d"})["dovecot"]
        self.folder = Path(tempfile.mkdtemp(prefix="bc", dir="/tmp"))  # a socket's path must be short
        self.folder.chmod(0o755)
        owner = pwd.getpwnam("mail") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        self.uid, self.gid = owner.pw_uid, owner.pw_gid
        self.ports = {name: free_port() for name in ("imap", "imaps", "pop3", "pop3s")}
        self.ca = certificate(self.folder, host=host)
        for name in ("run", "state", "homes"):
            (self.folder / name).mkdir()
        os.chown(self.folder / "homes", self.uid, self.gid)
        (self.folder / "oauth2.conf").write_text(OAUTH2.format(url=tokens))
        users = "" if os.geteuid() == 0 else OWN_USERS.format(name=owner.pw_name, group=owner.pw_gid)
        self.config = self.folder / "dovecot.conf"
        self.config.write_text(
            CONFIG.format(folder=self.folder, password=PASSWORD, uid=self.uid, gid=self.gid, users=users, extra=extra, **self.ports), encoding="utf-8"
        )
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        with (self.folder / "out").open("ab") as out:
            self._process = subprocess.Popen([self._program, "-F", "-c", str(self.config)], stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)  # noqa: S603  our own command
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.ports["imap"]), 1) as reached:
                    if reached.recv(100).startswith(b"* OK"):
                        return
            except OSError:
                time.sleep(0.05)
        raise AssertionError((self.folder / "out").read_text() + self.log())

    def end(self) -> None:
        """Tell it to end."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """End it and every connection."""
        if self._process is not None:
            self.end()
            self._process.wait(20)
            with suppress(ProcessLookupError):  # sessions outlive it
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process = None

    def log(self) -> str:
        path = self.folder / "log"
        return path.read_text() if path.exists() else ""

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Box:
    """The mailbox of one user, from outside: its files, and what another mail program sees."""

    def __init__(self, server: Dovecot, user: str) -> None:
        self.server = server
        self.user = user
        self.path = server.folder / "homes" / user / "Maildir"
        self._number = 0
        for part in ("tmp", "new", "cur"):
            (self.path / part).mkdir(parents=True)
        for path in (self.path.parent, self.path, *self.path.iterdir()):
            os.chown(path, server.uid, server.gid)

    def url(self, scheme: str, folder: str = "", **options: Any) -> str:
        port = options.pop("port", self.server.ports[scheme])
        given = {"password": "env:BOX_PASSWORD", **({"ca": str(self.server.ca)} if scheme.endswith("s") else {}), **options}
        query = "&".join(f"{name}={value}" for name, value in given.items() if value != "-")
        return f"{scheme}://{self.user.replace('@', '%40')}@localhost:{port}/{folder}?{query}"

    def put(self, raw: bytes, folder: str = "") -> None:
        """Deliver as an LDA does."""
        self._number += 1
        name = f"{1_772_539_200 + self._number}.M{self._number}.mx"
        draft = self.path / folder / "tmp" / name
        draft.write_bytes(raw)
        os.chown(draft, self.server.uid, self.server.gid)
        draft.rename(self.path / folder / "new" / name)

    def client(self) -> IMAPClient:
        client = IMAPClient("localhost", self.server.ports["imap"], ssl=False)
        client.login(self.user, PASSWORD)
        return client

    def state(self) -> dict[str, list[tuple[str, ...]]]:
        """Flags of each mail in each folder, by its Subject."""
        found: dict[str, list[tuple[str, ...]]] = {}
        client = self.client()
        for flags, _, name in client.list_folders():
            if {b"\\noselect", b"\\nonexistent"} & {flag.lower() for flag in flags}:
                continue
            client.select_folder(name, readonly=True)
            mails: dict[int, dict[bytes, Any]] = client.fetch(client.search("ALL"), ["FLAGS", "BODY.PEEK[HEADER.FIELDS (Subject)]"])
            rows = []
            for mail in mails.values():
                subject = mail[b"BODY[HEADER.FIELDS (SUBJECT)]"].decode().partition(":")[2].strip()
                rows.append((subject, *sorted(flag.decode() for flag in mail[b"FLAGS"] if flag != b"\\Recent")))
            found[name] = sorted(rows)
        client.logout()
        return found

    def count(self, folder: str = "") -> int:
        """How many files are in a folder."""
        return sum(len(list((self.path / folder / part).iterdir())) for part in ("new", "cur") if (self.path / folder / part).exists())
