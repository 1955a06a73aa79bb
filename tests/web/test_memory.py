"""What was taken is remembered for its time and no longer, by whoever opens the file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bounceclass.web.memory import Memory, digest

if TYPE_CHECKING:
    from pathlib import Path

HOUR = 3600.0


def test_a_digest_is_remembered_for_72_hours_also_by_the_next_process(tmp_path: Path) -> None:
    first = Memory(tmp_path / "taken.db", 72 * HOUR)
    first.add([b"a", b"b"], 0.0)
    first.close()
    second = Memory(tmp_path / "taken.db", 72 * HOUR)
    assert [second.has([one], at * HOUR) for one in (b"a", b"c") for at in (0, 71.9, 72.1)] == [True, True, False, False, False, False]
    assert second.has([b"c", b"b"], 1.0)
    second.close()


def test_what_is_older_is_swept_away(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "taken.db", HOUR)
    for at in (0.0, 2 * HOUR, 4 * HOUR):
        memory.add([str(at).encode()], at)
    assert [memory.has([str(at).encode()], 0.0) for at in (0.0, 2 * HOUR, 4 * HOUR)] == [False, False, True]
    memory.close()


def test_a_file_that_is_none_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "taken.db").write_bytes(b"no database" * 1000)
    with pytest.raises(OSError, match=r"taken\.db: file is not a database"):
        Memory(tmp_path / "taken.db", HOUR)


def test_no_two_deliveries_share_a_digest_by_running_into_each_other() -> None:
    parts = [(b"a", b"bc"), (b"ab", b"c"), (b"abc",), (b"", b"abc"), (b"a", b"b", b"c")]
    assert len({digest(*one) for one in parts}) == len(parts)
