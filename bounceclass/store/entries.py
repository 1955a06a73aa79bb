"""The suppression list: one row for each cause. Who is named is suppressed while any of them is active."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import bindparam, insert, or_, select, tuple_, update

from bounceclass.store.naming import domain_of
from bounceclass.store.past import entry_of
from bounceclass.store.records import Cause
from bounceclass.store.schema import addresses, suppressions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Engine, Row

    from bounceclass.model import Suppression
    from bounceclass.store.naming import Naming
    from bounceclass.store.records import Selection

__all__ = ["by_address", "cause_of", "delivered", "enter", "fitting", "is_active", "lapse", "lift", "listed", "of_address", "page", "release", "remaining"]

_MOST_CAUSES: Final = 100
_PAGE: Final = 500
_t: Final = suppressions.c
_insert: Final = insert(suppressions)
_not_lifted: Final = select(suppressions).where(_t.lifted_at.is_(None)).order_by(_t.id.desc())
_of_address: Final = _not_lifted.where(_t.address == bindparam("whom"))
_of_domain: Final = _not_lifted.where(_t.domain == bindparam("whom"))


def enter(connection: Connection, naming: Naming, entry: Suppression, account: str | None, provider: str | None) -> bool:
    """Add an entry, or lengthen the one of the same cause that is active; tell whether it is new.

    Of the same cause: whom, stream, reason, by and account are the same.
    """
    same = (row for row in _alike(connection, naming, entry) if row.account == account and (row.until is None or row.until > entry.since))
    known = next(same, None)
    if known is None:
        connection.execute(_insert, _row(naming, entry, account, provider))
        return True
    cause = tuple(dict.fromkeys((*known.cause, *entry.cause)))[-_MOST_CAUSES:]
    until = None if known.until is None or entry.until is None else max(known.until, entry.until)
    changed = update(suppressions).where(_t.id == known.id).values(cause=list(cause), until=until, provider=known.provider or provider)
    connection.execute(changed)
    return False


def release(connection: Connection, naming: Naming, entry: Suppression, at: datetime, by: str) -> int:
    """Lift the entries of the same whom, stream, reason and by; return how many there were."""
    ids = [row.id for row in _alike(connection, naming, entry)]
    if ids:
        connection.execute(update(suppressions).where(_t.id.in_(ids)).values(lifted_at=at, lifted_by=by))
    return len(ids)


def lift(connection: Connection, conditions: list[ColumnElement[bool]], at: datetime, by: str, limit: int) -> list[Suppression]:
    """Lift the entries that fit, the oldest first and at most `limit`; return them."""
    rows = connection.execute(select(suppressions).where(_t.lifted_at.is_(None), *conditions).order_by(_t.id).limit(limit)).all()
    if rows:
        chosen = _t.id.in_([row.id for row in rows])
        connection.execute(update(suppressions).where(chosen).values(lifted_at=at, lifted_by=by))
    return [entry_of(row) for row in rows]


def delivered(connection: Connection, before: datetime, by: str, limit: int) -> dict[str, set[str | None]]:
    """Return addresses that have an entry by somebody which was not lifted, and took mail after it, but no later than a time; with the entries' streams."""
    taken = (addresses.c.address == _t.address) & (addresses.c.delivered_at > _t.since) & (addresses.c.delivered_at <= before)
    rows = connection.execute(select(_t.address, _t.scope).join(addresses, taken).where(_t.lifted_at.is_(None), _t.by == by).distinct().limit(limit))
    found: dict[str, set[str | None]] = {}
    for address, stream in rows:
        found.setdefault(address, set()).add(stream)
    return found


def remaining(connection: Connection, naming: Naming, ended: Suppression, now: datetime) -> Suppression | None:
    """Return the entry that suppresses the same whom on the same stream the longest, by whatever cause; None where there is none."""
    whom = _t.address == naming.address(ended.address) if ended.address else _t.domain == domain_of(f"@{ended.domain}")
    stream = _t.scope.is_(None) if ended.scope is None else _t.scope == ended.scope
    rows = connection.execute(select(suppressions).where(whom, stream, is_active(now)).order_by(_t.id)).all()
    return entry_of(max(rows, key=lambda row: (row.until is None, row.until or now))) if rows else None


def lapse(connection: Connection, now: datetime, limit: int) -> list[Suppression]:
    """Return entries that have run out and were not returned before, the oldest first and at most `limit`."""
    over = (_t.until <= now) & _t.lifted_at.is_(None) & _t.lapsed_at.is_(None)
    rows = connection.execute(select(suppressions).where(over).order_by(_t.until, _t.id).limit(limit)).all()
    if rows:
        connection.execute(update(suppressions).where(_t.id.in_([row.id for row in rows])).values(lapsed_at=now))
    return [entry_of(row) for row in rows]


