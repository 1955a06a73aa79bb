"""What all tests share: where the samples are, `--accept`, which rewrites what they must read as, and plugins made for one test."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bounceclass.engine import Engine

SAMPLES = Path(__file__).parent.parent / "samples"
Install = Callable[..., None]


def pytest_configure() -> None:
    """Hear Ctrl-C, also where a shell that ran us in the background had it ignored: what we start would inherit that."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--accept", action="store_true", help="rewrite the samples' expectations, for review by eye")


@pytest.fixture(scope="session")
def engine() -> Engine:
    return Engine()


@pytest.fixture
def install(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install a plugin for one test, as a distribution on the path: `install("name", code, extras=("name",))`."""
    folder = tmp_path_factory.mktemp("site")
    monkeypatch.syspath_prepend(folder)
    before = set(sys.modules)

    def put(name: str, code: str, *, extras: tuple[str, ...] = ()) -> None:
        module = f"visitor_{name}"
        (folder / f"{module}.py").write_text(code, encoding="utf-8")
        info = folder / f"{module}-1.0.dist-info"
        info.mkdir()
        provided = "".join(f"Provides-Extra: {extra}\n" for extra in extras)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: visitor-{name}\nVersion: 1.0\n{provided}", encoding="utf-8")
        (info / "entry_points.txt").write_text(f"[bounceclass]\n{name} = {module}\n", encoding="utf-8")

    yield put
    for module in set(sys.modules) - before:
        if module.startswith("visitor_"):
            del sys.modules[module]


def sample_paths() -> list[Path]:
    return sorted(SAMPLES.glob("*/*.eml"))
