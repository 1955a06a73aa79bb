"""Our data files are decoded once: what is kept is believed only where the file and its type are as they were."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest

from bounceclass.compiled import compiled


class Row(msgspec.Struct):
    a: int


class Decoding:
    """Counts how often something was decoded."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self, data: bytes) -> Row:
        self.times += 1
        return msgspec.toml.decode(data, type=Row)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    path = tmp_path / "row.toml"
    path.write_text("a = 1")
    return path


def kept(path: Path) -> Path:
    (found,) = (path.parent / "__pycache__").iterdir()
    return found


def test_a_file_is_decoded_once(path: Path) -> None:
    decode = Decoding()
    assert [compiled(path, Row, decode, Path(__file__)) for _ in range(3)] == [Row(1)] * 3
    assert decode.times == 1


@pytest.mark.parametrize("change", ["the file", "the shape", "nonsense", "half of it", "nothing"])
def test_what_is_of_another_content_or_broken_is_made_anew(path: Path, change: str) -> None:
    decode, shape = Decoding(), path.with_name("shape.py")
    shape.write_text("1")
    compiled(path, Row, decode, shape)
    if change == "the file":
        path.write_text("a = 2")
    elif change == "the shape":
        shape.write_text("2")
    else:
        kept(path).write_bytes({"nonsense": b"nonsense", "half of it": kept(path).read_bytes()[:9], "nothing": b""}[change])
    assert [compiled(path, Row, decode, shape) for _ in range(2)] == [Row(2 if change == "the file" else 1)] * 2
    assert decode.times == 2


def test_where_it_cannot_be_kept_it_is_decoded_each_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decode = Decoding()
    (path.parent / "__pycache__").write_text("no folder")
    assert [compiled(path, Row, decode, Path(__file__)) for _ in range(2)] == [Row(1)] * 2
    (path.parent / "__pycache__").unlink()
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert compiled(path, Row, decode, Path(__file__)) == Row(1)
    assert (decode.times, (path.parent / "__pycache__").exists()) == (3, False)


def test_a_fault_of_the_file_is_raised_and_not_kept(path: Path) -> None:
    path.write_text("a = [")
    for _ in range(2):
        with pytest.raises(msgspec.DecodeError):
            compiled(path, Row, Decoding(), Path(__file__))
    assert not (path.parent / "__pycache__").exists()
