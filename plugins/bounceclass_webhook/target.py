"""The URL that is posted to, taken apart once: what is odd about it is a fault of the settings, and no second parser sees it."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.errors import SettingsError
from bounceclass_webhook.outside import is_open

if TYPE_CHECKING:
    from bounceclass_webhook.outside import Network

__all__ = ["Target", "parse"]

_LABEL: Final = r"[0-9A-Za-z](?:[0-9A-Za-z-]{0,61}[0-9A-Za-z])?"
_URL: Final = re.compile(rf"(https?)://({_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:.]+\])(?::([0-9]{{1,5}}))?(/[!-~]*)?")
_LONGEST: Final = 253
"""Octets of a name: RFC 1035, 2.3.4, without the dots of the wire."""
_WELL_KNOWN: Final = {"https": 443, "http": 80}
_FREE: Final = 1024


class Target(msgspec.Struct, frozen=True):
    """Where a post goes. `path` has the query too, and may be secret."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def said(self) -> str:
        """How messages name it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _WELL_KNOWN[self.scheme] else f"{host}:{self.port}"

    def __repr__(self) -> str:
        """Leave out the path."""
        return f"Target({self.said})"


def parse(url: str, allowed: tuple[Network, ...], *, http: bool) -> Target:
    """Take a URL apart; raises SettingsError for one that is none, or that may not be posted to whatever DNS says."""
    if (found := _URL.fullmatch(url)) is None or any(char in url for char in "#\\") or len(found[2]) > _LONGEST:
        msg = "url: is no https: URL of a host, port, path and query alone; write a host in other letters as xn--..."
        raise SettingsError(msg)
    scheme, host, number, path = found.groups()
    if scheme == "http" and not http:
        msg = "url: is http:, which anybody on the way can read: see `allow_http`"
        raise SettingsError(msg)
    port = int(number) if number else _WELL_KNOWN[scheme]
    if not (port == _WELL_KNOWN[scheme] or _FREE <= port < 1 << 16):
        msg = f"url: port {port} is another service's: 443 (80 for http:) or one from {_FREE} to 65535"
        raise SettingsError(msg)
    target = Target(scheme, host.strip("[]").lower(), port, path or "/")
    _check_literal(target, allowed)
    return target


def _check_literal(target: Target, allowed: tuple[Network, ...]) -> None:
    try:
        address = ip_address(target.host)
    except ValueError:
        if ":" in target.host:
            msg = "url: what is in brackets is no IPv6 address"
            raise SettingsError(msg) from None
        return  # a name: DNS tells, when it is posted
    if not is_open(address, allowed):
        msg = f"url: {target.host} is an address within, which `allow` does not name"
        raise SettingsError(msg)
