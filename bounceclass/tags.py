"""Tags: who was mailed, under a secret of ours, small enough for an address.

    garden-bounces+eqagu...7a@lists.example.com
                   |
                   one run of base32 in lower case (RFC 4648 6, without padding):

    form and key     1 octet     3 bits: 1 the recipient itself, 2 a fingerprint of it; 5 bits: id of the key
    day of issue     2 octets    since 2020-01-01
    signature       10 octets    HMAC-SHA256, truncated to 80 bits
    recipient        the rest    comparable form; behind a NUL the stream (list), where there is one

Letters and digits only, so that it survives folding of case and rewriting of `+`, `-` and `=`. What
is signed is always the whole recipient and stream, also where only their fingerprint is written.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from bounceclass.addresses import comparable
from bounceclass.errors import SettingsError
from bounceclass.secret import read_secret
from bounceclass.wrapping import is_address, unescape

if TYPE_CHECKING:
    from bounceclass.settings import KeySource

__all__ = ["EPOCH", "Addressee", "Key", "Lookup", "Proof", "find_tags", "fingerprint", "make_tag", "read_keys", "tagged", "verify_tag"]

EPOCH: Final = date(2020, 1, 1)
SHORTEST_SECRET: Final = 16
"""Octets of a key's secret."""
_WHOLE, _FINGERPRINT = 1, 2
_HEAD: Final = 3
_SIGNATURE: Final = 10
_PRINT: Final = 8
_LOCAL_PART: Final = 64
_SPOKEN: Final = b"bounceclass tag 1\0"
_TAG: Final = re.compile(r"(?<![A-Za-z0-9])[E-Le-l][A-Za-z2-7]{22,63}(?![A-Za-z0-9])")
_MOST: Final = 200


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """A secret of ours and its number, 0 to 31. Raises SettingsError where one of them does not fit."""

    id: int
    secret: bytes

    def __post_init__(self) -> None:
        """Refuse what can't be written, and what can be guessed."""
        if not 0 <= self.id < 32:  # noqa: PLR2004  five bits
            msg = f"a key's id is {self.id}, not within 0..31"
            raise SettingsError(msg)
        if len(self.secret) < SHORTEST_SECRET:
            msg = f"the secret of key {self.id} is shorter than {SHORTEST_SECRET} octets"
            raise SettingsError(msg)

    def __repr__(self) -> str:
        """Keep the secret out of logs."""
        return f"Key(id={self.id})"


class Addressee(msgspec.Struct, frozen=True):
    """Who was mailed, on which list or stream."""

    recipient: str
    stream: str | None = None


Lookup = Callable[[str], Addressee | None]
"""From a fingerprint to who it is of: an index over `fingerprint(recipient, stream)` that the caller keeps."""


class Proof(msgspec.Struct, frozen=True):
    """What a tag says, and what is wrong with it: null where it is valid. Nobody is named where the signature is not ours."""

    fault: Literal["malformed", "unknown-key", "unknown-recipient", "forged", "from-the-future", "expired"] | None
    addressee: Addressee | None = None
    issued: date | None = None
    key: int | None = None


def fingerprint(recipient: str, stream: str | None = None) -> str:
    """Return what stands in a tag for a recipient that is too long for it: 13 letters and digits."""
    return _spell(_print(_content(recipient, stream)))


def make_tag(recipient: str, key: Key, issued: date, *, stream: str | None = None, room: int = _LOCAL_PART) -> str:
    """Return a tag of at most `room` characters; raises ValueError where the recipient is no address, or nothing fits.

    The recipient itself stands in it if there is room, else its fingerprint.
    """
    if not is_address(recipient) or not is_address(comparable(recipient)):
        msg = f"{recipient!r} is no address"
        raise ValueError(msg)
    if stream is not None and (not stream or not stream.isprintable()):
        msg = f"{stream!r} is no name of a list"
        raise ValueError(msg)
    content = _content(recipient, stream)
    days = (issued - EPOCH).days
    if not 0 <= days < 1 << 16:
        msg = f"{issued} can't be written in a tag"
        raise ValueError(msg)
    for form, rest in ((_WHOLE, content), (_FINGERPRINT, _print(content))):
        head = bytes([form << 5 | key.id]) + days.to_bytes(2, "big")
        tag = _spell(head + _sign(key, head, content) + rest)
        if len(tag) <= min(room, _LOCAL_PART):  # wherever it stands: a longer one is never looked for
            return tag
    msg = f"a tag has {len(tag)} characters, and there is room for {room}"
    raise ValueError(msg)


