"""`bounceclass mta`: answers MTAs that ask whether a recipient is suppressed."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import ExitStack

import click
import msgspec

from bounceclass.cli.lasting import log_as_configured, stop_on_signals
from bounceclass.cli.session import current
from bounceclass.cli.stored import store_option
from bounceclass.errors import SettingsError

__all__ = ["command"]


@click.command()
@click.option("--policy", "policies", multiple=True, metavar="ADDRESS", help="Answer as a policy service at HOST:PORT or /SOCKET; may be given again.")
@click.option("--socketmap", "maps", multiple=True, metavar="ADDRESS", help="Answer as a socketmap, tables access and transport; may be given again.")
@click.option("--list", "stream", metavar="NAME", help="The list or stream that is mailed, where no tag in the sender tells it.")
@click.option("--when-away", type=click.Choice(("pass", "defer")), default="pass", show_default=True, help="With the store away everybody passes, or waits.")
@store_option
def command(policies: tuple[str, ...], maps: tuple[str, ...], stream: str | None, when_away: str, url: str | None) -> int:
    """Answer Postfix, and whoever speaks its protocols, until SIGTERM or Ctrl-C."""
    from bounceclass.assembly import open_configured_store  # noqa: PLC0415  the whole library
    from bounceclass.mta import Asked, Server  # noqa: PLC0415  as above
    from bounceclass.tags import read_keys  # noqa: PLC0415  as above

    if not policies and not maps:
        msg = "where to answer isn't said: give --policy HOST:PORT or --socketmap HOST:PORT"
        raise SettingsError(msg)
    session = current()
    settings = session.settings
    log_as_configured(settings)
    chosen = msgspec.structs.replace(settings.store, url=url or settings.store.url, patience=min(settings.store.patience, 1.0))
    stopping = threading.Event()
    with ExitStack() as stack:
        store = open_configured_store(chosen, create=False)
        stack.callback(store.close)
        trust = settings.trust
        asked = Asked(store, stream, read_keys(trust.keys, os.environ), trust.bounce_days, defer=when_away == "defer")
        for protocol, addresses in (("policy", policies), ("socketmap", maps)):
            for address in addresses:
                stack.callback(Server(protocol, address, asked).close)
        caught = stop_on_signals(stopping.set)
        stopping.wait()
        if signal.SIGINT in caught:
            raise KeyboardInterrupt
    return 0
