"""Posting out: to whom, and to whom never; by URLs, by what DNS says, and by settings."""

from __future__ import annotations

import os
import re
import socket
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import pytest
from bounceclass_webhook import plugin
from bounceclass_webhook.outside import is_open, networks
from bounceclass_webhook.target import parse

from bounceclass.engine import Engine
from bounceclass.errors import Retry, SettingsError
from bounceclass.settings import Settings as All
from tests.plugins.receiver import NAME, SECRET, Receiver, bounce, certified, receiving, seconds_of, settings

if TYPE_CHECKING:
    from pathlib import Path

# To whom


def test_the_certificate_host_and_sni_are_of_the_name_and_the_connection_of_the_address(dns: dict[str, list[list[str]]], tmp_path: Path) -> None:
    context, ca = certified(tmp_path)
    asked: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    dns[NAME] = [["127.0.0.1"]]
    with receiving(SECRET, context) as server:
        made: Any = plugin(settings(f"https://{NAME}:{server.port}/", allow=("127.0.0.0/8",), ca=ca))
        for key in ("k1", "k2"):
            bounce(made, key)
        made.post.close()
        assert ([(got.headers["host"], got.verified) for got in server.got], asked, server.connections) == ([(f"{NAME}:{server.port}", True)] * 2, [NAME], 1)


@pytest.mark.parametrize(("name", "trusted"), [("other.example.com", True), (NAME, False)])
def test_a_certificate_of_another_name_or_that_nobody_vouches_for_is_not_believed(name: str, trusted: bool, dns: dict[str, list[list[str]]], tmp_path: Path) -> None:  # noqa: FBT001  a column
    context, ca = certified(tmp_path, name)
    dns[NAME] = [["127.0.0.1"]]
    with receiving(SECRET, context) as server:
        made: Any = plugin(settings(f"https://{NAME}:{server.port}/", allow=("127.0.0.0/8",), ca=ca if trusted else None))
        with pytest.raises(Retry, match="SSLCertVerificationError"):
            bounce(made)
        assert server.got == []


@pytest.mark.parametrize(
    ("answer", "within"),
    [
        (["127.0.0.1"], "127.0.0.1"),
        (["8.8.8.8", "10.0.0.5"], "10.0.0.5"),  # one is enough
        (["2606:4700::1", "::1"], "::1"),
        (["169.254.169.254"], "169.254.169.254"),
        (["0.0.0.0"], "0.0.0.0"),  # noqa: S104  as DNS says it
        (["::ffff:127.0.0.1"], "::ffff:127.0.0.1"),
        (["64:ff9b::a9fe:a9fe"], "64:ff9b::a9fe:a9fe"),
        (["2002:7f00:1::"], "2002:7f00:1::"),
        (["fe80::1%eth0"], "fe80::1%eth0"),
        (["fd00:ec2::254"], "fd00:ec2::254"),
    ],
)
def test_a_name_with_an_address_within_is_not_connected_to(answer: list[str], within: str, dns: dict[str, list[list[str]]], connected: list[tuple[str, int]]) -> None:
    dns[NAME] = [answer]
    with pytest.raises(Retry, match=f"^{NAME}: {re.escape(within)} is an address within, which `allow` does not name$"):
        bounce(plugin(settings(f"https://{NAME}/")))
    assert connected == []


def test_dns_is_asked_once_and_what_was_judged_is_connected_to(dns: dict[str, list[list[str]]], connected: list[tuple[str, int]]) -> None:
    dns[NAME] = [["8.8.8.8", "2606:4700::1"], ["127.0.0.1"]]  # another answer, for who would ask again
    made: Any = plugin(settings(f"https://{NAME}/"))
    with pytest.raises(Retry, match="ConnectionRefusedError"):
        bounce(made)
    assert connected == [("8.8.8.8", 443), ("2606:4700::1", 443)]
    with pytest.raises(Retry, match=r"127\.0\.0\.1 is an address within"):
        bounce(made)
    assert len(connected) == 2


@pytest.mark.parametrize(("answer", "why"), [([], "has no address"), (None, "Name or service not known")])
def test_a_name_without_an_address_is_asked_again(answer: list[str] | None, why: str, dns: dict[str, list[list[str]]]) -> None:
    if answer is not None:
        dns[NAME] = [answer]
    with pytest.raises(Retry, match=f"^{NAME}: gaierror: {why}$"):
        bounce(plugin(settings(f"https://{NAME}/")))


