"""A real Django project hears of bounces through django-anymail, and sends no more to who is dead."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from anymail.message import AnymailMessage
from bounceclass_django import receiver
from bounceclass_django.backend import SuppressedRecipient
from bounceclass_django.models import DeliveredMailing, FailedMailing, Suppression
from bounceclass_django.parts import Parts
from bounceclass_django.signals import decided
from django.core import mail
from django.core.mail import EmailMessage
from django.core.management import call_command
from django.test import Client, override_settings

from bounceclass.engine import Engine
from bounceclass.policy import Policy
from bounceclass.settings import Settings, TrustSettings
from tests.esp_project.backends import Esp, Outbox, Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bounceclass.model import Event, Report
    from bounceclass.model import Suppression as Entry

RUTH = "ruth@example.org"
SECRET = {"HTTP_AUTHORIZATION": "Basic " + b64encode(b"us:secret").decode()}
UNKNOWN = "550 5.1.1 <ruth@example.org>: Recipient address rejected: User unknown"
FULL = "552 5.2.2 Mailbox full"
BLOCKED = "550 5.7.1 Service unavailable; client [192.0.2.1] blocked using zen.spamhaus.org"
SPAM = "554 5.7.1 Message rejected as spam by content filtering"
Post = tuple[str, Any]


def postmark(text: str, *, at: datetime, number: int = 1, type_: str = "HardBounce", tag: str = "", to: str = RUTH) -> Post:
    body = {"RecordType": "Bounce", "ID": number, "Type": type_, "TypeCode": 1, "MessageID": f"postmark-{number}", "Tag": tag, "Details": f"smtp;{text}", "Email": to, "BouncedAt": at.isoformat(), "Inactive": True, "CanActivate": True}
    return "postmark", body


def mailgun(text: str, *, at: datetime, number: int = 1, severity: str = "permanent", to: str = RUTH) -> Post:
    token, stamp = f"token{number}", str(int(at.timestamp()))
    signature = hmac.new(b"key-of-mailgun", f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
    status = {"code": int(text[:3]), "message": text, "description": ""}
    data = {"event": "failed", "severity": severity, "reason": "bounce", "recipient": to, "timestamp": at.timestamp(), "message": {"headers": {"message-id": f"{number}@mailgun.test"}}, "delivery-status": status, "tags": [], "user-variables": {}}
    return "mailgun", {"signature": {"token": token, "timestamp": stamp, "signature": signature}, "event-data": data}


def sparkpost(text: str, *, at: datetime, number: int = 1, to: str = RUTH, **given: Any) -> Post:
    event = {"type": "bounce", "bounce_class": "10", "event_id": str(number), "message_id": f"spark-{number}", "transmission_id": f"spark-{number}", "timestamp": str(int(at.timestamp())), "raw_reason": text, "reason": text, "rcpt_to": to, "raw_rcpt_to": to, **given}
    return "sparkpost", [{"msys": {"message_event": event}}]


def delivered(*, at: datetime, number: int) -> Post:
    return "postmark", {"RecordType": "Delivery", "MessageID": f"postmark-{number}", "Recipient": RUTH, "DeliveredAt": at.isoformat(), "Details": "smtp;250 2.0.0 OK", "Tag": ""}


ESPS: dict[str, Callable[..., Post]] = {"postmark": postmark, "mailgun": mailgun, "sparkpost": sparkpost}


@pytest.fixture(scope="module", autouse=True)
def _tables() -> None:
    call_command("migrate", verbosity=0)


@pytest.fixture(autouse=True)
def _empty() -> Iterator[None]:
    yield
    for model in (Suppression, FailedMailing, DeliveredMailing):
        model.objects.all().delete()


def now() -> datetime:
    return datetime.now(UTC)


def post(given: Post, **headers: str) -> int:
    esp, body = given
    status: int = Client(raise_request_exception=False).post(f"/anymail/{esp}/tracking/", json.dumps(body), content_type="application/json", **(headers or SECRET)).status_code
    return status


def entries() -> list[tuple[str, str, str, bool]]:
    return [(one.address, one.scope, one.reason, one.until is None) for one in Suppression.objects.order_by("id")]


@pytest.mark.parametrize("esp", ESPS)
@pytest.mark.parametrize(
    ("text", "expected", "failed"),
    [
        (UNKNOWN, [(RUTH, "", "user-unknown", True)], ["user-unknown"]),
        (FULL, [], ["mailbox-full"]),
        (BLOCKED, [], []),
        (SPAM, [], []),
        ("550 5.7.26 Unauthenticated email from example.com is not accepted due to domain's DMARC policy", [], []),
    ],
)
def test_the_server_s_own_words_decide_whatever_the_esp_calls_it(esp: str, text: str, expected: list[Any], failed: list[str]) -> None:
    given = ESPS[esp](text, at=now())
    assert [post(given), post(given)] == [200, 200]
    assert entries() == expected
    assert [one.reason for one in FailedMailing.objects.all()] == failed


def test_a_full_mailbox_is_dead_after_three_mailings_over_a_fortnight_and_only_for_a_time() -> None:
    for number, days in enumerate((16, 8, 1), 1):
        assert entries() == []
        assert post(sparkpost(FULL, number=number, at=now() - timedelta(days=days))) == 200
    assert entries() == [(RUTH, "", "mailbox-full", False)]


def test_a_delay_is_no_failure() -> None:
    assert post(mailgun("452 4.2.2 Mailbox full", severity="temporary", at=now())) == 200
    assert (entries(), FailedMailing.objects.count()) == ([], 0)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (("postmark", {"RecordType": "SpamComplaint", "ID": 5, "Type": "SpamComplaint", "MessageID": "postmark-5", "Email": RUTH, "BouncedAt": now().isoformat()}), [(RUTH, "", "complaint", True)]),
        (sparkpost("", at=now(), type="list_unsubscribe"), [(RUTH, "", "unsubscribe", True)]),
        (sparkpost("", at=now(), type="policy_rejection", bounce_class="30"), [(RUTH, "SparkPost", "suppressed", True)]),
        (sparkpost("550 5.1.1 recipient address suppressed", at=now(), type="policy_rejection", bounce_class="30"), [(RUTH, "SparkPost", "suppressed", True)]),
        (sparkpost("", at=now(), bounce_class="10"), []),
        (sparkpost("", at=now(), bounce_class="30"), []),
        (sparkpost("", at=now(), bounce_class="51"), []),
        (sparkpost("", at=now(), type="open"), []),
        (sparkpost("", at=now(), type="generation_failure"), []),
    ],
    ids=["complaint", "unsubscribe", "the ESP's own list", "the same in words", "invalid, no words", "bounced, no words", "spam, no words", "opened", "failed at the ESP"],
)
def test_other_events_do_what_they_should(given: Post, expected: list[Any]) -> None:
    assert post(given) == 200
    assert entries() == expected


def test_what_only_a_run_of_failures_suppressed_is_mailed_again_when_a_delivery_holds() -> None:
    assert post(postmark(UNKNOWN, number=1, at=now() - timedelta(days=20))) == 200
    assert entries() == [(RUTH, "", "user-unknown", True)]
    Suppression.objects.update(since=now() - timedelta(days=20))
    assert post(delivered(number=2, at=now() - timedelta(days=10))) == 200
    assert (entries(), FailedMailing.objects.count()) == ([], 0)


def test_what_a_person_entered_stays_whatever_is_delivered() -> None:
    Suppression.objects.create(address="Ruth@Example.ORG", reason="user-unknown", since=now() - timedelta(days=20))
    assert post(delivered(number=2, at=now() - timedelta(days=10))) == 200
    assert entries() == [(RUTH, "", "user-unknown", True)]


class Hooks:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str | None, str]] = []

    def bounceclass_bounce(self, event: Event, report: Report, key: str) -> None:
        self.told.append(("bounce", event.recipient, str(report.source)))
        assert len(key) == 32

    def bounceclass_suppress(self, suppression: Entry, key: str) -> None:
        self.told.append(("suppress", suppression.address, suppression.reason))
        assert len(key) == 32


class Broken:
    """Can't be told anything."""

    def bounceclass_bounce(self) -> None:
        raise OSError


