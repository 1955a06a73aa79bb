"""Haraka, from npm."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Final

from samples.make.mta import MTA, Variant
from samples.make.scenarios import SENDER_HOST

if TYPE_CHECKING:
    from samples.make.host import Host

__all__ = ["SERVER"]

_HOME: Final = "/opt/haraka"
_OUTBOUND: Final = "disabled=false\nipv6_enabled=false\nconnect_timeout=3\nenable_tls=false\n"
_DEFAULT: Final = (
    "user-unknown", "user-unknown-bare", "user-unknown-lines", "user-unknown-russian", "mailbox-full", "mailbox-disabled", "recipient-filtered",
    "address-moved", "domain-no-mail-556", "null-mx", "domain-unknown", "relay-denied", "sender-rejected", "authentication-failed", "bad-reputation",
    "no-reverse-dns", "spam", "virus", "no-code", "contradiction", "several", "failed-and-delivered", "utf8",
    "too-many-recipients-final", "tls-required",
)  # fmt: skip


def _configure(host: Host, variant: Variant) -> None:
    shutil.copytree(host.cache / "haraka" / "node_modules", host.root / _HOME.lstrip("/") / "node_modules", symlinks=True)
    settings = {
        "me": SENDER_HOST,
        "host_list": SENDER_HOST,
        "smtp.ini": "listen=127.0.0.1:25\nsmtps_port=0\nnodes=0\n",
        "plugins": "relay\n",
        "relay.ini": "[relay]\nacl=true\n",
        "relay_acl_allow": "127.0.0.1/32\n",
        "log.ini": "[main]\nlevel=info\n",
        "outbound.ini": _OUTBOUND + "always_split=true\n",
        **variant.settings,
    }
    for name, text in settings.items():
        host.write(f"{_HOME}/config/{name}", text)
    # Haraka reads sections of it without asking whether they are there.
    home = host.root / _HOME.lstrip("/")
    shutil.copy(home / "node_modules/Haraka/config/connection.ini", home / "config/connection.ini")
    host.folder(f"{_HOME}/queue")


def _start(host: Host, variant: Variant) -> None:
    del variant
    host.spawn("node", f"{_HOME}/node_modules/Haraka/bin/haraka", "-c", _HOME)
    host.wait_for_port()


SERVER: Final = MTA(
    name="haraka",
    npm="Haraka@3.3.4",
    configure=_configure,
    start=_start,
    variants=(
        Variant("default", _DEFAULT),
        Variant("together", ("several",), {"outbound.ini": _OUTBOUND + "always_split=false\n"}),
        Variant(
            "expired",
            ("mailbox-full-later", "challenge-expired", "too-many-recipients", "connection-refused", "timeout", "servfail"),
            {"outbound.ini": _OUTBOUND + "temp_fail_intervals=5s\n"},
            patience=60,
        ),
    ),
)
