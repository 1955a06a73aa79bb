"""Selection: each row of notices reads its own dialect and nobody else's; each has its evidence and a sample."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest

from bounceclass.formats import notices
from bounceclass.message import Message
from bounceclass.notice import Notice, Notices
from bounceclass.reader import read_dialect
from bounceclass.settings import DEFAULT

SAMPLES = Path(__file__).parent.parent / "samples"
ROWS = notices()
STANDARD = {"rfc3464", "postfix-postmaster-copy"}


@cache
def mails() -> list[tuple[str, str | None, Message]]:
    """Return every sample that no delivery status speaks for: its name, its format, the mail."""
    found = []
    for path in sorted(SAMPLES.glob("*/*.eml")):
        form = json.loads(path.with_suffix(".json").read_bytes())["format"]
        if form not in STANDARD:
            found.append((str(path.relative_to(SAMPLES)), form, Message(path.read_bytes(), DEFAULT)))
    return found


def reads(rows: Notices, mail: Message) -> bool:
    return bool(read_dialect(mail, rows)[1])


@pytest.mark.parametrize("name", sorted({row.name for row in ROWS}))
def test_the_rows_of_a_dialect_read_its_samples_and_none_of_the_others(name: str) -> None:
    alone = Notices([row for row in ROWS if row.name == name])
    before = [row.name for row in ROWS].index(name)
    asked_before = {row.name for row in ROWS[:before]}  # a dialect that holds the words of another is asked first
    wrong = [(path, form) for path, form, mail in mails() if form not in asked_before and reads(alone, mail) is not (form == name)]
    assert wrong == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_row_states_its_evidence_and_has_a_sample(row: Notice) -> None:
    assert len(row.evidence) > 10
    assert any(reads(Notices([row]), mail) for _, form, mail in mails() if form == row.name)
