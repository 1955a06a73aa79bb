"""Exim."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from samples.make.internet import COLLECTOR
from samples.make.mta import MTA, Variant
from samples.make.scenarios import SENDER_HOST, alias_lines

if TYPE_CHECKING:
    from samples.make.host import Host

__all__ = ["SERVER"]

_CONFIGURATION: Final = """primary_hostname = {host}
domainlist local_domains = {host}
hostlist relay_from_hosts = 127.0.0.1
local_interfaces = 127.0.0.1
extra_local_interfaces = 192.0.2.1
disable_ipv6 = {four}
acl_smtp_rcpt = acl_accept
acl_smtp_data = acl_accept
never_users = root
smtputf8_advertise_hosts = *
dsn_advertise_hosts = *
tls_advertise_hosts =
log_file_path = /var/log/exim4/%slog
{main}
begin acl
acl_accept:
  accept
{control}
begin routers
dnslookup:
  driver = dnslookup
  domains = ! +local_domains
  transport = remote_smtp
  ignore_target_hosts = 0.0.0.0
  no_more
system_aliases:
  driver = redirect
  domains = +local_domains
  data = ${{lookup{{$local_part}}lsearch{{/etc/aliases}}}}
  pipe_transport = address_pipe
  user = nobody
  group = nogroup

begin transports
remote_smtp:
  driver = smtp
  connect_timeout = 3s
  hosts_try_fastopen =
{transport}
address_pipe:
  driver = pipe
  return_output
  temp_errors =

begin retry
{retry}
"""
_NEVER: Final = {"retry": ""}
"""Without a retry rule a temporary error is final at once."""
_LATER: Final = {"retry": "* * F,4s,2s"}
_SEALED: Final = f"  hosts_require_tls = ! {COLLECTOR} : *"
_AS_IT_IS: Final = {"control": "    control = utf8_downconvert/0\n"}
"""Exim would turn an address into ASCII where the next host does not know SMTPUTF8."""

# Exim's own words in another language, as a site would write them: bounce_message_file(5).
_BOUNCE: Final = """Subject: Votre message n'a pas pu être remis

Ce message a été créé automatiquement par le serveur de messagerie.

Un message que vous avez envoyé n'a pas pu être remis à un ou plusieurs
de ses destinataires. C'est une erreur définitive :

****
Les détails de l'erreur :

****
Voici une copie du message, avec tous ses en-têtes.
****
Voici une copie du message ; seuls ses premiers octets sont reproduits.
****
Voici une copie des en-têtes du message.
****
"""

_DEFAULT: Final = (
    "user-unknown-bare", "user-unknown-lines", "user-unknown-french", "user-unknown-russian", "user-unknown-latin-1", "address-invalid",
    "mailbox-full", "address-moved", "owner-changed", "members-only", "null-mx", "domain-unknown", "domain-without-address",
    "relaying-bare", "routing-loop", "loops-back", "security", "bad-reputation", "ip-blocked", "ip-blocked-at-greeting", "protocol-error",
    "content", "policy", "no-text", "several", "failed-and-delivered", "success", "local-unknown", "local-program", "utf8", "too-many-recipients-final",
    "user-unknown-unmarked", "long-reply", "forward", "alias-of-several",
)  # fmt: skip


def _configure(host: Host, variant: Variant) -> None:
    parts = {"main": "", "control": "", "four": "true", "transport": "", "retry": "", **variant.settings}
    host.write("/etc/exim4/exim4.conf", _CONFIGURATION.format(host=SENDER_HOST, **parts), 0o640)
    host.write("/etc/aliases", "failing-program: \"|/bin/sh -c 'echo no such thing >&2; exit 1'\"\n" + alias_lines())
    host.write("/etc/exim4/bounce", _BOUNCE)
    host.folder("/var/spool/exim4", "Debian-exim")
    host.folder("/var/log/exim4", "Debian-exim")
    host.run("chown", "root:Debian-exim", "/etc/exim4/exim4.conf")


def _start(host: Host, variant: Variant) -> None:
    del variant
    host.spawn("/usr/sbin/exim4", "-bdf", "-q1s", "-oX", "25")
    host.wait_for_port()


SERVER: Final = MTA(
    name="exim",
    packages=("exim4-daemon-heavy", "exim4-base", "exim4-config"),
    accounts=("Debian-exim",),
    log="/var/log/exim4/mainlog",
    configure=_configure,
    start=_start,
    variants=(
        Variant("default", _DEFAULT, _NEVER),
        Variant(
            "expired",
            ("mailbox-full-later", "challenge-expired", "connection-refused", "timeout", "servfail", "dropped-after-data", "too-many-connections"),
            _LATER,
            patience=40,
        ),
        Variant(
            "delayed",
            ("system-full", "unreachable"),
            {"retry": "* * F,9s,2s", "main": "delay_warning = 2s:6s\ndelay_warning_condition = yes"},
            patience=30,
            each=3,
        ),
        Variant("french", ("user-unknown", "spam"), {"main": "bounce_message_file = /etc/exim4/bounce"}),
        Variant("headers", ("virus",), {"main": "bounce_return_message = false"}),
        Variant("later", ("too-many-recipients", "tls-required"), _LATER, patience=40),
        # What went wrong with TLS is in Exim's log alone: the bounces of the other scenarios are the same.
        Variant("sealed", ("tls-not-offered",), _NEVER | {"transport": _SEALED}),
        Variant("dual", ("ipv6-user-unknown", "ipv6-blocked", "ipv6-bare"), _NEVER | {"four": "false"}),
        Variant("utf8", ("unsupported",), _NEVER | _AS_IT_IS),
    ),
)
