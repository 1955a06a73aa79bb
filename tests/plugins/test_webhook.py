"""Posting out: what is posted, how it is signed, what an answer means, and what nobody may read."""

from __future__ import annotations

import base64
import json
import logging
import re
import sys
import time
import traceback
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from bounceclass_webhook import Settings, plugin
from bounceclass_webhook.message import LARGEST

from bounceclass.engine import Engine
from bounceclass.errors import Refused, Retry, SettingsError
from bounceclass.model import Original, Reason, Suppression, encode
from bounceclass.settings import Settings as All
from tests.plugins.conftest import HOOKS
from tests.plugins.receiver import (
    EVENT,
    REPORT,
    SECRET,
    Receiver,
    believes,
    bounce,
    cut,
    drip,
    flood,
    hang,
    huge_head,
    nonsense,
    receiving,
    seconds_of,
    settings,
    trickle,
)

if TYPE_CHECKING:
    from collections.abc import Callable

OLD = f"whsec_{base64.b64encode(bytes([2]) * 32).decode()}"
ENTRY = Suppression(address="ruth@example.org", reason=Reason.USER_UNKNOWN, since=datetime(2026, 3, 9, 12, tzinfo=UTC), by="policy")
DOCS = Path(__file__).parent.parent.parent / "docs" / "plugins.md"


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
    table = {"url": "https://hooks.example.com/", "secrets": [{"secret": SECRET}], "hooks": ["complaint", "release"]}
    engine = Engine(All(plugins={"webhook": {"crm": table}}))
    assert (engine.plugins.names, engine.plugins.hooks_of("webhook:crm"), engine.plugins.faults) == (["webhook:crm"], ["complaint", "release"], [])


@pytest.mark.parametrize("missing", ["httpcore", "standardwebhooks"])
def test_without_its_extra_it_names_what_to_install(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*sys.modules]:
        if name.startswith("bounceclass_webhook"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    (fault,) = Engine(All(plugins={"webhook": {"url": "https://hooks.example.com/", "secrets": [{"secret": SECRET}]}})).plugins.faults
    assert fault.fault == f"{missing} is not installed: pip install 'bounceclass[webhook]'"


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
        assert not believes(SECRET, headers, body)
    assert not believes(OLD, good.headers, good.body)


def test_while_one_secret_replaces_another_both_sign(receiver: Receiver) -> None:
    made: Any = plugin(settings(f"http://127.0.0.1:{receiver.port}", SECRET, OLD, allow=("127.0.0.1",), allow_http=True))
    bounce(made)
    made.post.close()
    (got,) = receiver.got
    assert [believes(secret, got.headers, got.body) for secret in (SECRET, OLD)] == [True, True]
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
    with receiving(SECRET) as inside:
        receiver.answers = [(status, {"Location": f"http://127.0.0.1:{inside.port}/latest/meta-data/"})]
        with pytest.raises(Refused, match=f"answered {status}, and redirects are not followed"):
            bounce(poster)
        assert (len(receiver.got), inside.connections) == (1, 0)


@pytest.mark.parametrize(("fault", "why"), [(hang, "TimeoutError"), (drip, "TimeoutError"), (cut, "Error"), (huge_head, "RemoteProtocolError"), (nonsense, "RemoteProtocolError")])
def test_no_answer_is_asked_again_and_held_up_no_longer_than_the_limit(fault: Callable[..., None], why: str, hasty: Any, receiver: Receiver) -> None:
    receiver.answers = [fault]

    def send() -> None:
        with pytest.raises(Retry, match=rf"^127\.0\.0\.1:\d+: \w*{why}(: [\w ]+)?$") as caught:
            bounce(hasty)
        assert caught.value.after == 60

    assert seconds_of(send) < 5


@pytest.mark.parametrize("fault", [flood, trickle])
def test_an_answer_without_end_is_done_by_its_status_and_cut(fault: Callable[..., None], hasty: Any, receiver: Receiver) -> None:
    receiver.answers = [fault]
    assert seconds_of(lambda: bounce(hasty)) < 5
    hasty.bounceclass_bounce(event=EVENT, report=REPORT, key="k2")  # by a new connection
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


# What nobody may read


@pytest.mark.parametrize("answer", [500, 400, 302, hang, cut, nonsense, huge_head])
def test_no_secret_and_no_path_is_in_a_log_an_error_or_a_trace(answer: Any, hasty: Any, receiver: Receiver, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.INFO if answer is nonsense else logging.DEBUG, "httpcore")  # which shows what a server says, and this one repeats what it was told
    receiver.answers = [answer]
    with pytest.raises((Retry, Refused)) as caught:
        bounce(hasty)
    told = "".join(traceback.format_exception(caught.value)) + caplog.text + repr(settings("https://h.example/t0k", SECRET)) + repr(hasty.post._target)  # noqa: SLF001  a repr is what a debugger shows
    hidden = [SECRET, SECRET.removeprefix("whsec_"), "t0k", receiver.got[0].headers["webhook-signature"].removeprefix("v1,")]
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
    assert [receive(first.headers, first.body, SECRET), receive(again.headers, again.body, SECRET), receive(first.headers, first.body + b" ", SECRET)] == [204, 204, 401]
    assert names["seen"] == {"k1_bounce"}
