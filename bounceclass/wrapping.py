"""What the way leaves on a mail and its addresses, and how it is read or taken off again.

Around an address:

    prvs=4123ABCDEF=garden-bounces@lists.example.com           BATV (draft-levine-smtp-batv)
    btv1==0123456789a==garden-bounces@lists.example.com        Barracuda's
    SRS0=HHH=TT=lists.example.com=garden-bounces@fwd.test      SRS, one forwarder
    SRS1=GGG=fwd.test==HHH=TT=lists.example.com=garden@b.test  SRS, two of them
    garden+SRS=HHH=TT=lists.example.com=garden@fwd.test        Microsoft 365's
    garden-bounces+ruth=example.net@lists.example.com          VERP, unsigned: anybody can write it

Upper and lower case read the same. On top of a mail:

    Received: from mx.example.org (mx.example.org [198.51.100.7]) by mx.example.com ...     a hop from outside
    Received: by mail.example.com (Postfix) id 233F31AD; ...                                made on that host
    Authentication-Results: mx.example.com; dkim=pass header.d=example.org                  RFC 8601
    DKIM-Signature: v=1; d=example.com; s=s1; h=from:to:message-id; ...                    RFC 6376
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING, Any, Final

from bounceclass.addresses import comparable
from bounceclass.errors import MissingExtraError
from bounceclass.judge import host_is_ours

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Network = ipaddress.IPv4Network | ipaddress.IPv6Network

__all__ = [
    "LONGEST",
    "Fields",
    "addresses_in",
    "authenticated_domains",
    "is_address",
    "is_inside",
    "require_dkim",
    "same",
    "signed_recipient",
    "unescape",
    "unwrap",
    "verp_names",
]

Fields = list[tuple[str, str]]
"""A header block: names in lower case, decoded values, in order."""

LONGEST: Final = 1000
"""Characters of an address; a longer one is none (RFC 5321 4.5.3.1.3: 256 octets of a path)."""
_ADDRESS: Final = re.compile(
    r"""(?:"(?:[^"\\\x00-\x1f\x7f]|\\[ -~])+"|[^\s@<>()\[\],;:"\\\x00-\x1f\x7f-\x9f\ud800-\udfff]+)
        @(?:[^\s@\uFE6B\uFF20<>()\[\],;:"\\\x00-\x1f\x7f-\x9f\ud800-\udfff]+|\[[0-9A-Za-z:.]+\])""",
    re.VERBOSE,
)
_LIKE_ADDRESS: Final = re.compile(r"(?<![^\s@<>()\[\],;:\"\\])[^\s@<>()\[\],;:\"\\]{1,1000}@[^\s@<>()\[\],;:\"\\]{1,255}")
_MOST: Final = 200
_ESCAPED: Final = re.compile(r"[=%+](2[BDbd]|3[Dd])(?![0-9])")
_BATV: Final = re.compile(r"(?:prvs=[0-9a-z]{4,16}[=/]|btv1==[0-9a-z]{4,64}==)(.+)", re.IGNORECASE)
_SRS0: Final = re.compile(r"(?:SRS0[-+=]|[^=]*\+SRS=)[^=]{1,64}=[^=]{1,8}=([^=]+)=(.+)", re.IGNORECASE)
_SRS1: Final = re.compile(r"SRS1[-+=][^=]{1,64}=([^=]+)=([-+=][^=].*)", re.IGNORECASE)
_DEEPEST: Final = 6


def is_address(text: str) -> bool:
    """Tell whether a text is one address (RFC 5321 4.1.2, 6531 3.3), without display name, comment or control characters."""
    return len(text) <= LONGEST and _ADDRESS.fullmatch(text) is not None


def addresses_in(text: str) -> list[str]:
    """Return everything in a header value that looks like an address, in a display name too, so that none is hidden.

    The standard library's parseaddr took the wrong one (CVE-2023-27043): `alice@example.org<bob@example.net>` has two.
    """
    return [found[0] for found, _ in zip(_LIKE_ADDRESS.finditer(text), range(_MOST), strict=False)]


def same(one: str | None, other: str | None) -> bool:
    """Tell whether two texts are the same address, both of them being one."""
    return bool(one and other and is_address(one) and is_address(other) and comparable(one) == comparable(other))


def unescape(text: str) -> str:
    """Undo what gateways make of "+", "-" and "=": `=2B`, `%2B`, and xtext's `+2B`."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)


def unwrap(address: str) -> str:
    """Return an address without BATV and SRS; as it is where there are none."""
    for _ in range(_DEEPEST if len(address) <= LONGEST else 0):
        local, _, domain = address.rpartition("@")
        if match := _BATV.fullmatch(local):
            address = f"{match[1]}@{domain}"
        elif match := _SRS1.fullmatch(local):
            address = f"SRS0{match[2]}@{match[1]}"
        elif match := _SRS0.fullmatch(local):
            address = f"{match[2]}@{match[1]}"
        else:
            break
    return address


def verp_names(address: str, recipient: str | None) -> bool | None:
    """Tell whether an unsigned VERP address names this recipient; None where it is no VERP address.

    `bounces+ruth=example.net@`, qmail's `list-return-17-ruth=example.net@` and Sympa's `bounce+ruth==example.net==list@`.
    Where the recipient begins is not said, so any place after a separator is tried.
    """
    local = unescape(unwrap(address[:LONGEST])).rpartition("@")[0]
    head, mark, _ = local.rpartition("==")
    if mark and "==" in head:  # Sympa names the list behind it
        local = head
    name, mark, domain = local.rpartition("=")
    starts = [at for at, char in enumerate(name[:-1], 1) if char in "-+="]
    if not mark or "." not in domain or not starts:
        return None
    name = name.removesuffix("=")
    return any(same(f"{name[start:]}@{domain}", recipient) for start in starts[:64])


_HOP: Final = re.compile(r"from (.{1,1000}?) (?:id [^ ]+ )?by ([^ ;()]+)(.*)", re.IGNORECASE)
_HERE: Final = re.compile(r"by ([^ ;()]+)", re.IGNORECASE)
_IP: Final = re.compile(r"\[([^\]\s]{1,60})\]|\(([0-9]{1,3}(?:\.[0-9]{1,3}){3})\)")
_LOCAL_USER: Final = re.compile(r"(?:Debian-exim|exim4?|mail|mailnull|MAILER-DAEMON|localhost \(localhost\))", re.IGNORECASE)
"""Exim's run-time users, dma, Sendmail."""
_OVER_NETWORK: Final = re.compile(r"\bwith (?:utf8)?(?:e?smtp|lmtp|http)", re.IGNORECASE)
_NAMELESS: Final = re.compile(r"\(qmail \d{1,10} invoked for bounce\)|\(Haraka outbound\)")
_RECEIVED: Final = 2000
"""Characters of a Received line that are looked at."""


def is_inside(received: str, own_hosts: Sequence[str], own_networks: Sequence[Network]) -> bool:
    """Tell whether a Received line is of a host of ours, and not about a hop from outside.

    A mail that an MTA makes itself enters without `from`, or from a user of its own; one that came in
    over the network always carries the line of our MX, with an IP address in it. Names prove nothing: a client says its own.
    """
    line = _one_line(received)
    hop = _HOP.match(line)
    if hop is None:
        here = _HERE.match(line)
        made = here is not None and "from userid" not in line and host_is_ours(here[1], own_hosts)
        return made or _NAMELESS.fullmatch(line) is not None
    source, host, rest = hop.groups()
    if not host_is_ours(host, own_hosts):
        return False
    addresses = [bracketed or bare for bracketed, bare in _IP.findall(source)]
    if addresses:
        return all(_is_own_ip(address, own_networks) for address in addresses)
    return _LOCAL_USER.fullmatch(source) is not None and _OVER_NETWORK.search(rest) is None


def _one_line(received: str) -> str:
    return " ".join(received[:_RECEIVED].partition(";")[0].split())


def _is_own_ip(text: str, own_networks: Sequence[Network]) -> bool:
    if text.lower() == "local":  # OpenSMTPD
        return True
    try:
        address = ipaddress.ip_address(text.lower().removeprefix("ipv6:"))
    except ValueError:
        return False
    return address.is_loopback or any(address in network for network in own_networks)


def _host(received: str) -> str | None:
    """Return which host a Received line is of."""
    line = _one_line(received)
    hop = _HOP.match(line)
    here = None if hop else _HERE.match(line)
    return hop[2] if hop else here[1] if here else None


_PROPERTIES: Final = {"dkim": ("header.d", "header.i"), "spf": ("smtp.mailfrom",), "dmarc": ("header.from",)}
_PIECE: Final = re.compile(r"\\.|[()\"]|[^\\()\"]+", re.DOTALL)


def authenticated_domains(fields: Fields, authserv_ids: Sequence[str], own_hosts: Sequence[str]) -> set[str]:
    """Return the domains that our MX proved by DKIM, SPF or DMARC.

    Of several fields about one method the topmost counts, and none from below our own hops: those came with the mail.
    """
    ours = {name.lower() for name in authserv_ids}
    proved: dict[str, set[str]] = {}
    for name, value in fields:
        if name == "received" and not host_is_ours(_host(value), own_hosts):
            break
        host, passed = _results(value) if name == "authentication-results" else ("", {})
        if host in ours:
            proved = passed | proved
    return set().union(*proved.values())


def _results(value: str) -> tuple[str, dict[str, set[str]]]:
    """Return who wrote an Authentication-Results field (RFC 8601 2.2), and for each method the domains that passed."""
    text = _bare(value)
    if text is None:
        return "", {}
    head, *parts = "=".join(piece.strip() for piece in text.lower().split("=")).split(";")
    passed: dict[str, set[str]] = {}
    for part in parts:
        method, *properties = part.split() or [""]
        name, _, result = method.partition("=")
        name = name.partition("/")[0]
        if name in _PROPERTIES:
            stated = dict(one.partition("=")[::2] for one in reversed(properties))
            domains = {stated[key].rpartition("@")[2] for key in _PROPERTIES[name] if stated.get(key)} if result == "pass" else set()
            passed.setdefault(name, set()).update(domains)
    return (head.split() or [""])[0], passed


def _bare(value: str) -> str | None:
    """Return a structured field without comments, and a NUL for each quoted string: both may hold what a stranger wrote. None where one never ends."""
    kept: list[str] = []
    depth, quoted = 0, False
    for piece in _PIECE.findall(value):
        if quoted or (piece == '"' and not depth):
            quoted = not quoted if piece == '"' else quoted
            kept.append("\0")
        elif piece in {"(", ")"}:
            depth += 1 if piece == "(" else -1
            kept.append(" ")
        elif not depth:
            kept.append(piece)
        if depth < 0:
            return None
    return None if depth or quoted else "".join(kept)


_SIGNATURES: Final = 5
_COVERED: Final = 200
_LONG_SIGNATURE: Final = 8192
_BLANKS: Final = re.compile(rb"\s{40}")


def require_dkim() -> None:
    """Raise MissingExtraError where dkimpy is not installed."""
    try:
        import dkim  # noqa: F401, PLC0415  an extra
    except ImportError as error:
        what = "dkim_keys"
        raise MissingExtraError(what, "trust") from error


def signed_recipient(block: bytes, keys: Mapping[str, str]) -> str | None:
    """Return the one address of the one To of a header block, if a signature by one of the keys covers it.

    The body is left out: reports cut it, and it says nothing about whom we mailed.
    """
    import dkim  # noqa: PLC0415  an extra

    def published(name: bytes, timeout: int = 5) -> bytes:  # noqa: ARG001  dkimpy's signature
        return keys.get(name.decode("ascii", "replace").rstrip(".").lower(), "").encode()

    if b"dkim-signature" not in block.lower():
        return None
    try:
        mail = dkim.DKIM(block + b"\r\n", minkey=1024)
        to = [value for name, value in mail.headers if name.lower() == b"to"]
        named = addresses_in(to[0].decode("utf-8", "replace")) if len(to) == 1 else []
        if len(named) == 1 and to[0].count(b"@") == 1 and any(_covers_to(mail, index, published) for index in range(_SIGNATURES)):
            return named[0]
    except Exception:  # noqa: BLE001  dkimpy raises what it likes on what it can't read
        return None
    return None


def _covers_to(mail: Any, index: int, published: Callable[..., bytes]) -> bool:  # noqa: ANN401  dkimpy has no types
    prepared = mail.verify_headerprep(index)
    if not prepared:
        return False
    signature, covered, headers = prepared
    if len(covered) > _COVERED or len(headers[index][1]) > _LONG_SIGNATURE or _BLANKS.search(headers[index][1]):
        return False
    return b"to" in covered and bool(mail.verify_sig({key: value for key, value in signature.items() if key != b"bh"}, covered, headers[index], published))
