"""A whole run with the plugin: bounces in a Maildir, and what listmonk then has of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from bounceclass import config
from bounceclass.assembly import opened
from bounceclass.tags import Key, tagged
from tests.plugins.listmonk import TOKEN, USER, UUID, Listmonk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CAMPAIGN = "9f86b50d-5711-41c8-ab03-bc91c43d711b"
RUN = """
keep_headers = ["X-Listmonk-Subscriber", "X-Listmonk-Campaign"]
[store]
url = "sqlite:///{folder}/b.db"
[run]
sources = ["maildir:{folder}/in"]
[trust]
keys = [{{ id = 1, secret = "{key}" }}]
return_path = "b@bounces.example.com"
[plugins.listmonk.decides]
url = "{url}"
user = "{user}"
token = {{ secret = "{token}" }}
[plugins.listmonk.told]
url = "{url}"
user = "{user}"
token = {{ secret = "{token}" }}
hooks = ["bounce"]
"""
BOUNCE = """Return-Path: <>
Delivered-To: {returned}
From: MAILER-DAEMON@mx.example.net
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary=B

--B
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; {recipient}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 User unknown

--B
Content-Type: text/rfc822-headers

From: news@lists.example.com
To: {recipient}
Message-ID: <{recipient}>
X-Listmonk-Subscriber: {uuid}
X-Listmonk-Campaign: {campaign}

--B--
"""


@pytest.fixture
def listmonk() -> Iterator[Listmonk]:
    with Listmonk.running() as server:
        yield server


def test_a_run_blocklists_whom_a_tag_names_and_reports_what_brought_a_subscriber_back(listmonk: Listmonk, tmp_path: Path) -> None:
    key = "sixteen octets of a secret or more"
    today = datetime.now(UTC).date()
    sender = tagged("b@bounces.example.com", "ruth@example.net", Key(id=1, secret=key.encode()), today)
    for name in ("tmp", "new", "cur"):
        (tmp_path / "in" / name).mkdir(parents=True)
    for number, (returned, recipient, uuid) in enumerate([(sender, "ruth@example.net", UUID.format(1)), ("b@bounces.example.com", "eve@example.org", "made up")]):
        (tmp_path / "in/new" / f"{number}.M{number}.mx").write_text(BOUNCE.format(returned=returned, recipient=recipient, uuid=uuid, campaign=CAMPAIGN))
    (tmp_path / "b.toml").write_text(RUN.format(folder=tmp_path, key=key, url=listmonk.url, user=USER, token=TOKEN))
    with opened(config.read(str(tmp_path / "b.toml"))) as parts:
        for _ in range(2):
            parts.runner.run(parts.sources, once=True)
        assert parts.runner.counts["inputs"] == 2
    assert listmonk.blocklisted() == {"ruth@example.net"}
    assert [(one["subscriber_uuid"], one["campaign_uuid"], one["type"]) for one in listmonk.bounces] == [(UUID.format(1), CAMPAIGN, "hard")]
