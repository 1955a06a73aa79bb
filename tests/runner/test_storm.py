"""A provider that breaks for an hour: ten thousand living addresses are held, not lost, and one command ends it."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bounceclass import config
from bounceclass.assembly import open_configured_store
from bounceclass.store.records import Selection, Sent
from tests.runner.conftest import ROOT, Place, bounce

if TYPE_CHECKING:
    from pathlib import Path

STORM = 10_000
SETTINGS = """
own_hosts = [".example.com"]
store = {{ url = "sqlite:///{folder}/b.db" }}
run = {{ sources = ["{source}"] }}
trust = {{ domains = ["lists.example.com"] }}
policy = {{ max_age_days = 3650 }}
[plugins.file]
path = "{folder}/dead.csv"
"""


def bounceclass(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "bounceclass", "--config", str(folder / "bounceclass.toml"), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300, env={**os.environ, "NO_COLOR": "1"})  # noqa: S603  our own command
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_of_ten_thousand_at_one_provider_few_are_suppressed_the_rest_is_held_and_one_command_lifts_them(tmp_path: Path) -> None:
    place = Place("maildir", tmp_path)
    (tmp_path / "bounceclass.toml").write_text(SETTINGS.format(folder=tmp_path, source=place.url), encoding="utf-8")
    names = [f"reader{number}@mail{number % 40}.example" for number in range(STORM)]
    yesterday = datetime.now(UTC) - timedelta(days=1)
    store = open_configured_store(config.read(str(tmp_path / "bounceclass.toml")).store)
    store.record_sent(Sent(mailing="yesterday", recipient=name, at=yesterday) for name in names)
    with store.transaction() as ledger:
        for name in names:
            ledger.record_delivery(name, "yesterday", yesterday)
    for number, name in enumerate(names):
        place.put(bounce(number, name).replace(b"mx.mail" + str(number % 40).encode() + b".example", b"mx.provider.test"))

    bounceclass(tmp_path, "run", "--once")

    suppressed = list(store.suppressions())
    assert 0 < len(suppressed) <= 25
    assert place.processed() == STORM
    incidents = bounceclass(tmp_path, "incidents", "list")
    assert str(STORM - len(suppressed)) in incidents

    lifted = bounceclass(tmp_path, "undo", "--since", "1h", "--yes")
    assert lifted.splitlines()[-1] == f"{len(suppressed)} lifted"
    assert list(store.suppressions(Selection(active_at=datetime.now(UTC)))) == []
    store.close()
    bounceclass(tmp_path, "run", "--once")
    assert (tmp_path / "dead.csv").read_text().splitlines()[1:] == []
