"""What all tests share: where the samples are, and `--accept`, which rewrites what they must read as."""

from __future__ import annotations

from pathlib import Path

import pytest

from bounceclass.engine import Engine

SAMPLES = Path(__file__).parent.parent / "samples"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--accept", action="store_true", help="rewrite the samples' expectations, for review by eye")


@pytest.fixture(scope="session")
def engine() -> Engine:
    return Engine()


def sample_paths() -> list[Path]:
    return sorted(SAMPLES.glob("*/*.eml"))
