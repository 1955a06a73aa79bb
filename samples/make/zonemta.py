"""ZoneMTA, from npm: what it writes a bounce with. Its queue needs a MongoDB, which Debian lacks; `zonemta.js` stands in its place."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Final

from samples.make.mta import MTA, Variant
from samples.make.scenarios import SENDER_HOST

if TYPE_CHECKING:
    from samples.make.host import Host

__all__ = ["SERVER"]

_HOME: Final = "/opt/zonemta"
_DEFAULT: Final = ("user-unknown-lines", "user-unknown-unmarked", "mailbox-full", "domain-unknown")


def _configure(host: Host, variant: Variant) -> None:
    del variant
    shutil.copytree(host.cache / "zonemta" / "node_modules", host.root / _HOME.lstrip("/") / "node_modules", symlinks=True)
    host.write(f"{_HOME}/server.js", Path(__file__).with_suffix(".js").read_text(encoding="utf-8"))


def _start(host: Host, variant: Variant) -> None:
    del variant
    host.spawn("node", f"{_HOME}/server.js", _HOME, SENDER_HOST)
    host.wait_for_port()


SERVER: Final = MTA(
    name="zonemta",
    npm="zone-mta@3.10.3",
    configure=_configure,
    start=_start,
    variants=(Variant("default", _DEFAULT),),
)
