"""The runner: inputs in, each exactly once into the ledger, whatever dies in between.

    list      what lies there                     nothing is kept of it yet
    begin     count an attempt at each input      one commit for a batch
    prepare   read, judge, assess, ask DNS        any bytes, any plugin: a crash here is an attempt
    commit    events, decisions, outbox           one transaction for a batch, which forgets the attempts
    deliver   call the plugins                    at least once, idempotent by key
    finish    move the input away                 it is met again if this fails, and known then

After a crash what was begun is taken one by one, so that an input which kills the process stands alone:
at its fourth attempt it goes into quarantine. A database that is locked, full or away, and a mailbox
that can't be read, are waited for.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

from bounceclass.errors import InputError, StoreError
from bounceclass.isolation import describe
from bounceclass.model import Action
from bounceclass.observation import STORE, Batch, Quarantined, Sound, Trouble
from bounceclass.outgoing import Deliverer
from bounceclass.policy import BY
from bounceclass.waiting import wait

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bounceclass.bookkeeping import Account, Bookkeeper, DomainChecker, Entered
    from bounceclass.incident import Guard
    from bounceclass.model import Decision
    from bounceclass.observation import Observation
    from bounceclass.plugins import Plugins
    from bounceclass.protocols import Item, Source
    from bounceclass.settings import Settings
    from bounceclass.store.database import Database

__all__ = ["STRIKES", "Runner"]

T = TypeVar("T")
LOG: Final = logging.getLogger("bounceclass")
STRIKES: Final = 3
"""Attempts at an input, after which it goes into quarantine."""
_MOST_OCTETS: Final = 16 * 1024 * 1024
"""Of a batch that is in memory."""
_DENSE: Final = 16
"""An ESP's payload has that many more events than mail of its size: a batch shall not hold the store for long."""
_DELIVERING: Final = 5.0
"""Seconds of calls between two batches; the rest waits in the outbox."""
_LONGEST_WAIT: Final = 60.0
_HOUSEKEEPING: Final = timedelta(hours=1)