def test_hooks_and_the_project_hear_of_events_and_decisions_and_one_that_fails_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    hooks, heard = Hooks(), []
    made = Parts(Engine(plugins=[Broken(), hooks]), Policy(Settings(), TrustSettings()))
    monkeypatch.setattr(receiver, "parts", lambda: made)

    def hear(event: Event, decision: Any, esp_name: str, **_: Any) -> None:
        heard.append((event.recipient, str(decision.action), esp_name, Suppression.objects.count()))
        raise ValueError

    decided.connect(hear)
    try:
        assert post(postmark(UNKNOWN, at=now())) == 200
        assert post(postmark(BLOCKED, number=2, at=now())) == 200
    finally:
        decided.disconnect(hear)
    assert hooks.told == [("bounce", RUTH, "Postmark"), ("suppress", RUTH, "user-unknown"), ("bounce", RUTH, "Postmark")]
    assert heard == [(RUTH, "suppress", "Postmark", 1), (RUTH, "none", "Postmark", 1)]


def test_a_post_that_anybody_could_have_written_changes_nothing() -> None:
    assert post(postmark(UNKNOWN, at=now()), HTTP_AUTHORIZATION="Basic " + b64encode(b"us:guess").decode()) == 400
    with override_settings(ANYMAIL={"POSTMARK_SERVER_TOKEN": "token"}), pytest.warns(match="insecure"):
        assert post(postmark(UNKNOWN, at=now())) == 200
    forged = mailgun(UNKNOWN, at=now())
    forged[1]["signature"]["signature"] = "0" * 64
    assert post(forged) == 400
    assert entries() == []


