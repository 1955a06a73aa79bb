"""The plugins of one Engine: switched on, registered with pluggy, called one by one.

pluggy keeps the implementations and their order. It does not call them: it would stop at the first
that raises, and give each of several `refine` the same verdict instead of the last one's. So every
implementation is called by itself, and its faults are counted as its own.
"""

from __future__ import annotations

import inspect
import logging
import os
import threading
from collections import Counter
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import pluggy

from bounceclass import hookspecs
from bounceclass.errors import PluginError, SettingsError
from bounceclass.isolation import Lane, describe
from bounceclass.model import Trust
from bounceclass.refinement import Refiner

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from pluggy import HookImpl

    from bounceclass.confinement import Confinement
    from bounceclass.model import Event, Report
    from bounceclass.protocols import Failure, Item
    from bounceclass.settings import Settings

__all__ = ["SWITCH", "Plugins"]

LOG: Final = logging.getLogger("bounceclass")
SWITCH: Final = "BOUNCECLASS_PLUGINS"
"""The environment variable that, set to `off`, leaves only what is built in."""
OURS: Final = "built-in"
T = TypeVar("T")


class _Manager(pluggy.PluginManager):
    """Takes every function named `bounceclass_...` for a hook, marked or not."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> Any:  # noqa: ANN401  pluggy's type is private
        if not name.startswith(hookspecs.PREFIX):
            return None
        found = inspect.getattr_static(plugin, name, None)
        if not inspect.isroutine(found):
            return None
        return super().parse_hookimpl_opts(plugin, name) or {}


class Call(NamedTuple):
    """One implementation of a hook."""

    plugin: str
    function: Callable[..., Any]
    names: tuple[str, ...]

    def arguments(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Pick those that the implementation asks for."""
        return {name: given[name] for name in self.names}


