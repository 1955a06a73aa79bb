"""Tallies by day, reason, scope and provider: what the charts show, and what is counted of trust and duplicates."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from bounceclass.model import Action, Kind, Trust
from bounceclass.summary.contents import Backscatter, Bar, Day, Duplicates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from bounceclass.store.figures import Origin, Sender, Tally

__all__ = ["OTHER", "backscatter", "believable", "days", "duplicates", "failures", "kinds", "providers", "reasons", "scopes"]

OTHER: Final = "other"
_MOST_BARS: Final = 12
_MOST_DOMAINS: Final = 5
_LONGEST_SPAN: Final = 400
"""Days that a chart has columns for; of a longer span the last."""
_FAILED: Final = frozenset({Kind.BOUNCE, Kind.DELAY})
_PLACES: Final = {Kind.BOUNCE: "bounces", Kind.DELAY: "delays", Kind.COMPLAINT: "complaints"}
_DOMAIN: Final = re.compile(r"@((?:[\w-]{1,63}\.){1,8}[A-Za-z][\w-]{1,62})\b")


def believable(tallies: Iterable[Tally]) -> list[Tally]:
    """Return those about mail that something ties to us."""
    return [one for one in tallies if one.grade != Trust.NONE]


def failures(tallies: Iterable[Tally]) -> list[Tally]:
    """Return the bounces and delays."""
    return [one for one in tallies if one.kind in _FAILED]


def kinds(tallies: Iterable[Tally]) -> dict[str, int]:
    """Count by kind, every kind there."""
    counts = Counter(dict.fromkeys(map(str, Kind), 0))
    for one in tallies:
        counts[one.kind] += one.count
    return dict(counts)


def days(tallies: Iterable[Tally], since: datetime, until: datetime) -> tuple[Day, ...]:
    """Count by day, days without anything included."""
    found: dict[object, Counter[str]] = {}
    for one in tallies:
        found.setdefault(one.day, Counter())[_PLACES.get(Kind(one.kind), OTHER)] += one.count
    last = (until - timedelta(microseconds=1)).date()
    first = max(since.date(), last - timedelta(days=_LONGEST_SPAN - 1))
    span = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    nothing: Counter[str] = Counter()
    return tuple(Day(day=day, **{place: found.get(day, nothing)[place] for place in (*_PLACES.values(), OTHER)}) for day in span)


def reasons(tallies: Iterable[Tally]) -> tuple[Bar, ...]:
    """Count by reason, the most first."""
    return _bars((one.reason, one.count) for one in tallies)


def scopes(tallies: Iterable[Tally]) -> tuple[Bar, ...]:
    """Count by whose problem it is."""
    return _bars((one.scope, one.count) for one in tallies)


def providers(origins: Iterable[Origin], name: Callable[[str | None, str | None], str | None], total: int) -> tuple[Bar, ...]:
    """Count by whose servers refused; what is not known, or beyond the largest groups, is `other`."""
    return _bars(((name(one.host, one.domain) or OTHER, one.count) for one in origins), total)


def backscatter(tallies: Iterable[Tally], senders: Iterable[Sender]) -> Backscatter:
    """Count what is not ours, or perhaps not."""
    idle = [one for one in tallies if one.action in {None, Action.NONE}]
    claimed: Counter[str] = Counter()
    for one in senders:
        if found := _DOMAIN.search(one.claimed or ""):
            claimed[found[1].lower()] += one.count
    ranked = sorted(claimed.items(), key=lambda item: (-item[1], item[0]))[:_MOST_DOMAINS]
    return Backscatter(
        none=sum(one.count for one in idle if one.grade == Trust.NONE),
        plausible=sum(one.count for one in idle if one.grade == Trust.PLAUSIBLE),
        domains=tuple(Bar(*item) for item in ranked),
    )


def duplicates(tallies: Iterable[Tally]) -> Duplicates:
    """Count what was told of more than once."""
    tallies = list(tallies)
    return Duplicates(sum(one.again for one in tallies), sum(one.further for one in tallies))


def _bars(counted: Iterable[tuple[str, int]], total: int | None = None) -> tuple[Bar, ...]:
    counts: Counter[str] = Counter()
    for name, number in counted:
        counts[name] += number
    beyond = max(0, (total or 0) - counts.total())
    rest = counts.pop(OTHER, 0) + beyond
    ranked: Sequence[tuple[str, int]] = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rest += sum(number for _, number in ranked[_MOST_BARS:])
    return tuple(Bar(*item) for item in (*ranked[:_MOST_BARS], *([(OTHER, rest)] if rest else [])))
