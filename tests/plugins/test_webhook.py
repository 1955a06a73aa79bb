"""Posting out: what is posted and how it is signed, to whom never, and what a bad receiver can do."""

from __future__ import annotations

import base64
import json
import logging
import os
import re
import socket
import time
import traceback
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from bounceclass_webhook import Settings, plugin
from bounceclass_webhook.message import LARGEST
from bounceclass_webhook.outside import is_open, networks
from bounceclass_webhook.target import parse

from bounceclass.engine import Engine
from bounceclass.errors import Refused, Retry, SettingsError
from bounceclass.model import Event, Kind, Original, Reason, Report, Suppression, encode
from bounceclass.settings import SecretSource
from bounceclass.settings import Settings as All
from tests.plugins.receiver import NAME, Receiver, believes, certified, cut, drip, flood, hang, huge_head, nonsense, receiving, seconds_of, trickle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NEW, OLD = (f"whsec_{base64.b64encode(bytes([octet]) * 32).decode()}" for octet in (1, 2))
AT = datetime(2026, 3, 9, 12, tzinfo=UTC)
EVENT = Event(kind=Kind.BOUNCE, recipient="ruth@example.org", occurred_at=AT, diagnostic="550 5.1.1 é")
REPORT = Report(kind=Kind.BOUNCE, events=(EVENT,), original=Original(message_id="<1@lists.example.com>"))
ENTRY = Suppression(address="ruth@example.org", reason=Reason.USER_UNKNOWN, since=AT, by="policy")
HOOKS = ("bounce", "delay", "delivery", "complaint", "unsubscribe", "auto_reply", "receipt", "suppress", "release")
DOCS = Path(__file__).parent.parent.parent / "docs" / "plugins.md"


def settings(url: str, *secrets: str, **given: Any) -> Settings:
    return Settings(url=url, secrets=tuple(SecretSource(secret=one) for one in secrets or (NEW,)), **given)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(NEW) as server:
        yield server


@pytest.fixture
def poster(receiver: Receiver) -> Iterator[Any]:
    """Give an instance that posts to the receiver by plain HTTP: poster.bounceclass_bounce(...)."""
    made = plugin(settings(f"http://127.0.0.1:{receiver.port}/in?token=t0k", allow=("127.0.0.0/8",), allow_http=True, hooks=HOOKS, timeout=0.5))
    yield made
    made.post.close()


