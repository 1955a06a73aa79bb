"""A run from its start to its end: signals, a configuration that is read again, a store that is waited for.

    SIGHUP            read the configuration again, between two batches; one that can't be used changes nothing
    SIGTERM, SIGINT   end after the batch in hand; a second one ends at once

What a reload replaces is closed only after what replaces it was opened, so that a fault in it leaves a run that works.
"""

from __future__ import annotations

import logging
import secrets
import signal
import sys
import time
from contextlib import ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING, Final

from bounceclass.assembly import open_configured_store, opened
from bounceclass.errors import BounceclassError, SettingsError, StoreError
from bounceclass.observation import STORE, Trouble
from bounceclass.service.concealment import concealment_for
from bounceclass.service.decisions import log_decisions
from bounceclass.service.log import log_to
from bounceclass.service.monitor import Monitor
from bounceclass.service.notify import Notifier
from bounceclass.trust import gaps

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from types import FrameType

    from bounceclass.assembly import Parts
    from bounceclass.config import Configuration
    from bounceclass.observation import Observation

__all__ = ["Service"]

LOG: Final = logging.getLogger("bounceclass")
_BREATH: Final = 1.0


class Service:
    """One run of the command. `caught` are the signals that ended it."""

    def __init__(
        self,
        read: Callable[[], Configuration],
        named: Sequence[str] = (),
        urls: Sequence[str] = (),
        around: Callable[[Parts], AbstractContextManager[None]] = lambda _parts: nullcontext(),
    ) -> None:
        """Take how the configuration is read, which plugins and sources the command line names; `around` holds while one configuration runs."""
        self.caught: list[int] = []
        self._read = read
        self._named = named
        self._urls = urls
        self._around = around
        self._key = secrets.token_bytes(32)
        self._notifier = Notifier()
        self._monitor = Monitor()
        self._parts: Parts | None = None
        self._reload = False
        self._gaps: list[str] = []

    def run(self, *, once: bool = False) -> tuple[Counter[str], bool] | None:
        """Run until a signal, or once; return what was done and whether something has to be tried again. None where the store never came."""
        configuration = self._read()
        self._listen(once=once)
        with ExitStack() as stack:
            stack.callback(self._notifier.stopping)
            stack.callback(self._monitor.close)
            self._apply(configuration, serve=not once)
            found = self._with_store(configuration, once=once)
            if found is None:
                return None
            return self._run(found, once=once)

    def _run(self, configuration: Configuration, *, once: bool) -> tuple[Counter[str], bool]:
        with ExitStack() as closing:
            parts = closing.enter_context(self._opened(configuration))
            while True:
                self._parts = parts
                self._monitor.use(parts)
                self._notifier.ready(f"{len(parts.sources)} sources")
                if not (self._reload or self.caught):  # from here on a signal stops this runner
                    with self._around(parts):
                        parts.runner.run(parts.sources, once=once)
                if once or self.caught:
                    return parts.runner.counts, parts.runner.troubled
                parts = self._reloaded(parts, closing)

    # Reading again

    def _reloaded(self, parts: Parts, closing: ExitStack) -> Parts:
        """Return the parts of what the configuration says now, in the place of the old ones; the old ones where it can't be used."""
        self._reload = False
        self._notifier.reloading()
        with ExitStack() as opening:
            try:
                configuration = self._read()
                new = opening.enter_context(self._opened(configuration))
                _require_plugins(new, parts)
                self._apply(configuration)
            except (BounceclassError, OSError) as error:
                LOG.error("the configuration was read again and is not used, the old one stays: %s", error)  # noqa: TRY400  no traceback helps
                self._monitor.reloaded(ok=False)
                parts.runner.resume()
                return parts
            new.runner.counts.update(parts.runner.counts)
            closing.close()
            closing.push(opening.pop_all())
        self._monitor.reloaded(ok=True)
        LOG.info("the configuration was read again: %d sources", len(new.sources))
        return new

    @contextmanager
    def _opened(self, configuration: Configuration) -> Iterator[Parts]:
        with opened(configuration, self._named, self._urls or None, checkpoint=self._alive, observe=self._observe) as parts:
            yield parts

    def _apply(self, configuration: Configuration, *, serve: bool = True) -> None:
        """Log and serve as a configuration says. Raises SettingsError where it can't be done; then nothing has changed."""
        conceal = concealment_for(configuration, self._urls, self._key)
        if serve:
            self._monitor.serve(configuration, conceal)
        log_to(sys.stderr, configuration.log, conceal)
        found = [*gaps(configuration, configuration.trust)]
        for gap in found:
            if gap not in self._gaps:
                LOG.warning("not configured: %s", gap)
        self._gaps = found

    def _with_store(self, configuration: Configuration, *, once: bool) -> Configuration | None:
        """Wait until the store can be opened; with `once` only look. What waiting can't help is raised."""
        said = None
        while not self.caught:
            try:
                open_configured_store(configuration.store).close()
            except StoreError as error:
                if not error.transient:
                    raise
                if str(error) != said:
                    LOG.error("%s; nothing is lost, it is tried again", error)  # noqa: TRY400  no traceback helps
                said = str(error)
                self._observe(Trouble(STORE, said))
            else:
                return configuration
            if once:
                return None
            self._notifier.ready("waiting for the store")
            self._pause(configuration.run.poll_seconds)
            configuration = self._read_while_waiting(configuration)
        return None

    def _read_while_waiting(self, configuration: Configuration) -> Configuration:
        if not self._reload:
            return configuration
        self._reload = False
        self._notifier.reloading()
        try:
            new = self._read()
            self._apply(new)
        except (BounceclassError, OSError) as error:
            LOG.error("the configuration was read again and is not used, the old one stays: %s", error)  # noqa: TRY400  as above
            return configuration
        return new

    # Signs of life, and signals

    def _observe(self, observation: Observation) -> None:
        log_decisions(observation)
        self._monitor.observe(observation)

    def _alive(self, _checkpoint: str = "") -> None:
        self._notifier.alive()
        self._monitor.alive()

    def _pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while not (self.caught or self._reload) and (left := until - time.monotonic()) > 0:
            self._alive()
            time.sleep(min(_BREATH, left))

    def _listen(self, *, once: bool) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        if not once and hasattr(signal, "SIGHUP"):
            signal.signal(signal.SIGHUP, self._read_again)

    def _end(self, number: int, _frame: FrameType | None) -> None:
        self.caught.append(number)
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        self._stop_runner()

    def _read_again(self, _number: int, _frame: FrameType | None) -> None:
        self._reload = True
        self._stop_runner()

    def _stop_runner(self) -> None:
        if self._parts is not None:
            self._parts.runner.stop()


def _require_plugins(new: Parts, old: Parts) -> None:
    """Refuse plugins that can't be used any more: what they are to be told would be lost."""
    known = {str(fault) for fault in old.engine.plugins.faults}
    for fault in new.engine.plugins.faults:
        if str(fault) not in known:
            raise SettingsError(str(fault))
