"""listmonk's subscribers are blocklisted, and bounces reported to it: against a stand-in after its documentation, for it can't be installed here."""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from bounceclass_listmonk import Settings, plugin

from bounceclass import http
from bounceclass.engine import Engine
from bounceclass.errors import MissingExtraError, Refused, Retry, SettingsError
from bounceclass.model import Advice, Event, Kind, Original, Permanence, Reason, Report, Scope, Suppression, Verdict
from bounceclass.settings import SecretSource
from bounceclass.settings import Settings as Ours
from tests.plugins.listmonk import CUT, TOKEN, USER, UUID, Listmonk
from tests.servers import free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PAGE = (Path(__file__).parents[2] / "docs/listmonk.md").read_text(encoding="utf-8")
SECRET = SecretSource(secret=TOKEN)
SINCE = datetime(2026, 3, 9, tzinfo=UTC)
CAMPAIGN = "9f86b50d-5711-41c8-ab03-bc91c43d711b"
DEAD = Verdict(Permanence.PERMANENT, Reason.USER_UNKNOWN, Scope.ADDRESS, Advice.SUPPRESS, 0.9)
FULL = Verdict(Permanence.TRANSIENT, Reason.MAILBOX_FULL, Scope.ADDRESS, Advice.COUNT, 0.9)
OURS = Verdict(Permanence.PERMANENT, Reason.IP_BLOCKED, Scope.SENDER, Advice.FIX, 0.9)
COMPLAINED = Verdict(Permanence.UNDETERMINED, Reason.COMPLAINT, Scope.ADDRESS, Advice.SUPPRESS, 1.0)
VAGUE = Verdict(Permanence.UNDETERMINED, Reason.COMPLAINT, Scope.ADDRESS, Advice.REVIEW, 1.0)
TOLD = ("bounce", "complaint")


@pytest.fixture
def listmonk() -> Iterator[Listmonk]:
    with Listmonk.running() as server:
        yield server


def ours(server: Listmonk, **given: Any) -> Any:
    return plugin(Settings(**{"url": server.url, "user": USER, "token": SECRET, **given}))


def entry(address: str | None = None, **given: Any) -> Suppression:
    return Suppression(**{"address": address, "reason": Reason.USER_UNKNOWN, "since": SINCE, "by": "policy", **given})


def tell(one: Any, verdict: Verdict = DEAD, *, uuid: str | None = UUID.format(1), key: str = "k1", kind: Kind = Kind.BOUNCE, **given: Any) -> None:
    event = Event(kind=kind, recipient="ruth@example.net", verdict=verdict, **given)
    headers = (("X-Listmonk-Subscriber", uuid), ("X-Listmonk-Campaign", CAMPAIGN)) if uuid else ()
    report = Report(kind=kind, events=(event,), original=Original(headers=headers))
    getattr(one, f"bounceclass_{kind}")(event=event, report=report, key=key)


@pytest.mark.parametrize(
    ("address", "blocklisted"),
    [
        ("ruth@example.net", {"ruth@example.net"}),
        ("RUTH@Example.NET", {"ruth@example.net"}),
        ("o'brien@example.net", {"o'brien@example.net"}),
        ("nobody@example.net", set()),
        ("gone@example.org", set()),
        ("%@example.net", set()),
        ("x'or'1'='1@example.net", set()),
        ("x')or(1=1)--@example.net", None),
        ("ruth@example.net\\", None),
        ("\\'or/**/1=1--@example.net", None),
        ("ruth@example.net' OR '1'='1", None),
        ("ruth", None),
    ],
)
def test_who_is_suppressed_is_blocklisted_once_and_nobody_else_whatever_the_address(listmonk: Listmonk, address: str, blocklisted: set[str] | None) -> None:
    one = ours(listmonk)
    for _ in range(2):
        if blocklisted is None:
            with pytest.raises(Refused, match="not asked for"):
                one.bounceclass_suppress(entry(address))
        else:
            one.bounceclass_suppress(entry(address))
        assert listmonk.blocklisted() == (blocklisted or set())
    assert sum(line.startswith("PUT") for line in listmonk.asked) == len(blocklisted or ())


def test_an_entry_for_one_list_takes_them_off_that_list_alone(listmonk: Listmonk) -> None:
    one = ours(listmonk, lists={"garden": 7})
    one.bounceclass_suppress(entry("eve@example.org", scope="garden"))
    one.bounceclass_suppress(entry("nobody@example.org", scope="garden"))
    assert (listmonk.unsubscribed, listmonk.blocklisted()) == ([(3, 7)], set())


