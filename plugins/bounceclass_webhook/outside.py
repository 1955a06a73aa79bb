"""Which addresses are the public Internet's: all others are somebody's inside, and posted to only where that is allowed.

An IPv6 address that carries an IPv4 one is judged by what it carries. The tables are those of IANA
(iana-ipv4-special-registry, iana-ipv6-special-registry), for `is_global` of older Pythons does not know all of them.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import TYPE_CHECKING, Final

from bounceclass.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Address", "Network", "carried", "is_open", "networks"]

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_INSIDE_4: Final = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # RFC 791: this network
            "10.0.0.0/8",  # RFC 1918
            "100.64.0.0/10",  # RFC 6598: shared by a carrier's customers
            "127.0.0.0/8",  # RFC 1122: loopback
            "169.254.0.0/16",  # RFC 3927: link-local, and the metadata of clouds
            "172.16.0.0/12",  # RFC 1918
            "192.0.0.0/24",  # RFC 6890: protocol assignments
            "192.0.2.0/24",  # RFC 5737: documentation
            "192.88.99.0/24",  # RFC 7526: what was 6to4's relays
            "192.168.0.0/16",  # RFC 1918
            "198.18.0.0/15",  # RFC 2544: benchmarks
            "198.51.100.0/24",  # RFC 5737
            "203.0.113.0/24",  # RFC 5737
            "224.0.0.0/4",  # RFC 1112: multicast
            "240.0.0.0/4",  # RFC 1112: reserved, and 255.255.255.255
        ),
    )
)
_PUBLIC_6: Final = IPv6Network("2000::/3")
"""RFC 4291: what IANA gives out of as global unicast; all else is loopback, local, multicast or nothing yet."""
_INSIDE_6: Final = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # RFC 2928: protocol assignments, Teredo and ORCHID among them
            "2001:db8::/32",  # RFC 3849: documentation
            "3fff::/20",  # RFC 9637: documentation
        ),
    )
)
_CARRIERS: Final = ((IPv6Network("::ffff:0:0/96"), 0), (IPv6Network("64:ff9b::/96"), 0), (IPv6Network("2002::/16"), 80))
"""IPv4-mapped (RFC 4291), NAT64 (RFC 6052) and 6to4 (RFC 3056), and how many bits stand behind the address that they carry."""


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Return the networks that a setting `allow` names; raises SettingsError for what is none."""
    found = []
    for number, text in enumerate(texts):
        try:
            found.append(ip_network(text))
        except ValueError as error:
            msg = f"allow[{number}]: {text!r} is no network such as 10.0.0.0/8: {error}"
            raise SettingsError(msg) from None
    return tuple(found)


def carried(address: Address) -> Address:
    """Return the IPv4 address within an IPv6 one, where it has one, else the address itself."""
    for network, behind in _CARRIERS:
        if address in network:
            return IPv4Address(int(address) >> behind & 0xFFFFFFFF)
    return address


def is_open(address: Address, allowed: Iterable[Network] = ()) -> bool:
    """Tell whether an address is the public Internet's, or in a network that is allowed."""
    real = carried(address)
    return any(real in network for network in allowed) or _is_public(real)


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in network for network in _INSIDE_4)
    return address in _PUBLIC_6 and address.is_global and not any(address in network for network in _INSIDE_6)