def tagged(address: str, recipient: str, key: Key, issued: date, *, stream: str | None = None, separator: str = "+", longest: int = _LOCAL_PART) -> str:  # noqa: PLR0913  what a tag is made of
    """Return a return path of ours with the recipient's tag, its local part within `longest` octets (RFC 5321 4.5.3.1.1).

    Raises ValueError as `make_tag` does, and where `address` is none.
    """
    local, _, domain = address.rpartition("@")
    if not is_address(address) or separator not in {"+", "-", "="}:
        msg = f"{address!r} with {separator!r} can't take a tag"
        raise ValueError(msg)
    room = longest - len(local.encode()) - len(separator)
    return f"{local}{separator}{make_tag(recipient, key, issued, stream=stream, room=room)}@{domain}"


def find_tags(text: str) -> Iterator[str]:
    """Yield what may be tags in an address, a header value or an ENVID, also where it was mangled on the way."""
    for match, _ in zip(_TAG.finditer(unescape(text)), range(_MOST), strict=False):
        yield match[0]


def verify_tag(tag: str, keys: Sequence[Key], now: date, *, days: int, lookup: Lookup | None = None) -> Proof:
    """Tell whether a tag is ours, and whom it names. Never raises.

    It holds for `days` after its issue; one of tomorrow is taken too, for clocks differ.
    """
    raw = _read(tag)
    if raw is None:
        return Proof("malformed")
    head, signature, rest = raw[:_HEAD], raw[_HEAD : _HEAD + _SIGNATURE], raw[_HEAD + _SIGNATURE :]
    form, number = head[0] >> 5, head[0] & 31
    key = next((one for one in keys if one.id == number), None)
    if key is None:
        return Proof("unknown-key")
    addressee = _addressee(rest) if form == _WHOLE else _looked_up(rest, lookup)
    if addressee is None:
        return Proof("unknown-recipient" if form == _FINGERPRINT else "malformed")
    content = rest if form == _WHOLE else _content(addressee.recipient, addressee.stream)
    if not hmac.compare_digest(_sign(key, head, content), signature):
        return Proof("forged")
    issued = EPOCH + timedelta(days=int.from_bytes(head[1:], "big"))
    age = (now - issued).days
    return Proof("from-the-future" if age < -1 else "expired" if age > days else None, addressee, issued, number)


def _content(recipient: str, stream: str | None) -> bytes:
    return comparable(recipient).encode() + (b"" if stream is None else b"\0" + stream.encode())


def _print(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()[:_PRINT]


def _sign(key: Key, head: bytes, content: bytes) -> bytes:
    return hmac.digest(key.secret, _SPOKEN + head + content, "sha256")[:_SIGNATURE]


def _spell(raw: bytes) -> str:
    return base64.b32encode(raw).decode().rstrip("=").lower()


def _read(tag: str) -> bytes | None:
    """Return the octets of a tag; None where it is none. Each has one spelling only, but for case."""
    if not _TAG.fullmatch(tag):
        return None
    try:
        raw = base64.b32decode(tag.upper() + "=" * (-len(tag) % 8))
    except (binascii.Error, ValueError):
        return None
    return raw if _spell(raw) == tag.lower() and raw[0] >> 5 in {_WHOLE, _FINGERPRINT} and len(raw) > _HEAD + _SIGNATURE else None


def _addressee(rest: bytes) -> Addressee | None:
    name, mark, stream = rest.partition(b"\0")
    try:
        recipient = name.decode()
        return Addressee(recipient, stream.decode() if mark else None) if is_address(recipient) else None
    except UnicodeDecodeError:
        return None


def _looked_up(rest: bytes, lookup: Lookup | None) -> Addressee | None:
    found = lookup(_spell(rest)) if lookup is not None and len(rest) == _PRINT else None
    return found if found is not None and is_address(found.recipient) else None


def read_keys(sources: Iterable[KeySource], environ: Mapping[str, str]) -> tuple[Key, ...]:
    """Fetch the secrets of keys from where they are; raises SettingsError where one is missing, or two have one id."""
    keys = tuple(Key(id=source.id, secret=read_secret(source, environ, f"key {source.id}")) for source in sources)
    if len({key.id for key in keys}) < len(keys):
        msg = "two keys have one id"
        raise SettingsError(msg)
    return keys