@pytest.mark.parametrize(
    ("hook", "given", "sentence"),
    [
        ("suppress", {"domain": "example.org"}, "a whole domain, example.org"),
        ("suppress", {"address": "ruth@example.net", "until": datetime(2026, 6, 1, tzinfo=UTC)}, "ends on 2026-06-01, and a blocklisting in listmonk does not"),
        ("suppress", {"address": "ruth@example.net", "scope": "shed"}, "for shed alone, and `lists` does not say"),
        ("release", {"address": "gone@example.org"}, "does not tell whether subscriber 4 blocked themselves"),
        ("release", {"address": "ruth@example.net", "scope": "garden"}, "subscribe somebody to garden again"),
    ],
)
def test_what_can_not_be_done_is_refused_with_a_sentence_and_nothing_is_changed(listmonk: Listmonk, hook: str, given: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Refused, match=sentence):
        getattr(ours(listmonk, lists={"garden": 7}), f"bounceclass_{hook}")(entry(**given))
    assert [line for line in listmonk.asked if not line.startswith("GET")] == []


@pytest.mark.parametrize(
    "given",
    [
        {"address": "ruth@example.net"},
        {"address": "nobody@example.net"},
        {"domain": "example.org"},
        {"address": "gone@example.org", "until": datetime(2026, 6, 1, tzinfo=UTC)},
        {"address": "ruth@example.net", "scope": "shed"},
        {"address": "nobody@example.net", "scope": "garden"},
    ],
    ids=str,
)
def test_a_release_where_nothing_was_done_is_done(listmonk: Listmonk, given: dict[str, Any]) -> None:
    ours(listmonk, lists={"garden": 7}).bounceclass_release(entry(**given))


def test_who_wants_it_so_has_entries_that_end_blocklisted_for_good(listmonk: Listmonk) -> None:
    one = ours(listmonk, ending="blocklist")
    ending = entry("ruth@example.net", until=datetime(2026, 6, 1, tzinfo=UTC))
    one.bounceclass_suppress(ending)
    assert listmonk.blocklisted() == {"ruth@example.net"}
    with pytest.raises(Refused, match="enable them there"):
        one.bounceclass_release(ending)


@pytest.mark.parametrize(
    ("verdict", "kind", "types", "expected"),
    [
        (DEAD, Kind.BOUNCE, {}, ["hard"]),
        (FULL, Kind.BOUNCE, {}, ["soft"]),
        (OURS, Kind.BOUNCE, {}, []),
        (COMPLAINED, Kind.COMPLAINT, {}, ["complaint"]),
        (COMPLAINED, Kind.COMPLAINT, {"suppress": "soft"}, ["complaint"]),
        (COMPLAINED, Kind.COMPLAINT, {"complaint": "hard"}, ["hard"]),
        (VAGUE, Kind.COMPLAINT, {}, []),
        (FULL, Kind.BOUNCE, {"count": "none"}, []),
        (FULL, Kind.BOUNCE, {"mailbox-full": "none"}, []),
        (DEAD, Kind.BOUNCE, {"suppress": "soft", "user-unknown": "hard"}, ["hard"]),
        (OURS, Kind.BOUNCE, {"ip-blocked": "hard"}, []),
    ],
    ids=lambda value: str(value.reason if isinstance(value, Verdict) else value),
)
def test_a_bounce_is_reported_only_where_it_blames_the_recipient(listmonk: Listmonk, verdict: Verdict, kind: Kind, types: dict[str, str], expected: list[str]) -> None:
    tell(ours(listmonk, hooks=TOLD, bounce_type=types), verdict, kind=kind)
    assert [one["type"] for one in listmonk.bounces] == expected


def test_a_bounce_is_reported_with_what_is_known_and_once_however_often_it_is_told(listmonk: Listmonk) -> None:
    one = ours(listmonk, hooks=TOLD)
    for _ in range(3):
        tell(one, diagnostic="550 5.1.1 User unknown" + 1000 * "x", reply_code=550, enhanced_status="5.1.1")
    tell(one, key="k2")
    first, second = listmonk.bounces
    meta = {"reason": "user-unknown", "advice": "suppress", "reply_code": 550, "enhanced_status": "5.1.1", "diagnostic": "550 5.1.1 User unknown" + 478 * "x", "key": "k1"}
    assert json.loads(first.pop("meta")) == meta
    assert re.fullmatch(r"bounceclass:[0-9a-f]{16}", first.pop("source"))
    assert first == {"subscriber_uuid": UUID.format(1), "campaign_uuid": CAMPAIGN, "type": "hard"}
    assert json.loads(second["meta"])["key"] == "k2"


