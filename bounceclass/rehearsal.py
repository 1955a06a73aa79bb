"""A dry run: what would be decided about mail, with the history that there is. Nothing is written, moved or told.

All is entered within one transaction that is rolled back; while it runs, others that want to write wait.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import msgspec

from bounceclass.assembly import open_configured_store, open_sources, opened
from bounceclass.errors import InputError, StoreError
from bounceclass.protocols import Item, Peekable
from bounceclass.sources.files import LeftOut, read_paths
from bounceclass.sources.mbox import Mbox

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from bounceclass.config import Configuration
    from bounceclass.engine import Engine
    from bounceclass.model import Decision

__all__ = ["rehearse"]


class _RolledBack(Exception):  # noqa: N818  no error
    """Ends the transaction."""


def rehearse(configuration: Configuration, plugins: Sequence[object], urls: Iterable[str]) -> Iterator[tuple[str, Decision]]:
    """Yield each decision with the name of the input it is about; DNS is not asked, so no whole domain is suppressed.

    Raises InputError where a source can't be read.
    """
    with _existing_or_empty(configuration) as found, opened(found, plugins, ()) as parts:
        try:
            with parts.store.transaction() as ledger:
                for item in _items(urls, parts.engine, found):
                    now = datetime.now(UTC)
                    accounts = parts.bookkeeper.prepare(item, parts.store, now)
                    yield from ((item.source, decision) for decision in parts.bookkeeper.enter(ledger, accounts, now))
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
    for source in open_sources(tuple(urls), engine.plugins, configuration):
        if isinstance(source, Peekable):
            try:
                yield from source.peek()
            finally:
                source.close()
            continue
        if not isinstance(source, Mbox):
            yield from source.items()
            source.close()
            continue
        for one in read_paths([str(source.path)], configuration.limits, LeftOut()):
            if one.fault is not None:
                raise InputError(one.source, one.fault)
            yield Item(raw=one.raw, source=one.source, cut=one.cut)
