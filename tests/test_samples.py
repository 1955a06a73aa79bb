"""Every sample reads as its expectation says: the whole Report, compared as one value."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from bounceclass.engine import Engine
from bounceclass.mime.parsers import PARSERS
from bounceclass.model import Report, decode, encode
from bounceclass.settings import Settings

SAMPLES = Path(__file__).parent.parent / "samples"
PATHS = sorted(SAMPLES.glob("*/*.eml"))
PAYLOADS = {path.parent.name for path in SAMPLES.glob("*/*.json.jsonl")}


def read(engine: Engine, path: Path) -> Report:
    return engine.classify(path.read_bytes(), str(path.relative_to(SAMPLES)))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: str(path.relative_to(SAMPLES)))
def test_a_sample_reads_as_expected(path: Path, engine: Engine, request: pytest.FixtureRequest) -> None:
    report = read(engine, path)
    expected = path.with_suffix(".json")
    if request.config.getoption("--accept"):
        expected.write_bytes(msgspec.json.format(encode(report), indent=1) + b"\n")
    assert report == decode(expected.read_bytes())


@pytest.mark.parametrize("path", PATHS, ids=lambda path: str(path.relative_to(SAMPLES)))
@pytest.mark.parametrize("other", [Engine(Settings(parser=name)) for name in PARSERS], ids=list(PARSERS))
def test_a_sample_reads_the_same_by_any_parser(path: Path, engine: Engine, other: Engine) -> None:
    assert msgspec.structs.replace(read(other, path), parser="flanker") == read(engine, path)


def test_there_are_samples() -> None:
    assert len(PATHS) >= 40


def test_no_expectation_is_left_without_its_sample() -> None:
    assert [path for path in SAMPLES.glob("*/*.json") if path.parent.name not in PAYLOADS and not path.with_suffix(".eml").exists()] == []
