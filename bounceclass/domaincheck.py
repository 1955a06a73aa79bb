"""Our own look-up of domains, many at a time, remembered for an hour."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from bounceclass.domains import DomainFacts, DomainState, check_domain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from dns.resolver import Resolver

__all__ = ["DomainChecks"]

_AT_ONCE: Final = 8
_MOST_KEPT: Final = 10_000
_FRESH: Final = timedelta(hours=1)


class DomainChecks:
    """Asks some resolvers; without two of them everything is unknown, and no domain is suppressed as a whole."""

    def __init__(self, resolvers: Sequence[Resolver], answered: Callable[[str], None] = lambda _domain: None) -> None:
        """Take the resolvers, of `domains.open_resolvers`, and who is told of each domain that was asked about: many that do not answer take minutes."""
        self._resolvers = tuple(resolvers)
        self._answered = answered
        self._known: dict[str, tuple[datetime, DomainFacts]] = {}

    def check(self, domains: Iterable[str], now: datetime) -> Mapping[str, DomainFacts]:
        """Return what the resolvers say of each domain. What they did not know is asked anew the next time."""
        wanted = set(domains)
        found = {domain: facts for domain in wanted if (facts := self._remembered(domain, now)) is not None}
        missing = sorted(wanted - set(found))
        if missing:
            asked = {}
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                for domain, facts in zip(missing, pool.map(lambda domain: check_domain(domain, self._resolvers), missing), strict=True):
                    asked[domain] = facts
                    self._answered(domain)
            if len(self._known) + len(asked) > _MOST_KEPT:
                self._known.clear()
            self._known.update((domain, (now, facts)) for domain, facts in asked.items() if facts.state is not DomainState.UNKNOWN)
            found.update(asked)
        return found

    def _remembered(self, domain: str, now: datetime) -> DomainFacts | None:
        at, facts = self._known.get(domain, (None, None))
        return facts if at is not None and now - at < _FRESH else None
