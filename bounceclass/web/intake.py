"""A post, from its head to its answer: verified, not taken before, on the disk; only then is yes said.

    TAKEN       it lies in the spool, fsynced, and is processed after
    REPEATED    it was taken within the last 72 hours
    UNPROVED    no secret verifies it; it is never said why
    BUSY        the same is being stored at this moment, or whether it is the ESP's can't be told now: come again
    UNSTORED    the disk is full or broken

Pure of HTTP: threads call `take`, and whoever answers turns the word into a status.
"""

from __future__ import annotations

import enum
import logging
import os
import threading
import time
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from bounceclass.errors import Retry
from bounceclass.protocols import Replayable
from bounceclass.sources.spool import Spool
from bounceclass.sources.webhooks import head_of
from bounceclass.web.memory import Memory, digest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from bounceclass.settings import WebSettings
    from bounceclass.web.instances import Instance

__all__ = ["Intake", "Outcome"]

LOG: Final = logging.getLogger("bounceclass")
_LOOK: Final = 1.0
"""Seconds for which a count of the spool is believed; what was stored since is added."""
_SAY: Final = 60.0
"""Seconds between two lines about one instance: who posts rubbish shall not fill the log."""


class Outcome(enum.StrEnum):
    """What became of a post."""

    TAKEN = "taken"
    REPEATED = "repeated"
    UNPROVED = "unproved"
    BUSY = "busy"
    UNSTORED = "unstored"


class Intake:
    """The spool's door; shared by threads."""

    def __init__(self, settings: WebSettings, folder: Path, clock: Callable[[], float] = time.time) -> None:
        """Make the spool where it is not there, and open the memory in it. Raises OSError."""
        self._settings = settings
        self._clock = clock
        self._spool = Spool(folder)
        self._spool.make()
        self._memory = Memory(folder / "taken.db", settings.remember_hours * 3600)
        self._lock = threading.Lock()
        self._looking = threading.Lock()
        self._held: set[bytes] = set()
        self._looked = float("-inf")
        self._waiting = (0, 0)
        self._said: dict[str, float] = {}

    def waiting(self) -> tuple[int, int]:
        """Return how many deliveries wait in the spool, and how many octets they have, as of a second ago."""
        if self._looking.acquire(blocking=False):  # who comes meanwhile is told what was found before
            try:
                if time.monotonic() - self._looked > _LOOK:
                    found = _weigh(self._spool.folder)
                    with self._lock:
                        self._waiting = found
                    self._looked = time.monotonic()
            finally:
                self._looking.release()
        return self._waiting

    def is_full(self) -> bool:
        """Tell whether more waits than may."""
        number, octets = self.waiting()
        return number >= self._settings.spool_deliveries or octets >= self._settings.spool_octets

    def take(self, instance: Instance, headers: Mapping[str, str], body: bytes) -> Outcome:
        """Take a post, or tell why not. Raises nothing."""
        try:
            if not self._verifies(instance, headers, body):
                return Outcome.UNPROVED
        except Retry:
            return Outcome.BUSY
        digests = set(_digests(instance, headers, body))
        with self._lock:
            if digests & self._held:
                return Outcome.BUSY
            self._held |= digests
        try:
            return self._store(instance, digests, body)
        except OSError as error:
            if self._may_say(f"disk {instance.name}"):
                LOG.error("a delivery of %s was not stored: %s", instance.name, error.strerror or error)  # noqa: TRY400  the disk's fault
            return Outcome.UNSTORED
        finally:
            with self._lock:
                self._held -= digests

    def _verifies(self, instance: Instance, headers: Mapping[str, str], body: bytes) -> bool:
        try:
            verified = instance.webhook.verify(headers, body, instance.secrets, datetime.fromtimestamp(self._clock(), UTC)) is True
        except Retry as error:
            if self._may_say(f"retry {instance.name}"):
                LOG.warning("a post for %s could not be verified now: %s", instance.name, error)
            raise
        except Exception as error:  # noqa: BLE001  a plugin's fault is no proof
            where = traceback.extract_tb(error.__traceback__)[-1]
            # Not what the error says: a secret may stand in it.
            if self._may_say(f"verify {instance.name}"):
                LOG.error("plugin %s: verify raised %s at %s:%s", instance.name, type(error).__name__, where.filename, where.lineno)  # noqa: TRY400  as above
            return False
        if not verified and self._may_say(instance.name):
            LOG.warning("a post for %s could not be verified; further ones of the next minute are only counted", instance.name)
        return verified

    def _may_say(self, what: str) -> bool:
        with self._lock:
            now = time.monotonic()
            if now - self._said.get(what, float("-inf")) < _SAY:
                return False
            self._said[what] = now
            return True

    def _store(self, instance: Instance, digests: set[bytes], body: bytes) -> Outcome:
        now = self._clock()
        if self._memory.has(digests, now):
            return Outcome.REPEATED
        self._spool.keep(head_of(instance.name) + body)
        try:
            self._memory.add(digests, now)
        except OSError as error:  # it is stored: a repetition is stored, too, and counts once
            LOG.warning("a delivery of %s is not remembered: %s", instance.name, error)
        with self._lock:
            number, octets = self._waiting
            self._waiting = (number + 1, octets + len(body))
        return Outcome.TAKEN

    def close(self) -> None:
        """Close the memory."""
        self._memory.close()


def _digests(instance: Instance, headers: Mapping[str, str], body: bytes) -> Iterator[bytes]:
    name = instance.name.encode()
    yield digest(b"body", name, body)
    webhook = instance.webhook
    try:
        replay = webhook.replay_id(headers, body) if isinstance(webhook, Replayable) else None
    except Exception as error:  # noqa: BLE001  a plugin's fault; the body's digest is left
        LOG.error("plugin %s: replay_id raised %s", instance.name, type(error).__name__)  # noqa: TRY400  as in verify
        replay = None
    if replay:
        yield digest(b"id", name, replay.encode("utf-8", "replace"))


def _weigh(folder: Path) -> tuple[int, int]:
    number = octets = 0
    try:
        with os.scandir(folder / "new") as entries:
            for entry in entries:
                number += 1
                try:
                    octets += entry.stat(follow_symlinks=False).st_size
                except FileNotFoundError:  # processed meanwhile
                    number -= 1
    except OSError as error:
        LOG.error("%s: %s", folder, error.strerror or error)  # noqa: TRY400  the disk's fault
    return number, octets