@pytest.fixture
def dns(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """Give what names resolve to: for each the answers in order, the last one for good; `asked` counts by what is left."""
    known: dict[str, list[list[str]]] = {}
    real = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        if host not in known:
            if not re.fullmatch(r"[0-9.]+|[0-9a-f:.]*:[0-9a-f:.]*", str(host)):
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return real(host, port, *rest, **more)
        answers = known[host]
        said = answers.pop(0) if len(answers) > 1 else answers[0]
        return [(socket.AF_INET6 if ":" in one else socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in said]

    monkeypatch.setattr("socket.getaddrinfo", getaddrinfo)
    return known


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Give whom we tried to connect to; nobody answers."""
    tried: list[tuple[str, int]] = []

    def create_connection(address: tuple[str, int], *_: Any, **__: Any) -> socket.socket:
        tried.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr("socket.create_connection", create_connection)
    return tried


def bounce(poster: Any, key: str = "k1") -> None:
    poster.bounceclass_bounce(event=EVENT, report=REPORT, key=key)


# What is posted


def test_an_event_is_posted_as_the_standard_has_it_and_in_our_own_words(poster: Any, receiver: Receiver) -> None:
    bounce(poster, "0af3")
    (got,) = receiver.got
    assert got.json == {"type": "bounce", "timestamp": "2026-03-09T12:00:00Z", "data": {"key": "0af3", "event": json.loads(encode(EVENT)), "report": json.loads(encode(REPORT))}}
    assert (got.path, got.verified) == ("/in?token=t0k", True)
    assert (got.headers["webhook-id"], got.headers["content-type"], got.headers["host"]) == ("0af3_bounce", "application/json", f"127.0.0.1:{receiver.port}")
    assert abs(int(got.headers["webhook-timestamp"]) - datetime.now(UTC).timestamp()) < 5


@pytest.mark.parametrize("hook", HOOKS)
def test_each_hook_that_is_named_is_posted_under_its_own_name(hook: str, poster: Any, receiver: Receiver) -> None:
    given = {"suppression": ENTRY} if hook in {"suppress", "release"} else {"event": EVENT, "report": REPORT}
    getattr(poster, f"bounceclass_{hook}")(**given, key="k1")
    (got,) = receiver.got
    assert (got.json["type"], got.headers["webhook-id"], sorted(got.json["data"]), got.verified) == (hook, f"k1_{hook}", sorted([*given, "key"]), True)


def test_a_decision_holds_the_suppression_whole(poster: Any, receiver: Receiver) -> None:
    poster.bounceclass_suppress(suppression=ENTRY, key="k1")
    assert receiver.got[0].json == {"type": "suppress", "timestamp": "2026-03-09T12:00:00Z", "data": {"key": "k1", "suppression": json.loads(msgspec.json.encode(ENTRY))}}


def test_only_what_is_named_is_a_hook_so_that_nothing_else_waits_in_the_outbox() -> None:
    table = {"url": "https://hooks.example.com/", "secrets": [{"secret": NEW}], "hooks": ["complaint", "release"]}
    engine = Engine(All(plugins={"webhook": {"crm": table}}))
    assert (engine.plugins.names, engine.plugins.hooks_of("webhook:crm"), engine.plugins.faults) == (["webhook:crm"], ["complaint", "release"], [])


@pytest.mark.parametrize(("key", "name"), [("0af3_-Z", r"0af3_-Z_bounce"), ("a.b", r"[0-9a-f]{32}_bounce"), ("k\r\nX-Evil: 1", r"[0-9a-f]{32}_bounce"), ("é\ud800", r"[0-9a-f]{32}_bounce"), ("k" * 99, r"[0-9a-f]{32}_bounce")])
def test_a_name_is_a_header_and_has_no_full_stop_whatever_the_key(key: str, name: str, poster: Any, receiver: Receiver) -> None:
    for _ in range(2):
        bounce(poster, key.encode("utf-8", "replace").decode())
    first, again = (got.headers["webhook-id"] for got in receiver.got)
    assert first == again
    assert re.fullmatch(name, first)


def test_a_body_is_bounded_first_the_report_goes_and_then_it_is_refused(poster: Any, receiver: Receiver) -> None:
    large = msgspec.structs.replace(REPORT, original=Original(headers=(("x", "y" * LARGEST),)))
    poster.bounceclass_bounce(event=EVENT, report=large, key="k1")
    assert (receiver.got[0].json["data"]["report"], receiver.got[0].json["data"]["event"]["recipient"], receiver.got[0].verified) == (None, "ruth@example.org", True)
    with pytest.raises(Refused, match="octets"):
        poster.bounceclass_bounce(event=msgspec.structs.replace(EVENT, diagnostic="x" * LARGEST), report=REPORT, key="k2")
    assert len(receiver.got) == 1


# How it is signed


def test_what_is_altered_stale_or_signed_by_another_is_not_believed(poster: Any, receiver: Receiver) -> None:
    poster.post.now = lambda: datetime.now(UTC) - timedelta(minutes=6)
    bounce(poster, "stale")
    poster.post.now = lambda: datetime.now(UTC)
    bounce(poster, "good")
    stale, good = receiver.got
    assert [stale.verified, good.verified] == [False, True]
    for headers, body in [
        (good.headers, good.body.replace(b"ruth", b"paul")),
        (good.headers | {"webhook-id": "other_bounce"}, good.body),
        (good.headers | {"webhook-timestamp": str(int(good.headers["webhook-timestamp"]) + 1)}, good.body),
        (good.headers | {"webhook-signature": stale.headers["webhook-signature"]}, good.body),
    ]:
        assert not believes(NEW, headers, body)
    assert not believes(OLD, good.headers, good.body)


def test_while_one_secret_replaces_another_both_sign(receiver: Receiver) -> None:
    made: Any = plugin(settings(f"http://127.0.0.1:{receiver.port}", NEW, OLD, allow=("127.0.0.1",), allow_http=True))
    bounce(made)
    made.post.close()
    (got,) = receiver.got
    assert [believes(secret, got.headers, got.body) for secret in (NEW, OLD)] == [True, True]
    assert re.fullmatch(r"v1,\S{44} v1,\S{44}", got.headers["webhook-signature"])


def test_a_repetition_has_the_same_name_and_body_and_a_new_time(poster: Any, receiver: Receiver) -> None:
    receiver.answers = [503]
    now = datetime.now(UTC)
    poster.post.now = lambda: now
    with pytest.raises(Retry):
        bounce(poster)
    poster.post.now = lambda: now + timedelta(minutes=2)
    bounce(poster)
    first, again = receiver.got
    assert (first.body, first.headers["webhook-id"]) == (again.body, again.headers["webhook-id"])
    assert int(again.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 120
    assert (first.verified, again.verified) == (True, True)


# What an answer means


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_2xx_is_done(status: int, poster: Any, receiver: Receiver) -> None:
    receiver.answers = [status]
    bounce(poster)
    assert len(receiver.got) == 1


@pytest.mark.parametrize(
    ("answer", "after"),
    [(408, 60), (425, 60), ((429, {"Retry-After": "7"}), 7), (500, 60), (502, 60), ((503, {"Retry-After": "120"}), 120), (599, 60)],
)
def test_what_is_about_the_moment_is_asked_again_when_the_receiver_says(answer: Any, after: float, poster: Any, receiver: Receiver) -> None:
    receiver.answers = [answer]
    with pytest.raises(Retry, match=r"^127\.0\.0\.1:\d+ answered \d+$") as caught:
        bounce(poster)
    assert (caught.value.after, len(receiver.got)) == (after, 1)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 413, 422])
def test_what_will_never_work_is_refused(status: int, poster: Any, receiver: Receiver) -> None:
    receiver.answers = [status]
    with pytest.raises(Refused, match=f"answered {status}$"):
        bounce(poster)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_leads_nowhere(status: int, poster: Any, receiver: Receiver) -> None:
    with receiving(NEW) as inside:
        receiver.answers = [(status, {"Location": f"http://127.0.0.1:{inside.port}/latest/meta-data/"})]
        with pytest.raises(Refused, match=f"answered {status}, and redirects are not followed"):
            bounce(poster)
        assert (len(receiver.got), inside.connections) == (1, 0)


@pytest.mark.parametrize(("fault", "why"), [(hang, "TimeoutError"), (drip, "TimeoutError"), (cut, "Error"), (huge_head, "RemoteProtocolError"), (nonsense, "RemoteProtocolError")])
def test_no_answer_is_asked_again_and_held_up_no_longer_than_the_limit(fault: Callable[..., None], why: str, poster: Any, receiver: Receiver) -> None:
    receiver.answers = [fault]

    def send() -> None:
        with pytest.raises(Retry, match=rf"^127\.0\.0\.1:\d+: \w*{why}(: [\w ]+)?$") as caught:
            bounce(poster)
        assert caught.value.after == 60

    assert seconds_of(send) < 2


@pytest.mark.parametrize("fault", [flood, trickle])
def test_an_answer_without_end_is_done_by_its_status_and_cut(fault: Callable[..., None], poster: Any, receiver: Receiver) -> None:
    receiver.answers = [fault]
    assert seconds_of(lambda: bounce(poster)) < 2
    poster.bounceclass_bounce(event=EVENT, report=REPORT, key="k2")  # by a new connection
    assert [got.headers["webhook-id"] for got in receiver.got] == ["k1_bounce", "k2_bounce"]


def test_a_connection_is_used_again_and_one_that_was_closed_is_not(poster: Any, receiver: Receiver) -> None:
    def close(handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 204 No Content\r\n\r\n")  # does not say that it closes

    receiver.answers = [204, 204, close, 204]
    for number in range(4):
        bounce(poster, f"k{number}")
        time.sleep(0.1)  # so that the end has come before the next
    assert ([got.verified for got in receiver.got], receiver.connections) == ([True] * 4, 2)


def test_nobody_there_is_asked_again(receiver: Receiver) -> None:
    receiver.close()
    made: Any = plugin(settings(f"http://127.0.0.1:{receiver.port}", allow=("127.0.0.1",), allow_http=True))
    with pytest.raises(Retry, match=r": ConnectionRefusedError: Connection refused$"):
        bounce(made)


# To whom


def test_the_certificate_host_and_sni_are_of_the_name_and_the_connection_of_the_address(dns: dict[str, list[list[str]]], tmp_path: Path) -> None:
    context, ca = certified(tmp_path)
    asked: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: asked.append(name)
    dns[NAME] = [["127.0.0.1"]]
    with receiving(NEW, context) as server:
        made: Any = plugin(settings(f"https://{NAME}:{server.port}/", allow=("127.0.0.0/8",), ca=ca))
        for key in ("k1", "k2"):
            bounce(made, key)
        made.post.close()
        assert ([(got.headers["host"], got.verified) for got in server.got], asked, server.connections) == ([(f"{NAME}:{server.port}", True)] * 2, [NAME], 1)


@pytest.mark.parametrize(("name", "trusted"), [("other.example.com", True), (NAME, False)])
def test_a_certificate_of_another_name_or_that_nobody_vouches_for_is_not_believed(name: str, trusted: bool, dns: dict[str, list[list[str]]], tmp_path: Path) -> None:  # noqa: FBT001  a column
    context, ca = certified(tmp_path, name)
    dns[NAME] = [["127.0.0.1"]]
    with receiving(NEW, context) as server:
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

    assert 0.2 < seconds_of(send) < 2


def test_a_proxy_of_the_environment_is_not_asked(monkeypatch: pytest.MonkeyPatch, poster: Any, receiver: Receiver) -> None:
    with receiving(NEW) as proxy:
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
        ({"secrets": [{"secret": NEW}, {"secret": "whsec_c2hvcnQ="}]}, r"secrets\[1\]: is not `whsec_`"),
        ({"secrets": [{"secret": NEW.removeprefix("whsec_")}]}, r"secrets\[0\]: is not `whsec_`"),
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
    table = {"url": "https://hooks.example.com/", "secrets": [{"secret": NEW}]} | given
    (fault,) = Engine(All(plugins={"webhook": table})).plugins.faults
    assert re.search(why, str(fault)), str(fault)
    assert NEW.removeprefix("whsec_") not in str(fault)


# What nobody may read


@pytest.mark.parametrize("answer", [500, 400, 302, hang, cut, nonsense, huge_head])
def test_no_secret_and_no_path_is_in_a_log_an_error_or_a_trace(answer: Any, poster: Any, receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.INFO if answer is nonsense else logging.DEBUG, "httpcore")  # which shows what a server says, and this one repeats what it was told
    receiver.answers = [answer]
    with pytest.raises((Retry, Refused)) as caught:
        bounce(poster)
    told = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(settings("https://h.example/t0k", NEW)) + repr(poster.post._target)  # noqa: SLF001  a repr is what a debugger shows
    hidden = [NEW, NEW.removeprefix("whsec_"), "t0k", receiver.got[0].headers["webhook-signature"].removeprefix("v1,")]
    assert [one for one in hidden if one in told] == []


def test_a_secret_that_is_none_is_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    secret = base64.b64encode(b"top" + b"secret").decode()
    with pytest.raises(SettingsError) as caught:
        plugin(settings("https://hooks.example.com/", f"whsec_{secret}"))
    told = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert (secret in told, "top" + "secret" in told) == (False, False)


def test_every_setting_is_documented() -> None:
    section = DOCS.read_text(encoding="utf-8").partition("\n## webhook\n")[2].partition("\n## ")[0]
    assert [name for name in Settings.__struct_fields__ if f"| `{name}` |" not in section] == []


def test_the_receiver_of_the_documentation_takes_what_is_posted_once_and_nothing_else(poster: Any, receiver: Receiver) -> None:
    section = DOCS.read_text(encoding="utf-8").partition("\n## webhook\n")[2].partition("\n## ")[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, "plugins.md", "exec"), names)  # noqa: S102  our own documentation
    for _ in range(2):
        bounce(poster)
    first, again = receiver.got
    receive = names["receive"]
    assert [receive(first.headers, first.body, NEW), receive(again.headers, again.body, NEW), receive(first.headers, first.body + b" ", NEW)] == [204, 204, 401]
    assert names["seen"] == {"k1_bounce"}
