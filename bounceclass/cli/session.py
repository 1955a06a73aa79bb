"""What the command line said before the sub-command: which plugins, which configuration. Sub-commands make their Engine from it."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import click
import msgspec

from bounceclass.cli.terminal import complain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bounceclass.config import Configuration
    from bounceclass.engine import Engine
    from bounceclass.plugins import Plugins
    from bounceclass.protocols import Failure

__all__ = ["Session", "current"]

_SHOWN = 3
"""Failures of one plugin that are told one by one; the rest is counted."""


class Session:
    """One run of the command: `named` are the plugins of `-p`, `faulty` whether the configuration had a fault that is told."""

    def __init__(self) -> None:
        """Begin with nothing said."""
        self.named: tuple[str, ...] = ()
        self.config: str | None = None
        self.faulty = False
        self.commands: dict[str, click.Command] | None = None
        """The plugins' commands, once they were asked for."""
        self._told: dict[str, int] = {}
        self._faults: set[str] = set()

    @cached_property
    def settings(self) -> Configuration:
        """The settings of the configuration file; raises SettingsError where it does not fit."""
        from bounceclass.config import settings_from  # noqa: PLC0415  not for commands that ask for none

        return settings_from(self.config)

    def engine(self, packs: Iterable[str] = (), **options: Any) -> Engine:  # noqa: ANN401  any of Settings
        """Build the Engine: the configuration, with what the sub-command's own options say. Tells of plugins that can't be used."""
        from bounceclass.engine import Engine  # noqa: PLC0415  only where one is needed

        settings = msgspec.structs.replace(self.settings, packs=(*packs, *self.settings.packs), **options)
        engine = Engine(settings, plugins=self.named)
        self.tell_faults(engine.plugins)
        return engine

    def plugins(self) -> Plugins:
        """Switch the plugins on without an Engine, for their commands."""
        from bounceclass.plugins import Plugins  # noqa: PLC0415  as above

        plugins = Plugins(self.settings, self.named)
        self.tell_faults(plugins)
        return plugins

    def tell_faults(self, plugins: Plugins) -> None:
        """Say on stderr, once, which plugins can not be used."""
        for fault in map(str, plugins.faults):
            self.faulty = True
            if fault not in self._faults:  # a second Engine has those of the first
                self._faults.add(fault)
                complain(fault)

    def told(self, plugins: Plugins) -> tuple[str, ...]:
        """Return the instances that `-p` switched on: these are told of what is classified, and act."""
        return tuple(name for name in plugins.names if name in self.named or name.partition(":")[0] in self.named)

    def complain(self, failures: Iterable[Failure]) -> Iterator[str]:
        """Yield a line about each failure that is worth one: the first few of a plugin."""
        for failure in failures:
            count = self._told[failure.plugin] = self._told.get(failure.plugin, 0) + 1
            if count <= _SHOWN:
                more = "; further ones are only counted" if count == _SHOWN else ""
                yield f"plugin {failure.plugin}: {failure.hook}: {failure.fault}{more}"


def current() -> Session:
    """Return the session of the command that runs."""
    session = click.get_current_context().find_object(Session)
    return session if session is not None else Session()