class Runner:
    """One process's work on a store. `counts` tells how many inputs were processed, of which kind, and what was decided."""

    def __init__(  # noqa: PLR0913  the parts it is made of
        self,
        bookkeeper: Bookkeeper,
        store: Database,
        plugins: Plugins,
        settings: Settings,
        *,
        guard: Guard,
        checker: DomainChecker | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        checkpoint: Callable[[str], None] = lambda _name: None,
        observe: Callable[[Observation], None] = lambda _observation: None,
    ) -> None:
        """Take the parts. `checkpoint` is told of each step that is done, by name: tests kill at it, a watchdog lives on it; `observe` of what came of it."""
        self._bookkeeper = bookkeeper
        self._store = store
        self._settings = settings.run
        self._guard = guard
        self._checker = checker
        self._clock = clock
        self._checkpoint = checkpoint
        self._observe = observe
        self._deliverer = Deliverer(store.outbox, plugins, settings.limits.hook_seconds, clock, checkpoint)
        self._housekept: datetime | None = None
        self._once = False
        self._stopping = threading.Event()
        self._said: set[str] = set()
        """What could not be done in the part of the turn that is worked on."""
        self._known: dict[int, set[str]] = {}
        """The same of each part's last turn: what lasts is said once."""
        self._part = 0
        self._places: list[str] = []
        """The sources' URLs, by part."""
        self._entered: list[Entered] = []
        """What the last commit entered."""
        self.counts: Counter[str] = Counter()
        self.troubled = False
        """Whether something could not be done that waiting may help, such as in a run that does not wait."""

    def stop(self) -> None:
        """End after the batch that is being worked on; may be called by a signal's handler."""
        self._stopping.set()

    def resume(self) -> None:
        """Let it be run again."""
        self._stopping.clear()

    def paused(self) -> dict[str, datetime | None]:
        """Return until when each plugin is not called, None where it is: see `Deliverer.paused`."""
        return self._deliverer.paused()

    def handle(self, item: Item, accounts: list[Account] | None = None) -> list[Decision]:
        """Process one input whole, apart from moving it: in one transaction; `accounts` where it is prepared. Raises StoreError where nothing was kept."""
        return self._enter(self._prepared(item) if accounts is None else accounts, [item])

    def run(self, sources: Sequence[Source], *, once: bool = False) -> None:
        """Process what the sources have, until stopped; with `once` what is there now, and what is due in the outbox.

        A source or store that can't be used is waited for; with `once` it is left, and `troubled` says so.
        """
        self._once = once
        self._places = [source.url for source in sources]
        deliver = partial(self._deliverer.deliver, None if once else _DELIVERING)
        work: list[Callable[[], int]] = [*(partial(self._drain, source) for source in sources), self._keep_house, deliver]
        while not self._stopping.is_set():
            self.troubled = False
            worked = sum([self._guarded(number, part) for number, part in enumerate(work)])
            if once:
                return
            if not worked:
                self._wait(sources, self._settings.poll_seconds)

    def _wait(self, sources: Sequence[Source], seconds: float) -> None:
        wait(sources, self._stopping, seconds, lambda: self._checkpoint("waiting"))

    def _guarded(self, part: int, work: Callable[[], int]) -> int:
        """Do one part of a turn; what waiting may help is said once, and tried again at the next turn."""
        self._part, self._said, done = part, set(), 0
        try:
            done = work()
        except (StoreError, InputError) as error:
            if isinstance(error, StoreError) and not error.transient:
                raise
            self._say(str(error), STORE if isinstance(error, StoreError) else self._place)
        if not self._said:
            self._observe(Sound(self._place))
            if self._known.get(part):
                LOG.warning("it goes on", extra={"source": self._place})
                self._observe(Sound(STORE))
        self._known[part] = self._said
        return done

    @property
    def _place(self) -> str:
        """What the part of the turn is about: a source, else the store."""
        return self._places[self._part] if self._part < len(self._places) else STORE

    def _say(self, fault: str, place: str) -> None:
        self.troubled = True
        self._observe(Trouble(place, fault))
        if fault not in self._said | self._known.get(self._part, set()):
            LOG.error("%s; nothing is lost, it is tried again", fault, extra={"source": place})
        self._said.add(fault)

    def _drain(self, source: Source) -> int:
        """Process what a source has; return how many inputs that were."""
        number = 0
        for batch in self._batches(source.items()):
            self._checkpoint("listed")
            self._process(batch)
            number += len(batch)
            source.settle()
            self._checkpoint("settled")
            if self._stopping.is_set():
                break
            self._deliverer.deliver(_DELIVERING)
        return number

    def _batches(self, items: Iterator[Item]) -> Iterator[list[Item]]:
        batch: list[Item] = []
        size = 0
        for item in items:
            batch.append(item)
            size += len(item.raw) * (_DENSE if item.reader is not None else 1)
            if len(batch) >= self._settings.batch or size >= _MOST_OCTETS:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def _process(self, batch: list[Item]) -> None:
        """Process a batch: what nobody has begun in one commit, and what somebody died over one by one."""
        before = self._patiently(lambda: self._store.attempts(item.key for item in batch))
        fresh = [item for item in batch if item.key not in before]
        if fresh:
            self._patiently(lambda: self._store.begin_attempts(item.key for item in fresh))
            self._checkpoint("begun")
            if self._try(fresh) is not None:
                before |= {item.key: 1 for item in fresh}
        for item in batch:
            if item.key in before:
                self._process_alone(item)

    def _process_alone(self, item: Item) -> None:
        fault: str | None = "it ended the process"
        while fault is not None:
            attempts = self._patiently(lambda: self._store.begin_attempts([item.key]))[item.key]
            self._checkpoint("begun alone")
            if attempts > STRIKES:
                why = f"attempted {STRIKES} times: {fault}"
                LOG.error("%s: put into quarantine: %s", item.source, why, extra={"source": item.source})
                self.counts["quarantined"] += 1
                self._observe(Quarantined(self._place))
                self._finish([item], why)
                self._patiently(lambda: self._store.end_attempts([item.key]))
                return
            fault = self._try([item])

    def _try(self, items: list[Item]) -> str | None:
        """Process inputs in one transaction and finish them; return what went wrong, None where nothing did."""
        started = time.monotonic()
        try:
            accounts = []
            for item in items:
                accounts += self._prepared(item)
                self._checkpoint("read")
            self._checkpoint("prepared")
            decisions = self._patiently(lambda: self._enter(accounts, items))
        except StoreError:
            with suppress(StoreError):  # nothing of theirs is to blame
                self._store.end_attempts(item.key for item in items)
            raise
        except Exception as error:
            what = items[0].source if len(items) == 1 else f"a batch of {len(items)}"
            LOG.exception("%s could not be processed", what, extra={"source": self._place})
            return describe(error)
        self.counts["inputs"] += len(items)
        self.counts.update(f"kind {account.report.kind}" for account in accounts)
        self.counts.update(f"decision {decision.action}" for decision in decisions)
        self.counts["contradicted"] += sum(self._bookkeeper.contradictions(account) for account in accounts)
        seconds = time.monotonic() - started
        self._observe(
            Batch(
                place=self._place, inputs=len(items), accounts=tuple(accounts), entered=tuple(self._entered), seconds=seconds, provider=self._guard.provider
            )
        )
        self._finish(items, None)
        return None

    def _prepared(self, item: Item) -> list[Account]:
        return self._bookkeeper.prepare(item, self._store, self._clock())

    def _enter(self, accounts: list[Account], items: list[Item]) -> list[Decision]:
        now = self._clock()
        if self._checker is not None:
            accounts = self._bookkeeper.check_domains(accounts, self._store, self._checker, now)
        self._entered = []
        with self._store.transaction() as ledger:
            decisions = list(self._bookkeeper.enter(ledger, accounts, now, self._entered.append))
            ledger.end_attempts(item.key for item in items)
            self._checkpoint("entered")
        self._checkpoint("committed")
        return decisions

    def _finish(self, items: list[Item], why: str | None) -> None:
        """Move inputs away; one that can't be moved stays, and is known when it is met again."""
        for item in items:
            try:
                if item.finish is not None:
                    item.finish(why)
                self._checkpoint("finished")
            except OSError as error:
                self._say(f"{item.source}: can't be moved away: {error.strerror or error}", self._place)

    def _patiently(self, work: Callable[[], T]) -> T:
        """Do something with the store, and again while it is locked, full or away; stops waiting when it is to stop."""
        seconds, troubled = 1.0, self.troubled
        while True:
            try:
                done = work()
            except StoreError as error:
                if not error.transient or self._once or self._stopping.is_set():
                    raise
                self._say(str(error), STORE)
            else:
                if seconds > 1:
                    self._observe(Sound(STORE))
                self.troubled = troubled  # what was waited for has come
                return done
            self._wait((), seconds)
            seconds = min(_LONGEST_WAIT, 2 * seconds)

    def _keep_house(self) -> int:
        """Heal who took mail since, pass on what has run out, drop what was held too long, close what has calmed, once an hour."""
        now = self._clock()
        if self._housekept is not None and now - self._housekept < _HOUSEKEEPING:
            return 0
        with self._store.transaction() as ledger:
            healed = sum(self._bookkeeper.heal(ledger, address, streams, now) for address, streams in ledger.delivered(now, BY).items())
            lapsed = self._bookkeeper.lapse(ledger, now)
            dropped = ledger.brake.expire(now)
            for incident in ledger.brake.incidents():
                if self._guard.has_calmed(incident.name, now, ledger.brake):
                    ledger.brake.close(incident.name, now)
                    LOG.warning("incident over: %s", incident.name, extra={"incident": incident.name})
        self._housekept = now
        self.counts[f"decision {Action.RELEASE}"] += healed
        if dropped:
            LOG.warning("%d held decisions were dropped: nobody released them in time", dropped)
        return healed + lapsed
