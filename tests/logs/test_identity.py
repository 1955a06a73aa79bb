"""A line of the log and the DSN of the same failure are one event. The DSNs and the logs are of runs of the same scenarios."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bounceclass.eventkey import event_key
from bounceclass.model import Permanence, Reason, decode
from tests.logs.test_samples import SAMPLES, read

if TYPE_CHECKING:
    from bounceclass.engine import Engine
    from bounceclass.model import Event

KNOWN_BETTER = {
    Reason.EXPIRED: {Reason.NETWORK_ERROR, Reason.ROUTING_LOOP},  # the log has what was said last, Exim's notice only that time is up
    Reason.UNDETERMINED: {Reason.NETWORK_ERROR},  # as above, of a delay
    Reason.RELAYED: {Reason.DELIVERED},  # whether the next host sends DSNs is not in the log
}
ALIASES = ("forward", "alias-of-several")  # Sendmail's log names whom an alias made of an address, and not the address
LESS = {"sendmail-11-default-null-mx", "sendmail-49-default-spam-lines"}  # its log has of the reply nothing, or the first line
BETTER = {"sendmail-22-default-no-text"}  # the reply states 5.0.0, and the DSN Sendmail's guess
RUNS = [(server, variant) for server in ("postfix", "exim", "sendmail") for variant in ("default", "delayed", "expired")]


def of_dsns(server: str, variant: str) -> list[tuple[str, str, Event]]:
    """Name, key and event of all DSNs of a run."""
    found = []
    for path in sorted((SAMPLES / server).glob(f"*-{variant}-*.json")):
        if server == "sendmail" and path.stem.endswith(ALIASES):
            continue
        report = decode(path.read_bytes())
        found += [(path.stem, event_key(report, event), event) for event in report.events]
    return found


@pytest.mark.parametrize(("server", "variant"), RUNS)
def test_the_log_has_every_event_that_a_dsn_tells_of_and_judges_it_alike(server: str, variant: str, engine: Engine) -> None:
    lines: dict[str, list[Event]] = {}
    for report in read(Path(SAMPLES / f"{server}-log" / f"{variant}.log"), engine):
        for event in report.events:
            lines.setdefault(event_key(report, event), []).append(event)
    told = of_dsns(server, variant)
    assert told
    assert [name for name, key, _ in told if key not in lines] == []
    other = [
        (name, event.verdict.reason, sorted({line.verdict.reason for line in lines[key]}))
        for name, key, event in told
        if f"{server}-{name}" not in LESS | BETTER
        and not {line.verdict.reason for line in lines[key]} & {event.verdict.reason, *KNOWN_BETTER.get(event.verdict.reason, ())}
    ]
    assert other == []


@pytest.mark.parametrize(("server", "variant"), RUNS)
def test_what_was_permanent_in_the_dsn_is_so_in_the_log(server: str, variant: str, engine: Engine) -> None:
    lines = {event_key(report, event): event for report in read(Path(SAMPLES / f"{server}-log" / f"{variant}.log"), engine) for event in report.events}
    permanent = [(name, key) for name, key, event in of_dsns(server, variant) if event.verdict.permanence is Permanence.PERMANENT]
    assert [name for name, key in permanent if lines[key].verdict.permanence is not Permanence.PERMANENT] == []
