"""Forget a person: what is theirs is deleted, what others need is kept without them."""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING, Any, Final

import msgspec
from sqlalchemy import delete, or_, select, update

from bounceclass.addresses import comparable
from bounceclass.store.connection import writing
from bounceclass.store.schema import addresses, deliveries, events, evidence, failures, held, history, outbox, queues, sent, suppressions, tags

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Column, Connection, Engine, Table

    from bounceclass.store.naming import Naming

__all__ = ["erase"]

_OWN: Final = (
    (failures, failures.c.addressed),
    *((table, table.c.address) for table in (addresses, deliveries, suppressions, sent, queues, tags, held, outbox)),
)
_MENTIONING: Final = (
    (events, events.c.key, events.c.report),
    (events, events.c.key, events.c.because),
    (evidence, evidence.c.id, evidence.c.report),
    (history, history.c.id, history.c.why),
    (held, held.c.id, held.c.because),
    (outbox, outbox.c.id, outbox.c.fault),
)
_HERE: Final = "[erased]"


def erase(engine: Engine, naming: Naming, address: str, at: datetime, by: str) -> int:
    """Delete what is known of an address, and take it out of reports about others; return how many rows that were.

    Lines of its history stay under a pseudonym, without what they rest on; a line says that somebody was erased, not who.
    """
    whom = naming.address(address)
    with writing(engine) as connection:
        forms = {address, comparable(address), *_spellings(connection, whom)}
        number = _delete_events(connection, whom)
        number += sum(connection.execute(delete(table).where(column == whom)).rowcount for table, column in _OWN)
        number += _rename(connection, whom)
        if naming.secret is None:
            number += sum(_redact(connection, *where, forms) for where in _MENTIONING)
        connection.execute(history.insert().values(at=at, by=by, what="erase", why=f"{number} rows about one person"))
    if engine.dialect.name == "sqlite":
        _empty_log(engine)
    return number


def _spellings(connection: Connection, whom: str) -> set[str]:
    found: set[str] = set()
    for column, mine in ((events.c.recipient, events.c.named), (sent.c.recipient, sent.c.address), (suppressions.c.recipient, suppressions.c.address)):
        found.update(name for name in connection.scalars(select(column).where(mine == whom).distinct()) if name)
    return found


def _delete_events(connection: Connection, whom: str) -> int:
    mine = or_(events.c.addressed == whom, events.c.named == whom)
    of_mine = evidence.c.event.in_(select(events.c.key).where(mine))
    return connection.execute(delete(evidence).where(of_mine)).rowcount + connection.execute(delete(events).where(mine)).rowcount


def _rename(connection: Connection, whom: str) -> int:
    pseudonym = f"erased:{secrets.token_hex(8)}"
    mine = update(history).where(history.c.address == whom)
    return connection.execute(mine.values(address=pseudonym, event=None, why=_HERE)).rowcount


def _redact(connection: Connection, table: Table, key: Column[Any], column: Column[str], forms: set[str]) -> int:
    """Take an address out of a text; a report is JSON, so there it is looked for as JSON spells it."""
    spelt = sorted(({msgspec.json.encode(form).decode()[1:-1] for form in forms} if column.name == "report" else forms), key=len, reverse=True)
    pattern = re.compile("|".join(rf"(?<![\w.+=-]){re.escape(form)}(?![\w-])" for form in spelt), re.IGNORECASE)
    about = or_(*(column.icontains(form, autoescape=True) for form in spelt))
    changed = 0
    for row in connection.execute(select(key, column).where(about)).all():
        text, hits = pattern.subn(_HERE, row[1])
        if hits:
            connection.execute(update(table).where(key == row[0]).values({column.name: text}))
            changed += 1
    return changed


def _empty_log(engine: Engine) -> None:
    """Let what was deleted go from the write-ahead log too, unless somebody reads it just now."""
    raw = engine.raw_connection()
    try:
        raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        raw.close()
