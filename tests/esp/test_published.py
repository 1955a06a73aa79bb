"""What we ask of an ESP is what its published document allows: Prism answers, and refuses what is not in it."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from bounceclass.errors import Refused
from bounceclass.http import Api
from bounceclass.model import Reason
from tests.esp.prism import Prism, document
from tests.esp.remotes import acting, entry

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def closing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close what a plugin keeps open as long as its process lives."""
    with ExitStack() as stack:
        make = httpx.Client
        monkeypatch.setattr(httpx, "Client", lambda **given: stack.enter_context(make(**given)))
        yield


@pytest.fixture(scope="module")
def sendgrid(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    published = document("sendgrid.com")
    gone = published["paths"]["/v3/suppression/bounces/{email}"]["delete"]["parameters"]
    gone[:] = [one for one in gone if one.get("name") != "email_address"]  # the same address again, in the query: SendGrid's own clients never send it
    with Prism(published, tmp_path_factory.mktemp("sendgrid")) as prism:
        yield prism


@pytest.fixture(scope="module")
def mandrill(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    published = json.loads(json.dumps(document("mandrillapp.com")).replace('"*/*"', '"application/json"'))  # as it answers: Prism takes "any type" for a type
    with Prism(published, tmp_path_factory.mktemp("mandrill")) as prism:
        yield prism


RUTH = "ruth%2Bx@example.net"
GLOBAL, GROUP = "/v3/asm/suppressions/global", "/v3/asm/groups/13/suppressions"
BOUNCES = [f"delete /v3/suppression/{name}/{RUTH}" for name in ("bounces", "blocks", "invalid_emails")]
REPORTS = [f"delete /v3/suppression/spam_reports/{RUTH}"]


@pytest.mark.parametrize(
    ("more", "reason", "asked"),
    [
        ({}, Reason.USER_UNKNOWN, [f"post {GLOBAL}", f"delete {GLOBAL}/{RUTH}", *BOUNCES]),
        ({}, Reason.COMPLAINT, [f"post {GLOBAL}", f"delete {GLOBAL}/{RUTH}", *REPORTS]),
        ({"group": 13}, Reason.USER_UNKNOWN, [f"post {GROUP}", f"delete {GROUP}/{RUTH}", *BOUNCES]),
    ],
)
def test_sendgrid_s_document_allows_what_we_ask(sendgrid: Any, more: dict[str, Any], reason: Reason, asked: list[str]) -> None:
    before = len(sendgrid.asked())
    plugin = acting("sendgrid", sendgrid, **more)
    plugin.bounceclass_suppress(entry(reason=reason), "k1")
    plugin.bounceclass_release(entry(reason=reason), "k2")
    assert sendgrid.asked()[before:] == asked


def test_mandrill_s_document_allows_what_we_ask(mandrill: Any) -> None:
    plugin = acting("mandrill", mandrill)
    plugin.bounceclass_suppress(entry(), "k1")
    plugin.bounceclass_release(entry(), "k2")
    assert mandrill.asked() == [f"post /api/1.0/rejects/{what}.json" for what in ("add", "list", "delete")]


@pytest.mark.parametrize(
    ("more", "name", "reason"),
    [
        ({}, "bounces", Reason.SUPPRESSED),
        ({}, "invalid_emails", Reason.SUPPRESSED),
        ({}, "spam_reports", Reason.COMPLAINT),
        ({}, "unsubscribes", Reason.UNSUBSCRIBE),
        ({"group": 13}, "group", Reason.UNSUBSCRIBE),
    ],
)
def test_the_examples_of_sendgrid_s_document_are_read_as_pages(sendgrid: Any, more: dict[str, Any], name: str, reason: Reason) -> None:
    page = acting("sendgrid", sendgrid, **more).readable.page(name, None)
    assert page.entries
    assert {(one.reason, one.word, "@" in one.address) for one in page.entries} == {(reason, name, True)}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v3/asm/suppressions/global", {"recipients": ["ruth@example.net"]}),
        ("POST", "/v3/asm/suppressions/global", {"recipient_emails": "ruth@example.net"}),
        ("POST", "/v3/suppression/bounces", {"emails": ["ruth@example.net"]}),
        ("PUT", "/v3/asm/suppressions/global", {"recipient_emails": ["ruth@example.net"]}),
    ],
)
def test_what_the_document_does_not_allow_is_refused_there(sendgrid: Any, method: str, path: str, body: object) -> None:
    with pytest.raises(Refused, match=r"answered 4\d\d"):
        Api("sendgrid", sendgrid.url, {"Authorization": "Bearer x"}).call(method, path, body)
