"""What the plugins of ESPs have in common: a Webhook made of two functions, and the hooks round it.

    Posts       verify and read, guarded: whatever comes in, nothing is raised
    Inbound     the hooks of a plugin that only listens
    TwoWay      of one that also keeps the ESP's own list: suppress and release

What an ESP calls things is a table of its plugin; nothing here knows one.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, Protocol

from bounceclass import payload
from bounceclass.signing import password

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime
    from pathlib import Path

    from bounceclass.model import Report, Suppression
    from bounceclass.protocols import Webhook

    Verifier = Callable[[Mapping[str, str], bytes, tuple[str, ...], datetime], bool]
    Reader = Callable[[payload.Record], Report]

__all__ = ["Inbound", "Posts", "Remote", "TwoWay", "by_password"]

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
        except Exception:  # a fault of ours is no proof of theirs
            LOG.exception("plugin %s: a signature could not be checked", self.name)
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
        except Exception:  # as above
            LOG.exception("plugin %s: a post could not be named", self.name)
            return None

    def _report(self, record: payload.Record) -> Report:
        try:
            return self._read(record)
        except Exception:  # one record that we can't read stops no other
            LOG.exception("plugin %s: a record could not be read", self.name)
            return payload.unread(self.name, "record")


def by_password(header: str | None = None) -> Verifier:
    """Return how a post is verified of an ESP that signs nothing: by a password, or a token in `header`."""

    def verify(headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...], now: datetime) -> bool:
        del body, now  # neither is signed
        return password(headers, secrets, header)

    return verify


class Remote(Protocol):
    """An ESP's own list, kept by its API. Both raise Retry or Refused where it was not done, and are idempotent."""

    def add(self, suppression: Suppression) -> None:
        """Put an entry on the list."""

    def remove(self, suppression: Suppression) -> None:
        """Take an entry from the list."""


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
    """A plugin that listens, and keeps the ESP's own list."""

    def __init__(self, webhook: Webhook, packs: Iterable[Path], remote: Remote) -> None:
        """Keep what reads, the rows for the ESP's words, and the list."""
        self._inbound = Inbound(webhook, packs)
        self._remote = remote

    def bounceclass_webhook(self) -> Webhook:
        """Offer what verifies and reads the posts."""
        return self._inbound.bounceclass_webhook()

    def bounceclass_knowledge(self) -> Iterable[Path]:
        """Offer the rows for the ESP's words."""
        return self._inbound.bounceclass_knowledge()

    def bounceclass_suppress(self, suppression: Suppression) -> None:
        """Put an entry on the ESP's list."""
        self._remote.add(suppression)

    def bounceclass_release(self, suppression: Suppression) -> None:
        """Take an entry from the ESP's list."""
        self._remote.remove(suppression)
