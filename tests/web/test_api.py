"""The API: verdicts, the suppression list, the sent log; a real server on loopback, and schemathesis over its document."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from bounceclass import Engine
from bounceclass.cli.main import BUILT_IN
from tests.conftest import SAMPLES
from tests.web.posting import Served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ALL, READER, SLOW = "token-of-all-scopes-1234", "token-of-a-reader-1234", "token-of-a-slow-one-1234"
TOKENS = f"""
[api.tokens.all]
token = {{ variable = "ALL_TOKEN" }}
scopes = ["classify", "suppressions:read", "suppressions:write", "sent"]
rate = 1000000

[api.tokens.reader]
sha256 = "{hashlib.sha256(READER.encode()).hexdigest()}"
scopes = ["suppressions:read"]

[api.tokens.slow]
token = {{ file = "slow.token" }}
scopes = ["classify"]
rate = 2
"""


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("api")
    (folder / "slow.token").write_text(SLOW)
    with Served(folder, more=TOKENS, environment={"ALL_TOKEN": ALL}) as one:
        yield one


def ask(api: Served, method: str, path: str, token: str | None = ALL, **more: Any) -> httpx.Response:
    headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **more.pop("headers", {})}
    return httpx.request(method, f"{api.url}{path}", headers=headers, timeout=30, **more)


def classify(api: Served, body: bytes, kind: str) -> httpx.Response:
    return ask(api, "POST", "/v1/classify", content=body, headers={"Content-Type": kind})


def test_a_message_is_answered_with_its_report(api: Served) -> None:
    raw = next((SAMPLES / "postfix").glob("*.eml")).read_bytes()
    answer = classify(api, raw, "message/rfc822")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    from bounceclass.model import decode  # noqa: PLC0415  for this alone

    assert decode(answer.content) == Engine().classify(raw)


def test_replies_are_answered_with_flat_verdicts_as_lines_and_as_json(api: Served) -> None:
    lines = classify(api, b"550 5.1.1 User unknown\n\n\xff", "text/plain; charset=utf-8").json()
    assert [(one["text"], one["reply_code"], one["enhanced_status"], one["reason"]) for one in lines] == [
        ("550 5.1.1 User unknown", 550, "5.1.1", "user-unknown"),
        ("", None, None, "undetermined"),
        ("\\xff", None, None, "undetermined"),
    ]
    replies = {"replies": [{"text": "550 5.1.1 User unknown", "recipient": "a@example.org"}]}
    assert classify(api, json.dumps(replies).encode(), "application/json").json() == lines[:1]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"x", "application/xml", 415),
        (b"{", "application/json", 400),
        (b'{"replies": 1}', "application/json", 400),
        (b'{"replies": [{"text": "x", "more": 1}]}', "application/json", 400),
        (b"[" * 100_000, "application/json", 400),
        (b'{"replies": [{"text": ' + b"[" * 100_000, "application/json", 400),
        (b"x\n" * 1001, "text/plain", 413),
        (b"\xff\xfe", "application/json", 400),
    ],
)
def test_what_cannot_be_classified_is_a_problem(api: Served, body: bytes, kind: str, status: int) -> None:
    answer = classify(api, body, kind)
    assert (answer.status_code, answer.headers["content-type"], answer.json()["status"]) == (status, "application/problem+json", status)


def test_the_list_is_added_to_asked_and_taken_from(api: Served) -> None:
    entries = [{"address": f"p{number}@example.net", "until": "2099-01-01T00:00:00+02:00"} for number in range(5)] + [{"domain": "example.edu", "scope": "news"}]
    assert ask(api, "POST", "/v1/suppressions", json={"suppressions": entries}).json() == {"added": 6, "known": 0}
    assert ask(api, "POST", "/v1/suppressions", json={"suppressions": entries[:2]}).json() == {"added": 0, "known": 2}
    found, cursor = [], "0"
    while cursor is not None:
        page = ask(api, "GET", f"/v1/suppressions?limit=4&cursor={cursor}", READER).json()
        found += page["suppressions"]
        cursor = page["next"]
    assert [one["suppression"]["address"] or one["suppression"]["domain"] for one in found] == [*(entry["address"] for entry in entries[:5]), "example.edu"]
    assert {(one["suppression"]["by"], one["suppression"]["reason"], one["active"]) for one in found} == {("api:all", "suppressed", True)}
    assert found[0]["suppression"]["until"] == "2098-12-31T22:00:00Z"
    assert [one["suppression"]["domain"] for one in ask(api, "GET", "/v1/suppressions?scope=news&domain=example.edu").json()["suppressions"]] == ["example.edu"]
    lifted = ask(api, "DELETE", "/v1/suppressions?address=p1@example.net&why=asked").json()["lifted"]
    assert [one["address"] for one in lifted] == ["p1@example.net"]
    assert ask(api, "DELETE", "/v1/suppressions?address=p1@example.net").json() == {"lifted": []}
    past = ask(api, "GET", "/v1/suppressions/why?address=p1@example.net", READER).json()
    assert [(one["what"], one["by"], one["why"]) for one in past["history"]] == [("suppress", "api:all", "entered by the API"), ("lift", "api:all", "asked")]
    assert len(ask(api, "GET", "/v1/suppressions?all=true").json()["suppressions"]) == 6


@pytest.mark.parametrize(
    ("method", "path", "json_"),
    [
        ("DELETE", "/v1/suppressions", None),
        ("DELETE", "/v1/suppressions?reason=suppressed", None),
        ("DELETE", "/v1/suppressions?address=a@example.com&domain=example.com", None),
        ("GET", "/v1/suppressions?limit=1001", None),
        ("GET", "/v1/suppressions?cursor=99999999999999999999", None),
        ("GET", "/v1/suppressions?reason=bad-luck", None),
        ("GET", "/v1/suppressions/why", None),
        ("GET", "/v1/suppressions/check", None),
        ("GET", "/v1/suppressions/check?address=", None),
        ("POST", "/v1/suppressions", {"suppressions": [{}]}),
        ("POST", "/v1/suppressions", {"suppressions": [{"address": "a@example.com", "reason": "bad-luck"}]}),
        ("POST", "/v1/suppressions", {"suppressions": [{"address": "nobody"}]}),
        ("POST", "/v1/suppressions", {"suppressions": [{"address": "a@example.com", "domain": "example.com"}]}),
        ("POST", "/v1/suppressions", {"suppressions": [{"address": "a@example.com", "until": "2099-01-01T00:00:00"}]}),
        ("POST", "/v1/suppressions", {"suppressions": [{"address": "a@example.com", "until": "0001-01-01T00:00:00+14:00"}]}),
        ("POST", "/v1/sent", {"sent": [{"mailing": "m", "recipient": "a"}]}),
        ("POST", "/v1/sent", []),
    ],
)
def test_what_the_list_cannot_do_is_a_problem(api: Served, method: str, path: str, json_: object) -> None:
    answer = ask(api, method, path, json=json_)
    assert (answer.status_code, answer.headers["content-type"], answer.json()["status"]) == (400, "application/problem+json", 400), answer.text


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("address=once@example.com", "user-unknown"),
        ("address=Once%40EXAMPLE.com", "user-unknown"),
        ("address=anybody@shut.example", "domain-no-mail"),
        ("address=anybody@below.shut.example", None),
        ("address=member@example.com", None),
        ("address=member@example.com&scope=garden", "complaint"),
        ("address=member@example.com&scope=kitchen", None),
        ("address=once@example.com&scope=kitchen", "user-unknown"),
        ("address=over@example.com", None),
        ("address=nobody", None),
    ],
)
def test_an_mta_is_told_whether_somebody_is_suppressed_now_and_why(api: Served, query: str, reason: str | None) -> None:
    entries = [
        {"address": "once@example.com", "reason": "user-unknown"},
        {"domain": "shut.example", "reason": "domain-no-mail"},
        {"address": "member@example.com", "scope": "garden", "reason": "complaint"},
        {"address": "over@example.com", "until": "2020-01-01T00:00:00Z"},
    ]
    ask(api, "POST", "/v1/suppressions", json={"suppressions": entries})
    told = ask(api, "GET", f"/v1/suppressions/check?{query}", READER).json()
    assert (told["suppressed"], told["suppression"] and told["suppression"]["reason"]) == (reason is not None, reason)


def test_what_was_sent_is_recorded_once(api: Served) -> None:
    mails = [{"mailing": f"m{number}@lists.example.com", "recipient": "a@example.net", "stream": "news"} for number in range(3)]
    assert [ask(api, "POST", "/v1/sent", json={"sent": mails}).json() for _ in range(2)] == [{"new": 3}, {"new": 0}]
    assert api.ask(lambda store: store.lookups().sent("m1@lists.example.com", None)) == "a@example.net"


@pytest.mark.parametrize(
    ("token", "method", "path", "status"),
    [
        (None, "GET", "/v1/suppressions", 401),
        ("wrong", "GET", "/v1/suppressions", 401),
        (READER + "x", "GET", "/v1/suppressions", 401),
        (READER, "GET", "/v1/suppressions", 200),
        (READER, "POST", "/v1/suppressions", 403),
        (READER, "DELETE", "/v1/suppressions", 403),
        (READER, "POST", "/v1/classify", 403),
        (READER, "POST", "/v1/sent", 403),
        (ALL, "POST", "/v1/nothing", 404),
        (ALL, "PUT", "/v1/sent", 405),
    ],
)
def test_a_token_does_what_its_scopes_allow(api: Served, token: str | None, method: str, path: str, status: int) -> None:
    assert ask(api, method, path, token, json={}).status_code == status


def test_a_token_has_a_rate(api: Served) -> None:
    answers = [ask(api, "POST", "/v1/classify", SLOW, content=b"250 ok", headers={"Content-Type": "text/plain"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 30


def test_health_and_metrics_tell_how_it_stands(api: Served) -> None:
    assert httpx.get(f"{api.url}/health").json() == {"status": "ok", "wrong": []}
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415  for this alone

    api.post(b"unproved", headers={})
    text = httpx.get(f"{api.url}/metrics").text
    samples = {(one.name, *sorted(one.labels.values())): one.value for family in text_string_to_metric_families(text) for one in family.samples}
    assert samples["bounceclass_web_posts_total", "post:eu", "unproved"] == 1
    assert samples[("bounceclass_web_in_flight",)] == 0
    assert samples["bounceclass_web_answers_total", "401"] >= 1


def test_the_document_names_every_route_with_its_security(api: Served) -> None:
    document = httpx.get(f"{api.url}/openapi.json").json()
    found = {f"{method.upper()} {path}": operation["security"] for path, item in document["paths"].items() for method, operation in item.items()}
    routes = ("POST /v1/classify", "GET /v1/suppressions", "POST /v1/suppressions", "DELETE /v1/suppressions", "GET /v1/suppressions/check", "GET /v1/suppressions/why", "POST /v1/sent")
    assert found == {route: [{"bearer": []}] for route in routes}


def test_no_token_of_the_api_is_in_the_log(api: Served) -> None:
    assert [token for token in (ALL, READER, SLOW) if token in api.log] == []
    assert "serve" in BUILT_IN


@pytest.mark.parametrize(
    ("tokens", "fault"),
    [
        ('token = { secret = "short" }', "api.tokens.app.token: has fewer than 16 octets"),
        ('token = { variable = "ABSENT" }', "api.tokens.app.token: the variable ABSENT is not set"),
        ('sha256 = "12"', "api.tokens.app.sha256: is not 64 hexadecimal digits"),
        ("rate = 1", "api.tokens.app needs one of token and sha256"),
        (f'sha256 = "{"a" * 64}"\n[api.tokens.other]\nsha256 = "{"A" * 64}"', "api.tokens: two are the same"),
    ],
)
def test_a_token_that_cannot_be_used_ends_it_at_the_start(tmp_path: Path, tokens: str, fault: str) -> None:
    from bounceclass import config  # noqa: PLC0415  for this alone
    from bounceclass.errors import SettingsError  # noqa: PLC0415  as above
    from bounceclass.web.tokens import Tokens  # noqa: PLC0415  as above

    path = tmp_path / "bounceclass.toml"
    path.write_text(f"[api.tokens.app]\n{tokens}\n")
    with pytest.raises(SettingsError, match=fault):
        Tokens(config.read(str(path)).api)
