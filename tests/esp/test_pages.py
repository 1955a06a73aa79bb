"""What each ESP's list is asked for, page by page, and what its entries are read as."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from bounceclass.errors import Refused, Retry
from bounceclass.model import Reason
from bounceclass.remotelist import Listed, Page, Patience, Readable, entries
from tests.esp.loopback import Answer, Server
from tests.esp.remotes import NAMES, SECRET, acting, asked
from tests.esp.test_remote_ses import credentials, operation_of

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["credentials"]

RUTH, OMAR, EVE = "ruth@example.net", "Omar@example.net", "eve@example.net"
NOON = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
SAID = "2026-03-09T12:00:00Z"
MAIL = "Mon, 09 Mar 2026 12:00:00 UTC"
BARE = "2026-03-09 12:00:00"
SECONDS = 1773057600
Pages = list[Answer]
Read = tuple[Pages, list[tuple[str, str, Any]], list[Listed]]


def gets(*paths: str) -> list[tuple[str, str, Any]]:
    return [("GET", path, None) for path in paths]


def sendgrid(url: str) -> Read:
    del url
    answers = [
        Answer(body=[{"created": SECONDS, "email": RUTH, "reason": "550 5.1.1", "status": "5.1.1"}]),
        Answer(body=[]),
        Answer(body=[]),
        Answer(body=[{"created": SECONDS, "email": OMAR, "ip": "192.0.2.1"}]),
        Answer(body=[]),
        Answer(body=[{"created": SECONDS, "email": EVE}]),
        Answer(body=[]),
    ]
    paths = [("bounces", 0), ("bounces", 1), ("invalid_emails", 0), ("spam_reports", 0), ("spam_reports", 1), ("unsubscribes", 0), ("unsubscribes", 1)]
    found = [
        Listed(RUTH, Reason.SUPPRESSED, NOON, "bounces"),
        Listed(OMAR, Reason.COMPLAINT, NOON, "spam_reports"),
        Listed(EVE, Reason.UNSUBSCRIBE, NOON, "unsubscribes"),
    ]
    return answers, gets(*(f"/v3/suppression/{name}?limit=500&offset={offset}" for name, offset in paths)), found


def mailgun(url: str) -> Read:
    base = f"{url}/v3/lists.example.com"
    answers = [
        Answer(body={"items": [{"address": RUTH, "code": "550", "error": "", "created_at": MAIL}], "paging": {"next": f"{base}/bounces?page=next&address=ruth%40example.net&limit=1000"}}),
        Answer(body={"items": [], "paging": {"next": f"{base}/bounces?page=next&address=ruth%40example.net&limit=1000"}}),
        Answer(body={"items": [{"address": OMAR, "created_at": MAIL}], "paging": {}}),
        Answer(body={"items": [{"address": EVE, "tags": ["*"], "created_at": MAIL}, {"address": RUTH, "tags": ["spring"], "created_at": MAIL}], "paging": {}}),
    ]
    path = "/v3/lists.example.com"
    paths = (f"{path}/bounces?limit=1000", f"{path}/bounces?page=next&address=ruth%40example.net&limit=1000", f"{path}/complaints?limit=1000", f"{path}/unsubscribes?limit=1000")
    found = [
        Listed(RUTH, Reason.SUPPRESSED, NOON, "bounces"),
        Listed(OMAR, Reason.COMPLAINT, NOON, "complaints"),
        Listed(EVE, Reason.UNSUBSCRIBE, NOON, "unsubscribes"),
    ]
    return answers, gets(*paths), found


def postmark(url: str) -> Read:
    del url
    kinds = [(RUTH, "HardBounce", "Recipient"), (OMAR, "SpamComplaint", "Recipient"), (EVE, "ManualSuppression", "Recipient"), ("amy@example.net", "ManualSuppression", "Customer")]
    answers = [Answer(body={"Suppressions": [{"EmailAddress": who, "SuppressionReason": why, "Origin": whose, "CreatedAt": "2026-03-09T08:00:00-04:00"} for who, why, whose in kinds]})]
    found = [
        Listed(RUTH, Reason.SUPPRESSED, NOON, "HardBounce by Recipient"),
        Listed(OMAR, Reason.COMPLAINT, NOON, "SpamComplaint by Recipient"),
        Listed(EVE, Reason.UNSUBSCRIBE, NOON, "ManualSuppression by Recipient"),
        Listed("amy@example.net", Reason.SUPPRESSED, NOON, "ManualSuppression by Customer"),
    ]
    return answers, gets("/message-streams/outbound/suppressions/dump"), found


def sparkpost(url: str) -> Read:
    del url
    row = {"type": "transactional", "created": "2020-01-01T00:00:00+00:00", "updated": "2026-03-09T12:00:00+00:00"}
    answers = [
        Answer(
            body={
                "results": [{**row, "recipient": RUTH, "source": "Bounce Rule"}, {**row, "recipient": EVE, "source": "Spam Complaint", "subaccount_id": 146}],
                "links": [{"href": "/api/v1/suppression-list?cursor=WzFd&per_page=1000", "rel": "next"}],
                "total_count": 4,
            }
        ),
        Answer(body={"results": [{**row, "recipient": OMAR, "source": "Spam Complaint"}, {**row, "recipient": EVE, "source": "List Unsubscribe", "list_id": "spring"}], "links": []}),
    ]
    found = [Listed(RUTH, Reason.SUPPRESSED, NOON, "Bounce Rule"), Listed(OMAR, Reason.COMPLAINT, NOON, "Spam Complaint")]
    return answers, gets("/api/v1/suppression-list?cursor=initial&per_page=1000", "/api/v1/suppression-list?cursor=WzFd&per_page=1000"), found


def brevo(url: str) -> Read:
    del url
    blocked = [(RUTH, "hardBounce"), (OMAR, "contactFlaggedAsSpam")]
    contacts = [(EVE, True), ("amy@example.net", False)]
    answers = [
        Answer(body={"count": 2, "contacts": [{"email": who, "senderEmail": "shop@example.com", "reason": {"code": why, "message": ""}, "blockedAt": SAID} for who, why in blocked]}),
        Answer(body={"count": 3, "contacts": [{"id": at, "email": who, "emailBlacklisted": out, "modifiedAt": SAID} for at, (who, out) in enumerate(contacts)]}),
        Answer(body={"count": 3, "contacts": [{"id": 9, "emailBlacklisted": True, "modifiedAt": SAID}]}),
    ]
    found = [
        Listed(RUTH, Reason.SUPPRESSED, NOON, "hardBounce"),
        Listed(OMAR, Reason.COMPLAINT, NOON, "contactFlaggedAsSpam"),
        Listed(EVE, Reason.SUPPRESSED, NOON, "emailBlacklisted"),
    ]
    return answers, gets("/v3/smtp/blockedContacts?limit=100&offset=0", "/v3/contacts?limit=1000&offset=0", "/v3/contacts?limit=1000&offset=2"), found


def resend(url: str) -> Read:
    del url
    answers = [
        Answer(body={"object": "list", "has_more": True, "data": [{"id": "id1", "email": RUTH, "origin": "bounce", "created_at": "2026-03-09T12:00:00.000Z"}]}),
        Answer(body={"object": "list", "has_more": False, "data": [{"id": "id2", "email": OMAR, "origin": "complaint", "created_at": SAID}, {"id": "id3", "email": EVE, "origin": "manual"}]}),
    ]
    found = [Listed(RUTH, Reason.SUPPRESSED, NOON, "bounce"), Listed(OMAR, Reason.COMPLAINT, NOON, "complaint"), Listed(EVE, Reason.SUPPRESSED, None, "manual")]
    return answers, gets("/suppressions?limit=100", "/suppressions?limit=100&after=id1"), found


def mailersend(url: str) -> Read:
    del url
    answers = [
        Answer(body={"data": [{"id": "a", "recipient": {"email": RUTH}, "created_at": "2026-03-09T12:00:00.000000Z"}]}),
        Answer(body={"data": []}),
        Answer(body={"data": [{"id": "b", "recipient": {"email": OMAR}, "created_at": BARE}]}),
        Answer(body={"data": []}),
        Answer(body={"data": []}),
    ]
    paths = [("hard-bounces", 1), ("hard-bounces", 2), ("spam-complaints", 1), ("spam-complaints", 2), ("unsubscribes", 1)]
    found = [Listed(RUTH, Reason.SUPPRESSED, NOON, "hard-bounces"), Listed(OMAR, Reason.COMPLAINT, NOON, "spam-complaints")]
    return answers, gets(*(f"/v1/suppressions/{name}?domain_id=dom1&limit=100&page={page}" for name, page in paths)), found


def mandrill(url: str) -> Read:
    del url
    kinds = [(RUTH, "hard-bounce", "lists"), (OMAR, "spam", "lists"), (EVE, "unsub", "lists"), ("amy@example.net", "hard-bounce", None)]
    answers = [Answer(body=[{"email": who, "reason": why, "created_at": "2020-01-01 00:00:00", "last_event_at": BARE, "expired": False, "subaccount": whose} for who, why, whose in kinds])]
    found = [Listed(RUTH, Reason.SUPPRESSED, NOON, "hard-bounce"), Listed(OMAR, Reason.COMPLAINT, NOON, "spam"), Listed(EVE, Reason.UNSUBSCRIBE, NOON, "unsub")]
    return answers, [("POST", "/api/1.0/rejects/list.json", {"key": SECRET, "subaccount": "lists"})], found


def mailtrap(url: str) -> Read:
    del url
    answers = [
        Answer(
            body=[
                {"id": "id1", "email": RUTH, "type": "hard bounce", "sending_stream": "transactional", "created_at": SAID},
                {"id": "id2", "email": EVE, "type": "unsubscription", "sending_stream": "bulk", "created_at": SAID},
                {"id": "id3", "email": OMAR, "type": "spam complaint", "sending_stream": "any", "created_at": SAID},
            ]
        ),
        Answer(body=[]),
    ]
    found = [Listed(RUTH, Reason.SUPPRESSED, NOON, "hard bounce"), Listed(OMAR, Reason.COMPLAINT, NOON, "spam complaint")]
    return answers, gets("/api/suppressions", "/api/suppressions?last_id=id3"), found


LISTS: dict[str, Callable[[str], Read]] = {
    "sendgrid": sendgrid,
    "mailgun": mailgun,
    "postmark": postmark,
    "sparkpost": sparkpost,
    "brevo": brevo,
    "resend": resend,
    "mailersend": mailersend,
    "mandrill": mandrill,
    "mailtrap": mailtrap,
}


@pytest.fixture(autouse=True)
def unpaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody be kept waiting by the ESP's rate: the tests of Pace see to that, and Patience is under test."""
    monkeypatch.setattr("bounceclass.http.Pace.wait", lambda _self: None)


