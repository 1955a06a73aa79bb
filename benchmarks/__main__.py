"""`python -m benchmarks`: the tables of README.md, on stdout."""

from __future__ import annotations

import argparse
import sys
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks import peers, reference, table
from benchmarks.messages import WHOLE, find_messages, write_sets
from benchmarks.rounds import READERS, START, measure, start

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the arguments ask for. Return 1 where an answer depends on what was read before, else 0."""
    options = _parse(arguments)
    if options.install:
        peers.install()
        return 0
    messages = find_messages(options.messages)
    _print(f"bounceclass {version('bounceclass')} on {table.machine()}; {options.rounds} rounds, CPU time")
    differing = reference.compare(messages[WHOLE])
    _print(f"events that differ in {len(messages[WHOLE])} messages: {_counted(differing)}")
    readers = [reader for reader in READERS if _chosen(reader.name, options.only)]
    with TemporaryDirectory() as folder:
        sets = write_sets(messages, Path(folder))
        counts = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in sets.items()}
        rows, missing = measure(readers, sets, options.rounds, Path(folder))
    if _chosen(START, options.only):
        rows += start(options.rounds)
    for figures in (table.rates(rows, counts), table.times(rows)):
        if figures:
            _print("\n" + table.render(figures, markdown=options.markdown))
    for name, why in missing.items():
        _print(f"\n{name} is not here: {why}")
    return int(bool(differing["warm"]))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="How fast bounceclass is, beside other readers of bounces.")
    parser.add_argument("--messages", type=Path, metavar="FOLDER", help="the corpus, or samples/ (default: ../shared/corpus, else samples/)")
    parser.add_argument("--only", action="append", metavar="NAME", help=f"only readers whose name has this in it, or {START}; may be repeated")
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="counted rounds (default: %(default)s)")
    parser.add_argument("--markdown", action="store_true", help="tables in Markdown")
    parser.add_argument("--install", action="store_true", help=f"put the peers into {peers.FOLDER}, and do nothing else")
    return parser.parse_args(arguments)


def _chosen(name: str, only: Sequence[str] | None) -> bool:
    return only is None or any(word in name for word in only)


def _counted(differing: dict[str, list[str]]) -> str:
    return ", ".join(f"{name} {len(paths)}" + (f" ({', '.join(paths[:3])})" if paths else "") for name, paths in differing.items())


def _print(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
