"""What plugins are installed, and how one is made: by its entry point in the group `bounceclass`.

    [project.entry-points.bounceclass]
    ses = "bounceclass_ses"                 the module; or bounceclass_ses.plugin(settings) -> object

    [plugins.ses]                           its settings, shaped by bounceclass_ses.Settings
    [plugins.ses.eu]                        or instances of it, `ses:eu` and `ses:us`
    [plugins.ses.us]

Listing reads metadata only; a plugin is imported when it is switched on. What is wrong with one is a
PluginError that names it.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final

import msgspec

from bounceclass.errors import BounceclassError, MissingExtraError, PluginError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["GROUP", "SECRETS", "Installed", "installed", "instances", "nearest", "table_of"]

GROUP: Final = "bounceclass"
ENABLED: Final = "enabled"
SECRETS: Final = "webhook_secrets"
_OURS: Final = frozenset({ENABLED, SECRETS})
"""Settings of any plugin that are not for the plugin: whether it is on, and what its webhook is verified with."""


class Installed(msgspec.Struct, frozen=True):
    """A plugin that could be switched on: its name, its module, and the distribution that brings it."""

    name: str
    module: str
    distribution: str
    version: str
    entry_point: Any
    """An `importlib.metadata.EntryPoint`."""


def installed() -> dict[str, Installed]:
    """Return the installed plugins by name, sorted; imports none of them. The first of two with one name counts."""
    from importlib.metadata import entry_points  # noqa: PLC0415  slow, and for nothing where no plugin is on

    found: dict[str, Installed] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        dist = point.dist
        found.setdefault(point.name, Installed(point.name, point.value, dist.name if dist else "", dist.version if dist else "", point))
    return found


def instances(plugin: Installed, table: Mapping[str, Any], only: str | None = None) -> Iterator[tuple[str, object]]:
    """Import a plugin and yield its instances as (name, object); `only` one of them, where that is given.

    Raises PluginError where it can't be imported, has no such instance, or its settings don't fit.
    """
    module = _import(plugin)
    shape = getattr(module, "Settings", None)
    parts = _parts(table, shape)
    if only is not None and only not in parts:
        raise PluginError(plugin.name, f"has no instance {only!r}: " + (f"configured are {', '.join(map(str, parts))}" if table else "none is configured"))
    for part, settings in parts.items():
        if part is None or only in {None, part}:
            name = plugin.name if part is None else f"{plugin.name}:{part}"
            yield name, _make(name, module, shape, settings)


def _import(plugin: Installed) -> object:
    try:
        return plugin.entry_point.load()
    except ModuleNotFoundError as error:
        raise PluginError(plugin.name, _missing(plugin, error)) from error
    except (Exception, SystemExit) as error:
        raise PluginError(plugin.name, f"can't be imported: {type(error).__name__}: {error}") from error


def _missing(plugin: Installed, error: ModuleNotFoundError) -> str:
    """Name the extra of the plugin's name, where its distribution has one."""
    module = error.name or str(error)
    dist = plugin.entry_point.dist
    extras = (dist.metadata.get_all("Provides-Extra") or []) if dist else []
    if plugin.name in extras:
        return str(MissingExtraError(module, plugin.name, plugin.distribution))
    return f"can't be imported: {module} is not installed"


def _parts(table: Mapping[str, Any], shape: type | None) -> dict[str | None, Mapping[str, Any]]:
    """Split a table of instances; a table that is a field of the plugin's settings is no instance."""
    fields = getattr(shape, "__struct_fields__", ())
    inner = {key: value for key, value in table.items() if key != ENABLED}
    if inner and all(isinstance(value, dict) and key not in fields for key, value in inner.items()):
        return {key: value for key, value in inner.items() if value.get(ENABLED, True)}
    return {None: inner}


def _make(name: str, module: object, shape: type | None, table: Mapping[str, Any]) -> object:
    settings = {key: value for key, value in table.items() if key not in _OURS}
    factory = getattr(module, "plugin", None)
    if factory is None:
        if ":" in name:
            raise PluginError(name, "has no plugin(settings), so there can't be several of it")
        if settings:
            raise PluginError(name, f"takes no settings, but has {', '.join(settings)}")
        return module
    if shape is None:
        raise PluginError(name, "has plugin(settings) but no Settings to say what those are")
    fitting = _fit(name, shape, settings)
    try:
        made: object = factory(fitting)
    except BounceclassError as error:
        raise PluginError(name, str(error)) from error
    except (Exception, SystemExit) as error:
        raise PluginError(name, f"plugin(settings) failed: {type(error).__name__}: {error}") from error
    return made


def _fit(name: str, shape: type, table: Mapping[str, Any]) -> object:
    known = getattr(shape, "__struct_encode_fields__", ())
    where = f"plugins.{name.replace(':', '.')}"
    for key in table:
        if key not in known:
            raise PluginError(name, f"{where}.{key}: no such setting{nearest(key, known)}; known are {', '.join(known) or 'none'}")
    try:
        return msgspec.convert(table, shape)
    except (msgspec.ValidationError, ValueError, TypeError) as error:
        raise PluginError(name, f"{where}: {str(error).replace('`$.', '`')}") from error


def table_of(name: str, configured: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the table of an instance, `ses` or `ses:eu`, as it is configured; empty where it is not."""
    base, _, part = name.partition(":")
    table = configured.get(base, {})
    return table.get(part, {}) if part else table


def nearest(word: str, known: Iterable[str]) -> str:
    """Return ", did you mean 'x'?" for a word that is close to one that is known, else nothing."""
    close = difflib.get_close_matches(word, list(known), 1)
    return f", did you mean {close[0]!r}?" if close else ""


