"""Whether a post is the ESP's: signatures and passwords, compared in constant time. Pure, and nothing here raises.

    keyed        HMAC of what the ESP signs, in hex or base64, by any of the secrets
    svix         Standard Webhooks: HMAC-SHA256 of id, time and body, keys `whsec_...`
    password     for those that sign nothing: `user:password` by basic auth, or a token in a header
    is_fresh     whether a time is within a window round now

Several secrets may hold at once, while one replaces another.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from bounceclass.payload import as_moment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

__all__ = ["AHEAD", "SVIX_WINDOW", "decoded", "is_fresh", "keyed", "password", "svix"]

AHEAD: Final = timedelta(minutes=5)
"""How far the ESP's clock may be ahead of ours."""
SVIX_WINDOW: Final = timedelta(minutes=5)
"""What svix signs anew for each attempt, so retries are fresh."""


def keyed(signed: bytes, signature: str, secrets: tuple[str, ...], *, digest: str = "sha256", encoding: str = "hex") -> bool:
    """Tell whether a signature is the HMAC of what was signed, by one of the secrets. All are tried, whichever it is."""
    given = _hex(signature) if encoding == "hex" else decoded(signature)
    made = [hmac.digest(_utf8(secret), signed, digest) for secret in secrets if secret]
    return given is not None and any([hmac.compare_digest(given, one) for one in made])  # noqa: C419  a list: no early end


def svix(headers: Mapping[str, str], body: bytes, secrets: tuple[str, ...], now: datetime) -> bool:
    """Tell whether a post is signed as svix and Standard Webhooks do, under either's names of the headers."""
    name = "svix" if "svix-signature" in headers else "webhook"
    given, stamp, list_ = (headers.get(f"{name}-{part}", "") for part in ("id", "timestamp", "signature"))
    if not (given and is_fresh(stamp, now, SVIX_WINDOW)):
        return False
    signed = f"{given}.{stamp}.".encode("utf-8", "surrogateescape") + body
    keys = [key for secret in secrets if (key := decoded(secret.removeprefix("whsec_"))) is not None and key]
    made = [hmac.digest(key, signed, "sha256") for key in keys]
    offered = [decoded(one[3:]) for one in list_.split(" ")[:16] if one.startswith("v1,")]
    return any([hmac.compare_digest(one or b"", mac) for mac in made for one in offered])  # noqa: C419  as above


def password(headers: Mapping[str, str], secrets: tuple[str, ...], header: str | None = None) -> bool:
    """Tell whether a post brings one of the secrets: by basic auth (`user:password`), as bearer, or in a header."""
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    given = {"basic": decoded(rest), "bearer": _utf8(rest.strip())}.get(scheme.lower())
    if header is not None and given is None:
        given = _utf8(headers.get(header.lower(), ""))
    return any([hmac.compare_digest(given or b"", _utf8(secret)) for secret in secrets if secret])  # noqa: C419  as above


def is_fresh(stamp: object, now: datetime, window: timedelta) -> bool:
    """Tell whether a time, as ESPs write it, lies within the window before now, or a little ahead."""
    when = as_moment(stamp)
    return when is not None and -AHEAD <= now - when <= window


def decoded(text: str) -> bytes | None:
    """Return what base64 says, None where it is none."""
    try:
        return base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None


def _hex(text: str) -> bytes | None:
    try:
        return bytes.fromhex(text.strip())
    except ValueError:
        return None


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
