"""Postfix."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from samples.make.mta import MTA, Variant
from samples.make.scenarios import SENDER_HOST, alias_lines

if TYPE_CHECKING:
    from samples.make.host import Host

__all__ = ["SERVER"]

_MAIN: Final = f"""compatibility_level = 3.6
myhostname = {SENDER_HOST}
mydestination = {SENDER_HOST}, localhost
inet_interfaces = loopback-only
proxy_interfaces = 192.0.2.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
queue_directory = /var/spool/postfix
maillog_file = /var/log/spawned
alias_maps = texthash:/etc/aliases
alias_database =
smtp_connect_timeout = 3s
smtp_helo_timeout = 5s
smtp_host_lookup = dns
smtp_dns_support_level = enabled
smtputf8_enable = yes
local_recipient_maps =
"""
_CHROOTED: Final = re.compile(r"^((?:\S+\s+){4})y", re.MULTILINE)
"""Services that Debian locks into the queue's folder, where there is no resolv.conf of ours."""
_SOON: Final = {"queue_run_delay": "2s", "minimal_backoff_time": "2s", "maximal_backoff_time": "3s"}
_EXPIRY: Final = _SOON | {"maximal_queue_lifetime": "4s", "bounce_queue_lifetime": "4s"}
# A delay notice is sent when a delivery fails after this time; Postfix counts it in whole seconds.
_DELAY: Final = _SOON | {"maximal_queue_lifetime": "9s", "bounce_queue_lifetime": "9s", "delay_warning_time": "1s"}
_SIX: Final = {"inet_protocols": "all", "smtp_address_preference": "ipv6"}

_TEMPLATE: Final = """failure_template = <<EOF
Charset: utf-8
From: MAILER-DAEMON (Postsystem)
Subject: Ihre Nachricht konnte nicht zugestellt werden
Postmaster-Subject: Kopie: unzustellbare Nachricht

Das ist das Postsystem auf $myhostname.

Ihre Nachricht konnte leider nicht zugestellt werden; sie steht unten.

                   Das Postsystem
EOF
"""

_HELPDESK: Final = """failure_template = <<EOF
Charset: us-ascii
From: helpdesk@mail.example.com (The Helpdesk)
Subject: Your mail

We could not hand your mail over. If you need help, write to
<care@mail.example.com> or see https://help.example.com/mail/550

EOF
"""
_DEFAULT: Final = (
    "user-unknown", "user-unknown-lines", "user-unknown-after-data", "user-unknown-german", "user-unknown-japanese",
    "user-unknown-korean", "mailbox-full", "mailbox-disabled", "recipient-filtered", "domain-no-mail-556", "null-mx",
    "domain-unknown", "domain-without-address", "relay-denied", "loops-back", "sender-rejected", "authentication-failed",
    "ip-blocked", "no-reverse-dns", "spam", "too-large", "no-text", "no-code", "contradiction", "several",
    "failed-and-delivered", "success", "local-unknown", "local-success", "local-program", "local-program-odd", "local-full", "utf8", "unsupported",
    "too-many-recipients-final", "forward",
)  # fmt: skip


def _configure(host: Host, variant: Variant) -> None:
    settings = "".join(f"{key} = {value}\n" for key, value in variant.settings.items())
    host.write("/etc/postfix/main.cf", _MAIN + settings)
    services = (host.root / "usr/share/postfix/master.cf.dist").read_text(encoding="utf-8")
    host.write("/etc/postfix/master.cf", _CHROOTED.sub(r"\1n", services))
    host.write("/etc/postfix/bounce.cf", _TEMPLATE)
    host.write("/etc/postfix/helpdesk.cf", _HELPDESK)
    programs = {"failing": "echo no such thing >&2; exit 1", "full": "exit 73", "odd": "exit 255"}
    lines = "".join(f'{name}-program "|{command}"\n' for name, command in programs.items())
    host.write("/etc/aliases", f"postmaster root\n{lines}{alias_lines('')}")
    host.run("postfix", "set-permissions", check=False)


def _start(host: Host, variant: Variant) -> None:
    del variant
    host.run("postfix", "start")
    host.wait_for_port()


SERVER: Final = MTA(
    name="postfix",
    packages=("postfix",),
    accounts=("postfix", "postdrop"),
    log="/var/log/spawned",
    configure=_configure,
    start=_start,
    variants=(
        Variant("default", _DEFAULT),
        Variant(
            "expired",
            (
                "mailbox-full-later",
                "challenge-expired",
                "domain-no-mail-521",
                "postscreen-521",
                "bad-reputation",
                "connection-refused",
                "timeout",
                "servfail",
                "dropped-at-greeting",
                "dropped-after-data",
                "system-error",
            ),
            _EXPIRY,
            patience=40,
        ),
        Variant("delayed", ("rate-limited", "unreachable"), _DELAY, patience=30, each=2),
        Variant("german", ("user-unknown", "spf-failed"), {"bounce_template_file": "/etc/postfix/bounce.cf"}),
        # An operator may write the notice as another, in whose name he likes: bounce(5).
        Variant("helpdesk", ("user-unknown",), {"bounce_template_file": "/etc/postfix/helpdesk.cf"}),
        Variant("soft", ("user-unknown",), _EXPIRY | {"soft_bounce": "yes"}, patience=40),
        Variant(
            "whole",
            ("virus",),
            {"bounce_size_limit": "50000", "notify_classes": "bounce", "bounce_notice_recipient": "bounces+virus@lists.example.com"},
            each=2,
        ),
        Variant("later", ("too-many-recipients", "tls-required"), _EXPIRY, patience=40),
        Variant(
            "sealed",
            ("tls-not-offered", "tls-refused", "tls-broken", "tls-untrusted"),
            _EXPIRY | {"smtp_tls_policy_maps": "inline:{homemade.example=secure,lists.example.com=none}", "smtp_tls_security_level": "encrypt"},
            patience=40,
        ),
        Variant("dual", ("ipv6-user-unknown", "ipv6-blocked", "ipv6-bare", "ipv6-refused"), _EXPIRY | _SIX, patience=40),
    ),
)