def of_address(connection: Connection, naming: Naming, address: str, now: datetime) -> list[Suppression]:
    """Return what suppresses an address now, on any stream, in the order of entry."""
    rows = connection.execute(select(suppressions).where(_t.address == naming.address(address), is_active(now)).order_by(_t.id))
    return [entry_of(row) for row in rows]


def listed(engine: Engine, naming: Naming, selection: Selection) -> Iterator[list[Row[Any]]]:
    """Yield the rows that fit in pages, in the order of entry: no transaction stays open between them."""
    after = 0
    while True:
        with engine.connect() as connection:
            rows = page(connection, naming, selection, after, _PAGE)
        if rows:
            yield rows
        if len(rows) < _PAGE:
            return
        after = rows[-1].id


def by_address(engine: Engine) -> Iterator[list[Row[Any]]]:
    """Yield all rows of each address, the lifted ones too; read in pages, as `listed`."""
    for _, rows in groupby(_addressed(engine), key=lambda row: row.address):
        yield list(rows)


def _addressed(engine: Engine) -> Iterator[Row[Any]]:
    after: tuple[str, int] = ("", 0)
    while True:
        beyond = tuple_(_t.address, _t.id) > tuple_(*after)
        with engine.connect() as connection:
            rows = connection.execute(select(suppressions).where(_t.address.is_not(None), beyond).order_by(_t.address, _t.id).limit(_PAGE)).all()
        yield from rows
        if len(rows) < _PAGE:
            return
        after = rows[-1].address, rows[-1].id


def page(connection: Connection, naming: Naming, selection: Selection, after: int, limit: int) -> list[Row[Any]]:
    """Return the first rows that fit after an id, in the order of entry."""
    return list(connection.execute(select(suppressions).where(_t.id > after, *fitting(selection, naming)).order_by(_t.id).limit(limit)))


def fitting(selection: Selection, naming: Naming) -> list[ColumnElement[bool]]:
    """Return the conditions of a selection."""
    conditions = [
        getattr(_t, name) == value
        for name, value in (
            ("address", naming.maybe(selection.address)),
            ("domain", domain_of(f"@{selection.domain}") if selection.domain else None),
            ("reason", selection.reason),
            ("by", selection.by),
            ("provider", selection.provider),
            ("account", selection.account),
        )
        if value is not None
    ]
    if selection.stream is not None:
        conditions.append(or_(_t.scope.is_(None), _t.scope == selection.stream))
    if selection.since is not None:
        conditions.append(_t.since >= selection.since)
    if selection.active_at is not None:
        conditions.append(is_active(selection.active_at))
    return conditions


def is_active(now: datetime) -> ColumnElement[bool]:
    """Return the condition under which a row suppresses now."""
    return _t.lifted_at.is_(None) & (_t.since <= now) & or_(_t.until.is_(None), _t.until > now)


def cause_of(row: Row[Any], now: datetime) -> Cause:
    """Return a row as what `why` shows."""
    active = row.lifted_at is None and row.since <= now and (row.until is None or row.until > now)
    entry = entry_of(row)
    return Cause(id=row.id, suppression=entry, account=row.account, provider=row.provider, lifted_at=row.lifted_at, lifted_by=row.lifted_by, active=active)


def _alike(connection: Connection, naming: Naming, entry: Suppression) -> list[Row[Any]]:
    """Return the entries of the same whom, stream, reason and by that were not lifted, the newest first."""
    if entry.address:
        rows = connection.execute(_of_address, {"whom": naming.address(entry.address)})
    else:
        rows = connection.execute(_of_domain, {"whom": domain_of(f"@{entry.domain}")})
    return [row for row in rows if (row.scope, row.reason, row.by) == (entry.scope, entry.reason, entry.by)]


def _row(naming: Naming, entry: Suppression, account: str | None, provider: str | None) -> dict[str, Any]:
    return {
        "address": naming.maybe(entry.address),
        "domain": domain_of(f"@{entry.domain}") if entry.domain else None,
        "recipient": naming.written(entry.address),
        "scope": entry.scope,
        "reason": entry.reason,
        "since": entry.since,
        "until": entry.until,
        "cause": list(entry.cause),
        "by": entry.by,
        "account": account,
        "provider": provider,
    }
