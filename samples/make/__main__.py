"""`python -m samples.make`: see the package."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from itertools import count
from pathlib import Path

import click

from samples.make import SERVERS, mta_named, packages

__all__ = ["make"]

SAMPLES = Path(__file__).parent.parent
CACHE = Path(tempfile.gettempdir()) / "bounceclass-servers"


def make(name: str, into: Path, cache: Path = CACHE) -> list[Path]:
    """Run every variant of a server; write `into`/NAME/NN-variant-scenario.eml and `into`/NAME-log/variant.log, and return these paths.

    A sample that we have keeps its number; new ones take the next.
    Needs root on Debian, for namespaces. Dates, queue ids, ports and boundaries differ from run to run.
    """
    mta = mta_named(name)
    if mta.packages:
        packages.fetch(mta.packages, cache)
    if mta.npm:
        packages.fetch_npm(mta.npm, cache / name)
    if mta.pip:
        packages.fetch_pip(mta.pip, cache / name)
    folder = into / name
    folder.mkdir(parents=True, exist_ok=True)
    known = {path.name[3:]: path.name for path in (SAMPLES / name).glob("*.eml")}
    free = count(max((int(name[:2]) for name in known.values()), default=0) + 1)
    kept: list[Path] = []
    for variant in mta.variants:
        with tempfile.TemporaryDirectory() as target:
            _run(name, variant.name, Path(target), cache)
            order = [f"{variant.name}-{scenario}" for scenario in variant.scenarios]
            for path in Path(target).glob("*.log"):
                (into / f"{name}-log").mkdir(parents=True, exist_ok=True)
                kept.append(into / f"{name}-log" / path.name)
                shutil.copyfile(path, kept[-1])
            for path in sorted(Path(target).glob("*.eml"), key=lambda path: _place(path.stem, order)):
                kept.append(folder / (known.get(path.name) or f"{next(free):02}-{path.name}"))
                shutil.copyfile(path, kept[-1])
    return kept


def _place(stem: str, order: list[str]) -> tuple[int, str]:
    found = [place for place, name in enumerate(order) if stem == name or (stem.startswith(name) and stem[len(name) + 1 :].isdigit())]
    return (found[0] if found else len(order), stem)


def _run(name: str, variant: str, target: Path, cache: Path) -> None:
    command = ["unshare", "--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--mount-proc", "--kill-child"]
    module = [sys.executable, "-m", "samples.make.host", name, variant, str(target), str(cache)]
    done = subprocess.run([*command, *module], check=False, cwd=Path(__file__).parent.parent.parent)  # noqa: S603  our own words
    if done.returncode:
        raise SystemExit(done.returncode)


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(SERVERS))
@click.option("--into", type=click.Path(path_type=Path), default=SAMPLES, help="Where to write; else over the samples.")
@click.option("--cache", type=click.Path(path_type=Path), default=CACHE, show_default=True, help="Where fetched packages are kept.")
@click.option("--list", "listing", is_flag=True, help="Show servers, variants and scenarios.")
def main(names: tuple[str, ...], into: Path, cache: Path, listing: bool) -> None:  # noqa: FBT001  a flag
    """Make samples with real mail servers, all of them or NAMES."""
    if not listing and os.geteuid() != 0:
        msg = "namespaces need root: run it as root"
        raise click.ClickException(msg)
    for name in names or SERVERS:
        if listing:
            for variant in mta_named(name).variants:
                click.echo(f"{name} {variant.name}: {' '.join(variant.scenarios)}")
            continue
        for path in make(name, into, cache):
            click.echo(path)


if __name__ == "__main__":
    main()
