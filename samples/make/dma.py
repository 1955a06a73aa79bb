"""DragonFly Mail Agent. Its queue keeps a mail for five days, whatever one configures, so nothing expires here."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Final

from samples.make.mta import MTA, Variant
from samples.make.scenarios import SENDER_HOST

if TYPE_CHECKING:
    from email.message import EmailMessage

    from samples.make.host import Host
    from samples.make.scenarios import Scenario

__all__ = ["SERVER"]

_DEFAULT: Final = (
    "user-unknown", "user-unknown-bare", "user-unknown-lines", "user-unknown-german", "mailbox-full", "mailbox-disabled", "address-moved",
    "domain-no-mail-556", "relay-denied", "authentication-failed", "ip-blocked", "spam", "too-large", "several", "domain-unknown",
    "too-many-recipients-final",
)  # fmt: skip


def _configure(host: Host, variant: Variant) -> None:
    host.write("/etc/dma/dma.conf", f"MAILNAME {SENDER_HOST}\n{variant.settings.get('conf', '')}")
    host.write("/etc/dma/auth.conf", "")
    host.write("/etc/aliases", "")
    host.folder("/var/spool/dma", "root", "mail", 0o2775)
    host.folder("/var/mail", "root", "mail", 0o2775)


def _start(host: Host, variant: Variant) -> None:
    del host, variant  # nothing listens: each mail is sent by the process that takes it


def _submit(host: Host, scenario: Scenario, sender: str, mail: EmailMessage) -> None:
    done = host.run("/usr/sbin/dma", "-f", sender, *scenario.to, stdin=mail.as_bytes(policy=mail.policy.clone(linesep="\n")), check=False)
    if done.returncode:
        raise subprocess.SubprocessError(done.stderr.decode())


SERVER: Final = MTA(
    name="dma",
    packages=("dma",),
    configure=_configure,
    start=_start,
    submit=_submit,
    variants=(
        Variant("default", _DEFAULT),
        Variant("whole", ("virus",), {"conf": "FULLBOUNCE\n"}),
    ),
)
