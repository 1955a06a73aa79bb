"""What each ESP's API is asked when an address is suppressed or released, and what follows from its answers."""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Any

import pytest

from bounceclass.errors import Refused, Retry, SettingsError
from bounceclass.model import Reason, Suppression
from bounceclass.settings import SecretSource
from tests.esp.loopback import Answer, Server, path_of
from tests.esp.remotes import ADDRESS, GONE, NAMES, SECRET, acting, asked, entry, key
from tests.esp.signers import URL, VENDORS, module

PLUGINS = Path(__file__).parent.parent.parent / "plugins"
SUPPRESSED: list[tuple[str, Reason, list[tuple[str, str, Any]]]] = [
    ("sendgrid", Reason.USER_UNKNOWN, [("POST", "/v3/asm/suppressions/global", {"recipient_emails": [ADDRESS]})]),
    ("mailgun", Reason.USER_UNKNOWN, [("POST", "/v3/lists.example.com/bounces", [{"address": ADDRESS, "code": "550", "error": "not mailed: user-unknown"}])]),
    ("mailgun", Reason.COMPLAINT, [("POST", "/v3/lists.example.com/complaints", [{"address": ADDRESS}])]),
    ("mailgun", Reason.UNSUBSCRIBE, [("POST", "/v3/lists.example.com/unsubscribes", [{"address": ADDRESS, "tags": ["*"]}])]),
    ("postmark", Reason.USER_UNKNOWN, [("POST", "/message-streams/outbound/suppressions", {"Suppressions": [{"EmailAddress": ADDRESS}]})]),
    (
        "sparkpost",
        Reason.COMPLAINT,
        [
            (
                "PUT",
                "/api/v1/suppression-list",
                {"recipients": [{"recipient": ADDRESS, "type": type_, "description": "bounceclass: complaint"} for type_ in ("transactional", "non_transactional")]},
            )
        ],
    ),
    ("brevo", Reason.USER_UNKNOWN, [("POST", "/v3/contacts", {"email": ADDRESS, "emailBlacklisted": True, "updateEnabled": True})]),
    ("mailjet", Reason.USER_UNKNOWN, [("PUT", f"/v3/REST/contact{GONE}", {"IsExcludedFromCampaigns": True})]),
    ("resend", Reason.USER_UNKNOWN, [("POST", "/suppressions/batch/add", {"emails": [ADDRESS]})]),
    ("mailersend", Reason.USER_UNKNOWN, [("POST", "/v1/suppressions/hard-bounces", {"domain_id": "dom1", "recipients": [ADDRESS]})]),
    ("mailersend", Reason.COMPLAINT, [("POST", "/v1/suppressions/spam-complaints", {"domain_id": "dom1", "recipients": [ADDRESS]})]),
    (
        "mandrill",
        Reason.USER_UNKNOWN,
        [("POST", "/api/1.0/rejects/add.json", {"key": SECRET, "email": ADDRESS, "comment": "bounceclass: user-unknown", "subaccount": "lists"})],
    ),
    (
        "mailtrap",
        Reason.USER_UNKNOWN,
        [("POST", "/api/suppressions", {"email": ADDRESS, "type": "hard bounce", "domain_id": 7, "sending_stream": "transactional"})],
    ),
]
RELEASED: dict[str, list[tuple[str, str, Any]]] = {
    "sendgrid": [
        ("DELETE", f"/v3/asm/suppressions/global{GONE}", None),
        *(("DELETE", f"/v3/suppression/{name}{GONE}", None) for name in ("bounces", "blocks", "invalid_emails")),
    ],
    "mailgun": [("DELETE", f"/v3/lists.example.com/bounces{GONE}", None)],
    "postmark": [
        ("GET", "/message-streams/outbound/suppressions/dump?EmailAddress=ruth%2Bx%40example.net", None),
        ("POST", "/message-streams/outbound/suppressions/delete", {"Suppressions": [{"EmailAddress": ADDRESS}]}),
    ],
    "sparkpost": [("GET", f"/api/v1/suppression-list{GONE}", None), ("DELETE", f"/api/v1/suppression-list{GONE}", None)],
    "brevo": [
        ("GET", f"/v3/contacts{GONE}", None),
        ("PUT", f"/v3/contacts{GONE}", {"emailBlacklisted": False}),
        ("DELETE", f"/v3/smtp/blockedContacts{GONE}", None),
    ],
    "mailjet": [("PUT", f"/v3/REST/contact{GONE}", {"IsExcludedFromCampaigns": False})],
    "resend": [("GET", f"/suppressions{GONE}", None), ("POST", "/suppressions/batch/remove", {"emails": [ADDRESS]})],
    "mailersend": [
        ("GET", "/v1/suppressions/hard-bounces?domain_id=dom1&limit=100&page=1", None),
        ("DELETE", "/v1/suppressions/hard-bounces", {"domain_id": "dom1", "ids": ["b"]}),
    ],
    "mandrill": [
        ("POST", "/api/1.0/rejects/list.json", {"key": SECRET, "email": ADDRESS, "subaccount": "lists"}),
        ("POST", "/api/1.0/rejects/delete.json", {"key": SECRET, "email": ADDRESS, "subaccount": "lists"}),
    ],
    "mailtrap": [("GET", "/api/suppressions?email=ruth%2Bx%40example.net", None), ("DELETE", "/api/suppressions/b", None)],
}
FOUND: dict[str, Any] = {
    "mailersend": {"data": [{"id": "a", "recipient": {"email": "omar@example.net"}}, {"id": "b", "recipient": {"email": "RUTH+X@example.net"}}]},
    "mailtrap": [{"id": "a", "email": "omar@example.net"}, {"id": "b", "email": ADDRESS}],
    "mandrill": [{"email": ADDRESS, "reason": "hard-bounce"}],
}


