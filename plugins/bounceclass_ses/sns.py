"""SNS signatures, versions 1 (SHA-1) and 2 (SHA-256), over chosen fields of a message.

    {"Type": "Notification", "MessageId": "...", "TopicArn": "arn:aws:sns:eu-west-1:123456789012:bounces", "Message": "{...}",
     "Timestamp": "2026-03-09T12:00:00.000Z", "SignatureVersion": "2", "Signature": "...",
     "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-....pem"}

The certificate's address is checked before anything is fetched, for whoever posts writes it: SNS's own
host, https, no redirect, at most 16 kB, kept once fetched.
"""

from __future__ import annotations

import re
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import load_pem_x509_certificate

from bounceclass.payload import Record, records
from bounceclass.signing import decoded, is_fresh

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cryptography.x509 import Certificate

__all__ = ["CERTIFICATE", "WINDOW", "Sns", "canonical", "fetch", "named"]

WINDOW: Final = timedelta(hours=1, minutes=5)
"""SNS gives up after an hour at most."""
CERTIFICATE: Final = re.compile(r"https://sns\.[a-z]{2}(?:-[a-z]+)+-\d\.amazonaws\.com(?:\.cn)?/SimpleNotificationService-[A-Za-z0-9]{1,128}\.pem")
_NOTIFICATION: Final = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_CONFIRMATION: Final = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_FIELDS: Final = {"Notification": _NOTIFICATION, "SubscriptionConfirmation": _CONFIRMATION, "UnsubscribeConfirmation": _CONFIRMATION}
_HASHES: Final[dict[str, Callable[[], Any]]] = {"1": hashes.SHA1, "2": hashes.SHA256}
_LARGEST: Final = 16_384
_SECONDS: Final = 5.0
_KEPT: Final = 16
_PAUSE: Final = timedelta(minutes=1)


class Sns:
    """Verifies, with the certificates that were fetched."""

    def __init__(self, get: Callable[[str], bytes] | None = None) -> None:
        """Keep how a certificate is fetched from an address that was checked."""
        self._get = get or fetch
        self._lock = threading.Lock()
        self._known: dict[str, Certificate] = {}
        self._missed: dict[str, datetime] = {}

    def verify(self, headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...], now: datetime) -> bool:
        """Tell whether a message is signed by SNS, fresh, and of a topic that the secrets name."""
        del headers  # SNS's headers repeat some fields, and are not signed
        message = _message(body)
        url = str(message.raw("SigningCertURL"))
        if message.raw("TopicArn") not in secrets or not is_fresh(message.raw("Timestamp"), now, WINDOW) or not CERTIFICATE.fullmatch(url):
            return False
        signed, signature = canonical(message), decoded(message.text("Signature") or "")
        made = _HASHES.get(str(message.raw("SignatureVersion")))
        if signed is None or signature is None or made is None:
            return False
        certificate = self._certificate(url, now)
        return certificate is not None and _is_signed(certificate, signature, signed, made(), now)

    def _certificate(self, url: str, now: datetime) -> Certificate | None:
        with self._lock:
            if url in self._known:
                return self._known[url]
            if url in self._missed and now - self._missed[url] < _PAUSE:
                return None
        try:
            found = load_pem_x509_certificate(self._get(url))
        except (OSError, ValueError):
            found = None
        with self._lock:
            kept: dict[str, Any] = self._known if found is not None else self._missed
            while len(kept) >= _KEPT:
                del kept[next(iter(kept))]
            kept[url] = found if found is not None else now
        return found


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


def fetch(url: str) -> bytes:
    """Fetch a certificate; raises OSError where it can't be had."""
    import httpx  # noqa: PLC0415  for who listens only

    try:
        with httpx.stream("GET", url, timeout=_SECONDS, follow_redirects=False) as answer:
            if answer.status_code != 200:  # noqa: PLR2004  RFC 9110
                msg = f"answered {answer.status_code}"
                raise OSError(msg)
            data = b""
            for chunk in answer.iter_bytes():
                data += chunk
                if len(data) > _LARGEST:
                    msg = "the certificate is too large"
                    raise OSError(msg)
            return data
    except httpx.HTTPError as error:
        raise OSError(str(error)) from error
