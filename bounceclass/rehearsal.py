"""A dry run: what would be decided about mail, with the history that there is. Nothing is written, moved or told.

All is entered within one transaction that is rolled back; while it runs, others that want to write wait.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import msgspec

from bounceclass.assembly import open_configured_store, open_sources, opened
from bounceclass.errors import StoreError
from bounceclass.protocols import Item
from bounceclass.sources.files import LeftOut, read_paths
from bounceclass.sources.location import locate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bounceclass.config import Configuration
    from bounceclass.engine import Engine
    from bounceclass.model import Decision

__all__ = ["rehearse"]

_READ_ONLY: Final = ("maildir:", "mbox:")


class _RolledBack(Exception):  # noqa: N818  no error
    """Ends the transaction."""


def rehearse(configuration: Configuration, plugins: Sequence[object], urls: Iterable[str]) -> Iterator[tuple[str, Decision]]:
    """Yield each decision with the name of the input it is about."""
    with _existing_or_empty(configuration) as found, opened(found, plugins, ()) as parts:
        try:
            with parts.store.transaction() as ledger:
                for item in _items(urls, parts.engine, found):
                    now = datetime.now(UTC)
                    account = parts.bookkeeper.prepare(item, parts.store, now)
                    yield from ((item.source, decision) for decision in parts.bookkeeper.enter(ledger, [account], now))
                raise _RolledBack  # noqa: TRY301  that is how the block is left
        except _RolledBack:
            return


@contextmanager
def _existing_or_empty(configuration: Configuration) -> Iterator[Configuration]:
    """Give a store that is thrown away where there is none yet."""
    try:
        open_configured_store(configuration.store, create=False).close()
    except StoreError as error:
        if not error.transient:
            raise
        with TemporaryDirectory() as folder:
            store = msgspec.structs.replace(configuration.store, url=f"sqlite:///{folder}/rehearsal.db")
            yield msgspec.structs.replace(configuration, store=store)
        return
    yield configuration


def _items(urls: Iterable[str], engine: Engine, configuration: Configuration) -> Iterator[Item]:
    """Read sources without holding them; those of plugins are read as ever, and not finished."""
    for url in urls:
        if url.startswith(_READ_ONLY):
            path = locate(url, ("processed", "quarantine")).path
            for one in read_paths([path], configuration.limits, LeftOut()):
                if one.fault is None:
                    yield Item(raw=one.raw, source=one.source, cut=one.cut)
        else:
            for source in open_sources([url], engine.plugins, configuration):
                yield from source.items()
                source.close()
