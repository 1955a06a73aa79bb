"""Sendmail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from samples.make.mta import MTA, Variant
from samples.make.scenarios import SENDER_HOST, alias_lines

if TYPE_CHECKING:
    from samples.make.host import Host

__all__ = ["SERVER"]

_CONFIGURATION: Final = """divert(-1)
include(`/usr/share/sendmail/cf/m4/cf.m4')
divert(0)dnl
OSTYPE(`linux')dnl
define(`confDOMAIN_NAME', `{host}')dnl
define(`confCW_FILE', `-o /etc/mail/local-host-names')dnl
define(`confTO_CONNECT', `3s')dnl
define(`confTO_ICONNECT', `3s')dnl
define(`confDONT_PROBE_INTERFACES', `True')dnl
define(`confDONT_BLAME_SENDMAIL', `GroupWritableDirPathSafe')dnl
define(`confRUN_AS_USER', `root')dnl
define(`confMIN_QUEUE_AGE', `0')dnl
define(`ALIAS_FILE', `/etc/mail/aliases')dnl
{settings}
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`accept_unqualified_senders')dnl
FEATURE(`promiscuous_relay')dnl
DAEMON_OPTIONS(`Family=inet, Name=MTA, Port=25, Addr=127.0.0.1')dnl
CLIENT_OPTIONS(`Family=inet')dnl
MAILER(`local')dnl
MAILER(`smtp')dnl
"""
_LOG: Final = "/var/log/mail.log"
_EXPIRY: Final = {"mc": "define(`confTO_QUEUERETURN', `4s')dnl"}
_DEFAULT: Final = (
    "user-unknown", "user-unknown-bare", "user-unknown-lines", "user-unknown-after-data", "user-unknown-korean", "user-unknown-french", "mailbox-full",
    "mailbox-disabled", "address-moved", "recipient-filtered", "null-mx", "domain-unknown", "relaying-bare", "routing-loop",
    "sender-rejected", "spf-failed", "bad-reputation", "no-reverse-dns", "policy", "content", "not-compliant", "no-text", "no-code", "contradiction",
    "several", "failed-and-delivered", "success", "local-program", "local-program-odd", "too-many-recipients-final", "spam-lines", "refused-at-data",
    "forward", "alias-of-several",
)  # fmt: skip


def _configure(host: Host, variant: Variant) -> None:
    host.write("/etc/mail/sendmail.mc", _CONFIGURATION.format(host=SENDER_HOST, settings=variant.settings.get("mc", "")))
    made = host.run("m4", "/etc/mail/sendmail.mc")
    host.write("/etc/mail/sendmail.cf", made.stdout.decode())
    host.write("/etc/mail/local-host-names", f"{SENDER_HOST}\n")
    programs = "".join(f"{name}-program: \"|/bin/sh -c 'exit {code}'\"\n" for name, code in (("failing", 1), ("odd", 255)))
    host.write("/etc/mail/aliases", f"postmaster: root\nMAILER-DAEMON: postmaster\n{programs}{alias_lines()}", 0o640)
    sealed = ("plain", "untuned", "garbled", "homemade")
    host.write("/etc/mail/access", "".join(f"TLS_Srv:{name}.example {'VERIFY' if name == 'homemade' else 'ENCR:112'}\n" for name in sealed))
    host.run("sh", "-c", "/usr/libexec/sendmail/makemap hash /etc/mail/access < /etc/mail/access")
    host.folder("/var/spool/mqueue", mode=0o700)
    host.folder("/run/sendmail/mta")
    host.folder("/var/run/sendmail/mta")
    host.run("/usr/libexec/sendmail/sendmail", "-bi", "-C", "/etc/mail/sendmail.cf")


def _start(host: Host, variant: Variant) -> None:
    del variant
    host.take_syslog(_LOG)
    host.spawn("/usr/libexec/sendmail/sendmail", "-bD", "-q1s", "-C", "/etc/mail/sendmail.cf")
    host.wait_for_port()


SERVER: Final = MTA(
    name="sendmail",
    packages=("sendmail-bin", "sendmail-cf", "sendmail-base"),
    accounts=("smmta", "smmsp"),
    log=_LOG,
    configure=_configure,
    start=_start,
    variants=(
        Variant("default", _DEFAULT),
        Variant("local", ("several-delivered", "local-agent"), patience=8),  # for the log: what is delivered gives no report
        Variant(
            "expired",
            (
                "mailbox-full-later",
                "challenge-expired",
                "domain-no-mail-521",
                "connection-refused",
                "timeout",
                "servfail",
                "dropped-after-data",
                "too-many-connections",
            ),
            _EXPIRY,
            patience=40,
        ),
        Variant(
            "delayed", ("system-full", "unreachable"), {"mc": "define(`confTO_QUEUEWARN', `1s')dnl\ndefine(`confTO_QUEUERETURN', `8s')dnl"}, patience=30, each=2
        ),
        Variant(
            "text",
            ("user-unknown", "mailbox-full", "several", "spam-lines", "refused-at-data", "forward"),
            {"mc": "define(`confMIME_FORMAT_ERRORS', `False')dnl"},
        ),
        Variant("later", ("too-many-recipients", "tls-required"), _EXPIRY, patience=40),
        Variant("sealed", ("tls-not-offered", "tls-refused", "tls-broken", "tls-untrusted"), {"mc": f"{_EXPIRY['mc']}\nFEATURE(`access_db')dnl"}, patience=40),
    ),
)
