"""What is known about domains: our own look-up of whether one takes mail, and whose mail host is whose.

    mail           an MX host, or the domain itself, has an address
    null-mx        it says that it takes none (RFC 7505)
    nxdomain       it does not exist
    no-mail-host   it exists, and no host of it has an address
    unknown        SERVFAIL, a timeout, resolvers that disagree: no evidence of anything

Asking DNS needs dnspython, the extra `trust`.
"""

from __future__ import annotations

import ipaddress
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.addresses import comparable
from bounceclass.errors import MissingExtraError, SettingsError
from bounceclass.packs import Finder, Pack, load, our_paths

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dns.resolver import Resolver

__all__ = ["DomainFacts", "DomainState", "check_domain", "known_providers", "open_resolvers", "organisation", "provider_of"]

_FEWEST: Final = 2
_MOST_HOSTS: Final = 20


class DomainState(StrEnum):
    """Whether a domain takes mail; the module's docstring says what each means."""

    MAIL = "mail"
    NULL_MX = "null-mx"
    NXDOMAIN = "nxdomain"
    NO_MAIL_HOST = "no-mail-host"
    UNKNOWN = "unknown"


class DomainFacts(msgspec.Struct, frozen=True):
    """What our resolvers say; `hosts` are the mail hosts, in lower case, the most preferred first."""

    state: DomainState
    hosts: tuple[str, ...] = ()


def open_resolvers(servers: Sequence[str] = (), *, seconds: float = 5.0) -> list[Resolver]:
    """Return one resolver for each name server, by default those of this machine; a question to one takes at most `seconds`.

    A server is an IP address, `192.0.2.53` or `2001:db8::53`. Raises SettingsError for one that is none, and
    MissingExtraError where dnspython is absent.
    """
    try:
        from dns.resolver import NoResolverConfiguration, Resolver  # noqa: PLC0415  an extra
    except ImportError as error:
        what = "dnspython"
        raise MissingExtraError(what, "trust") from error
    try:
        found = [str(ipaddress.ip_address(server)) for server in servers] or [str(server) for server in Resolver().nameservers]
    except (ValueError, NoResolverConfiguration) as error:
        msg = f"resolvers: {error}"
        raise SettingsError(msg) from error
    return [_resolver(server, seconds) for server in found]


def _resolver(server: str, seconds: float) -> Resolver:
    from dns.resolver import Resolver  # noqa: PLC0415  as above

    resolver = Resolver(configure=False)
    resolver.nameservers = [server]
    resolver.lifetime = seconds
    return resolver


def check_domain(domain: str, resolvers: Sequence[Resolver]) -> DomainFacts:
    """Ask every resolver whether a domain takes mail. Never raises; with fewer than two of them all is unknown.

    One that finds a mail host outweighs the others: then the domain lives.
    """
    if len(resolvers) < _FEWEST:
        return DomainFacts(DomainState.UNKNOWN)
    said = [_ask(domain, resolver) for resolver in resolvers]
    living = next((one for one in said if one.state is DomainState.MAIL), None)
    if living is not None:
        hosts = dict.fromkeys(host for one in said for host in one.hosts)
        return DomainFacts(DomainState.MAIL, tuple(hosts))
    return said[0] if len({one.state for one in said}) == 1 else DomainFacts(DomainState.UNKNOWN)


def _ask(domain: str, resolver: Resolver) -> DomainFacts:
    """Follow RFC 5321 5.1: the MX hosts, else the domain itself."""
    from dns.exception import DNSException  # noqa: PLC0415  as above
    from dns.resolver import NXDOMAIN, NoAnswer  # noqa: PLC0415

    try:
        answer = resolver.resolve(_absolute(domain), "MX", search=False)
        hosts = [str(one.exchange).lower().rstrip(".") for one in sorted(answer, key=lambda one: one.preference)]
    except NXDOMAIN:
        return DomainFacts(DomainState.NXDOMAIN)
    except NoAnswer:
        hosts = [_absolute(domain).rstrip(".")]
    except (DNSException, OSError, ValueError):
        return DomainFacts(DomainState.UNKNOWN)
    named = tuple(host for host in hosts if host)[:_MOST_HOSTS]
    if not named:
        return DomainFacts(DomainState.NULL_MX)
    found = [_has_address(host, resolver) for host in named]
    if any(found):
        return DomainFacts(DomainState.MAIL, named)
    return DomainFacts(DomainState.UNKNOWN if None in found else DomainState.NO_MAIL_HOST, named)


def _has_address(host: str, resolver: Resolver) -> bool | None:
    """Tell whether a host has an address that isn't its own loopback; None where that isn't known."""
    from dns.exception import DNSException  # noqa: PLC0415  as above
    from dns.resolver import NXDOMAIN, NoAnswer  # noqa: PLC0415

    known = True
    for kind in ("A", "AAAA"):
        try:
            addresses = [ipaddress.ip_address(one.address) for one in resolver.resolve(f"{host}.", kind, search=False)]
        except NXDOMAIN:
            return False
        except NoAnswer:
            continue
        except (DNSException, OSError, ValueError):
            known = False
            continue
        if not all(one.is_loopback or one.is_unspecified for one in addresses):
            return True
    return False if known else None


def _absolute(domain: str) -> str:
    return f"{comparable(f'@{domain}')[1:]}."


@cache
def _known() -> Finder:
    named = load(next(path for path in our_paths() if path.name == "providers.toml"), examples=False)
    return Finder((Pack(name=named.name, providers=named.providers),))


def provider_of(hosts: Iterable[str | None], domain: str | None = None) -> str | None:
    """Name the large provider that a mail host or a domain belongs to; None where it is none that we know."""
    return _known().provider(hosts, domain.lower() if domain else None, "")


@cache
def known_providers() -> frozenset[str]:
    """Return the names of the large providers that we know."""
    return frozenset(_known().providers)


# Under a country's two letters, these are no organisation's name: example.co.uk.
_SECOND_LEVEL: Final = frozenset({"ac", "co", "com", "edu", "go", "gob", "gov", "ltd", "me", "ne", "net", "or", "org", "plc"})
_COUNTRY: Final = 2


def organisation(host: str) -> str:
    """Return the part of a host name that somebody registered: `example.co.uk` of `mx1.example.co.uk`. A guess: names are not looked up."""
    labels = host.lower().rstrip(".").split(".")
    is_below = len(labels) > _COUNTRY and len(labels[-1]) == _COUNTRY and labels[-2] in _SECOND_LEVEL
    return ".".join(labels[-3 if is_below else -2 :])
