"""nullmailer. It knows only a smarthost, which refuses as the receiving host would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from samples.make.mta import MTA, Variant
from samples.make.scenarios import SENDER_HOST

if TYPE_CHECKING:
    from email.message import EmailMessage

    from samples.make.host import Host
    from samples.make.scenarios import Scenario

__all__ = ["SERVER"]

_DEFAULT: Final = (
    "user-unknown", "user-unknown-lines", "mailbox-full", "mailbox-disabled", "domain-no-mail-556", "relay-denied", "authentication-failed", "ip-blocked",
    "no-reverse-dns", "spam", "contradiction", "several", "owner-changed", "suppressed", "mailer-error",
    "too-many-recipients-final", "end-of-another",
)  # fmt: skip


def _configure(host: Host, variant: Variant) -> None:
    settings = {"me": SENDER_HOST, "remotes": "mx.example.org smtp", "pausetime": "1", "maxpause": "1", "sendtimeout": "10", **variant.settings}
    for name, value in settings.items():
        host.write(f"/etc/nullmailer/{name}", f"{value}\n")
    for name in ("queue", "tmp", "failed"):
        host.folder(f"/var/spool/nullmailer/{name}", "mail")
    host.run("sh", "-c", "mkfifo -m 622 /var/spool/nullmailer/trigger; chown mail /var/spool/nullmailer/trigger /var/spool/nullmailer")


def _start(host: Host, variant: Variant) -> None:
    del variant
    host.spawn("/usr/sbin/nullmailer-send")


def _submit(host: Host, scenario: Scenario, sender: str, mail: EmailMessage) -> None:
    host.run("/usr/sbin/sendmail", "-f", sender, *scenario.to, stdin=mail.as_bytes(policy=mail.policy.clone(linesep="\n")))


SERVER: Final = MTA(
    name="nullmailer",
    packages=("nullmailer",),
    configure=_configure,
    start=_start,
    submit=_submit,
    variants=(
        Variant("default", _DEFAULT),
        Variant("expired", ("mailbox-full-later", "challenge-expired"), {"queuelifetime": "3"}, patience=20),
        Variant("later", ("too-many-recipients",), {"queuelifetime": "3"}, patience=20),
    ),
)