@pytest.mark.parametrize(("name", "reason", "requests"), SUPPRESSED)
def test_an_entry_is_put_on_the_esp_s_list(name: str, reason: Reason, requests: list[tuple[str, str, Any]], server: Server) -> None:
    server.answers = [Answer(body={"email": ADDRESS, "added": True})]
    acting(name, server).bounceclass_suppress(suppression=entry(reason=reason), key="k1")
    assert asked(server) == requests
    assert server.asked[0].headers["idempotency-key"] == "k1"


@pytest.mark.parametrize("name", RELEASED)
def test_an_entry_is_taken_from_the_esp_s_list(name: str, server: Server) -> None:
    server.answers = [Answer(body=FOUND.get(name))]
    acting(name, server).bounceclass_release(suppression=entry(), key="k1")
    assert asked(server) == RELEASED[name]


@pytest.mark.parametrize("name", ["sendgrid", "mailgun", "sparkpost", "brevo", "mailjet", "resend"])
def test_what_is_gone_already_is_released(name: str, server: Server) -> None:
    server.answers = [Answer(404)] * 9
    acting(name, server).bounceclass_release(suppression=entry(), key="k1")
    assert len(server.asked) == len(RELEASED[name])


@pytest.mark.parametrize(
    ("answer", "error", "after"),
    [
        (Answer(429, headers=(("Retry-After", "7"),)), Retry, 7.0),
        (Answer(429), Retry, 60.0),
        (Answer(408), Retry, 60.0),
        (Answer(503, headers=(("Retry-After", "3"),)), Retry, 3.0),
        (Answer(502), Retry, 60.0),
        (Answer(fault="hang"), Retry, 60.0),
        (Answer(fault="cut"), Retry, 60.0),
        (Answer(400, {"code": "bad_request", "message": f"{ADDRESS} is odd"}), Refused, None),
        (Answer(401), Refused, None),
        (Answer(403), Refused, None),
        (Answer(422), Refused, None),
        (Answer(302, headers=(("Location", "http://127.0.0.1:1/"),)), Refused, None),
    ],
    ids=lambda value: str(value)[:40],
)
@pytest.mark.parametrize("name", NAMES)
def test_what_an_answer_leads_to(name: str, answer: Answer, error: type[Exception], after: float | None, server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "bounceclass")
    server.answers = [answer]
    with pytest.raises(error) as caught:
        acting(name, server).bounceclass_suppress(suppression=entry(), key="k1")
    assert len(server.asked) == 1
    assert getattr(caught.value, "after", None) == after
    said = f"{caught.value!r} {caught.value.__cause__!r} {caplog.text}"
    assert SECRET not in said
    assert ADDRESS not in said


@pytest.mark.parametrize("name", [*NAMES, "ses"])
@pytest.mark.parametrize("address", ["", "@", "ruth", "@example.net", "ruth@", "..", "../..", "a b@", "ruth@example.net\n", "ruth\0@example.net"])
def test_what_is_no_address_is_never_sent(name: str, address: str, server: Server) -> None:
    plugin = acting(name, server)
    given = entry(address or " ")
    for act in (plugin.bounceclass_suppress, plugin.bounceclass_release):
        with pytest.raises(Refused):
            act(suppression=given, key="k1")
    assert server.asked == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("address", ["a/../../b@example.net", "*@example.net", "?x=1@example.net", "#@example.net", "%2e%2e@example.net", "a;b@example.net", "all@example.net"])
def test_an_odd_address_stays_one_entry(name: str, address: str, server: Server) -> None:
    server.answers = [Answer(body=[{"id": "b", "email": address}] if name in {"mailtrap", "mandrill"} else {"data": [{"id": "b", "recipient": {"email": address}}], "deleted": True})]
    acting(name, server).bounceclass_release(suppression=entry(address), key="k1")
    usual = [(method, path.count("/")) for method, path, _ in RELEASED[name]]
    assert [(one.method, path_of(one).count("/")) for one in server.asked] == usual
    for one in server.asked:
        assert ".." not in path_of(one).split("/")
        assert not path_of(one).endswith("/")


