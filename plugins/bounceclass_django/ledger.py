"""Between the policy, which knows no database, and the models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass import history
from bounceclass.addresses import comparable
from bounceclass.controls import printable
from bounceclass.model import Action, Reason
from bounceclass.model import Suppression as Entry
from bounceclass.policy import BY
from bounceclass_django.models import DeliveredMailing, FailedMailing, Suppression

if TYPE_CHECKING:
    from datetime import datetime

    from bounceclass.case import Case
    from bounceclass.model import Decision

__all__ = ["carry_out", "record_delivery", "record_failure", "with_history"]

_NEWEST: Final = 100
_NAME: Final = 255


def with_history(case: Case, now: datetime) -> Case:
    """Return a case with what is known of its recipient."""
    if case.recipient is None:
        return case
    address = comparable(case.recipient)
    failed = FailedMailing.objects.filter(address=address).order_by("-at")[:_NEWEST]
    arrived = DeliveredMailing.objects.filter(address=address).order_by("-at")[:_NEWEST]
    mine = Suppression.objects.filter(address=address)
    failures = [
        history.FailedMailing(at=one.at, mailing=one.mailing, reason=Reason(one.reason), points=one.points, stream=one.stream or None)
        for one in reversed(failed)
    ]
    past = history.History(
        failures=tuple(failures),
        deliveries=tuple(history.Delivery(one.at, one.mailing, one.stream or None) for one in reversed(arrived)),
        active=tuple(_entry(one) for one in mine & Suppression.objects.active(now)),
        lapsed=mine.filter(by=BY, until__lte=now).count(),
    )
    return msgspec.structs.replace(case, history=past)


def record_failure(address: str, failure: history.FailedMailing) -> None:
    """Count a mailing that did not arrive, once for each address."""
    given = {"stream": _short(failure.stream or ""), "reason": failure.reason.value, "at": failure.at, "points": failure.points}
    FailedMailing.objects.get_or_create(address=comparable(address), mailing=_short(failure.mailing), defaults=given)


def record_delivery(case: Case) -> bool:
    """Keep a delivery to an address that has failed or is suppressed; tell whether there is such a thing."""
    address = comparable(case.recipient or "")
    if not FailedMailing.objects.filter(address=address).exists() and not Suppression.objects.filter(address=address).exists():
        return False
    given = {"stream": _short(case.standing.stream or ""), "at": case.received_at}
    DeliveredMailing.objects.get_or_create(address=address, mailing=_short(case.mailing), defaults=given)
    return True


def carry_out(decision: Decision) -> None:
    """Enter what is to be suppressed, lift what is released; the others change nothing."""
    entry = decision.suppression
    if entry is None or entry.address is None:
        return
    address, scope = comparable(entry.address), _short(entry.scope or "")
    if decision.action is Action.SUPPRESS:
        Suppression.objects.create(
            address=address,
            scope=scope,
            reason=entry.reason.value,
            since=entry.since,
            until=entry.until,
            cause=" ".join(entry.cause)[:64],
            by=entry.by,
            because=decision.because,
        )
    elif decision.action is Action.RELEASE:
        Suppression.objects.filter(address=address, scope=scope, reason=entry.reason.value, by=entry.by).delete()
        FailedMailing.objects.filter(address=address).delete()


def _short(text: str) -> str:
    """Return what others wrote as it fits a column: no control characters, NUL for one, and not too long."""
    return printable(text)[:_NAME]


def _entry(row: Suppression) -> Entry:
    return Entry(address=row.address, scope=row.scope or None, reason=Reason(row.reason), since=row.since, until=row.until, cause=(row.cause,), by=row.by)