class Waiting:
    """Patience that doesn't wait, and tells for how long it would have."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.patience = Patience(self.slept.append)


def readable(name: str, server: Server, **more: Any) -> Readable:
    found: Readable | None = acting(name, server, **more).readable
    assert found is not None
    return found


def test_every_esp_s_list_can_be_read_but_mailjet_s(server: Server) -> None:
    assert [name for name in NAMES if acting(name, server).readable is None] == ["mailjet"]
    assert sorted(LISTS) == sorted(set(NAMES) - {"mailjet"})


@pytest.mark.parametrize("name", LISTS)
def test_a_list_is_read_to_its_end(name: str, server: Server) -> None:
    server.answers, requests, found = LISTS[name](server.url)
    assert list(entries(readable(name, server), Waiting().patience)) == found
    assert asked(server) == requests


@pytest.mark.parametrize("name", LISTS)
def test_an_empty_list_has_no_entries(name: str, server: Server) -> None:
    empty: Any = {"items": [], "Suppressions": [], "results": [], "contacts": [], "count": 0, "data": [], "has_more": False}
    server.answers = [Answer(body=[] if name in {"sendgrid", "mandrill", "mailtrap"} else empty)] * 9
    assert list(entries(readable(name, server), Waiting().patience)) == []


def test_a_group_of_sendgrid_s_is_read_besides(server: Server) -> None:
    server.answers = [Answer(body=[])] * 4 + [Answer(body=[RUTH, OMAR])]
    assert list(entries(readable("sendgrid", server, group=17), Waiting().patience)) == [Listed(one, Reason.UNSUBSCRIBE, None, "group") for one in (RUTH, OMAR)]
    assert server.asked[-1].path == "/v3/asm/groups/17/suppressions"


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(
    ("answer", "error", "slept"),
    [
        (Answer(429, headers=(("Retry-After", "7"),)), None, [7.0]),
        (Answer(503, headers=(("Retry-After", "3"),)), None, [3.0]),
        (Answer(fault="cut"), None, [60.0]),
        (Answer(429, headers=(("Retry-After", "3600"),)), Retry, []),
        (Answer(401), Refused, []),
        (Answer(302, headers=(("Location", "http://127.0.0.1:1/"),)), Refused, []),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_page_in_the_middle_that_fails_is_asked_for_again_or_nothing_is_taken_for_the_list(
    name: str, answer: Answer, error: type[Exception] | None, slept: list[float], server: Server
) -> None:
    pages, requests, found = LISTS[name](server.url)
    waiting = Waiting()
    server.answers = [*pages[:-1], answer, pages[-1]]
    reading = entries(readable(name, server), waiting.patience)
    if error is None:
        assert list(reading) == found
        assert asked(server) == [*requests[:-1], requests[-1], requests[-1]]
    else:
        with pytest.raises(error):
            list(reading)
        assert asked(server) == requests
    assert waiting.slept == slept


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("body", [None, {}, {"data": None, "items": {}, "results": "none", "Suppressions": [1], "contacts": None}, {"error": "busy"}, ["a", 1]])
def test_an_answer_of_another_shape_is_no_empty_page(name: str, body: Any, server: Server) -> None:
    server.answers = [Answer(body=body)] * 9
    waiting = Waiting()
    with pytest.raises(Retry):
        list(entries(readable(name, server), waiting.patience))
    assert waiting.slept == [60.0, 120.0]


@pytest.mark.parametrize("name", LISTS)
def test_an_entry_that_names_nobody_ends_the_reading(name: str, server: Server) -> None:
    row = {"id": "id1", "who": RUTH, "sending_stream": "any", "subaccount": "lists", "tags": ["*"]}
    keys: Any = {key: [row] for key in ("items", "Suppressions", "results", "contacts", "data")}
    server.answers = [Answer(body=[row] if name in {"sendgrid", "mandrill", "mailtrap"} else keys)]
    with pytest.raises(Refused, match="another form"):
        list(entries(readable(name, server), Waiting().patience))


ENDLESS: dict[str, Any] = {
    "sendgrid": [{"email": RUTH, "created": SECONDS}],
    "mailgun": {"items": [{"address": RUTH}], "paging": {"next": "/v3/lists.example.com/bounces?page=next&address=x"}},
    "sparkpost": {"results": [{"recipient": RUTH}], "links": [{"rel": "next", "href": "/api/v1/suppression-list?cursor=x"}]},
    "brevo": {"contacts": [{"email": RUTH}]},
    "resend": {"has_more": True, "data": [{"id": "id1", "email": RUTH}]},
    "mailersend": {"data": [{"recipient": {"email": RUTH}}]},
    "mailtrap": [{"id": "id1", "email": RUTH}],
}


@pytest.mark.parametrize("name", ENDLESS)
def test_a_list_that_goes_round_ends_at_the_second_page(name: str, server: Server) -> None:
    server.answers = [Answer(body=ENDLESS[name])] * 5
    with pytest.raises(Refused, match="no end"):
        list(entries(readable(name, server), Waiting().patience))
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    "link",
    ["http://127.0.0.1:1/v3/lists.example.com/bounces?page=next", "https://api.example.com/v3/lists.example.com/bounces", "//evil.test/v3/lists.example.com/bounces", "/v3/other.example.com/bounces?page=next", "http://[", "?" + "&".join(f"a{at}=1" for at in range(99))],
)
@pytest.mark.parametrize("name", ["mailgun", "sparkpost"])
def test_a_link_that_leads_elsewhere_is_not_followed(name: str, link: str, server: Server) -> None:
    body = {"mailgun": {"items": [{"address": RUTH}], "paging": {"next": link}}, "sparkpost": {"results": [{"recipient": RUTH}], "links": [{"rel": "next", "href": link}]}}[name]
    server.answers = [Answer(body=body)]
    with pytest.raises(Refused, match="lies elsewhere"):
        list(entries(readable(name, server), Waiting().patience))
    assert len(server.asked) == 1


def test_a_page_that_is_too_large_is_no_page_and_not_asked_for_again(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bounceclass.http._LARGEST_PAGE", 2_000_000)
    row = {"EmailAddress": RUTH, "SuppressionReason": "HardBounce", "Origin": "Recipient"}
    server.answers = [Answer(body={"Suppressions": [row] * 40_000})]
    with pytest.raises(Refused, match="more than 2 MB at once"):
        list(entries(readable("postmark", server), Waiting().patience))


def test_mandrill_s_thousand_may_not_be_all(server: Server) -> None:
    server.answers = [Answer(body=[{"email": f"u{number}@example.net", "subaccount": "lists"} for number in range(1000)])]
    with pytest.raises(Refused, match="there may be more"):
        list(entries(readable("mandrill", server), Waiting().patience))


@pytest.mark.parametrize(("name", "body", "fault"), [("resend", {"has_more": True, "data": []}, "not after what"), ("mailtrap", [{"email": RUTH}], "have no id")])
def test_more_without_a_way_to_it_is_no_end(name: str, body: Any, fault: str, server: Server) -> None:
    server.answers = [Answer(body=body)]
    with pytest.raises(Refused, match=fault):
        list(entries(readable(name, server), Waiting().patience))


@pytest.mark.usefixtures("credentials")
def test_ses_s_list_is_read_as_its_model_says(server: Server) -> None:
    row = {"EmailAddress": RUTH, "Reason": "BOUNCE", "LastUpdateTime": SECONDS}
    server.answers = [
        Answer(body={"SuppressedDestinationSummaries": [row], "NextToken": "t1"}),
        Answer(429, {"message": "slow"}, (("x-amzn-errortype", "TooManyRequestsException"),)),
        Answer(body={"SuppressedDestinationSummaries": [], "NextToken": "t2"}),
        Answer(body={"SuppressedDestinationSummaries": [{**row, "EmailAddress": OMAR, "Reason": "COMPLAINT"}]}),
    ]
    plugin, waiting = acting("ses", server), Waiting()
    assert list(entries(plugin.readable, waiting.patience)) == [Listed(RUTH, Reason.SUPPRESSED, NOON, "BOUNCE"), Listed(OMAR, Reason.COMPLAINT, NOON, "COMPLAINT")]
    assert waiting.slept == [60.0]
    assert [operation_of(one)[0] for one in server.asked] == ["ListSuppressedDestinations"] * 4
    assert [one.path.partition("?")[2] for one in server.asked] == ["", "NextToken=t1", "NextToken=t1", "NextToken=t2"]


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize(("body", "error"), [({}, Retry), ({"SuppressedDestinationSummaries": [{"Reason": "BOUNCE"}]}, Refused)])
def test_what_ses_answers_in_another_form_is_no_list(body: Any, error: type[Exception], server: Server) -> None:
    server.answers = [Answer(body=body)] * 3
    with pytest.raises(error):
        list(entries(acting("ses", server).readable, Waiting().patience))


def test_an_operator_is_told_of_a_wait_that_is_long(server: Server) -> None:
    server.answers = [Answer(503, headers=(("Retry-After", "2"),)), Answer(503, headers=(("Retry-After", "4"),)), Answer(body={"data": [], "has_more": False})]
    told: list[tuple[float, str]] = []
    list(entries(readable("resend", server), Patience(lambda _seconds: None, lambda *one: told.append(one))))
    assert told == [(8.0, f"127.0.0.1:{server.server_address[1]} answered 503")]


class Counting:
    """A list that goes on for ever, each page another."""

    lists = ("all",)

    def __init__(self) -> None:
        self.pages = 0

    def page(self, name: str, after: str | None) -> Page:
        del name
        self.pages += 1
        return Page((Listed(f"u{self.pages}@example.net", Reason.SUPPRESSED, None, ""),), f"{after}{self.pages}"[-9:])


def test_a_list_that_goes_on_for_ever_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bounceclass.remotelist._MOST_PAGES", 30)
    remote = Counting()
    with pytest.raises(Refused, match="more than 30 pages"):
        list(entries(remote, Waiting().patience))
    assert remote.pages == 30
