"""What waits in the database: calls of plugins, and decisions that are held."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003  msgspec reads the annotations at run time
from typing import TYPE_CHECKING

import msgspec
from sqlalchemy import func, select

from bounceclass.store.brake import HELD
from bounceclass.store.outbox import DEAD, PENDING
from bounceclass.store.schema import held, outbox

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

__all__ = ["Backlog", "Waiting", "read_backlog"]


class Waiting(msgspec.Struct, frozen=True):
    """What waits for one plugin's instance: how many calls, since when the oldest, and how many were given up."""

    calls: int
    oldest: datetime | None
    dead: int


class Backlog(msgspec.Struct, frozen=True):
    """What waits: by plugin, and how many decisions are held."""

    plugins: dict[str, Waiting]
    held: int


def read_backlog(connection: Connection, plugins: Iterable[str]) -> Backlog:
    """Return what waits for some plugins."""
    found = {}
    for name in plugins:
        mine = outbox.c.plugin == name
        calls, oldest = connection.execute(select(func.count(), func.min(outbox.c.queued_at)).where(mine, outbox.c.state == PENDING)).one()
        dead = connection.scalar(select(func.count()).where(mine, outbox.c.state == DEAD))
        found[name] = Waiting(calls, oldest, dead or 0)
    return Backlog(found, connection.scalar(select(func.count()).where(held.c.state == HELD)) or 0)
