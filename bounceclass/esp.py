"""What the plugins of ESPs have in common: a Webhook made of two functions, and the hooks round it.

    Posts           verify and read, guarded: whatever comes in, nothing is raised but Retry
    Inbound         the hooks of a plugin that only listens
    TwoWay          of one that also keeps the ESP's own list: suppress and release, for one or for many; whether it can be read
    ListSettings    what is set for that list, whichever ESP it is

What an ESP calls things is a table of its plugin; nothing here knows one.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from bounceclass import payload
from bounceclass.errors import Refused, Retry, SettingsError
from bounceclass.http import checked
from bounceclass.model import WITHDRAWN, Reason
from bounceclass.remotelist import Readable
from bounceclass.secret import read_secret
from bounceclass.settings import SecretSource  # noqa: TC001  msgspec reads the annotations at run time
from bounceclass.signing import password

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from bounceclass.model import Report, Suppression
    from bounceclass.protocols import Webhook

    Verifier = Callable[[Mapping[str, str], bytes, tuple[str, ...], datetime], bool]
    Reader = Callable[[payload.Record], Report]

__all__ = ["Inbound", "ListSettings", "Posts", "Remote", "TwoWay", "by_password", "secret_text", "stays"]

LOG: Final = logging.getLogger("bounceclass")


class Posts:
    """A Webhook: `verify` as the ESP signs, `read` for each record of a body.

    `limits` are sentences on what the ESP doesn't sign or say; `replay` finds what names a post, where the
    body alone doesn't tell a repetition.
    """

    def __init__(  # noqa: PLR0913  each is a part of it
        self,
        name: str,
        verify: Verifier,
        read: Reader,
        *,
        limits: tuple[str, ...] = (),
        split: Callable[[bytes], tuple[list[payload.Record], bool] | None] = payload.records,
        replay: Callable[[Mapping[str, str], bytes], str | None] = lambda _headers, _body: None,
    ) -> None:
        """Keep the parts."""
        self.name = name
        self.limits = limits
        self._verify = verify
        self._read = read
        self._split = split
        self._replay = replay

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...], now: datetime) -> bool:
        """See Webhook."""
        try:
            return bool(secrets) and self._verify(headers, body, secrets, now)
        except Retry:
            raise
        except Exception as error:  # noqa: BLE001  a fault of ours is no proof of theirs; what it says may hold a secret
            LOG.error("plugin %s: a signature could not be checked: %s", self.name, type(error).__name__)  # noqa: TRY400  as above
            return False

    def parse(self, body: bytes) -> list[Report]:
        """See Webhook."""
        found = self._split(body)
        if found is None:
            return [payload.unread(self.name)]
        records, more = found
        reports = [self._report(record) for record in records] or [payload.nothing(self.name)]
        return [*reports, payload.unread(self.name, f"read {payload.MOST} records")] if more else reports

    def replay_id(self, headers: Mapping[str, str], body: bytes) -> str | None:
        """See Replayable."""
        try:
            return self._replay(headers, body)
        except Exception as error:  # noqa: BLE001  as above
            LOG.error("plugin %s: a post could not be named: %s", self.name, type(error).__name__)  # noqa: TRY400  as above
            return None

    def _report(self, record: payload.Record) -> Report:
        try:
            return self._read(record)
        except Exception as error:  # noqa: BLE001  one record that we can't read stops no other; what it says may name people
            LOG.error("plugin %s: a record could not be read: %s", self.name, type(error).__name__)  # noqa: TRY400  as above
            return payload.unread(self.name, "record")


class ListSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is set for an ESP's own list, whichever ESP it is."""

    api_key: SecretSource | None = None
    """With it, the ESP's own list is kept: what is suppressed or released here is there, too."""
    api_url: str = ""
    """Where its API is."""
    scope: str | None = None
    """The list or stream whose entries go there, besides those that hold everywhere."""


def by_password(header: str | None = None) -> Verifier:
    """Return how a post is verified of an ESP that signs nothing: by a password, or a token in `header`."""

    def verify(headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...], now: datetime) -> bool:
        del body, now  # neither is signed
        return password(headers, secrets, header)

    return verify


def secret_text(source: SecretSource, what: str) -> str:
    """Return a secret as text; raises SettingsError, naming `what`, where it is missing or empty."""
    if found := read_secret(source, os.environ, what).decode("utf-8", "surrogateescape").strip():
        return found
    msg = f"{what} is empty"
    raise SettingsError(msg)


def stays(name: str, said: str | None, withdrawn: frozenset[str], reason: Reason) -> bool:
    """Tell whether an entry stays on an ESP's list: there it stands for a complaint or an unsubscribe, and what is released here doesn't.

    `said` is the ESP's word for it, `withdrawn` its words for those.
    """
    kept = said in withdrawn and reason not in WITHDRAWN
    if kept:
        LOG.info("plugin %s: an entry stays, for there it is of a %s", name, said)
    return kept


