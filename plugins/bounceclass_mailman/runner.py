"""A bounce runner for Mailman 3, in the place of its own.

    # mailman.cfg
    [runner.bounces]
    class: bounceclass_mailman.runner.Bounces

It reads bounces as we do, and tells Mailman of those that count; scores, threshold, warnings, probes and removal stay Mailman's.
`bounceclass.toml` beside mailman.cfg holds our settings, where there is one: Mailman gives its runners no environment of ours.
"""

from __future__ import annotations

import logging
import sqlite3
from contextlib import suppress
from datetime import UTC, datetime
from email.generator import BytesGenerator
from email.utils import make_msgid
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from mailman.app.bounces import ProbeVERP, StandardVERP, maybe_forward
from mailman.config import config
from mailman.interfaces.bounce import BounceContext
from mailman.interfaces.runner import RunnerInterrupt
from mailman.model.bounce import BounceEvent
from mailman.runners.bounce import BounceRunner
from sqlalchemy.exc import OperationalError

from bounceclass.config import DEFAULT, read
from bounceclass.controls import printable
from bounceclass_mailman.counting import Counting, To
from bounceclass_mailman.memory import Memory
from bounceclass_mailman.roster import Roster

if TYPE_CHECKING:
    from bounceclass.config import Configuration
    from bounceclass_mailman.counting import Reading

__all__ = ["Bounces", "configuration"]

LOG: Final = logging.getLogger("mailman.bounce")
_NAME: Final = "bounceclass.toml"
_RECOVERED: Final = "_bak_count"


def configuration() -> Configuration:
    """Return our settings: of `bounceclass.toml` beside mailman.cfg, else the defaults."""
    path = Path(config.filename).parent / _NAME if config.filename else None
    return read(str(path)) if path is not None and path.exists() else DEFAULT


class Bounces(BounceRunner):  # type: ignore[misc]  # Mailman has no types
    """Mailman's bounce runner with our reading, and without a moment in which a bounce can get lost."""

    def __init__(self, name: str, slice: int | None = None) -> None:  # noqa: A002  Mailman's name
        """Read the settings; a fault in them keeps the runner from starting, and bounces wait in the queue."""
        super().__init__(name, slice)
        self._counting = Counting(configuration())
        self._roster = Roster()
        self._memory = Memory(Path(config.DATA_DIR) / "bounceclass.db")

    def _process_one_file(self, msg: Any, msgdata: dict[str, Any]) -> None:  # noqa: ANN401  as above
        """Commit before the queue file goes: Mailman commits after it, and what it had read is lost when it is killed between.

        Where the database is away, or we are told to stop meanwhile, the bounce goes back into the queue.
        """
        committed = False
        try:
            super()._process_one_file(msg, msgdata)
            config.db.commit()
            committed = True
        except (OperationalError, sqlite3.OperationalError, RunnerInterrupt) as error:
            if not committed:
                config.db.abort()
                self.switchboard.enqueue(msg, msgdata)
                LOG.error("%s: back into the queue: %s", _id(msg), type(error).__name__)  # noqa: TRY400  said in one line
                if not isinstance(error, RunnerInterrupt):
                    self._wait()

    def _do_periodic(self) -> None:
        """Let events wait where the database is away, instead of dying of it."""
        try:
            super()._do_periodic()
        except OperationalError:
            config.db.abort()
            LOG.exception("the database is away; bounces wait")

    def _wait(self) -> None:
        with suppress(RunnerInterrupt):
            self._snooze(0)

    def _dispose(self, mlist: Any, msg: Any, msgdata: dict[str, Any]) -> bool:  # noqa: ANN401  as above
        """Register what counts; pass on what nobody understands, as the list says."""
        if not mlist.process_bounces:
            return False
        if msg.get("message-id") is None:
            msg["Message-ID"] = make_msgid()
        verp = frozenset(StandardVERP().get_verp(mlist, msg))
        names = (mlist.list_id, mlist.fqdn_listname)
        roster = self._roster.of(mlist) if self._counting.keys else None
        to = To(names=names, host=mlist.mail_host, verp=verp, addressee=roster, past=self._memory.of(mlist.list_id))
        reading = self._counting.read(_raw(msg), to, datetime.now(UTC), _id(msg))
        for member, failure in reading.noted:
            self._memory.add(mlist.list_id, member, failure)
        _tell(mlist, msg, reading)
        context = BounceContext.normal
        members = set(reading.members)
        if not verp and reading.blames and (probed := ProbeVERP().get_verp(mlist, msg)):
            members, context = probed, BounceContext.probe
        for member in sorted(members):
            self._register(mlist, member, msg, context, again=_RECOVERED in msgdata)
        if reading.is_open:
            maybe_forward(mlist, msg)
        return False

    def _register(self, mlist: Any, member: str, msg: Any, context: Any, *, again: bool) -> None:  # noqa: ANN401  as above
        """Register an event; not one that was committed already when the queue file was still there."""
        known = {"list_id": mlist.list_id, "email": member, "message_id": msg["message-id"]}
        if again and config.db.store.query(BounceEvent).filter_by(**known).first() is not None:
            LOG.info("%s: %s is registered already", _id(msg), member)
            return
        self._processor.register(mlist, member, msg, context)


def _raw(msg: Any) -> bytes:  # noqa: ANN401  as above
    """Return a mail as it came, as far as the email package lets us: no lines folded anew, no `>From`."""
    out = BytesIO()
    try:
        BytesGenerator(out, mangle_from_=False, maxheaderlen=0).flatten(msg)
    except (LookupError, UnicodeError, TypeError, ValueError):
        whole: bytes = msg.as_bytes()
        return whole
    return out.getvalue()


def _id(msg: Any) -> str:  # noqa: ANN401  as above
    return printable(str(msg.get("message-id", "n/a")).strip())


def _tell(mlist: Any, msg: Any, reading: Reading) -> None:  # noqa: ANN401  as above
    """Log one line for each event: which list, whom it counts against, and why."""
    for one in reading.findings:
        verdict = one.event.verdict
        whom = f"counts against {printable(one.member)}" if one.member else "counts against nobody"
        LOG.info("%s: %s: %s (%s): %s: %s", mlist.list_id, _id(msg), verdict.reason, verdict.advice, whom, printable(one.because))
