"""What the sender must fix: refusals that say the same, as one, with since when, how many and an example line."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import msgspec

from bounceclass.domains import organisation, provider_of
from bounceclass.judge import host_is_ours
from bounceclass.model import Reason
from bounceclass.summary.contents import Fix
from bounceclass.summary.links import link_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from bounceclass.model import Report
    from bounceclass.store.figures import Fault

__all__ = ["MOST", "Providers", "fixes"]

MOST: Final = 20
_MOST_PROVIDERS: Final = 5
_LONGEST: Final = 500
"""Characters of an example line."""

_WHAT: Final = {
    Reason.BAD_REPUTATION: "reputation",
    Reason.NO_REVERSE_DNS: "reverse-dns",
    Reason.AUTHENTICATION_FAILED: "authentication",
    Reason.SENDER_REJECTED: "sender",
    Reason.RATE_LIMITED: "rate",
    Reason.TOO_MANY_RECIPIENTS: "rate",
    Reason.SPAM: "message",
    Reason.VIRUS: "message",
    Reason.CONTENT: "message",
    Reason.UNSUPPORTED: "message",
    Reason.NOT_COMPLIANT: "message",
    Reason.TOO_LARGE: "message",
}
_TOLD_APART: Final = {
    "listed": ("ip", "list"),
    "blocked": ("ip", "provider"),
    "reputation": ("ip", "domain", "provider"),
    "reverse-dns": ("ip",),
    "authentication": ("domain", "checks"),
    "sender": ("domain", "provider"),
    "rate": ("provider",),
}
"""What makes two fixes of them, besides the reason; of messages nothing does, whoever refuses them."""


class Providers:
    """Names whose servers spoke: a provider that we know, else the organisation of the host, else that of the domain."""

    def __init__(self, own_hosts: Sequence[str] = ()) -> None:
        """Take our own mail servers: what they say of others is not theirs."""
        self._own_hosts = own_hosts
        self._known: dict[tuple[str | None, str | None], str | None] = {}

    def __call__(self, host: str | None, domain: str | None) -> str | None:
        """Return the name, None where neither is known."""
        key = host, domain
        if key not in self._known:
            self._known[key] = self._name(host, domain)
        return self._known[key]

    def _name(self, host: str | None, domain: str | None) -> str | None:
        host = (host or "").rstrip(".").lower()
        said = [host] if host.rpartition(".")[2].isalpha() and not host_is_ours(host, self._own_hosts) else []
        named = next(iter(said), domain)
        return provider_of(said, domain) or (organisation(named) if named else None)


class _Growing(msgspec.Struct):
    """A fix while its rows are added; `largest` is the row that most reports stand behind."""

    what: str
    largest: Fault
    first: Any
    last: Any
    providers: Counter[str]
    count: int = 0
    believed: int = 0


def fixes(faults: Iterable[Fault], provider: Callable[[str | None, str | None], str | None], examples: Callable[[list[str]], dict[str, Report]]) -> list[Fix]:
    """Return what is to be fixed, the most frequent first. `examples` returns the reports of event keys."""
    found: dict[tuple[Any, ...], _Growing] = {}
    for fault in faults:
        what = _what(fault)
        whose = provider(fault.host, fault.domain)
        facts = {"ip": fault.ip, "list": _lower(fault.blocklist), "domain": _lower(fault.ours), "checks": _checks(fault), "provider": whose}
        key = what, fault.reason, *(facts[name] for name in _TOLD_APART.get(what, ()))
        one = found.setdefault(key, _Growing(what, fault, fault.first, fault.last, Counter()))
        _add(one, fault, whose)
    chosen = sorted(found.values(), key=lambda one: (-one.count, one.largest.key))
    reports = examples([one.largest.key for one in chosen[:MOST]])
    return [_fix(one, reports.get(one.largest.key)) for one in chosen]


def _what(fault: Fault) -> str:
    if fault.reason == Reason.IP_BLOCKED:
        return "listed" if fault.blocklist else "blocked"
    return _WHAT.get(Reason(fault.reason), "other")


def _lower(text: str | None) -> str | None:
    return text.lower() if text else None


def _checks(fault: Fault) -> tuple[str, ...]:
    return ("dmarc",) if fault.dmarc else tuple(check for check, named in (("spf", fault.spf), ("dkim", fault.dkim)) if named)


def _add(one: _Growing, fault: Fault, whose: str | None) -> None:
    one.count += fault.count
    one.believed += fault.believed
    one.first, one.last = min(one.first, fault.first), max(one.last, fault.last)
    if (fault.count, fault.key) > (one.largest.count, one.largest.key):
        one.largest = fault
    if whose:
        one.providers[whose] += fault.count


def _fix(one: _Growing, report: Report | None) -> Fix:
    fault, apart = one.largest, _TOLD_APART.get(one.what, ())
    event = report.events[0] if report and report.events else None
    url = event.verdict.details.url if event else None
    providers = tuple(name for name, _ in sorted(one.providers.items(), key=lambda item: (-item[1], item[0]))[:_MOST_PROVIDERS])
    named = _lower(fault.blocklist)
    return Fix(
        what=one.what,
        reason=fault.reason,
        ip=fault.ip if "ip" in apart else None,
        domain=_lower(fault.ours) if "domain" in apart else None,
        list=named,
        checks=_checks(fault),
        providers=providers,
        count=one.count,
        believed=one.believed,
        first=one.first,
        last=one.last,
        example=event.diagnostic[:_LONGEST] if event and event.diagnostic else None,
        url=url,
        link=link_for(one.what, named, url, providers),
    )