@pytest.mark.parametrize(
    ("uuid", "by_address", "expected"),
    [
        (UUID.format(1), False, {"subscriber_uuid": UUID.format(1)}),
        (f" {UUID.format(1)} ", True, {"subscriber_uuid": UUID.format(1)}),
        (None, True, {"email": "jo@example.net"}),
        ("forged", True, {"email": "jo@example.net"}),
        (None, False, None),
        ("forged", False, None),
    ],
)
def test_who_is_meant_is_told_by_what_came_back_and_by_the_address_only_where_that_is_wanted(
    listmonk: Listmonk,
    uuid: str | None,
    by_address: bool,  # noqa: FBT001  a row of the table
    expected: dict[str, str] | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "bounceclass")
    tell(ours(listmonk, hooks=TOLD, by_address=by_address), uuid=uuid, original_recipient="jo@example.net")
    assert [{name: one[name] for name in ("subscriber_uuid", "email") if name in one} for one in listmonk.bounces] == ([expected] if expected else [])
    assert ("no X-Listmonk-Subscriber came back" in caplog.text) == (expected is None)


def test_only_the_hooks_that_are_named_do_anything(listmonk: Listmonk) -> None:
    tell(ours(listmonk))
    tell(ours(listmonk), COMPLAINED, kind=Kind.COMPLAINT)
    told = ours(listmonk, hooks=TOLD)
    told.bounceclass_suppress(entry("ruth@example.net"))
    told.bounceclass_release(entry("gone@example.org"))
    assert listmonk.asked == []


FAULTS = [
    (429, "7", Retry, 7),
    (429, None, Retry, 60),
    (408, None, Retry, 60),
    (500, None, Retry, 60),
    (502, None, Retry, 60),
    (503, "120", Retry, 120),
    (504, "for ever", Retry, 60),
    (CUT, None, Retry, 60),
    (302, None, Refused, None),
    (400, None, Refused, None),
    (401, None, Refused, None),
    (404, None, Refused, None),
    (410, None, Refused, None),
    (422, None, Refused, None),
]


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize(("status", "after", "error", "seconds"), FAULTS)
@pytest.mark.parametrize("act", ["suppress", "bounce"])
def test_what_may_pass_is_asked_for_again_and_then_done_and_what_will_not_is_refused(
    listmonk: Listmonk, act: str, status: int, after: str | None, error: type[Exception], seconds: float | None, place: int
) -> None:

    def do() -> None:
        one = ours(listmonk, hooks=("suppress", *TOLD))  # anew: the same asks nothing before Retry-After is over
        one.bounceclass_suppress(entry("ruth@example.net")) if act == "suppress" else tell(one)

    listmonk.faults = [None] * place + [(status, after)]
    with pytest.raises(error) as raised:
        do()
    assert TOKEN not in str(raised.value) + repr(raised.value.__cause__)
    if isinstance(raised.value, Retry):
        assert raised.value.after == seconds
        do()
        assert (listmonk.blocklisted(), len(listmonk.bounces)) == (({"ruth@example.net"}, 0) if act == "suppress" else (set(), 1))


@pytest.mark.parametrize("act", ["suppress", "unsubscribe", "bounce"])
def test_an_answer_that_is_lost_leads_to_no_second_record(listmonk: Listmonk, act: str) -> None:
    one = ours(listmonk, hooks=("suppress", *TOLD), lists={"garden": 7})
    acts: dict[str, Callable[[], None]] = {
        "suppress": lambda: one.bounceclass_suppress(entry("ruth@example.net")),
        "unsubscribe": lambda: one.bounceclass_suppress(entry("ruth@example.net", scope="garden")),
        "bounce": lambda: tell(one),
    }
    listmonk.faults, listmonk.fail_after_doing = [None, (CUT, None)], True
    with pytest.raises(Retry, match="RemoteProtocolError"):
        acts[act]()
    acts[act]()
    assert (listmonk.blocklisted(), set(listmonk.unsubscribed), len(listmonk.bounces)) == {
        "suppress": ({"ruth@example.net"}, set(), 0),
        "unsubscribe": (set(), {(1, 7)}, 0),
        "bounce": (set(), set(), 1),
    }[act]


@pytest.mark.parametrize("permission", ["subscribers:get_all", "subscribers:sql_query", "subscribers:manage", "bounces:get", "webhooks:post_bounce"])
def test_a_permission_that_lacks_is_refused_and_each_is_documented(listmonk: Listmonk, permission: str) -> None:
    listmonk.permissions.discard(permission)
    one = ours(listmonk, hooks=("suppress", *TOLD))
    with pytest.raises(Refused, match=r"answered 403$"):
        one.bounceclass_suppress(entry("ruth@example.net")) if permission.startswith("subscribers") else tell(one)
    assert (listmonk.blocklisted(), listmonk.bounces) == (set(), [])
    assert f"`{permission}`" in PAGE


