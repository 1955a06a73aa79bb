"""A mail backend that sends nothing to who is suppressed: the mix-in stands before the backend that sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from django.conf import settings

from bounceclass.addresses import mailbox
from bounceclass_django.models import Suppression

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["RefusesSuppressed", "SuppressedRecipient"]

_FIELDS: Final = ("to", "cc", "bcc")


class SuppressedRecipient(Exception):  # noqa: N818  an answer
    """A message to somebody who is suppressed, where `BOUNCECLASS_SUPPRESSED = "raise"`. `recipients` says to whom."""

    def __init__(self, recipients: Iterable[str]) -> None:
        """Name them."""
        self.recipients = tuple(recipients)
        super().__init__(f"suppressed: {', '.join(self.recipients)}")


class RefusesSuppressed:
    """Takes suppressed recipients off each message, and sends what then still has any.

    Afterwards each message is as it was, and its `suppressed_recipients` are those that were left out.
    """

    def send_messages(self, email_messages: Sequence[Any]) -> int:
        """Send to those who may be mailed; return how many messages were sent, of which one without recipients left is none.

        With `BOUNCECLASS_SUPPRESSED = "raise"`: raises SuppressedRecipient, and sends nothing, where one of them may not be mailed;
        a backend that fails silently leaves out that message.
        """
        self._mark(email_messages)
        strict = getattr(settings, "BOUNCECLASS_SUPPRESSED", "drop") == "raise"
        refused = [one for message in email_messages for one in message.suppressed_recipients]
        if strict and refused and not self._silent():
            raise SuppressedRecipient(dict.fromkeys(refused))
        chosen = [message for message in email_messages if not (strict and message.suppressed_recipients)]
        before = [{name: getattr(message, name) for name in _FIELDS} for message in chosen]
        try:
            for message, fields in zip(chosen, before, strict=True):
                _set(message, {name: [one for one in whole if one not in message.suppressed_recipients] for name, whole in fields.items()})
            sending: Any = super()
            wanted = [message for message in chosen if message.recipients()]
            return (sending.send_messages(wanted) or 0) if wanted else 0
        finally:
            for message, fields in zip(chosen, before, strict=True):
                _set(message, fields)

    def _silent(self) -> bool:
        """Whether the backend was asked to fail silently: as its own attribute, or, where Django 6.1 keeps that for it, as Django's."""
        return bool(vars(self).get("fail_silently", vars(self).get("_fail_silently", False)))

    def _mark(self, messages: Sequence[Any]) -> None:
        """Note on each message those of its recipients, as written, who are suppressed for it: everywhere, for its first tag, or at this ESP."""
        addresses = {one: mailbox(str(one)) or str(one) for message in messages for one in _written(message)}
        scopes = Suppression.objects.scopes_of(set(addresses.values()))
        for message in messages:
            ours = {"", getattr(self, "esp_name", ""), *(getattr(message, "tags", None) or [])[:1]}
            written = dict.fromkeys(_written(message))
            message.suppressed_recipients = [one for one in written if scopes.get(addresses[one], set()) & ours]


def _written(message: Any) -> list[str]:  # noqa: ANN401  any EmailMessage
    return [one for name in _FIELDS for one in getattr(message, name)]


def _set(message: Any, fields: dict[str, Any]) -> None:  # noqa: ANN401  as above
    for name, whole in fields.items():
        setattr(message, name, whole)