def test_no_plugin_knows_how_to_empty_a_list() -> None:
    emptying = re.compile(r"delete_all|[\"']all[\"']\s*:|purge|truncate|import-job|start_import|create_import_job", re.IGNORECASE)
    assert [path.name for path in PLUGINS.glob("bounceclass_*/*.py") if path.parent.name.partition("_")[2] in VENDORS and emptying.search(path.read_text(encoding="utf-8"))] == []


@pytest.mark.parametrize("name", [*NAMES, "ses"])
def test_what_is_not_the_list_s_business_is_not_told(name: str, server: Server) -> None:
    plugin = acting(name, server)
    for other in (entry(reason=Reason.SUPPRESSED, scope="ses:eu"), entry(reason=Reason.SUPPRESSED), entry(scope="garden")):
        plugin.bounceclass_suppress(suppression=other, key="k1")
        plugin.bounceclass_release(suppression=other, key="k1")
    assert server.asked == []
    with pytest.raises(Refused, match="addresses only"):
        plugin.bounceclass_suppress(suppression=Suppression(domain="example.net", reason=Reason.DOMAIN_UNKNOWN, since=entry().since, by="policy"), key="k1")


def test_a_stream_may_be_the_list_s_own(server: Server) -> None:
    acting("resend", server, scope="garden").bounceclass_suppress(suppression=entry(scope="garden"), key="k1")
    assert len(server.asked) == 1


@pytest.mark.parametrize(("name", "sizes"), [("postmark", [50, 50, 20]), ("resend", [100, 20]), ("sendgrid", [120]), ("mailgun", [120])])
def test_many_are_put_there_as_many_at_once_as_the_api_takes(name: str, sizes: list[int], server: Server) -> None:
    assert acting(name, server).push([entry(f"user{number}@example.net") for number in range(120)], "k1") == 120
    bodies = [one.body if isinstance(one.body, list) else next(iter(one.body.values())) for one in server.asked]
    assert [len(body) for body in bodies] == sizes
    assert len({one.headers["idempotency-key"] for one in server.asked}) == len(sizes)


