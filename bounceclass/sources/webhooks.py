"""What `bounceclass serve` has stored, as a source: each file one delivery of an ESP, read by the plugin that verified it.

    webhooks:/var/lib/bounceclass/webhooks

    X-Bounceclass-Webhook: ses:eu                   whose it is
                                                    then the body, octet by octet
    {"Type": "Notification", ...}

    processed=PLACE, quarantine=PLACE               as of a Maildir, which the spool is

A body that the plugin can't read goes into quarantine; one with events that nobody knows doesn't.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.errors import PluginError
from bounceclass.model import Kind, Report, Trust
from bounceclass.protocols import Item, Voucher
from bounceclass.sources.maildir import Maildir

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from bounceclass.protocols import Webhook
    from bounceclass.settings import Limits

__all__ = ["Webhooks", "head_of"]

UNREAD: Final = "unread-payload"
"""The defect of a body that is none of the ESP's."""
_HEAD: Final = b"X-Bounceclass-Webhook: "
_LOOKS: Final = 0.25


class Webhooks:
    """The spool of `bounceclass serve`. `webhooks` are those of the plugins that are on, by their instances."""

    def __init__(self, url: str, limits: Limits) -> None:
        """Open the folder that a URL names. Raises SettingsError for a URL that doesn't fit."""
        self._maildir = Maildir(url, limits)
        self.url = url
        self.path = self._maildir.path
        self.quarantine = self._maildir.quarantine
        self.webhooks: Mapping[str, Webhook] = {}

    def items(self) -> Iterator[Item]:
        """Yield the deliveries that lie there, by the time of arrival."""
        for item in self._maildir.items():
            yield self.read(item)

    def peek(self) -> Iterator[Item]:
        """Yield the same; nothing is made, held or moved."""
        for item in self._maildir.peek():
            yield self.read(item)

    def watch(self, timeout: float) -> bool:
        """Wait until a delivery lies there; another process stores them, so this looks again and again."""
        end = time.monotonic() + timeout
        while not self._arrived():
            left = end - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(_LOOKS, left))
        return True

    def _arrived(self) -> bool:
        try:
            return next((self.path / "new").iterdir(), None) is not None
        except OSError:
            return True  # items() says what is wrong

    def settle(self) -> None:
        """Make durable what was finished."""
        self._maildir.settle()

    def close(self) -> None:
        """Let others have the spool."""
        self._maildir.close()

    def read(self, item: Item) -> Item:
        """Return a stored delivery as what its plugin makes of it, when it is its turn."""
        name, body = _split(item.raw)
        voucher = Voucher(grade=Trust.OWN_MTA, because=f"a signed webhook of {name}", stream=name)
        return msgspec.structs.replace(item, raw=body, reader=lambda: self._reports(name, body, item.source), voucher=voucher)

    def _reports(self, name: str, body: bytes, source: str) -> tuple[Report, ...]:
        webhook = self.webhooks.get(name)
        if webhook is None:
            raise PluginError(name or "of no name", "is not on, or has no webhook")
        reports = tuple(webhook.parse(body))
        if any(not isinstance(report, Report) for report in reports):
            raise PluginError(name, "parsed a delivery to what is no Report")
        if reports and all(_is_unread(report) for report in reports):
            raise PluginError(name, "can't read the body")
        return tuple(msgspec.structs.replace(report, source=source) for report in reports)


def head_of(name: str) -> bytes:
    """Return what is stored above the body of an instance's delivery."""
    return _HEAD + name.encode() + b"\n\n"


def _split(raw: bytes) -> tuple[str, bytes]:
    """Return instance and body of a stored delivery; an empty name where it has none, for somebody else put it there."""
    head, found, body = raw.partition(b"\n\n")
    if not found or not head.startswith(_HEAD) or b"\n" in head:
        return "", raw
    return head.removeprefix(_HEAD).decode("utf-8", "replace"), body


def _is_unread(report: Report) -> bool:
    return report.kind is Kind.OTHER and not report.events and any(defect.code == UNREAD for defect in report.defects)
