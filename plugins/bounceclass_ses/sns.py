"""SNS signatures, versions 1 (SHA-1) and 2 (SHA-256), over chosen fields of a message.

    {"Type": "Notification", "MessageId": "...", "TopicArn": "arn:aws:sns:eu-west-1:123456789012:bounces", "Message": "{...}",
     "Timestamp": "2026-03-09T12:00:00.000Z", "SignatureVersion": "2", "Signature": "...",
     "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-....pem"}

The certificate's address is checked before anything is fetched, for whoever posts writes it: SNS's own
host, https.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from bounceclass.payload import Record, records
from bounceclass.signing import decoded, is_fresh
from bounceclass_ses.certificates import Certificates

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cryptography.x509 import Certificate

__all__ = ["CERTIFICATE", "WINDOW", "Sns", "canonical", "named"]

WINDOW: Final = timedelta(hours=1, minutes=5)
"""SNS gives up after an hour at most."""
CERTIFICATE: Final = re.compile(r"https://sns\.[a-z]{2}(?:-[a-z]+)+-\d\.amazonaws\.com(?:\.cn)?/SimpleNotificationService-[A-Za-z0-9]{1,128}\.pem")
_NOTIFICATION: Final = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION: Final = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_FIELDS: Final = {"Notification": _NOTIFICATION, "SubscriptionConfirmation": _CONFIRMATION, "UnsubscribeConfirmation": _CONFIRMATION}
_HASHES: Final[dict[str, Callable[[], Any]]] = {"1": hashes.SHA1, "2": hashes.SHA256}


class Sns:
    """Verifies, with the certificates that were fetched."""

    def __init__(self, get: Callable[[str], bytes] | None = None) -> None:
        """Keep how a certificate is fetched from an address that was checked: see `Certificates`."""
        self._certificates = Certificates(get)

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...], now: datetime) -> bool:
        """Tell whether a message is signed by SNS, fresh, and of a topic that the secrets name; raises Retry without its certificate."""
        del headers  # SNS's headers repeat some fields, and are not signed
        message = _message(body)
        url = str(message.raw("SigningCertURL"))
        if message.raw("TopicArn") not in secrets or not is_fresh(message.raw("Timestamp"), now, WINDOW) or not CERTIFICATE.fullmatch(url):
            return False
        signed, signature = canonical(message), decoded(message.text("Signature") or "")
        made = _HASHES.get(str(message.raw("SignatureVersion")))
        if signed is None or signature is None or made is None:
            return False
        certificate = self._certificates.certificate(url, now)
        return certificate is not None and _is_signed(certificate, signature, signed, made(), now)


def _is_signed(certificate: Certificate, signature: bytes, signed: bytes, digest: Any, now: datetime) -> bool:  # noqa: ANN401  a hash
    key = certificate.public_key()
    moment = now.astimezone(UTC)
    if not isinstance(key, RSAPublicKey) or not certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc:
        return False
    try:
        key.verify(signature, signed, padding.PKCS1v15(), digest)
    except InvalidSignature:
        return False
    return True


def canonical(message: Record) -> bytes | None:
    """Return the fields that are signed, as SNS orders them; None for a type that isn't SNS's."""
    lines = []
    for name in _FIELDS.get(str(message.raw("Type")), ()):
        value = message.raw(name)
        if isinstance(value, str):
            lines.append(f"{name}\n{value}\n")
        elif name != "Subject":
            return None
    return "".join(lines).encode("utf-8", "surrogatepass") if lines else None


def named(headers: Mapping[str, str], body: bytes) -> str | None:
    """Return SNS's name of a message, the same when it is sent again."""
    del headers
    return _message(body).text("MessageId")


def _message(body: bytes) -> Record:
    found = records(body)
    return found[0][0] if found is not None and len(found[0]) == 1 else Record(None)