class Plugins:
    """Who is on, in which order, and what went wrong with whom.

    `faults` are the plugins that could not be switched on; `failures` counts, by (plugin, hook), the
    calls that did not do their work; `refiners` are the `refine` hooks in order.
    """

    def __init__(self, settings: Settings, wanted: Sequence[object] = (), ours: object | None = None) -> None:
        """Switch on what the settings configure and what is wanted besides: names, or plugins that are made already."""
        self.faults: list[PluginError] = []
        self.failures: Counter[tuple[str, str]] = Counter()
        self.off = os.environ.get(SWITCH, "").lower() == "off"
        self._limits = settings.limits
        self._lock = threading.Lock()
        self._named_ones: set[str] = set()
        self._manager = _Manager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)
        found = [] if self.off else list(_distinct(self._wanted(settings.plugins, wanted)))
        if ours is not None:
            self._manager.register(ours, OURS)
        # pluggy calls the last one first, and get_hookimpls lists in the reverse of that.
        for name, plugin in reversed(found):
            self._register(name, plugin)
        self.names = [name for name, _ in found if self._manager.has_plugin(name)]
        self._lanes = {name: Lane(name, self._limits.hook_seconds) for name in self.names}
        self.refiners = [Refiner(call.plugin, call.function, call.names, self._limits.refine_seconds, self._count) for call in self._calls("refine")]
        self._confined = self._confinement(settings) if settings.isolate == "process" and self.refiners else None

    # Switching on

    def _wanted(self, configured: Mapping[str, Mapping[str, Any]], wanted: Sequence[object]) -> Iterator[tuple[str, object]]:
        names = dict.fromkeys(name for name in wanted if isinstance(name, str))
        asked = {name.partition(":")[0] for name in names}
        for name, table in configured.items():
            if name not in asked and table.get("enabled", True):
                names[name] = None
        if names:
            for name, plugin in self._named(names, configured):
                self._named_ones.add(name)
                yield name, plugin
        for plugin in wanted:
            if not isinstance(plugin, str):
                yield _name_of(plugin), plugin

    def _named(self, names: Iterable[str], configured: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, object]]:
        from bounceclass.installed import installed, instances, nearest  # noqa: PLC0415  reads all metadata, so only where a name is given

        known = installed()
        for name in names:
            base, _, part = name.partition(":")
            if base not in known:
                self._fault(PluginError(base, f"is not installed{nearest(base, known)}; installed are {', '.join(known) or 'none'}"))
                continue
            try:
                yield from instances(known[base], configured.get(base, {}), part or None)
            except PluginError as error:
                self._fault(error)

    def _confinement(self, settings: Settings) -> Confinement:
        from bounceclass.confinement import Confinement  # noqa: PLC0415  for those who ask for it

        for name in {one.plugin for one in self.refiners} - self._named_ones:
            self._stop(PluginError(name, 'was given as an object, which `isolate = "process"` can not send; install it and give its name'))
            self._forget(name)
        return Confinement(settings, tuple(dict.fromkeys(one.plugin for one in self.refiners)), self._count)

    def _register(self, name: str, plugin: object) -> None:
        try:
            self._manager.register(plugin, name)
            self._check(name, plugin)
        except PluginError as error:
            self._stop(error)
        except (pluggy.PluginValidationError, ValueError) as error:
            self._stop(PluginError(name, " ".join(str(error).split())))

    def _check(self, name: str, plugin: object) -> None:
        """Refuse a misspelt hook, a wrapper, and a plugin without any hook."""
        callers = self._manager.get_hookcallers(plugin) or []
        known = [hook for hook in vars(hookspecs) if hook.startswith(hookspecs.PREFIX)]
        for caller in callers:
            if not caller.has_spec():
                from bounceclass.installed import nearest  # noqa: PLC0415  as above

                raise PluginError(name, f"{caller.name} is no hook{nearest(caller.name, known)}")
            if any(one.wrapper or one.hookwrapper for one in caller.get_hookimpls() if one.plugin is plugin):
                raise PluginError(name, f"{caller.name} is a wrapper, which bounceclass does not have")
        if not callers:
            raise PluginError(name, f"has no hook: no function named {hookspecs.PREFIX}...")

    def _fault(self, error: PluginError) -> None:
        LOG.error("%s", error, extra={"plugin": error.plugin})
        self.faults.append(error)

    def _stop(self, error: PluginError) -> None:
        """Take a plugin out; the others go on."""
        self._fault(error)
        if self._manager.has_plugin(error.plugin):
            self._manager.unregister(name=error.plugin)

    # Calling

    def _calls(self, hook: str) -> list[Call]:
        """List the implementations of a hook, in order."""
        found: list[HookImpl] = getattr(self._manager.hook, hookspecs.PREFIX + hook).get_hookimpls()
        return [Call(one.plugin_name, one.function, tuple(one.argnames) + tuple(one.kwargnames)) for one in reversed(found)]

    def _count(self, plugin: str, hook: str) -> None:
        with self._lock:
            self.failures[plugin, hook] += 1

    def collect(self, hook: str, take: Callable[[Any], T]) -> list[T]:
        """Return what a collected hook gives, each item passed through `take`; a plugin that fails in it is stopped."""
        return [item for _, item in self.offer(hook, take)]

    def offer(self, hook: str, take: Callable[[Any], T]) -> list[tuple[str, T]]:
        """Return the same with the name of the plugin that gives it."""
        taken: list[tuple[str, T]] = []
        for call in self._calls(hook):
            try:
                taken += [(call.plugin, take(item)) for item in call.function()]
            except (Exception, SystemExit) as error:
                if call.plugin == OURS:
                    raise
                self._stop(PluginError(call.plugin, f"{hook}: {describe(error)}"))
                self._forget(call.plugin)
        return taken

    def _forget(self, plugin: str) -> None:
        self.names.remove(plugin)
        self.refiners = [one for one in self.refiners if one.plugin != plugin]

    def first(self, hook: str, **given: object) -> Any:  # noqa: ANN401  what the hook gives
        """Return the first result of a hook that is not None; one that raises is noted, and the next is asked."""
        for call in self._calls(hook):
            result = self._ask(hook, call, given)
            if result is not None:
                return result
        return None

    def each(self, hook: str, **given: object) -> Iterator[tuple[str, Any]]:
        """Yield (plugin, result) of every implementation that gives one."""
        for call in self._calls(hook):
            result = self._ask(hook, call, given)
            if result is not None:
                yield call.plugin, result

    def _ask(self, hook: str, call: Call, given: Mapping[str, object]) -> Any:  # noqa: ANN401  as above
        try:
            return call.function(**call.arguments(given))
        except (Exception, SystemExit) as error:
            if call.plugin == OURS or isinstance(error, SettingsError):
                raise
            self._count(call.plugin, hook)
            LOG.exception("plugin %s: %s failed", call.plugin, hook, extra={"plugin": call.plugin, "hook": hook})
            return None

    def refine(self, event: Event) -> Event:
        """Let each refining plugin see what the one before left; return the event with the verdict at the end."""
        if self._confined is not None:
            return self._confined.refine(event)
        for refiner in self.refiners:
            event = refiner.refine(event)
        return event

    def trust(self, report: Report, item: Item) -> Trust:
        """Return the highest grade that any plugin gives; none where none does."""
        grades = list(Trust)
        best = Trust.NONE
        for plugin, grade in self.each("trust", report=report, item=item):
            if grade not in grades:
                self._count(plugin, "trust")
                LOG.error("plugin %s: trust: %r is no grade: known are %s", plugin, grade, ", ".join(grades), extra={"plugin": plugin, "hook": "trust"})
                continue
            best = min(best, Trust(grade), key=grades.index)
        return best

    def tell(self, hook: str, only: Iterable[str] | None = None, **given: object) -> list[Failure]:
        """Call a told or acting hook of every plugin, or of `only` some, each in its thread; return what failed."""
        failures = []
        for call in self._calls(hook):
            if call.plugin != OURS and (only is None or call.plugin in only):
                failure = self._lanes[call.plugin].call(hook, call.function, call.arguments(given))
                if failure is not None:
                    self._count(call.plugin, hook)
                    failures.append(failure)
        return failures

    def hooks_of(self, plugin: str) -> list[str]:
        """Return the names of the hooks that a plugin implements, without the prefix."""
        callers = self._manager.get_hookcallers(self._manager.get_plugin(plugin)) or []
        return sorted(caller.name.removeprefix(hookspecs.PREFIX) for caller in callers)

    def instance(self, name: str) -> object:
        """Return the plugin that is on under a name, None where none is."""
        found: object = self._manager.get_plugin(name) if name in self.names else None
        return found

    def close(self) -> None:
        """Let the plugins' threads end, and their process; who is called again gets new ones."""
        for lane in self._lanes.values():
            lane.close()
        if self._confined is not None:
            self._confined.close()

    def given_up(self, plugin: str) -> str | None:
        """Return why a plugin is not called any more, None while it is."""
        slow = next((one.off for one in self.refiners if one.plugin == plugin and one.off), None)
        confined = self._confined.off.get(plugin) if self._confined else None
        return self._lanes[plugin].given_up or slow or confined


def _distinct(found: Iterable[tuple[str, object]]) -> Iterator[tuple[str, object]]:
    """Leave out an instance that was asked for twice; number plugins given as objects that share a name."""
    seen: dict[str, object] = {}
    for name, plugin in found:
        if name in seen and type(seen[name]) is type(plugin) and ":" in name:
            continue
        number = 1
        own = name
        while own in seen:
            number += 1
            own = f"{name}#{number}"
        seen[own] = plugin
        yield own, plugin


def _name_of(plugin: object) -> str:
    return plugin.__name__ if isinstance(plugin, (ModuleType, type)) else type(plugin).__name__