def test_a_wrong_token_is_refused_and_never_told(listmonk: Listmonk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    wrong = SecretSource(secret="wrong-and-secret")  # noqa: S106  of a test
    settings = Settings(url=listmonk.url, user=USER, token=wrong)
    with pytest.raises(Refused, match=f"127.0.0.1:{listmonk.server_port} answered 403") as raised:
        plugin(settings).bounceclass_suppress(entry("ruth@example.net"))
    assert "wrong-and-secret" not in str(raised.value) + repr(settings) + caplog.text


def test_a_listmonk_that_is_down_or_silent_is_asked_again_in_a_minute(listmonk: Listmonk, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Retry, match="ConnectError") as raised:
        plugin(Settings(url=f"http://127.0.0.1:{free_port()}", user=USER, token=SECRET)).bounceclass_suppress(entry("ruth@example.net"))
    assert raised.value.after == 60
    monkeypatch.setattr(http, "SECONDS", 0.1)
    with listmonk.lock, pytest.raises(Retry, match="ReadTimeout"):
        ours(listmonk).bounceclass_suppress(entry("ruth@example.net"))


@pytest.mark.parametrize("told", ["<html>", "[]", "{}", '{"data": true}', '{"data": {"results": [{"id": "x"}]}}', '{"data": {"results": 1}}', " " * (1 << 22) + '{"data": {"results": []}}'])
@pytest.mark.parametrize("act", ["suppress", "bounce"])
def test_an_answer_that_is_none_of_listmonk_s_is_refused(listmonk: Listmonk, told: str, act: str) -> None:
    listmonk.says = told
    one = ours(listmonk, hooks=("suppress", *TOLD))
    with pytest.raises(Refused, match="answered with"):
        one.bounceclass_suppress(entry("ruth@example.net")) if act == "suppress" else tell(one)
    assert (listmonk.blocklisted(), listmonk.bounces) == (set(), [])


def test_an_engine_reads_a_bounce_of_a_campaign_and_tells_listmonk_whose_it_is(listmonk: Listmonk) -> None:
    table = {"url": listmonk.url, "user": USER, "token": {"secret": TOKEN}, "hooks": ["suppress", "bounce"]}
    engine = Engine(Ours(keep_headers=("X-Listmonk-Subscriber", "X-Listmonk-Campaign"), plugins={"listmonk": table}))
    raw = (Path(__file__).parents[2] / "samples/postfix/01-default-user-unknown.eml").read_bytes()
    fields = f"X-Listmonk-Subscriber: {UUID.format(2)}\nX-Listmonk-Campaign: {CAMPAIGN}\n".encode()
    head, mark, rest = raw.rpartition(b"\nSubject: ")
    assert engine.dispatch(engine.classify(head + b"\n" + fields.rstrip() + mark + rest)) == []
    assert [(one["subscriber_uuid"], one["campaign_uuid"], one["type"]) for one in listmonk.bounces] == [(UUID.format(2), CAMPAIGN, "hard")]
    assert engine.plugins.tell("suppress", suppression=entry("o'brien@example.net"), key="k1") == []
    assert listmonk.blocklisted() == {"o'brien@example.net"}
    (failure,) = engine.plugins.tell("suppress", suppression=entry(domain="example.net"), key="k2")
    assert failure.final
    engine.plugins.close()


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"url": "localhost:9000"}, "no https: or http: address"),
        ({"url": "https://user:secret@lists.example.com"}, "without user, password or query"),
        ({"user": "a:b"}, "has no colon"),
        ({"token": SecretSource()}, "one of secret, file and variable"),
        ({"bounce_type": {"fix": "hard"}}, "'fix' is neither a reason nor one of suppress, count"),
    ],
    ids=str,
)
def test_settings_that_do_not_fit_are_told(given: dict[str, Any], fault: str) -> None:
    with pytest.raises(SettingsError, match=fault):
        plugin(Settings(**{"user": USER, "token": SECRET, **given}))


def test_every_setting_is_documented() -> None:
    assert set(Settings.__struct_fields__) - set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == set()
    table = re.search(r"```ini\n(.*?)```", PAGE, re.DOTALL)
    assert table is not None
    for written in msgspec.toml.decode(table[1])["plugins"]["listmonk"], {"user": "x", "token": {"variable": "T"}}:
        assert msgspec.convert(written, Settings)


def test_without_httpx_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(MissingExtraError, match=r"bounceclass\[listmonk\]"):
        plugin(Settings(user=USER, token=SECRET))
