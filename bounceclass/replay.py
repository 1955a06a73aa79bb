"""A replay: recorded events judged anew, and what the list would be if they had been judged so from the start.

    changes   each event whose verdict is another now
    revise    for the addresses of those events alone, all of their events again in order, on a list that is
              thrown away; where that ends otherwise than the list has it, entries come and go

The policy is asked as ever, but for three things: no DNS is asked, so no whole domain comes or goes; nothing is held as an
incident, for who replays looks at the outcome before he applies it; what somebody lifted stays lifted.
"""

from __future__ import annotations

from collections import deque
from contextlib import contextmanager
from datetime import UTC, datetime
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.bookkeeping import Account, Bookkeeper
from bounceclass.case import Case
from bounceclass.errors import SettingsError
from bounceclass.incident import Guard
from bounceclass.model import Event, Suppression  # noqa: TC001  msgspec reads the annotations at run time
from bounceclass.outgoing import Outgoing, action_key
from bounceclass.plugins import Plugins
from bounceclass.policy import BY, Policy
from bounceclass.settings import Settings
from bounceclass.store import open_store
from bounceclass.store.records import Entry, Recorded, Selection
from bounceclass.trust import Assessor, Standing, differs

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bounceclass.config import Configuration
    from bounceclass.engine import Engine
    from bounceclass.model import Decision
    from bounceclass.store.database import Database
    from bounceclass.store.ledger import Ledger

__all__ = ["Change", "Replay", "Revision"]

_NO_INCIDENT: Final = 1_000_000_000
_FACTS: Final = ("permanence", "reason", "scope", "advice", "confidence")
_HASHED: Final = "addresses are hashed in this store, and with them the texts are gone that rules would be asked about"


class Change(msgspec.Struct, frozen=True):
    """An event whose verdict is another now."""

    recorded: Recorded
    before: Event
    after: Event


class Revision(msgspec.Struct, frozen=True):
    """What becomes of one address: the entries that come, each with why, and those that go."""

    address: str
    come: tuple[tuple[Suppression, str], ...]
    go: tuple[Suppression, ...]


class Replay:
    """One replay over a store. Ask for the changes first: the revisions are of their addresses."""

    def __init__(self, engine: Engine, configuration: Configuration, store: Database) -> None:
        """Take what judges now. Raises SettingsError for a store that keeps no texts to judge."""
        if store.hashed:
            raise SettingsError(_HASHED)
        self._engine = engine
        self._store = store
        settings = msgspec.structs.replace(configuration.policy, incident_least=_NO_INCIDENT)
        nobody = Plugins(Settings())
        policy = Policy(configuration, configuration.trust, settings)
        self._bookkeeper = Bookkeeper(engine, Assessor(configuration, configuration.trust), policy, Guard(settings, configuration.own_hosts), Outgoing(nobody))
        self._touched: dict[str, set[str]] = {}
        """The addresses that something changed about, and the keys of what did."""

    def changes(self) -> Iterator[Change]:
        """Yield each event whose verdict is another now."""
        for recorded in self._store.events():
            for before, after in zip(recorded.report.events, self._engine.judge(recorded.report).events, strict=True):
                if any(getattr(before.verdict, name) != getattr(after.verdict, name) for name in _FACTS):
                    self._touched.setdefault(recorded.addressed or "", set()).add(recorded.key)
                    yield Change(recorded, before, after)

    def revise(self, *, apply: bool = False, by: str = BY, outgoing: Outgoing | None = None) -> Iterator[Revision]:
        """Yield what becomes of each address that a change is about. With `apply` it is done, all in one transaction, and told to the plugins.

        Only what the policy has entered goes; what people and ESPs entered stays.
        """
        now = datetime.now(UTC)
        with _thrown_away() as scratch, self._store.transaction() as ledger:
            for address in sorted(filter(None, self._touched)):
                with scratch.transaction() as again:
                    because = self._relive(again, ledger, address, now)
                    revision = _revision(address, ledger, again, because, now)
                    if apply:
                        self._apply(revision, ledger, again, now, by, outgoing)
                yield revision

    def _relive(self, again: Ledger, ledger: Ledger, address: str, now: datetime) -> dict[str, str]:
        """Enter the events of an address in order; return why each was decided as it was."""
        lifts = deque(ledger.lifted_at(address))
        because: dict[str, str] = {}
        for recorded in ledger.events_of(address):
            while lifts and lifts[0] <= recorded.at:
                again.lift(Selection(address=address), at=lifts.popleft(), by=BY, why="")
            for decision in self._enter(again, recorded):
                because[recorded.key] = decision.because
        for at in lifts:
            again.lift(Selection(address=address), at=at, by=BY, why="")
        for whom, streams in again.delivered(now, BY).items():
            self._bookkeeper.heal(again, whom, streams, now)
        return because

    def _enter(self, again: Ledger, recorded: Recorded) -> list[Decision]:
        report = self._engine.judge(recorded.report)
        (event,) = report.events
        whom, grade = recorded.addressed, recorded.grade
        standing = Standing(grade=grade, recipient=whom, stream=recorded.stream, forwarded=differs(event, whom), because=f"known as {grade}")
        case = Case(event=event, standing=standing, key=recorded.key, mailing=recorded.mailing, received_at=recorded.at)
        return list(self._bookkeeper.enter(again, [Account(report, (case,))], recorded.at))

    def _apply(self, revision: Revision, ledger: Ledger, again: Ledger, now: datetime, by: str, outgoing: Outgoing | None) -> None:  # noqa: PLR0913, PLR0917  what it needs
        for recorded in ledger.events_of(revision.address):
            if recorded.key in self._touched[revision.address]:
                report = self._engine.judge(recorded.report)
                ledger.replace_verdict(recorded.key, report, report.events[0])
        ledger.copy_failures(revision.address, again)
        for entry in revision.go:
            ledger.release(entry, at=now, by=by)
            ledger.log(Entry(at=now, by=by, what="release", why="replay: judged anew, it rests on nothing", address=revision.address))
            if outgoing is not None:
                outgoing.release(ledger, entry, now)
        for entry, why in revision.come:
            ledger.suppress(entry)
            ledger.log(Entry(at=now, by=by, what="suppress", why=f"replay: {why}", address=revision.address, event=entry.cause[-1]))
            if outgoing is not None:
                outgoing.suppress(ledger, entry, action_key("replay", entry))


def _revision(address: str, ledger: Ledger, again: Ledger, because: dict[str, str], now: datetime) -> Revision:
    had, has = (ledger.entries_of(address, now), again.entries_of(address, now))
    written = next((entry.address for entry in had if entry.address), address)
    streams_had, streams_has = {entry.scope for entry in had}, {entry.scope for entry in has}
    come = (msgspec.structs.replace(entry, address=written, since=now) for entry in has if entry.scope not in streams_had)
    return Revision(
        address=address,
        come=tuple((entry, because.get(entry.cause[-1], "")) for entry in come),
        go=tuple(entry for entry in had if entry.by == BY and entry.scope not in streams_has),
    )


@contextmanager
def _thrown_away() -> Iterator[Database]:
    with TemporaryDirectory(prefix="bounceclass-") as folder:
        store = open_store(f"sqlite:///{folder}/replay.db")
        try:
            yield store
        finally:
            store.close()
