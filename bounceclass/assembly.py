"""What `bounceclass run` is made of, put together from a configuration.

with opened(configuration) as parts:
parts.runner.run(parts.sources, once=True)
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import msgspec

from bounceclass.bookkeeping import Bookkeeper
from bounceclass.domaincheck import DomainChecks
from bounceclass.domains import open_resolvers
from bounceclass.engine import Engine
from bounceclass.errors import MissingExtraError, SettingsError
from bounceclass.incident import Guard
from bounceclass.outgoing import Outgoing
from bounceclass.policy import Policy
from bounceclass.runner import Runner
from bounceclass.secret import read_secret
from bounceclass.sources.location import without_password
from bounceclass.sources.webhooks import Webhooks
from bounceclass.store import open_store
from bounceclass.tags import read_keys
from bounceclass.trust import Assessor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from bounceclass.config import Configuration
    from bounceclass.observation import Observation
    from bounceclass.plugins import Plugins
    from bounceclass.protocols import Source
    from bounceclass.settings import StoreSettings
    from bounceclass.store.database import Database

__all__ = ["Parts", "open_configured_store", "open_sources", "opened"]

NO_STORE = 'no store is configured: write [store] url = "sqlite:////var/lib/bounceclass/bounces.db" into bounceclass.toml'


BUILT_IN_SOURCES = "maildir:FOLDER, mbox:FILE, log:FILE, journal:FOLDER, lmtp: and smtp:HOST:PORT, webhooks:FOLDER, imap, imaps, pop3 and pop3s://USER@SERVER/"


class Parts(msgspec.Struct, frozen=True):
    """Everything that is open."""

    engine: Engine
    store: Database
    bookkeeper: Bookkeeper
    outgoing: Outgoing
    runner: Runner
    sources: tuple[Source, ...]


def open_configured_store(settings: StoreSettings, *, create: bool = True) -> Database:
    """Open the store of a configuration. Raises SettingsError where none is named, else as `open_store`."""
    if settings.url is None:
        raise SettingsError(NO_STORE)
    key = None if settings.hash_key is None else read_secret(settings.hash_key, os.environ, "hash_key")
    return open_store(settings.url, hash_key=key, keep_domains=settings.keep_domains, create=create, patience=settings.patience)


def open_sources(urls: Sequence[str], plugins: Plugins, configuration: Configuration) -> tuple[Source, ...]:
    """Open sources by their URLs; raises SettingsError for one that nobody knows."""
    found = []
    for url in urls:
        source = plugins.first("source", url=url, limits=configuration.limits)
        if source is None:
            msg = f"source {without_password(url)}: nobody knows what that is; built in are {BUILT_IN_SOURCES}"
            raise SettingsError(msg)
        if isinstance(source, Webhooks):
            source.webhooks = dict(plugins.each("webhook"))
        found.append(source)
    return tuple(found)


def resolvers_of(configuration: Configuration, checkpoint: Callable[[str], None]) -> DomainChecks | None:
    """Return what asks DNS, None where dnspython is absent: then no domain is suppressed as a whole."""
    try:
        return DomainChecks(open_resolvers(configuration.run.resolvers), lambda _domain: checkpoint("asked"))
    except MissingExtraError:
        return None


@contextmanager
def opened(
    configuration: Configuration,
    plugins: Sequence[object] = (),
    urls: Sequence[str] | None = None,
    *,
    checkpoint: Callable[[str], None] = lambda _name: None,
    observe: Callable[[Observation], None] = lambda _observation: None,
) -> Iterator[Parts]:
    """Open all parts, and close them at the end. `urls` stand in for the configuration's sources; the rest is told as the Runner tells it."""
    engine = Engine(configuration, plugins=plugins)
    guard = Guard(configuration.policy, configuration.own_hosts)
    policy = Policy(configuration, configuration.trust, configuration.policy)
    assessor = Assessor(configuration, configuration.trust, read_keys(configuration.trust.keys, os.environ))
    outgoing = Outgoing(engine.plugins)
    bookkeeper = Bookkeeper(engine, assessor, policy, guard, outgoing)
    sources = open_sources(configuration.run.sources if urls is None else urls, engine.plugins, configuration)
    store = open_configured_store(configuration.store)
    try:
        runner = Runner(
            bookkeeper,
            store,
            engine.plugins,
            configuration,
            guard=guard,
            checker=resolvers_of(configuration, checkpoint),
            checkpoint=checkpoint,
            observe=observe,
        )
        yield Parts(engine, store, bookkeeper, outgoing, runner, sources)
    finally:
        for source in sources:
            source.close()
        store.close()
        engine.plugins.close()
