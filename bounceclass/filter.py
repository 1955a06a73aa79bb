"""A filter in front of an application's mailbox: each mail is read, ruled on, marked, and passed on or kept back. It fails open.

    source.items -> rule -> mark -> target.deliver -> item.finish

A mail is finished when it was handed over, so none is lost; after a crash between the two it is handed over again. Where ruling
fails, whatever the reason, the mail passes as it is, with a field that says so.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections import Counter
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.errors import InputError, Refused
from bounceclass.filtering import FAILED_OPEN, Pass, Ruling, is_loop, mark, rule_on
from bounceclass.isolation import describe
from bounceclass.waiting import wait

if TYPE_CHECKING:
    from collections.abc import Callable

    from bounceclass.engine import Engine
    from bounceclass.model import Report
    from bounceclass.protocols import Item, Source
    from bounceclass.targets import Target

__all__ = ["Filter", "Judged"]

LOG: Final = logging.getLogger("bounceclass")


class Judged:
    """Rules on mails: what a pipe and a mailbox have in common."""

    def __init__(self, engine: Engine, passing: Pass, suppressed: Callable[[Item], list[str]] | None = None, *, tag: bool = False) -> None:
        """Take what reads. `suppressed` enters an item into the ledger and returns whom of it the policy suppresses: for Pass.POLICY.

        With `tag` every mail passes, and only its fields say what would have been.
        """
        self._engine = engine
        self._passing = passing
        self._suppressed = suppressed
        self._tag = tag
        self._host = socket.gethostname()

    def rule(self, item: Item) -> tuple[Ruling, bytes]:
        """Return the ruling on a mail, and the mail as it is to be passed on. Raises nothing."""
        report: Report | None = None
        try:
            if is_loop(item.raw, self._host):
                return Ruling(passes=False, because="a loop: it has been here before"), item.raw
            limits = self._engine.settings.limits
            cut = item.cut or len(item.raw) > limits.message
            report = self._engine.classify(item.raw[: limits.head] if cut else item.raw, item.source, cut=cut)
            whom = self._suppressed(item) if self._suppressed is not None else []
            ruling = rule_on(report, self._passing, item.raw, item.recipient, whom)
        except Exception as error:  # noqa: BLE001  the mail passes whatever is wrong with us
            ruling = Ruling(passes=True, because=f"{FAILED_OPEN}: {describe(error)}")
            LOG.error("%s: passed as it is: %s", item.source, ruling.because)  # noqa: TRY400  said in one line
        told = msgspec.structs.replace(ruling, passes=True) if self._tag else ruling
        try:
            return told, mark(item.raw, report, ruling, self._host)
        except Exception:
            LOG.exception("%s: not marked", item.source)
            return told, item.raw


class Filter:
    """Passes a source's mail on to a target, and the rest to another. `counts` tells how much."""

    def __init__(self, judged: Judged, target: Target, rest: Target | None, poll_seconds: float) -> None:
        """Take the parts; without `rest` what is kept back goes where the source puts what was processed."""
        self._judged = judged
        self._target = target
        self._rest = rest
        self._poll_seconds = poll_seconds
        self._stopping = threading.Event()
        self._said: set[str] = set()
        self.counts: Counter[str] = Counter()
        self.troubled = False

    def stop(self) -> None:
        """End after the mail in hand; may be called by a signal's handler."""
        self._stopping.set()

    def run(self, source: Source, *, once: bool = False, turn: Callable[[], None] = lambda: None) -> None:
        """Work until stopped; with `once` over what is there now. `turn` is called after each round."""
        while not self._stopping.is_set():
            self.troubled = False
            known, self._said = self._said, set()
            done = self._round(source, known)
            turn()
            if once:
                return
            if not done:
                wait((source,), self._stopping, self._poll_seconds)

    def _round(self, source: Source, known: set[str]) -> int:
        number = 0
        try:
            for item in source.items():
                if self._stopping.is_set():
                    break
                try:
                    self._pass_on(item)
                except OSError as error:  # nothing of it is done: it is met again
                    self._say(f"{item.source}: stays: {error.strerror or error}", str(error), known)
                    break
                number += 1
            source.settle()
        except InputError as error:
            self._say(str(error), str(error), known)
        return number

    def _pass_on(self, item: Item) -> None:
        ruling, mail = self._judged.rule(item)
        try:
            if item.cut:
                msg = "larger than what is passed on"
                raise Refused(msg)  # noqa: TRY301  as what the target refuses
            if ruling.passes:
                self._target.deliver(mail, item)
            elif self._rest is not None:
                self._rest.deliver(mail, item)
        except Refused as error:
            LOG.error("%s: put into quarantine: %s", item.source, error)  # noqa: TRY400  no fault of ours
            self.counts["quarantined"] += 1
            if item.finish is not None:
                item.finish(str(error))
            return
        if item.finish is not None:
            item.finish(None)
        self.counts["passed" if ruling.passes else "kept back"] += 1
        LOG.info("%s: %s (%s)", item.source, "passed" if ruling.passes else "kept back", ruling.because)

    def _say(self, text: str, fault: str, known: set[str]) -> None:
        self.troubled = True
        self._said.add(fault)
        if fault not in known:
            LOG.error("%s; nothing is lost, it is tried again", text)

