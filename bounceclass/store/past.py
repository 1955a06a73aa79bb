"""What the policy reads of an address and of its domain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sqlalchemy import bindparam, func, select

from bounceclass.history import Delivery, DomainHistory, FailedMailing, History
from bounceclass.model import Reason, Suppression
from bounceclass.store.schema import addresses, deliveries, failures, suppressions

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime
    from typing import Any

    from sqlalchemy import Connection, Row

    from bounceclass.store.naming import Naming

__all__ = ["entry_of", "read_domain", "read_history"]

_NEWEST: Final = 100
_MOST_KNOWN: Final = 1000
"""Addresses of a domain are counted up to this: the policy asks whether they are many."""

_mailing: Final = (failures.c.at, failures.c.mailing, failures.c.reason, failures.c.points, failures.c.stream)
_failed: Final = (
    select(*_mailing)
    .where(failures.c.addressed == bindparam("whom"), failures.c.healed_at.is_(None))
    .order_by(failures.c.at.desc(), failures.c.mailing.desc())
    .limit(_NEWEST)
)
_known: Final = select(addresses).where(addresses.c.address == bindparam("whom"))
_taken: Final = select(deliveries).where(deliveries.c.address == bindparam("whom")).order_by(deliveries.c.at.desc()).limit(_NEWEST)
_entries: Final = select(suppressions).where(suppressions.c.address == bindparam("whom")).order_by(suppressions.c.id)
_domain_entries: Final = select(suppressions).where(suppressions.c.domain == bindparam("whom")).order_by(suppressions.c.id)
_delivered: Final = select(func.max(addresses.c.delivered_at)).where(addresses.c.domain == bindparam("whom"))
_many: Final = select(func.count()).select_from(select(addresses.c.address).where(addresses.c.domain == bindparam("whom")).limit(_MOST_KNOWN).subquery())
_against: Final = (
    (failures.c.domain == bindparam("whom"))
    & (failures.c.scope == "domain")
    & failures.c.healed_at.is_(None)
    & (bindparam("after", type_=failures.c.at.type).is_(None) | (failures.c.at > bindparam("after", type_=failures.c.at.type)))
)
_domain_failed: Final = select(*_mailing).where(_against).order_by(failures.c.at.desc(), failures.c.mailing.desc()).limit(_NEWEST)
_blaming: Final = select(func.count(failures.c.addressed.distinct())).where(_against)


def read_history(connection: Connection, naming: Naming, address: str, stream: str | None, now: datetime) -> History:
    """Return what is known of an address: failures on any stream, entries for this one and for all."""
    whom = {"whom": naming.address(address)}
    known = connection.execute(_known, whom).first()
    entries = [row for row in connection.execute(_entries, whom) if row.scope is None or row.scope == stream]
    failed = _mailings(connection.execute(_failed, whom).all())
    return History(
        failures=failed,
        delivered_at=known.delivered_at if known else None,
        delivered_mailing=known.delivered_mailing if known else None,
        delivered_stream=known.delivered_stream if known else None,
        deliveries=tuple(Delivery(row.at, row.mailing, row.stream) for row in reversed(connection.execute(_taken, whom).all())) if failed else (),
        known_since=known.known_since if known else None,
        active=tuple(entry_of(row) for row in entries if is_active(row, now)),
        lapsed=_lapsed(entries, now),
    )


def read_domain(connection: Connection, domain: str | None, now: datetime) -> DomainHistory:
    """Return what is known of a domain, in comparable form; nothing where domains are not kept."""
    if domain is None:
        return DomainHistory()
    whom = {"whom": domain}
    delivered = connection.scalar(_delivered, whom)
    against = {**whom, "after": delivered}
    entries = connection.execute(_domain_entries, whom).all()
    return DomainHistory(
        failures=_mailings(connection.execute(_domain_failed, against).all()),
        addresses=connection.scalar(_blaming, against) or 0,
        known_addresses=connection.scalar(_many, whom) or 0,
        delivered_at=delivered,
        active=tuple(entry_of(row) for row in entries if is_active(row, now)),
        lapsed=_lapsed(entries, now),
    )


def entry_of(row: Row[Any]) -> Suppression:
    """Return the Suppression that a row of the table is, the address as written where that is kept."""
    return Suppression(
        address=row.recipient or row.address,
        domain=row.domain,
        scope=row.scope,
        reason=Reason(row.reason),
        since=row.since,
        until=row.until,
        cause=tuple(row.cause),
        by=row.by,
    )


def is_active(row: Row[Any], now: datetime) -> bool:
    """Tell whether an entry suppresses now."""
    return row.lifted_at is None and row.since <= now and (row.until is None or row.until > now)


def _lapsed(entries: Iterable[Row[Any]], now: datetime) -> int:
    # What people and ESPs enter rests on no event.
    return sum(1 for row in entries if row.cause and row.lifted_at is None and row.until is not None and row.until <= now)


def _mailings(rows: Sequence[Any]) -> tuple[FailedMailing, ...]:
    return tuple(FailedMailing(at=row.at, mailing=row.mailing, reason=Reason(row.reason), points=row.points, stream=row.stream) for row in reversed(rows))
