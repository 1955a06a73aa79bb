"""Outgoing mail with our tags in the return path, so that a bounce proves whom it is about.

    # mailman.cfg
    [mta]
    outgoing: bounceclass_mailman.delivery.deliver
    verp_delivery_interval: 1

Wherever Mailman would write VERP, and keys are configured, a tag takes its place.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from mailman.config import config
from mailman.mta import deliver as mailman_deliver
from mailman.mta.base import BaseDelivery

from bounceclass.tags import read_keys, tagged
from bounceclass_mailman.runner import configuration

if TYPE_CHECKING:
    from bounceclass.tags import Key

__all__ = ["Deliver", "deliver"]


@cache
def _key() -> tuple[Key | None, int]:
    """Return the key that makes tags, and how long a local part may be; read once a process."""
    trust = configuration().trust
    return next(iter(read_keys(trust.keys, os.environ)), None), trust.longest


class Deliver(mailman_deliver.Deliver):  # type: ignore[misc]  # Mailman has no types
    """Mailman's delivery to one recipient at a time, with a tag in place of its VERP."""

    def _get_sender(self, mlist: Any, msg: Any, msgdata: dict[str, Any]) -> str:  # noqa: ANN401  as above
        key, longest = _key()
        recipient = msgdata.get("recipient")
        verp: str = super()._get_sender(mlist, msg, msgdata)
        if key is None or recipient is None or not msgdata.get("verp", False):
            return verp
        try:
            plain = BaseDelivery._get_sender(self, mlist, msg, msgdata)  # noqa: SLF001  what VERP is made from
            today = datetime.now(UTC).date()
            return tagged(plain, recipient, key, today, stream=mlist.list_id, separator=config.mta.verp_delimiter, longest=longest)
        except ValueError:  # no room, or no address
            return verp


def deliver(mlist: Any, msg: Any, msgdata: dict[str, Any]) -> None:  # noqa: ANN401  as above
    """Deliver a mail as Mailman does, by our class: Mailman looks it up by name in its module, in the process of this runner only."""
    mailman_deliver.Deliver = Deliver
    mailman_deliver.deliver(mlist, msg, msgdata)
