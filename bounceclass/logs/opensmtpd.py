r"""OpenSMTPD's syslog, or what `smtpd -d` writes.

    Mar  9 12:00:02 mx smtpd[9]: 1f2e3d4c5b6a7988 mta delivery evpid=9eba2d37a5c2ae58 from=<b+tag@lists.example.com> to=<ruth@example.net>
        rcpt=<-> source="192.0.2.9" relay="192.0.2.1 (mx.example.net)" delay=1s result="PermFail" stat="550 5.1.1 User unknown"
    Mar  9 12:00:02 mx smtpd[9]: 1f2e3d4c5b6a7989 mda delivery evpid=9eba2d37b1c2ae58 from=<...> to=<...> rcpt=<...> user=anna delay=0s result=Ok stat=Delivered
    Mar 13 12:00:02 mx smtpd[9]: relay: Expire for 9eba2d37a5c2ae59: from=<...>, to=<paul@example.net>, rcpt=<->, delay=4d, stat=Envelope expired

Written after OpenSMTPD 6.8's mta.c, mda.c and queue.c; 6.0 has `mta event=delivery`, and 5 `relay: PermFail for ...` for all that the first
says. What expired was given up for what was said last. Who was mailed is `rcpt` where an alias made another of it. The log has no Message-ID.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from bounceclass.logs.record import Memory, Outcome, is_passed_on
from bounceclass.logs.syslog import Syslog
from bounceclass.model import Kind

if TYPE_CHECKING:
    from bounceclass.logs.syslog import Entry

__all__ = ["Opensmtpd"]

_HEAD: Final = r"(?:\S+\[\d+\]: )?"
_NEW: Final = re.compile(rf"{_HEAD}[0-9a-f]{{16}} (mta|mda) (?:event=)?delivery evpid=([0-9a-f]{{16}}) (.*?) result=\"?(\w+)\"? stat=(.*)\Z", re.DOTALL)
_OLD: Final = re.compile(rf"{_HEAD}(relay|delivery): (\w+) for ([0-9a-f]{{16}}): (.*?), stat=(.*)\Z", re.DOTALL)
_KNOWN: Final = re.compile(
    r"(?:\A| )(?:info: OpenSMTPD \d|[0-9a-f]{16} (?:smtp|mta|mda) (?:event=)?(?:conn|message|envelope|delivery|disconn)"
    r"|(?:relay|delivery): \w+ for [0-9a-f]{16}: )"
)
_FIELD: Final = re.compile(r"\b(from|to|rcpt|relay)=(?:<([^<>]*)>|\"([^\"]*)\"|([^,\"<]*))")
_RELAY: Final = re.compile(r"(\S+) \(([^)\s]+)\)")
_KINDS: Final = {"Ok": Kind.DELIVERY, "TempFail": Kind.DELAY, "PermFail": Kind.BOUNCE, "Loop": Kind.BOUNCE, "Expire": Kind.BOUNCE}


class Opensmtpd(Syslog):
    """Lines of syslog or of standard error."""

    name = "opensmtpd-log"

    def knows(self, line: str) -> bool:
        """See Dialect."""
        return _KNOWN.search(line[:200]) is not None

    def takes(self, entry: Entry) -> bool:
        """See Syslog."""
        return _NEW.match(entry.text) is not None or _OLD.match(entry.text) is not None

    def said(self, entry: Entry, memory: Memory) -> list[Outcome]:
        """See Syslog."""
        if found := _NEW.match(entry.text):
            agent, queue, fields, result, stat = found.groups()
        elif found := _OLD.match(entry.text):
            agent, result, queue, fields, stat = found.groups()
        else:
            return []
        kind = _KINDS.get(result)
        if kind is None:
            return []
        named = {match[1]: match[2] or match[3] or match[4] or "" for match in _FIELD.finditer(fields)}
        words = _said(stat)
        return [_outcome(queue, kind, named, _last(queue, result, named, words, memory), entry, local=agent in {"mda", "delivery"})]


def _said(stat: str) -> str:
    """Return what stands in the quotes, or in `Error (...)` of a local agent."""
    if stat.startswith("Error (") and stat.endswith(")"):
        return stat[7:-1]
    return stat[1:-1] if len(stat) > 1 and stat.startswith('"') and stat.endswith('"') else stat


def _last(queue: str, result: str, fields: dict[str, str], words: str, memory: Memory) -> str:
    """Return what was said, of what expired what was said last; remember it where it will be tried again."""
    whom = fields.get("to", "")
    if result == "TempFail":
        memory.of(queue).put_off(whom, None, words)
        return words
    last = memory.of(queue).deferred.get(whom)
    memory.forget(queue)
    return last[1] if last and result == "Expire" else words


def _outcome(queue: str, kind: Kind, fields: dict[str, str], words: str, entry: Entry, *, local: bool) -> Outcome:  # noqa: PLR0913  what a line has
    to, rcpt = fields.get("to", ""), fields.get("rcpt", "-")
    relay = _RELAY.match(fields.get("relay", ""))
    address, name = relay.groups() if relay else ("", "")
    return Outcome(
        kind=kind,
        recipient=to,
        original_recipient=rcpt if rcpt not in {"", "-", to} else None,
        said="" if local and kind is Kind.DELIVERY else words,
        queue=queue,
        remote_mta=None if local or not relay else address if name == "<unknown>" else name,
        reporting_mta=entry.host or None,
        passed_on=kind is Kind.DELIVERY and is_passed_on(address, words),
        at=entry.at,
        sender=fields.get("from") or None,
    )
