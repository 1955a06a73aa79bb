"""Every log that we have reads as its expectation says: each line's Report, compared as one value."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bounceclass.logs.reader import LogReader
from bounceclass.model import Report, decode, encode

if TYPE_CHECKING:
    from bounceclass.engine import Engine

SAMPLES = Path(__file__).parent.parent.parent / "samples"
PATHS = sorted(path for pattern in ("*-log", "*-accounting") for folder in SAMPLES.glob(pattern) for path in folder.iterdir() if path.suffix != ".jsonl")
NOW = datetime(2026, 12, 2, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def read(path: Path, engine: Engine) -> list[Report]:
    reader = LogReader()
    lines = enumerate(path.read_bytes().splitlines(), 1)
    return [engine.judge(report) for number, line in lines for report in reader.read(line, NOW, f"{path.parent.name}/{path.name}:{number}")]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_log_reads_as_expected(path: Path, engine: Engine, request: pytest.FixtureRequest) -> None:
    reports = read(path, engine)
    expected = path.with_name(f"{path.name}.jsonl")
    if request.config.getoption("--accept"):
        expected.write_bytes(b"".join(encode(report) + b"\n" for report in reports))
    assert reports == [decode(line) for line in expected.read_bytes().splitlines()]


def test_there_are_logs_of_each_dialect() -> None:
    assert len(PATHS) >= 15
