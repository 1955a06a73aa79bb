"""Courier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from samples.make.mta import MTA, Variant
from samples.make.scenarios import SENDER_HOST, alias_lines

if TYPE_CHECKING:
    from email.message import EmailMessage

    from samples.make.host import Host
    from samples.make.scenarios import Scenario

__all__ = ["SERVER"]

_DEFAULT: Final = (
    "user-unknown", "user-unknown-bare", "user-unknown-lines", "user-unknown-after-data", "user-unknown-japanese", "user-unknown-latin-1", "mailbox-full",
    "members-only", "domain-no-mail-556", "null-mx", "domain-unknown", "relay-denied", "sender-rejected", "authentication-failed", "ip-blocked",
    "spam", "content", "no-code", "contradiction", "several", "failed-and-delivered", "success", "too-many-recipients-final", "unsupported",
)  # fmt: skip
_SEALED: Final = "lists.example.com:in.lists.example.com\n" + "\n".join(
    f"{domain}:mx.{domain},25/SECURITY=REQUIRED" for domain in ("plain.example", "untuned.example", "garbled.example")
)
_SOON: Final = {"retryalpha": "1s", "retrybeta": "1s", "retrygamma": "1s", "retrymaxdelta": "1"}


def _configure(host: Host, variant: Variant) -> None:
    settings = {
        "me": SENDER_HOST,
        "defaultdomain": SENDER_HOST,
        "locals": SENDER_HOST,
        "esmtptimeoutconnect": "3s",
        "esmtpdelay": "1s",
        "esmtptimeouthelo": "5s",
        **variant.settings,
    }
    for name, value in settings.items():
        host.write(f"/etc/courier/{name}", f"{value}\n")
    host.write("/etc/courier/aliases/system", "postmaster: nobody\n" + alias_lines())
    host.folder("/var/lib/courier", "courier", mode=0o770)
    for name in ("msgs", "msgq", "tmp", "track", "faxtmp", "filters", "allfilters"):
        host.folder(f"/var/lib/courier/{name}", "courier", mode=0o770)
    host.folder("/run/courier", "courier")
    host.run("/usr/sbin/makealiases")
    host.run("/usr/sbin/makesmtpaccess", check=False)


def _start(host: Host, variant: Variant) -> None:
    del variant
    host.run("/usr/sbin/courier", "start", check=False)
    host.spawn("/usr/lib/courier/courier/courierd")


def _submit(host: Host, scenario: Scenario, sender: str, mail: EmailMessage) -> None:
    wishes = ["-N", scenario.notify, "-V", "issue-42"] if scenario.notify else []
    host.run("/usr/sbin/sendmail", "-f", sender, *wishes, *scenario.to, stdin=mail.as_bytes(policy=mail.policy.clone(linesep="\n")))


SERVER: Final = MTA(
    name="courier",
    packages=("courier-mta",),
    accounts=("courier",),
    configure=_configure,
    start=_start,
    submit=_submit,
    variants=(
        Variant("default", _DEFAULT),
        Variant(
            "expired",
            ("mailbox-full-later", "challenge-expired", "domain-no-mail-521", "connection-refused", "timeout", "dropped-after-data"),
            _SOON | {"queuetime": "6s"},
            patience=60,
        ),
        Variant("delayed", ("system-full", "unreachable"), _SOON | {"queuetime": "15s", "warntime": "2s"}, patience=60, each=2),
        Variant("later", ("too-many-recipients", "tls-required"), _SOON | {"queuetime": "6s"}, patience=60),
        Variant("sealed", ("tls-not-offered", "tls-refused", "tls-broken"), _SOON | {"queuetime": "6s", "esmtproutes": _SEALED}, patience=60),
    ),
)
