"""Recorded bounces judged anew, as an operator would have it done after writing a rule."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from bounceclass import config
from bounceclass.assembly import opened
from bounceclass.protocols import Item
from tests.cli.test_suppressions import Operator
from tests.runner.conftest import bounce

if TYPE_CHECKING:
    from pathlib import Path

DEAD = '[rules.gone]\nreason = "user-unknown"\nany = ["the cat has left"]\nmatches = ["550 The cat has left"]\n'
OURS = '[rules.ours]\nreason = "policy"\nany = ["user unknown"]\nmatches = ["550 5.1.1 User unknown"]\n'
FULL = '[rules.full]\nreason = "mailbox-full"\nany = ["the bag is fat"]\nmatches = ["452 The bag is fat"]\n'
NOTHING = "0 verdicts change; 0 to suppress, 0 to release: done\n"


@pytest.fixture
def operator(tmp_path: Path) -> Operator:
    return Operator(tmp_path)


def pack(operator: Operator, text: str) -> str:
    (operator.folder / "mine.toml").write_text(text)
    return str(operator.folder / "mine.toml")


def test_a_rule_that_knows_better_brings_entries_once_it_is_applied(operator: Operator) -> None:
    operator.place.put(bounce(1, "ruth@example.org", "550 5.0.0 The cat has left"))
    operator.run("run", "--once")
    rules = pack(operator, DEAD)
    code, out, err = operator.run("replay", "--rules", rules)
    assert (code, err) == (0, "1 verdicts change; 1 to suppress, 0 to release: nothing was changed; --apply does it\n")
    assert "reason: undetermined -> user-unknown" in out
    assert "suppress  ruth@example.org  everywhere  user-unknown" in out
    assert operator.listed() == []
    assert operator.run("replay", "--rules", rules, "--apply", "--quiet")[1].startswith("suppress  ruth@example.org")
    assert operator.acted_on() == ["ruth@example.org"]
    assert "replay: user-unknown" in operator.run("suppressions", "why", "ruth@example.org")[1]
    assert operator.run("replay", "--rules", rules, "--apply")[1:] == ("", NOTHING)


def test_a_rule_that_blames_nobody_lifts_what_rested_on_the_old_verdict_and_nothing_else(operator: Operator) -> None:
    operator.place.put(bounce(1, "ruth@example.org"))
    operator.place.put(bounce(2, "paul@example.org"))
    operator.place.put(bounce(3, "anna@example.org", "550 5.2.1 mailbox disabled"))
    operator.run("run", "--once")
    operator.run("suppressions", "add", "paul@example.org", "--why", "asked by phone")
    assert operator.listed() == ["ruth@example.org", "paul@example.org", "anna@example.org", "paul@example.org"]
    assert "2 to release: done" in operator.run("replay", "--rules", pack(operator, OURS), "--apply")[2]
    assert operator.listed() == ["anna@example.org", "paul@example.org"]
    assert operator.acted_on() == ["paul@example.org", "anna@example.org"]


def test_what_somebody_lifted_stays_lifted(operator: Operator) -> None:
    operator.place.put(bounce(1, "ruth@example.org", "550 5.0.0 The cat has left"))
    operator.run("run", "--once")
    operator.run("suppressions", "add", "ruth@example.org")
    operator.run("suppressions", "remove", "ruth@example.org")
    assert "1 verdicts change; 0 to suppress" in operator.run("replay", "--rules", pack(operator, DEAD), "--apply")[2]
    assert operator.listed() == []


def test_what_only_counts_is_counted_again_over_its_days_and_later_bounces_go_on_from_there(operator: Operator) -> None:
    now = datetime.now(UTC)

    def handle(number: int, days: int) -> list[str]:
        raw = bounce(number, "ruth@example.org", "452 4.9.9 The bag is fat")
        with opened(config.read(str(operator.folder / "bounceclass.toml"))) as parts:
            return [str(one.action) for one in parts.runner.handle(Item(raw=raw, source=str(number), received_at=now - timedelta(days=days)))]

    assert handle(1, 20) + handle(2, 10) == ["none", "none"]
    rules = pack(operator, FULL)
    assert "2 verdicts change; 0 to suppress" in operator.run("replay", "--rules", rules, "--apply")[2]
    settings = operator.folder / "bounceclass.toml"
    settings.write_text('packs = ["mine.toml"]\n' + settings.read_text())
    assert handle(3, 1) == ["suppress"]
    assert operator.listed() == ["ruth@example.org"]


def test_a_store_that_hashes_addresses_is_refused_for_it_keeps_no_texts(operator: Operator) -> None:
    settings = operator.folder / "bounceclass.toml"
    settings.write_text(settings.read_text().replace('bounces.db" }', 'bounces.db", hash_key = { secret = "sixteen octets or more of it" } }'))
    operator.run("run", "--once")
    code, out, err = operator.run("replay")
    assert (code, out) == (2, "")
    assert "addresses are hashed in this store" in err
