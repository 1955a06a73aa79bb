"""SendGrid's signature: ECDSA on P-256 with SHA-256, over the timestamp and the raw body."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from bounceclass.signing import decoded, is_fresh

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["HEADER", "WINDOW", "verify"]

HEADER: Final = "x-twilio-email-event-webhook-"
WINDOW: Final = timedelta(hours=25)
"""A post is repeated for 24 hours, and nothing says that it is signed anew."""


def verify(headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...], now: datetime) -> bool:
    """Tell whether a post is signed for one of the keys, which are public ones in base64."""
    stamp, signature = headers.get(f"{HEADER}timestamp", ""), decoded(headers.get(f"{HEADER}signature", ""))
    if signature is None or not is_fresh(stamp, now, WINDOW):
        return False
    signed = stamp.encode("utf-8", "surrogatepass") + body
    return any(_is_signed(secret, signature, signed) for secret in secrets)


def _is_signed(secret: str, signature: bytes, signed: bytes) -> bool:
    try:
        key = load_der_public_key(decoded(secret) or b"")
        if not isinstance(key, EllipticCurvePublicKey):
            return False
        key.verify(signature, signed, ECDSA(SHA256()))
    except (ValueError, InvalidSignature):
        return False
    return True