def test_dns_that_hangs_holds_up_no_longer_than_the_limit(monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> None:
    def hangs(*_: Any, **__: Any) -> Any:
        receiver.stopping.wait(5)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure")

    monkeypatch.setattr("socket.getaddrinfo", hangs)
    made: Any = plugin(settings(f"https://{NAME}/", timeout=0.3))

    def send() -> None:
        with pytest.raises(Retry, match=f"^{NAME}: TimeoutError: DNS does not answer$"):
            bounce(made)

    assert 0.2 < seconds_of(send) < 4


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch, poster: Any, receiver: Receiver) -> None:
    with receiving(SECRET) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        bounce(poster)
        assert (len(receiver.got), proxy.connections) == (1, 0)


@pytest.mark.parametrize(
    ("address", "is_public"),
    [
        *((one, True) for one in ("8.8.8.8", "1.1.1.1", "172.15.0.1", "172.32.0.1", "100.63.255.255", "100.128.0.1", "223.255.255.255", "2606:4700::1", "2a00::1")),
        *((one, True) for one in ("::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1")),
        *((one, False) for one in ("0.0.0.0", "0.1.2.3", "10.1.2.3", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254", "172.16.0.1", "172.31.255.255")),  # noqa: S104  an address of the table
        *((one, False) for one in ("192.0.0.9", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1", "255.255.255.255")),
        *((one, False) for one in ("::", "::1", "::7f00:1", "fe80::1", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "ff0e::1", "100::1", "5f00::1", "4000::1")),
        *((one, False) for one in ("2001:db8::1", "2001::1", "2001:2::1", "2001:10::1", "2001:20::1", "3fff::1", "64:ff9b:1::808:808")),
        *((one, False) for one in ("::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:a9fe:a9fe", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:c0a8:101::1")),
    ],
)
def test_which_addresses_are_the_public_internet_s(address: str, is_public: bool) -> None:  # noqa: FBT001  a column
    assert is_open(ip_address(address)) is is_public


@pytest.mark.parametrize(
    ("address", "allowed", "is_let"),
    [("10.1.2.3", "10.0.0.0/8", True), ("::ffff:10.1.2.3", "10.0.0.0/8", True), ("11.1.2.3", "10.0.0.0/8", True), ("192.168.1.1", "10.0.0.0/8", False), ("fd00::1", "fd00::/8", True), ("10.0.0.1", "fd00::/8", False)],
)
def test_a_network_that_is_allowed_is_let_and_no_other(address: str, allowed: str, is_let: bool) -> None:  # noqa: FBT001  a column
    assert is_open(ip_address(address), networks([allowed])) is is_let


# Settings


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://hooks.example.com", "hooks.example.com"),
        ("https://HOOKS.example.com:443/a/b?c=d&e", "hooks.example.com"),
        ("https://hooks.example.com:8443/", "hooks.example.com:8443"),
        ("https://8.8.8.8/", "8.8.8.8"),
        ("https://[2606:4700::1]:8443/", "[2606:4700::1]:8443"),
        ("https://xn--bcher-kva.example/", "xn--bcher-kva.example"),
    ],
)
def test_a_url_of_a_public_host_is_good(url: str, said: str) -> None:
    assert parse(url, (), http=False).said == said


@pytest.mark.parametrize(
    ("url", "why"),
    [
        *((url, "is no https: URL") for url in ("", "hooks.example.com", "//hooks.example.com/", "https:///x", "https://", "https:hooks.example.com", "ftp://hooks.example.com/", "file:///etc/passwd", "gopher://a.example/")),
        *((url, "is no https: URL") for url in ("https://user@hooks.example.com/", "https://user:pw@hooks.example.com/", "https://8.8.8.8@127.0.0.1/", "https://hooks.example.com\\@127.0.0.1/", "https://hooks.example.com#@127.0.0.1/")),
        *((url, "is no https: URL") for url in ("https://hooks.example.com/a b", "https://hooks.example.com/\r\nHost: x", " https://hooks.example.com/", "https://hooks.example.com/\n", "https://hooks.example.com/\x00", "https://hooks.example.com/#x")),
        *((url, "is no https: URL") for url in ("https://hooks.example.com:/", "https://hooks.example.com:port/", "https://hooks.example.com:443443/", "https://hooks.example.com?x=/", "https://-a.example/", "https://a..example/", "https://a.example./", "https://a_b.example/")),
        *((url, "is no https: URL") for url in ("https://bücher.example/", "https://hooks。example/", "https://127.0.0.1%2f/", "https://%31%32%37.0.0.1/", f"https://{'a' * 64}.example/", f"https://{'a.' * 130}example/")),
        *((f"https://hooks.example.com:{port}/", "is another service's") for port in (0, 22, 25, 80, 444, 1023, 65536, 99999)),
        *((f"https://{host}/", "is an address within") for host in ("127.0.0.1", "10.0.0.1", "169.254.169.254", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[fd00::1]", "[64:ff9b::7f00:1]", "[::ffff:7f00:1]")),  # noqa: S104  an address of the table
        ("https://[12345::]/", "is no IPv6 address"),
        ("https://[::1::]/", "is no IPv6 address"),
        ("http://hooks.example.com/", "is http:"),
        ("HTTPS://hooks.example.com/", "is no https: URL"),
    ],
)
def test_a_url_that_is_odd_or_leads_within_is_a_fault_of_the_settings(url: str, why: str) -> None:
    with pytest.raises(SettingsError, match=f"^url: .*{why}"):
        plugin(settings(url))


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0x7f.1", "127.1", "0177.0.0.1", "localhost"])
def test_a_spelling_that_only_the_system_takes_for_an_address_is_judged_by_what_it_becomes(host: str, connected: list[tuple[str, int]]) -> None:
    with pytest.raises(Retry, match=r": (127\.0\.0\.1|::1) is an address within"):
        bounce(plugin(settings(f"https://{host}/")))
    assert connected == []


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"allow": ["10.0.0.1/8"]}, r"allow\[0\]: '10.0.0.1/8' is no network"),
        ({"allow": ["10.0.0.0/8", "inside"]}, r"allow\[1\]: 'inside' is no network"),
        ({"hooks": []}, "hooks: name at least one"),
        ({"hooks": ["bounced"]}, r"plugins.webhook: Invalid enum value 'bounced' - at `hooks\[0\]`"),
        ({"secrets": []}, "secrets: name at least one"),
        ({"secrets": [{"secret": SECRET}, {"secret": "whsec_c2hvcnQ="}]}, r"secrets\[1\]: is not `whsec_`"),
        ({"secrets": [{"secret": SECRET.removeprefix("whsec_")}]}, r"secrets\[0\]: is not `whsec_`"),
        ({"secrets": [{"secret": "whsec_not*base64" + "A" * 40}]}, r"secrets\[0\]: is not `whsec_`"),
        ({"secrets": [{"secret": "whsk_" + "A" * 44}]}, r"secrets\[0\]: is not `whsec_`"),
        ({"secrets": [{"file": "/nowhere/key"}]}, r"secrets\[0\]: /nowhere/key: No such file"),
        ({"secrets": [{"variable": "NOT_SET_AT_ALL"}]}, r"secrets\[0\]: the variable NOT_SET_AT_ALL is not set"),
        ({"ca": "/nowhere/ca.pem"}, "ca: /nowhere/ca.pem: No such file"),
        ({"ca": os.devnull}, f"ca: {os.devnull}: "),
        ({"timeout": 0}, "timeout"),
        ({"tiemout": 1}, "tiemout: no such setting, did you mean 'timeout'"),
        ({"url": "http://hooks.example.com/"}, "url: is http:.*allow_http"),
    ],
)
def test_a_setting_that_does_not_fit_is_named_when_it_is_switched_on(given: dict[str, Any], why: str) -> None:
    table = {"url": "https://hooks.example.com/", "secrets": [{"secret": SECRET}]} | given
    (fault,) = Engine(All(plugins={"webhook": table})).plugins.faults
    assert re.search(why, str(fault)), str(fault)
    assert SECRET.removeprefix("whsec_") not in str(fault)
