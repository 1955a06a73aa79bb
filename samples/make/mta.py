"""What the factory must know of a mail server: one file for each, with one `MTA`."""

from __future__ import annotations

import smtplib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import EmailMessage

    from samples.make.host import Host
    from samples.make.scenarios import Scenario

__all__ = ["MTA", "Variant", "submit_by_smtp"]


@dataclass(frozen=True)
class Variant:
    """Settings that change the text, and the scenarios that are worth a sample with them.

    `patience` is how long to wait for the bounces, in seconds; the factory goes on when all are there.
    """

    name: str
    scenarios: tuple[str, ...]
    settings: dict[str, str] = field(default_factory=dict)
    patience: float = 30
    each: int = 1
    """How many reports a scenario gives: a delay notice and then the failure are two."""


def submit_by_smtp(host: Host, scenario: Scenario, sender: str, mail: EmailMessage) -> None:
    """Hand a mail to the server on 127.0.0.1, with the scenario's wishes for reports."""
    del host
    with smtplib.SMTP("127.0.0.1", 25, local_hostname="localhost") as smtp:
        smtp.ehlo()
        knows_dsn = smtp.has_extn("dsn")
        options = ["SMTPUTF8", "BODY=8BITMIME"] if scenario.utf8 else []
        if knows_dsn and scenario.notify:
            options += ["RET=HDRS", "ENVID=issue-42"]
        smtp.mail(sender, options)
        for to in scenario.to:
            smtp.rcpt(to, [f"NOTIFY={scenario.notify}", f"ORCPT=rfc822;{to}"] if knows_dsn and scenario.notify else [])
        smtp.data(mail.as_bytes())


@dataclass(frozen=True)
class MTA:
    """A mail server: what it is unpacked from (Debian's packages, or one of npm's or PyPI's), how it is set up and started, how it takes mail.

    `accounts` are users that its package's scripts would create. `start` returns when it takes mail. `log` is its log, if we read it.
    """

    name: str
    variants: tuple[Variant, ...]
    configure: Callable[[Host, Variant], None]
    start: Callable[[Host, Variant], None]
    packages: tuple[str, ...] = ()
    npm: str | None = None
    pip: tuple[str, ...] = ()
    accounts: tuple[str, ...] = ()
    submit: Callable[[Host, Scenario, str, EmailMessage], None] = submit_by_smtp
    log: str | None = None
