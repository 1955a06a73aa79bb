"""Our own look-up, against a name server of our own on loopback."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bounceclass.domains import DomainFacts, DomainState, check_domain, open_resolvers, organisation, provider_of
from bounceclass.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dns.resolver import Resolver

ZONE = {
    ("good.example", "MX"): ["20 b.good.example.", "10 A.good.example."],
    ("a.good.example", "A"): ["192.0.2.1"],
    ("b.good.example", "AAAA"): ["2001:db8::1"],
    ("six.example", "MX"): ["10 b.good.example."],
    ("null.example", "MX"): ["0 ."],
    ("bare.example", "A"): ["192.0.2.2"],
    ("empty.example", "TXT"): ["x"],
    ("nowhere.example", "MX"): ["10 gone.example.", "20 empty.example."],
    ("half.example", "MX"): ["10 gone.example.", "20 a.good.example."],
    ("parked.example", "MX"): ["10 self.parked.example."],
    ("self.parked.example", "A"): ["127.0.0.1", "0.0.0.0"],  # noqa: S104  an address in a zone
    ("doubtful.example", "MX"): ["10 gone.example.", "20 mx.broken.example."],
    ("xn--80a1acny.example", "MX"): ["10 a.good.example."],
    ("junk.example", "MX"): ["0 .", "10 a.good.example."],
}


class NameServer(threading.Thread):
    """Answers over UDP what a zone has: SERVFAIL below broken.example, nothing at all below silent.example."""

    def __init__(self, zone: dict[tuple[str, str], list[str]]) -> None:
        super().__init__(daemon=True)
        self.zone = zone
        self.names = {name for name, _ in zone}
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.asked = 0
        self.start()

    def run(self) -> None:
        while True:
            wire, client = self.socket.recvfrom(4096)
            if not wire:
                break
            self.asked += 1
            answer = self.answer(dns.message.from_wire(wire))
            if answer:
                self.socket.sendto(answer, client)
        self.socket.close()

    def answer(self, query: dns.message.Message) -> bytes | None:
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True).lower(), question.rdtype.name
        response = dns.message.make_response(query, recursion_available=True)
        if name.endswith("silent.example"):
            return None
        if name.endswith("broken.example"):
            response.set_rcode(dns.rcode.SERVFAIL)
        elif (name, kind) in self.zone:
            response.answer.append(dns.rrset.from_text_list(question.name, 60, "IN", kind, self.zone[name, kind]))
        elif name not in self.names:
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response.to_wire()

    def resolver(self) -> Resolver:
        (found,) = open_resolvers(["127.0.0.1"], seconds=0.5)
        found.port = self.socket.getsockname()[1]
        return found

    def stop(self) -> None:
        self.socket.sendto(b"", self.socket.getsockname())
        self.join()


@pytest.fixture(scope="module")
def servers() -> Iterator[list[NameServer]]:
    """One that knows the zone, and one that knows less of it: no names at all but good.example's."""
    started = [NameServer(ZONE), NameServer({key: found for key, found in ZONE.items() if "good" in key[0]})]
    yield started
    for server in started:
        server.stop()


A, B = "a.good.example", "b.good.example"
STATES = [
    ("good.example", "mail", (A, B)),
    ("GOOD.example.", "mail", (A, B)),
    ("six.example", "mail", (B,)),
    ("half.example", "mail", ("gone.example", A)),
    ("bare.example", "mail", ("bare.example",)),
    ("почта.example", "mail", (A,)),
    ("junk.example", "mail", (A,)),
    ("null.example", "null-mx", ()),
    ("gone.example", "nxdomain", ()),
    ("empty.example", "no-mail-host", ("empty.example",)),
    ("nowhere.example", "no-mail-host", ("gone.example", "empty.example")),
    ("parked.example", "no-mail-host", ("self.parked.example",)),
    ("broken.example", "unknown", ()),
    ("silent.example", "unknown", ()),
    ("doubtful.example", "unknown", ("gone.example", "mx.broken.example")),
    ("a..example", "unknown", ()),
    ("x" * 64 + ".example", "unknown", ()),
    ("\ud800.example", "unknown", ()),
]


