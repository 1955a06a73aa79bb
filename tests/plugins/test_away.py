"""A receiver that is away, by a real server that fails on purpose: asked a handful of times, and told everything once it is back."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from bounceclass_webhook import Settings, plugin

from bounceclass.assembly import opened
from bounceclass.config import Configuration
from bounceclass.model import Reason, Suppression
from bounceclass.outgoing import Deliverer, Outgoing
from bounceclass.plugins import Plugins
from bounceclass.settings import SecretSource, StoreSettings
from bounceclass.settings import Settings as All
from bounceclass.store import open_store
from tests.plugins.receiver import SECRET, cut, hang, seconds_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bounceclass.store.database import Database
    from tests.plugins.receiver import Receiver

NOW = datetime(2026, 3, 9, 12, tzinfo=UTC)
TICK = timedelta(seconds=30)
PEOPLE, EACH = 250, 4


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Database]:
    found = open_store(f"sqlite:///{tmp_path / 'b.db'}")
    yield found
    found.close()


def table(receiver: Receiver, fault: Any) -> dict[str, Any]:
    return {"url": f"http://127.0.0.1:{receiver.port}", "allow": ["127.0.0.0/8"], "allow_http": True, "timeout": 0.3 if fault is hang else 10}


def fill(store: Database, outgoing: Outgoing, people: int = PEOPLE) -> list[str]:
    """Write calls for everybody into the outbox; return their names, in order."""
    names = []
    with store.transaction() as ledger:
        for number in range(EACH):
            for person in range(people):
                entry = Suppression(address=f"user{person}@example.org", reason=Reason.USER_UNKNOWN, since=NOW, by="policy")
                outgoing.suppress(ledger, entry, f"{person}-{number}")
                names.append(f"{person}-{number}_suppress")
    return names


@pytest.mark.parametrize("fault", [500, 503, (429, {"Retry-After": "120"}), (503, {"Retry-After": "3600"}), hang, cut])
def test_of_a_thousand_calls_a_server_that_is_away_gets_a_handful_and_all_once_it_is_back(fault: Any, receiver: Receiver, store: Database) -> None:
    now = NOW
    made = plugin(Settings(secrets=(SecretSource(secret=SECRET),), **table(receiver, fault)))
    plugins = Plugins(All(), [made])
    deliverer = Deliverer(store.outbox, plugins, 5, lambda: now, lambda _name: None)
    names = fill(store, Outgoing(plugins))
    receiver.otherwise = fault
    for _ in range(120):  # an hour
        assert deliverer.deliver() == 0
        now += TICK
    asked = len(receiver.got)
    attempts = Counter(call.attempts for call in store.outbox.calls())
    assert 5 <= asked <= 13
    assert (sum(attempts.values()), sum(count * number for count, number in attempts.items())) == (len(names), asked)  # who wasn't asked has no attempt counted
    receiver.otherwise = 204
    receiver.got.clear()
    for _ in range(130):  # a pause asked for may be an hour long
        deliverer.deliver()
        now += TICK
    made.post.close()
    arrived = list(dict.fromkeys(got.headers["webhook-id"] for got in receiver.got))  # at least once: an answer may be too slow for a small limit
    assert (len(arrived), sorted(arrived)) == (len(names), sorted(names))
    assert all(got.verified for got in receiver.got)
    for person in range(PEOPLE):  # in order for one address
        own = [name for name in arrived if name.startswith(f"{person}-")]
        assert own == [f"{person}-{number}_suppress" for number in range(EACH)]
    assert list(store.outbox.calls()) == []


def test_a_run_once_does_not_wait_for_it_and_says_so_once(receiver: Receiver, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    configuration = Configuration(store=StoreSettings(url=f"sqlite:///{tmp_path / 'b.db'}"), plugins={"webhook": {**table(receiver, hang), "secrets": [{"secret": SECRET}]}})
    receiver.otherwise = hang
    for number in (1, 2):
        caplog.clear()
        with opened(configuration, urls=()) as parts:
            if number == 1:
                fill(parts.store, parts.outgoing, people=50)
            assert seconds_of(lambda parts=parts: parts.runner.run((), once=True)) < 15  # type: ignore[misc]
            assert [name for name, until in parts.runner.paused().items() if until] == ["webhook"]
            assert sum(call.attempts for call in parts.store.outbox.calls()) == len(receiver.got) == 5 * number  # a new process makes as many again
        assert sum("in a row" in record.getMessage() for record in caplog.records) == 1