@pytest.mark.parametrize("to", ["", "ruth", "a b@example.org", "r" * 400 + "@example.org", "ruth\0@example.org", "ruth@example.org\r\nBcc: bob@example.net"])
def test_what_is_no_address_is_taken_and_changes_nothing(to: str) -> None:
    assert post(postmark(UNKNOWN, at=now(), to=to)) == 200
    assert (entries(), FailedMailing.objects.count()) == ([], 0)


def test_whatever_stands_in_a_tag_or_an_id_fits_the_tables() -> None:
    given = postmark(FULL, at=now(), tag="t\0" + "x" * 999)
    given[1]["MessageID"] = "i\0" + "x" * 999
    assert [post(given), post(given)] == [200, 200]
    (one,) = FailedMailing.objects.all()
    assert (len(one.stream), len(one.mailing)) == (255, 255)
    assert "\0" not in one.stream + one.mailing


def test_the_tables_are_those_of_the_models() -> None:
    call_command("makemigrations", "bounceclass_django", check=True, dry_run=True, verbosity=0)


# Sending


def suppress(address: str = RUTH, **given: Any) -> None:
    Suppression.objects.create(**{"address": address, "reason": "user-unknown", "since": now(), **given})


def sent() -> list[tuple[list[str], list[str], list[str]]]:
    return [(one.to, one.cc, one.bcc) for one in mail.outbox]


@pytest.fixture
def outbox(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what is sent as it was then: messages are put back afterwards."""
    import copy  # noqa: PLC0415

    from django.core.mail.backends import locmem  # noqa: PLC0415

    monkeypatch.setattr(mail, "outbox", [], raising=False)
    keep = locmem.EmailBackend.send_messages

    def send(self: Any, messages: list[Any]) -> Any:
        return keep(self, [copy.copy(one) for one in messages])

    monkeypatch.setattr(locmem.EmailBackend, "send_messages", send)


@pytest.mark.usefixtures("outbox")
def test_suppressed_recipients_are_left_out_and_a_message_to_nobody_else_is_not_sent() -> None:
    suppress()
    suppress("old@example.org", until=now() - timedelta(days=1))
    suppress("listed@example.org", scope="Postmark", reason="suppressed")
    one = EmailMessage("news", "text", "us@example.com", ["Ruth <RUTH@Example.org>", "bob@example.net"], bcc=["old@example.org"], cc=["listed@example.org"])
    two = EmailMessage("news", "text", "us@example.com", [RUTH])
    assert Outbox().send_messages([one, two]) == 1
    assert sent() == [(["bob@example.net"], ["listed@example.org"], ["old@example.org"])]
    assert (one.to, one.suppressed_recipients) == (["Ruth <RUTH@Example.org>", "bob@example.net"], ["Ruth <RUTH@Example.org>"])
    assert (two.to, two.suppressed_recipients) == ([RUTH], [RUTH])


@pytest.mark.usefixtures("outbox")
def test_where_that_is_wanted_a_message_to_a_suppressed_recipient_is_an_error_and_nothing_is_sent() -> None:
    suppress()
    messages = [EmailMessage("news", "text", "us@example.com", [to]) for to in ("bob@example.net", RUTH)]
    with override_settings(BOUNCECLASS_SUPPRESSED="raise"):
        with pytest.raises(SuppressedRecipient, match=r"suppressed: ruth@example\.org") as raised:
            Outbox().send_messages(messages)
        assert (raised.value.recipients, sent()) == ((RUTH,), [])
        assert Silent().send_messages(messages) == 1
    assert sent() == [(["bob@example.net"], [], [])]


@pytest.mark.parametrize(
    ("scope", "tags", "left_out"),
    [("", [], [RUTH]), ("Postmark", [], [RUTH]), ("Mailgun", [], []), ("news", ["news", "spring"], [RUTH]), ("news", ["spring", "news"], []), ("news", [], [])],
)
def test_an_entry_for_one_stream_or_one_esp_holds_there_alone(scope: str, tags: list[str], left_out: list[str]) -> None:
    suppress(scope=scope)
    message = AnymailMessage("news", "text", "us@example.com", [RUTH, "bob@example.net"], tags=tags)
    assert Esp().send_messages([message]) == 1
    assert message.suppressed_recipients == left_out
    assert set(message.anymail_status.recipients) == {"bob@example.net", RUTH} - set(left_out)


def test_a_thousand_recipients_are_looked_up_in_a_few_queries() -> None:
    from django.db import connection  # noqa: PLC0415
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415

    suppress("n7@example.org")
    messages = [EmailMessage("news", "text", "us@example.com", [f"n{number}@example.org"]) for number in range(1000)]
    with CaptureQueriesContext(connection) as queries:
        assert Outbox().send_messages(messages) == 999
    assert len(queries) == 2
