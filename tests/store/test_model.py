"""The list against a plain model of it: whatever is entered, released, lifted and left to run out, in whatever order."""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bounceclass.model import Reason, Suppression
from bounceclass.store import open_store
from bounceclass.store.records import Selection

DAY = timedelta(days=1)
ADDRESSES = st.sampled_from(["ruth@example.net", "Ruth@EXAMPLE.net", "paul@example.net", "eve@other.example"])
STREAMS = st.sampled_from([None, "garden", "kitchen"])
REASONS = st.sampled_from([Reason.USER_UNKNOWN, Reason.MAILBOX_FULL])
WHO = st.sampled_from(["policy", "anna"])
ENDS = st.none() | st.integers(1, 5)


class Row(msgspec.Struct):
    """One entry of the model."""

    entry: Suppression
    ended: bool = False
    told: bool = False

    def same(self, address: str, scope: str | None, reason: Reason, by: str) -> bool:
        mine = self.entry
        return ((mine.address or "").lower(), mine.scope, mine.reason, mine.by) == (address.lower(), scope, reason, by)

    def holds(self, now: datetime) -> bool:
        return not self.ended and self.entry.since <= now and (self.entry.until is None or self.entry.until > now)


class ListMachine(RuleBasedStateMachine):
    """The store beside a list of rows."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="bounceclass-"))
        self.store = open_store(f"sqlite:///{self.folder}/b.db")
        self.rows: list[Row] = []
        self.now = datetime(2026, 3, 9, tzinfo=UTC)

    def teardown(self) -> None:
        self.store.close()
        shutil.rmtree(self.folder)

    @rule(address=ADDRESSES, scope=STREAMS, reason=REASONS, by=WHO, days=ENDS)
    def suppress(self, address: str, scope: str | None, reason: Reason, by: str, days: int | None) -> None:
        until = None if days is None else self.now + days * DAY
        entry = Suppression(address=address, scope=scope, reason=reason, since=self.now, until=until, by=by, cause=("k",))
        known = next((row for row in reversed(self.rows) if row.same(address, scope, reason, by) and row.holds(self.now)), None)
        with self.store.transaction() as ledger:
            assert ledger.suppress(entry) is (known is None)
        if known is None:
            self.rows.append(Row(entry))
        else:
            longest = None if known.entry.until is None or until is None else max(known.entry.until, until)
            known.entry = msgspec.structs.replace(known.entry, until=longest)

    @rule(address=ADDRESSES, scope=STREAMS, reason=REASONS, by=WHO)
    def release(self, address: str, scope: str | None, reason: Reason, by: str) -> None:
        entry = Suppression(address=address, scope=scope, reason=reason, since=self.now, by=by)
        found = [row for row in self.rows if row.same(address, scope, reason, by) and not row.ended]
        with self.store.transaction() as ledger:
            assert ledger.release(entry, at=self.now, by="anna") == len(found)
        for row in found:
            row.ended = True

    @rule(address=ADDRESSES, stream=STREAMS)
    def lift(self, address: str, stream: str | None) -> None:
        found = [row for row in self.rows if (row.entry.address or "").lower() == address.lower() and not row.ended and (stream is None or row.entry.scope in {None, stream})]
        with self.store.transaction() as ledger:
            lifted = ledger.lift(Selection(address=address, stream=stream), at=self.now, by="anna", why="asked by phone")
        assert lifted == [row.entry for row in found]
        for row in found:
            row.ended = True

    @rule(days=st.integers(1, 3))
    def wait(self, days: int) -> None:
        self.now += days * DAY

    @rule()
    def lapse(self) -> None:
        over = [row for row in self.rows if not row.ended and not row.told and row.entry.until is not None and row.entry.until <= self.now]
        with self.store.transaction() as ledger:
            found = ledger.lapse(self.now)
        assert sorted(found, key=repr) == sorted((row.entry for row in over), key=repr)
        for row in over:
            row.told = True

    @rule()
    def fail_in_the_middle(self) -> None:
        try:
            with self.store.transaction() as ledger:
                ledger.suppress(Suppression(address="ruth@example.net", reason=Reason.EXPIRED, since=self.now, by="nobody"))
                raise KeyError  # noqa: TRY301  what rolls it back
        except KeyError:
            pass

    @invariant()
    def who_is_suppressed_is_who_the_model_says(self) -> None:
        active = [row.entry for row in self.rows if row.holds(self.now)]
        assert list(self.store.suppressions(Selection(active_at=self.now))) == active
        for address in ("ruth@example.net", "paul@example.net"):
            for stream in (None, "garden"):
                held = any((entry.address or "").lower() == address and entry.scope in {None, stream} for entry in active)
                assert self.store.is_suppressed(address, stream, self.now) is held


TestTheList = ListMachine.TestCase
TestTheList.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
