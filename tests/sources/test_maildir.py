"""What a Maildir that is read is relieved of besides its mail."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

from bounceclass.settings import DEFAULT
from bounceclass.sources.maildir import Maildir, make_maildir

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "hours", "stays"),
    [
        (".1772539200.M1P7Q1.mx.4711", 37, False),
        (".1772539200.M1P7Q1.mx.4711", 35, True),  # somebody may be writing on it
        ("1772539200.M1P7.mx", 37, True),  # another delivery agent's
        (".nfs0001", 37, True),
    ],
)
def test_a_draft_of_ours_that_a_dead_process_left_is_swept_away(tmp_path: Path, name: str, hours: int, *, stays: bool) -> None:
    make_maildir(tmp_path)
    draft = tmp_path / "tmp" / name
    draft.write_bytes(b"half a mai")
    os.utime(draft, (time.time() - hours * 3600,) * 2)
    source = Maildir(f"maildir:{tmp_path}", DEFAULT.limits)
    assert list(source.peek()) == []
    assert draft.exists()
    assert list(source.items()) == []
    source.close()
    assert draft.exists() == stays