@pytest.mark.parametrize(("name", "path", "sizes"), [("postmark", "delete", [50, 50, 20]), ("resend", "remove", [100, 20])])
def test_many_are_taken_from_there_as_many_at_once_as_the_api_takes(name: str, path: str, sizes: list[int], server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bounceclass.http.Pace.wait", lambda _self: None)  # 120 are asked for one by one before
    assert acting(name, server).withdraw([(f"user{number}@example.net", Reason.SUPPRESSED) for number in range(120)], "k1") == 120
    posts = [one for one in server.asked if one.method == "POST"]
    assert [len(next(iter(one.body.values()))) for one in posts] == sizes
    assert {path_of(one).rpartition("/")[2] for one in posts} == {path}


def test_each_reason_is_taken_from_the_list_it_stands_on_and_what_is_no_address_from_none(server: Server) -> None:
    plugin = acting("mailgun", server)
    plugin.withdraw([(ADDRESS, Reason.SUPPRESSED), (ADDRESS, Reason.UNSUBSCRIBE), (ADDRESS, Reason.COMPLAINT)], "k1")
    assert asked(server) == [("DELETE", f"/v3/lists.example.com/{name}{GONE}", None) for name in ("bounces", "unsubscribes", "complaints")]
    server.asked.clear()
    with pytest.raises(Refused):
        plugin.withdraw([(ADDRESS, Reason.SUPPRESSED), ("", Reason.SUPPRESSED)], "k1")
    assert server.asked == []


def test_a_complaint_that_postmark_does_not_lift_is_refused(server: Server) -> None:
    server.answers = [Answer(body={"Suppressions": []}), Answer(body={"Suppressions": [{"EmailAddress": ADDRESS, "Status": "Failed", "Message": "You do not have the required authority"}]})]
    with pytest.raises(Refused, match="refused 1 of 1"):
        acting("postmark", server).bounceclass_release(suppression=entry(reason=Reason.COMPLAINT), key="k1")


@pytest.mark.parametrize(("name", "error"), [("Invalid_Key", Refused), ("ValidationError", Refused), ("GeneralError", Retry), ("Invalid_Reject", None)])
def test_mandrill_s_500_is_read(name: str, error: type[Exception] | None, server: Server) -> None:
    server.answers = [Answer(body=[]), Answer(500, {"status": "error", "code": -1, "name": name, "message": "..."})]
    plugin = acting("mandrill", server)
    if error is None:
        plugin.bounceclass_release(suppression=entry(), key="k1")
        return
    with pytest.raises(error, match=name):
        plugin.bounceclass_release(suppression=entry(), key="k1")


WITHDRAWN: dict[str, Any] = {
    "postmark": {"Suppressions": [{"EmailAddress": ADDRESS, "SuppressionReason": "ManualSuppression", "Origin": "Recipient"}]},
    "sparkpost": {"results": [{"recipient": ADDRESS, "type": "transactional", "source": "Spam Complaint"}]},
    "brevo": {"email": ADDRESS, "statistics": {"unsubscriptions": {"userUnsubscription": [{"eventTime": "2026-03-09T12:00:00Z"}]}}},
    "resend": {"object": "suppression", "email": ADDRESS, "origin": "complaint"},
    "mandrill": [{"email": ADDRESS, "reason": "spam"}],
    "mailtrap": [{"id": "b", "email": ADDRESS, "type": "unsubscription", "sending_stream": "transactional"}],
}


@pytest.mark.parametrize("name", WITHDRAWN)
def test_what_somebody_has_withdrawn_there_a_bounce_s_release_leaves(name: str, server: Server) -> None:
    server.answers = [Answer(body=WITHDRAWN[name])]
    acting(name, server).bounceclass_release(suppression=entry(), key="k1")
    assert [(one.method, one.path) for one in server.asked] == [(method, path) for method, path, _ in RELEASED[name][:1]]
    server.asked.clear()
    server.answers = [Answer(body=WITHDRAWN[name])]
    acting(name, server).bounceclass_release(suppression=entry(reason=Reason.COMPLAINT), key="k1")
    assert len(server.asked) == len(RELEASED[name])


def test_sendgrid_s_spam_report_goes_with_a_complaint_only_and_a_group_is_ours_alone(server: Server) -> None:
    acting("sendgrid", server, group=17).bounceclass_release(suppression=entry(reason=Reason.COMPLAINT), key="k1")
    acting("sendgrid", server, group=17).bounceclass_suppress(suppression=entry(), key="k2")
    assert asked(server) == [
        ("DELETE", f"/v3/asm/groups/17/suppressions{GONE}", None),
        ("DELETE", f"/v3/suppression/spam_reports{GONE}", None),
        ("POST", "/v3/asm/groups/17/suppressions", {"recipient_emails": [ADDRESS]}),
    ]


def test_a_contact_that_mailjet_does_not_know_is_made(server: Server) -> None:
    server.answers = [Answer(404, {"StatusCode": 404})]
    acting("mailjet", server).bounceclass_suppress(suppression=entry(), key="k1")
    assert asked(server)[1] == ("POST", "/v3/REST/contact", {"Email": ADDRESS, "IsExcludedFromCampaigns": True})


def test_what_mailersend_does_not_hold_is_released_and_what_can_t_be_found_is_refused(server: Server) -> None:
    server.answers = [Answer(body={"data": []})]
    acting("mailersend", server).bounceclass_release(suppression=entry(), key="k1")
    assert [one.method for one in server.asked] == ["GET"]
    server.answers = [Answer(body={"data": [{"id": "x", "recipient": {"email": f"u{page}.{number}@example.net"}} for number in range(100)]}) for page in range(20)]
    with pytest.raises(Refused, match="take it away there"):
        acting("mailersend", server).bounceclass_release(suppression=entry(), key="k1")


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"api_key": SecretSource(variable="NOT_SET_AT_ALL")}, "plugins.resend.api_key: the variable NOT_SET_AT_ALL is not set"),
        ({"api_key": key(" ")}, "plugins.resend.api_key is empty"),
        ({"api_key": key("x"), "api_url": "ftp://user:pass@example.net"}, "api_url: is no https: or http: address"),
        ({"api_key": key("x\ny")}, "api_key: holds what HTTP does not allow in a header"),
    ],
)
def test_settings_that_do_not_fit_are_a_fault(given: dict[str, Any], fault: str) -> None:
    resend = module("resend")
    with pytest.raises(SettingsError) as caught:
        resend.plugin(resend.Settings(**given))
    assert str(caught.value) == fault


@pytest.mark.parametrize("name", NAMES)
def test_a_key_is_in_no_representation(name: str) -> None:
    assert SECRET not in repr(module(name).Settings(api_key=SecretSource(secret=SECRET)))


@pytest.mark.parametrize("name", NAMES)
def test_without_a_key_nothing_is_told(name: str) -> None:
    plugin = module(name)
    assert not hasattr(plugin.plugin(plugin.Settings(**({"url": URL} if name == "mandrill" else {}))), "bounceclass_suppress")


def test_what_a_list_can_t_do_is_said_at_start(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "bounceclass")
    acting("mailjet", server)
    assert "plugin mailjet: Mailjet can't be told to stop transactional mail" in caplog.text
