"""A bounceclass elsewhere disables, re-enables and removes members over Mailman's REST API."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from bounceclass_mailman import Settings, membership, plugin

from bounceclass.engine import Engine
from bounceclass.errors import Refused, Retry, SettingsError
from bounceclass.model import Reason, Suppression
from bounceclass.settings import SecretSource
from bounceclass.settings import Settings as Ours
from tests.mailman.bounces import MEMBERS
from tests.mailman.conftest import client
from tests.mailman.host import PASSWORD, Mailman
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = SecretSource(secret=PASSWORD)
WRONG = SecretSource(secret="not it, secretly")  # noqa: S106  of a test
KEPT, DISABLED = "enabled", "by_bounces"


@pytest.fixture(scope="module")
def mailman(made: Mailman, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mailman]:
    """A site whose REST API answers."""
    one = made.copy(tmp_path_factory.mktemp("rest") / "site")
    one.start("rest", alone=True)
    try:
        client(one)
        yield one
    finally:
        one.stop()


def entry(address: str | None = None, **given: Any) -> Suppression:
    return Suppression(address=address, reason=Reason.USER_UNKNOWN, since=datetime(2026, 3, 9, tzinfo=UTC), by="policy", **given)


def changed(mailman: Mailman) -> dict[str, set[str]]:
    """Who is disabled or missing, by list."""
    found = {name: mailman.standing(name) for name in ("garden", "shed")}
    everybody = {one.partition("@")[0] for one in MEMBERS}
    return {name: {who for who in everybody if members.get(who, ("gone", 0))[0] != KEPT} for name, members in found.items()}


@pytest.mark.parametrize(
    ("suppression", "lists", "expected"),
    [
        (entry("full@example.org"), (), {"garden": {"full"}, "shed": {"full"}}),
        (entry("FULL@Example.ORG"), (), {"garden": {"full"}, "shed": {"full"}}),
        (entry("full@example.org", scope="shed.lists.example.com"), (), {"garden": set(), "shed": {"full"}}),
        (entry("full@example.org", scope="Shed@lists.example.com"), (), {"garden": set(), "shed": {"full"}}),
        (entry("full@example.org", scope="newsletter"), (), {"garden": set(), "shed": set()}),
        (entry("full@example.org"), ("garden@lists.example.com",), {"garden": {"full"}, "shed": set()}),
        (entry("nobody@example.org"), (), {"garden": set(), "shed": set()}),
        (entry("*@example.org"), (), {"garden": set(), "shed": set()}),
        (entry("f%@example.org"), (), {"garden": set(), "shed": set()}),
        (entry(domain="example.org"), ("shed.lists.example.com",), {"garden": set(), "shed": {one.partition("@")[0] for one in MEMBERS}}),
        (entry(domain="ample.org"), (), {"garden": set(), "shed": set()}),
        (entry(domain="*"), (), {"garden": set(), "shed": set()}),
    ],
    ids=lambda value: f"{value.address or value.domain} of {value.scope}" if isinstance(value, Suppression) else None,
)
def test_who_is_suppressed_is_disabled_once_and_enabled_again_at_the_release(mailman: Mailman, suppression: Suppression, lists: tuple[str, ...], expected: dict[str, set[str]]) -> None:
    one = plugin(Settings(url=mailman.url, password=SECRET, lists=lists))
    for _ in range(2):
        one.bounceclass_suppress(suppression)
        assert changed(mailman) == expected
    for _ in range(2):
        one.bounceclass_release(suppression)
        assert changed(mailman) == {"garden": set(), "shed": set()}


def test_who_was_disabled_by_a_person_stays_so(mailman: Mailman) -> None:
    one = plugin(Settings(url=mailman.url, password=SECRET))
    preferences = client(mailman).get_list("garden@lists.example.com").get_member("slow@example.org").preferences
    preferences["delivery_status"] = "by_user"
    preferences.save()
    one.bounceclass_suppress(entry("slow@example.org"))
    one.bounceclass_release(entry("slow@example.org"))
    again = client(mailman).get_list("garden@lists.example.com").get_member("slow@example.org").preferences
    assert again["delivery_status"] == "by_user"
    again["delivery_status"] = "enabled"
    again.save()


def test_a_domain_of_many_members_is_done_in_several_calls(mailman: Mailman, monkeypatch: pytest.MonkeyPatch) -> None:
    one = plugin(Settings(url=mailman.url, password=SECRET, lists=("shed@lists.example.com",)))
    passed = iter(range(1000))
    monkeypatch.setattr(membership, "time", SimpleNamespace(monotonic=lambda: next(passed) * 3.0))  # three members, then the time is over
    for act, left in ((one.bounceclass_suppress, len(MEMBERS)), (one.bounceclass_release, 0)):
        for _ in range(3):
            with pytest.raises(Retry, match="more members to go") as raised:
                act(entry(domain="example.org"))
            assert raised.value.after == 1
        act(entry(domain="example.org"))
        assert len(changed(mailman)["shed"]) == left


def test_a_member_may_be_taken_off_instead_and_a_release_brings_nobody_back(mailman: Mailman) -> None:
    one = plugin(Settings(url=mailman.url, password=SECRET, suppress="remove"))
    for act in (one.bounceclass_suppress, one.bounceclass_suppress, one.bounceclass_release):
        act(entry("spam@example.org", scope="shed.lists.example.com"))
        assert changed(mailman) == {"garden": set(), "shed": {"spam"}}
    client(mailman).get_list("shed@lists.example.com").subscribe("spam@example.org", pre_verified=True, pre_confirmed=True, pre_approved=True)


def test_an_engine_is_told_by_name_and_acts(mailman: Mailman) -> None:
    engine = Engine(Ours(plugins={"mailman": {"url": mailman.url, "password": {"secret": PASSWORD}}}))
    assert engine.plugins.tell("suppress", suppression=entry("dmarc@example.org"), key="k1") == []
    assert changed(mailman) == {"garden": {"dmarc"}, "shed": {"dmarc"}}
    assert engine.plugins.tell("release", suppression=entry("dmarc@example.org"), key="k2") == []
    assert changed(mailman) == {"garden": set(), "shed": set()}


def test_a_wrong_password_is_refused_and_not_told(mailman: Mailman) -> None:
    one = plugin(Settings(url=mailman.url, password=WRONG))
    with pytest.raises(Refused, match="answered 401") as raised:
        one.bounceclass_suppress(entry("full@example.org"))
    assert "secretly" not in str(raised.value)
    assert "secretly" not in repr(Settings(password=WRONG))


class Broken(BaseHTTPRequestHandler):
    """Answers with the code that the path's user asks for."""

    def do_GET(self) -> None:
        self.send_response(int(self.path.split("/")[1]))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep the tests' output clean."""


@pytest.mark.parametrize(("code", "error"), [(400, Refused), (403, Refused), (408, Retry), (429, Retry), (500, Retry), (503, Retry)])
def test_what_may_pass_is_asked_for_again(code: int, error: type[Exception]) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Broken) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        one = plugin(Settings(url=f"http://127.0.0.1:{server.server_port}/{code}", password=SECRET))
        with pytest.raises(error, match=f"answered {code}"):
            one.bounceclass_suppress(entry("full@example.org"))
        server.shutdown()


def test_a_mailman_that_is_down_is_asked_again_in_a_minute() -> None:
    one = plugin(Settings(url=f"http://127.0.0.1:{free_port()}/3.1", password=SECRET))
    with pytest.raises(Retry, match="did not answer") as raised:
        one.bounceclass_release(entry("full@example.org"))
    assert raised.value.after == 60


def test_settings_that_do_not_fit_are_told() -> None:
    with pytest.raises(SettingsError, match="no http: or https: URL"):
        plugin(Settings(url="localhost:8001", password=SECRET))
    with pytest.raises(SettingsError, match="one of secret, file and variable"):
        plugin(Settings(password=SecretSource()))
