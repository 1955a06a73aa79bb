"""The outbox: calls of plugins' hooks that are made after the commit, at least once, in order for one address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, exists, func, or_, select, update

from bounceclass.store.connection import reading, writing
from bounceclass.store.records import Call
from bounceclass.store.schema import outbox

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime, timedelta

    from sqlalchemy import Connection, Engine

__all__ = ["DEAD", "DONE", "PENDING", "Outbox"]

PENDING, DONE, DEAD = "pending", "done", "dead"
_PAGE: Final = 500
_c: Final = outbox.c
_earlier: Final = outbox.alias("earlier")
_first: Final = or_(
    _c.address.is_(None),
    ~exists().where(and_(_earlier.c.address == _c.address, _earlier.c.plugin == _c.plugin, _earlier.c.state == PENDING, _earlier.c.id < _c.id)),
)
_fields: Final = tuple(_c[name] for name in Call.__struct_fields__)


class Outbox:
    """The outbox of a database, from the side that empties it. Each method is a transaction of its own."""

    def __init__(self, engine: Engine) -> None:
        """Take the engine of the database."""
        self._engine = engine

    def pending(self, plugin: str, now: datetime, limit: int = 100, lease: timedelta | None = None) -> list[Call]:
        """Return calls that are due, the oldest first; of the calls about one address only the first that is not done.

        With `lease` nobody else is given them for so long; without it they may be called twice where two work at once.
        """
        due = and_(_c.plugin == plugin, _c.state == PENDING, or_(_c.not_before.is_(None), _c.not_before <= now), _first)
        query = select(*_fields).where(due).order_by(_c.id).limit(limit)
        if lease is None:
            with reading(self._engine) as connection:
                return _calls(connection, query)
        with writing(self._engine) as connection:
            calls = _calls(connection, query)
            if calls:
                connection.execute(update(outbox).where(_c.id.in_([call.id for call in calls])).values(not_before=now + lease))
            return calls

    def done(self, ids: Iterable[int], at: datetime) -> None:
        """Take calls off; what they carried is not kept."""
        self._change(ids, state=DONE, payload=None, fault=None, done_at=at)

    def retry_later(self, id_: int, not_before: datetime, fault: str) -> None:
        """Put a call off that did not work; later ones about the same address wait for it."""
        self._change([id_], not_before=not_before, fault=fault, attempts=_c.attempts + 1)

    def give_back(self, ids: Iterable[int]) -> None:
        """Let calls that were leased and not made be given out again."""
        self._change(ids, not_before=None)

    def dead(self, id_: int, fault: str) -> None:
        """Give a call up: it stays as a dead letter, and holds up nobody."""
        self._change([id_], state=DEAD, fault=fault, attempts=_c.attempts + 1)

    def revive(self, ids: Iterable[int]) -> None:
        """Let dead letters be called again."""
        self._change(ids, state=PENDING, not_before=None, attempts=0)

    def calls(self, *, state: str | None = None, plugin: str | None = None) -> Iterator[Call]:
        """Yield what is not done, or what is in one state; in bounded memory."""
        wanted = [_c.state == state if state else _c.state != DONE, *([_c.plugin == plugin] if plugin else [])]
        after = 0
        while True:
            with reading(self._engine) as connection:
                page = _calls(connection, select(*_fields).where(_c.id > after, *wanted).order_by(_c.id).limit(_PAGE))
            yield from page
            if len(page) < _PAGE:
                return
            after = page[-1].id

    def depth(self, plugins: Iterable[str]) -> int:
        """Count the calls of some plugins that wait."""
        with reading(self._engine) as connection:
            asked = (select(func.count()).select_from(outbox).where(_c.plugin == plugin, _c.state == PENDING) for plugin in plugins)
            return sum(connection.scalar(one) or 0 for one in asked)

    def _change(self, ids: Iterable[int], **values: Any) -> None:  # noqa: ANN401  values of columns
        ids = list(ids)
        with writing(self._engine) as connection:
            for start in range(0, len(ids), _PAGE):
                connection.execute(update(outbox).where(_c.id.in_(ids[start : start + _PAGE])).values(**values))


def _calls(connection: Connection, query: Any) -> list[Call]:  # noqa: ANN401  a select
    return [Call(**{**row._asdict(), "payload": row.payload or b""}) for row in connection.execute(query)]
