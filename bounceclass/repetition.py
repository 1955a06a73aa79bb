"""Failed mailings in a row: what repetition is evidence of.

One mailing is one point, whatever its number of reports; mailings of one day are one as well. A
monthly newsletter and a daily digest are counted alike: by mailings, within a gap, over a span.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.history import Delivery

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bounceclass.history import FailedMailing, History
    from bounceclass.presets import Rule

__all__ = ["Run", "confirmed", "in_a_row"]

SPACING: Final = timedelta(hours=20)
"""Mailings nearer to each other than this are of one day."""
SLACK: Final = timedelta(hours=4)
"""How much a span may fall short of its days: what is sent daily doesn't fail to the minute."""


class Run(msgspec.Struct, frozen=True):
    """The newest failures without a long silence between them."""

    points: float
    first: datetime
    last: datetime

    def reaches(self, rule: Rule) -> bool:
        """Tell whether these are as many, over as long, as a rule asks for."""
        return self.points >= rule.n and self.last - self.first >= timedelta(days=rule.span_days) - SLACK


def in_a_row(failures: Iterable[FailedMailing], max_gap_days: int) -> Run | None:
    """Return what has failed in a row up to the newest failure, each day by its most believed; None of nothing."""
    days: list[tuple[datetime, float]] = []
    for failure in sorted(failures, key=lambda one: one.at):
        since = failure.at - days[-1][0] if days else timedelta.max
        if since < SPACING:
            days[-1] = (days[-1][0], max(days[-1][1], failure.points))
        elif since - SLACK <= timedelta(days=max_gap_days):
            days.append((failure.at, failure.points))
        else:
            days = [(failure.at, failure.points)]
    return Run(sum(points for _, points in days), days[0][0], days[-1][0]) if days else None


def confirmed(history: History, now: datetime, heal_days: int, stream: str | None = None) -> datetime | None:
    """Return when the newest delivery was that is one: old enough, and nothing of the same mailing has failed.

    Hosts that accept a mail and send it back later say 250 to every one of them. With `stream` only deliveries
    of that stream tell: one list's mail that is taken says nothing of another's, which was refused.
    """
    failed = {failure.mailing for failure in history.failures}
    old = now - timedelta(days=heal_days)
    said = list(history.deliveries)
    if history.delivered_at is not None:
        said.append(Delivery(history.delivered_at, history.delivered_mailing or "", history.delivered_stream))
    return max((one.at for one in said if one.at <= old and one.mailing not in failed and stream in {None, one.stream}), default=None)