@pytest.mark.parametrize(("domain", "state", "hosts"), STATES)
def test_two_resolvers_tell_whether_a_domain_takes_mail(servers: list[NameServer], domain: str, state: str, hosts: tuple[str, ...]) -> None:
    found = check_domain(domain, [servers[0].resolver(), servers[0].resolver()])
    expected = hosts if state != "unknown" else ()
    assert (found.state, found.hosts if state != "unknown" else ()) == (state, expected)


@pytest.mark.parametrize(
    ("domain", "state"),
    [
        ("good.example", "mail"),
        ("six.example", "mail"),
        ("gone.example", "nxdomain"),
        ("null.example", "unknown"),
        ("empty.example", "unknown"),
    ],
)
def test_resolvers_that_disagree_are_no_evidence_unless_one_finds_a_mail_host(servers: list[NameServer], domain: str, state: str) -> None:
    assert check_domain(domain, [server.resolver() for server in servers]).state == state


def test_both_are_asked_and_one_alone_is_no_evidence(servers: list[NameServer]) -> None:
    before = [server.asked for server in servers]
    check_domain("gone.example", [server.resolver() for server in servers])
    assert [server.asked - old for server, old in zip(servers, before, strict=True)] == [1, 1]
    assert check_domain("gone.example", [servers[0].resolver()]) == DomainFacts(DomainState.UNKNOWN)


def test_a_silent_name_server_costs_no_more_than_its_seconds(servers: list[NameServer]) -> None:
    start = time.monotonic()
    check_domain("silent.example", [servers[0].resolver(), servers[0].resolver()])
    assert time.monotonic() - start < 3


@given(st.text(max_size=80))
@settings(max_examples=20, deadline=None)
def test_no_domain_makes_it_raise(domain: str) -> None:
    (resolver,) = open_resolvers(["127.0.0.1"], seconds=0.001)
    resolver.port = 9
    assert check_domain(domain, [resolver, resolver]).state is DomainState.UNKNOWN


@pytest.mark.parametrize("server", ["mx.example.com", "192.0.2.256", ""])
def test_a_resolver_is_an_address(server: str) -> None:
    with pytest.raises(SettingsError, match="resolvers"):
        open_resolvers([server])


def test_resolvers_ask_one_server_each() -> None:
    assert [resolver.nameservers for resolver in open_resolvers(["192.0.2.53", "2001:db8::53"])] == [["192.0.2.53"], ["2001:db8::53"]]


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("mx1.mail.example.com", "example.com"),
        ("MX1.Example.CO.UK.", "example.co.uk"),
        ("example.co.uk", "example.co.uk"),
        ("co.uk", "co.uk"),
        ("mx.example.de", "example.de"),
        ("a.mx.com.de", "mx.com.de"),
        ("localhost", "localhost"),
        ("", ""),
    ],
)
def test_an_organisation_is_what_somebody_registered(host: str, name: str) -> None:
    assert organisation(host) == name


@pytest.mark.parametrize(
    ("hosts", "domain", "name"),
    [
        (["aspmx.l.google.com"], "example.net", "google"),
        ([None, "mx.example.net"], "GMail.com", "google"),
        ([], "example.net", None),
        (["mx.example.net"], None, None),
    ],
)
def test_a_large_provider_is_known_by_host_or_domain(hosts: list[str | None], domain: str | None, name: str | None) -> None:
    assert provider_of(hosts, domain) == name


def test_deciding_needs_no_dnspython() -> None:
    code = "import sys; sys.modules['dns'] = None; from bounceclass import incident, policy; from bounceclass.domains import open_resolvers\ntry: open_resolvers()\nexcept Exception as error: print(error)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603  our own code
    assert done.stdout == "dnspython is not installed: pip install 'bounceclass[trust]'\n"
