"""OpenSMTPD."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from samples.make.mta import MTA, Variant
from samples.make.scenarios import SENDER_HOST

if TYPE_CHECKING:
    from samples.make.host import Host

__all__ = ["SERVER"]

_CONFIGURATION: Final = """listen on 127.0.0.1 port 25 hostname {host}
{settings}
table aliases {{ "nobody" = "nobody" }}
action "outbound" relay helo {host}
action "inbound" mda "/bin/sh -c 'echo no such thing; exit 1'" alias <aliases>
match from any for domain "{host}" action "inbound"
{rules}
match from any for any action "outbound"
"""
_SEALED: Final = f"""action "sealed" relay helo {SENDER_HOST} tls
match from any ! for domain "lists.example.com" action "sealed"
"""
_LOG: Final = "/var/log/mail.log"
_DEFAULT: Final = (
    "user-unknown", "user-unknown-bare", "user-unknown-lines", "user-unknown-german", "user-unknown-spanish", "user-unknown-latin-1", "mailbox-full",
    "mailbox-disabled", "domain-no-mail-556", "domain-unknown", "relay-denied", "sender-rejected",
    "authentication-failed", "ip-blocked", "no-reverse-dns", "spam", "no-code", "contradiction", "several", "failed-and-delivered", "success",
    "too-many-recipients-final", "end-of-another",
)  # fmt: skip


def _configure(host: Host, variant: Variant) -> None:
    host.write("/etc/smtpd.conf", _CONFIGURATION.format(host=SENDER_HOST, settings=variant.settings.get("conf", ""), rules=variant.settings.get("rules", "")))
    host.write("/etc/aliases", "")
    for folder in ("/var/lib/opensmtpd/empty", "/var/spool/smtpd"):
        host.folder(folder, mode=0o711)
    host.folder("/run/opensmtpd")


def _start(host: Host, variant: Variant) -> None:
    del variant
    host.take_syslog(_LOG)
    host.spawn("/usr/sbin/smtpd", "-F")
    host.wait_for_port()


SERVER: Final = MTA(
    name="opensmtpd",
    packages=("opensmtpd",),
    accounts=("opensmtpd", "opensmtpq"),
    log=_LOG,
    configure=_configure,
    start=_start,
    variants=(
        Variant("default", _DEFAULT),
        Variant("local", ("several-delivered", "local-agent"), patience=8),  # for the log: what is delivered gives no report
        Variant("expired", ("mailbox-full-later", "challenge-expired", "unreachable", "domain-no-mail-521"), {"conf": "queue ttl 5s"}, patience=100),
        Variant("delayed", ("system-error", "rate-limited"), {"conf": "queue ttl 20m\nbounce warn-interval 3s"}, patience=100),
        Variant("later", ("too-many-recipients", "tls-required"), {"conf": "queue ttl 5s"}, patience=100),
        Variant("sealed", ("tls-not-offered", "tls-refused", "tls-broken", "tls-untrusted"), {"conf": "queue ttl 5s\n", "rules": _SEALED}, patience=100),
    ),
)
