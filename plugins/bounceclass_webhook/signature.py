"""The headers that prove a post: Standard Webhooks 1.0.0, "Signature scheme" and "Webhook headers"; HMAC-SHA256, version `v1`."""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import TYPE_CHECKING, Final

from standardwebhooks import Webhook

from bounceclass.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bounceclass_webhook.message import Message

__all__ = ["Signer"]

_PREFIX: Final = b"whsec_"
_SHORTEST, _LONGEST = 24, 64


class Signer:
    """Signs with every secret, so that a receiver may still have the old one or already the new one."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        """Check the secrets; raises SettingsError, which names the one that is none, and never shows it."""
        if not secrets:
            msg = "secrets: name at least one"
            raise SettingsError(msg)
        self._signers = [Webhook(_key(secret, f"secrets[{number}]")) for number, secret in enumerate(secrets)]

    def headers(self, message: Message, now: datetime) -> dict[str, str]:
        """Return the headers of one attempt at a message; `now` is in UTC."""
        body = message.body.decode()
        signatures = [one.sign(message.name, now, body) for one in self._signers]
        return {"webhook-id": message.name, "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": " ".join(signatures)}


def _key(secret: bytes, what: str) -> bytes:
    try:
        key = b64decode(secret.removeprefix(_PREFIX), validate=True) if secret.startswith(_PREFIX) else b""
    except binascii.Error:
        key = b""
    if not _SHORTEST <= len(key) <= _LONGEST:
        msg = f"{what}: is not `whsec_` and the base64 of {_SHORTEST} to {_LONGEST} octets: make one by `echo whsec_$(openssl rand -base64 32)`"
        raise SettingsError(msg)
    return key
