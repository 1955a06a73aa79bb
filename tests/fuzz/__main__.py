"""Fuzz one target: `python -m tests.fuzz mail --seconds 600`, from the checkout, with the group `fuzz` installed.

What is found is written to --findings as a file of bytes; give it back as an argument to run it alone.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["bounceclass"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Run a target for some seconds, or once for each file given."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Give a part of bounceclass bytes that nobody thought of.")
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("files", nargs="*", type=Path, help="run these, once each, and nothing else")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--findings", type=Path, default=Path(tempfile.gettempdir()), help="the folder that findings are written to")
    given = parser.parse_args()
    target = TARGETS[given.target]
    if given.files:
        for path in given.files:
            target.run(path.read_bytes())
        return
    with tempfile.TemporaryDirectory() as corpus:
        for number, seed in enumerate(target.seeds()):
            (Path(corpus) / f"{number:04}").write_bytes(seed)
        options = (
            f"-max_total_time={given.seconds}",
            f"-artifact_prefix={given.findings}/{given.target}-",
            f"-dict={Path(__file__).with_name('words.dict')}",
            "-max_len=16384",
            "-timeout=10",
            "-rss_limit_mb=1500",
        )
        atheris.Setup([sys.argv[0], corpus, *options], target.run)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
