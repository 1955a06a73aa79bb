"""What one ESP tells is decided as any report is, and goes on every ESP's own list that it concerns, and on no other."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from bounceclass import config
from bounceclass.assembly import opened
from bounceclass.model import Trust
from bounceclass.protocols import Item, Voucher
from bounceclass.store.records import Selection
from tests.esp.signers import SAMPLES, webhook

if TYPE_CHECKING:
    from pathlib import Path

    from bounceclass.assembly import Parts
    from tests.esp.loopback import Server

SETTINGS = """
[store]
url = "sqlite:///{folder}/b.db"

[policy]
max_age_days = 3650

[plugins.{name}]

[plugins.resend.shop]
api_key = {{ secret = "one" }}
api_url = "{url}"

[plugins.postmark.news]
api_key = {{ secret = "two" }}
api_url = "{url}"
scope = "{name}"
"""


def handle(parts: Parts, sample: str) -> list[str]:
    """Process a payload as the receiver passes it on; return the actions."""
    name = sample.partition("/")[0]
    raw = (SAMPLES / f"{sample}.json").read_bytes()
    voucher = Voucher(grade=Trust.OWN_MTA, because=f"a signed webhook of {name}", stream=name)
    item = Item(raw=raw, source=sample, key=sample, received_at=datetime.now(UTC), reports=tuple(webhook(name).parse(raw)), voucher=voucher)
    return [str(decision.action) for decision in parts.runner.handle(item)]


@pytest.mark.parametrize(
    ("sample", "actions", "entries", "told"),
    [
        ("sendgrid/01-bounce", ["suppress"], [("user-unknown", None)], {"add", "suppressions"}),
        ("sendgrid/02-blocked", ["none"], [], set()),
        ("sendgrid/03-a-verdict-alone", ["count"], [], set()),
        ("sendgrid/04-dropped", ["suppress"], [("suppressed", "sendgrid")], set()),
        ("sendgrid/08-spam-report", ["suppress"], [("complaint", "sendgrid")], {"suppressions"}),
        ("sendgrid/09-unsubscribe", ["suppress"], [("unsubscribe", "sendgrid")], {"suppressions"}),
        ("sendgrid/07-delivered", ["none"], [], set()),
        ("ses/03-on-the-account-s-list", ["suppress"], [("suppressed", "ses")], set()),
        ("ses/07-forwarded", ["count"], [], set()),
        ("ses/10-complaint-of-one-of-several", ["hold", "hold"], [], set()),
        ("resend/06-bounced-one-of-several", ["hold"], [], set()),
        ("mailjet/01-bounce", ["count"], [], set()),
        ("brevo/12-soft-that-is-the-sender-s", ["none"], [], set()),
    ],
)
def test_what_an_esp_tells_is_decided_and_passed_on(
    sample: str, actions: list[str], entries: list[tuple[str, str | None]], told: set[str], server: Server, tmp_path: Path
) -> None:
    name = sample.partition("/")[0]
    (tmp_path / "b.toml").write_text(SETTINGS.format(folder=tmp_path, name=name if name not in {"resend", "postmark"} else "mailjet", url=server.url))
    with opened(config.read(str(tmp_path / "b.toml")), (), ()) as parts:
        assert handle(parts, sample) == actions
        parts.runner.run((), once=True)
        found = [(str(entry.reason), entry.scope) for entry in parts.store.suppressions(Selection(active_at=datetime.now(UTC)))]
    assert found == entries
    assert {one.path.rpartition("/")[2] for one in server.asked} == told