class Remote(Protocol):
    """An ESP's own list, kept by its API. Both raise Retry or Refused where it was not done, and change nothing the second time.

    Neither is ever called for no address at all, and there is none that empties a list. What somebody has
    withdrawn there, by a complaint or an unsubscribe, the release of a bounce leaves. One that can be read is Readable, too.
    """

    batch: int
    """How many addresses one call may have."""

    def add(self, addresses: Sequence[str], reason: Reason, key: str) -> None:
        """Put addresses on the list."""

    def remove(self, addresses: Sequence[str], reason: Reason, key: str) -> None:
        """Take addresses from the list."""


class Inbound:
    """A plugin that listens."""

    def __init__(self, webhook: Webhook, packs: Iterable[Path] = ()) -> None:
        """Keep what reads, and the rows for the ESP's words."""
        self._webhook = webhook
        self._packs = tuple(packs)

    def bounceclass_webhook(self) -> Webhook:
        """Offer what verifies and reads the posts."""
        return self._webhook

    def bounceclass_knowledge(self) -> Iterable[Path]:
        """Offer the rows for the ESP's words."""
        return self._packs


class TwoWay:
    """A plugin that listens, and keeps the ESP's own list.

    What the ESP's list stopped is not told back to it, nor to another: it is no new fact. An entry for a
    list or stream is told only where it is this account's `scope`.
    """

    def __init__(self, inbound: Inbound, remote: Remote, *, scope: str | None = None, limits: tuple[str, ...] = ()) -> None:
        """Keep both sides; `limits` are sentences on what the list can't do, told now."""
        self._inbound = inbound
        self._remote = remote
        self._scope = scope
        for limit in limits:
            LOG.info("plugin %s: %s", inbound.bounceclass_webhook().name, limit)

    def bounceclass_webhook(self) -> Webhook:
        """Offer what verifies and reads the posts."""
        return self._inbound.bounceclass_webhook()

    def bounceclass_knowledge(self) -> Iterable[Path]:
        """Offer the rows for the ESP's words."""
        return self._inbound.bounceclass_knowledge()

    def bounceclass_suppress(self, suppression: Suppression, key: str) -> None:
        """Put an entry on the ESP's list."""
        if (address := self._whom(suppression)) is not None:
            self._remote.add([address], suppression.reason, key)

    def bounceclass_release(self, suppression: Suppression, key: str) -> None:
        """Take an entry from the ESP's list."""
        if (address := self._whom(suppression)) is not None:
            self._remote.remove([address], suppression.reason, key)

    def push(self, entries: Iterable[Suppression], key: str) -> int:
        """Put many entries on the ESP's list, as many at once as its API takes; return how many."""
        return self._in_batches(self._remote.add, ((address, entry.reason) for entry in entries if (address := self._whom(entry)) is not None), key)

    def withdraw(self, entries: Iterable[tuple[str, Reason]], key: str) -> int:
        """Take many addresses from the ESP's list, each with the reason that it has there; return how many.

        `suppressed` leaves what somebody has withdrawn, as the release of a bounce does.
        """
        return self._in_batches(self._remote.remove, ((checked(address), reason) for address, reason in entries), key)

    @property
    def scope(self) -> str | None:
        """The list or stream whose entries go there, besides those that hold everywhere."""
        return self._scope

    @property
    def batch(self) -> int:
        """How many addresses one call may have."""
        return self._remote.batch

    @property
    def readable(self) -> Readable | None:
        """The ESP's list where it can be read whole, None where its API offers none."""
        return self._remote if isinstance(self._remote, Readable) else None

    def _in_batches(self, act: Callable[[Sequence[str], Reason, str], None], entries: Iterable[tuple[str, Reason]], key: str) -> int:
        """Make calls for addresses of one reason each; nothing is asked before all of them were looked at."""
        by_reason: dict[Reason, list[str]] = {}
        for address, reason in entries:
            by_reason.setdefault(reason, []).append(address)
        for reason, addresses in by_reason.items():
            for start in range(0, len(addresses), self._remote.batch):
                act(addresses[start : start + self._remote.batch], reason, f"{key}:{reason}:{start}")
        return sum(map(len, by_reason.values()))

    def _whom(self, suppression: Suppression) -> str | None:
        """Return the address, None where the entry is not this list's business; Refused for what no such list can hold."""
        if suppression.reason is Reason.SUPPRESSED or suppression.scope not in {None, self._scope}:
            return None
        if suppression.address is None:
            msg = "the ESP's list holds addresses only, no domains"
            raise Refused(msg)
        return checked(suppression.address)
