"""Runs a command, or posts to a URL, for each event or decision.

    [plugins.exec]
    command = ["/usr/local/bin/on-bounce", "--reason={reason}", "--", "{recipient}"]

No shell ever stands between: a value is part of one argument, whatever it holds. All that is known
is on standard input, or in the body that is posted, as JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Protocol

import msgspec

from bounceclass.errors import SettingsError
from bounceclass.hookspecs import TOLD
from bounceclass.model import Advice
from bounceclass_exec.call import Call

if TYPE_CHECKING:
    from bounceclass.model import Event, Report, Suppression

__all__ = ["Caller", "Settings", "plugin"]

_HOOKS: Final = (*TOLD, "suppress", "release")


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is called, and for what. Exactly one of `command` and `url` is given."""

    command: tuple[str, ...] = ()
    """The program and its arguments; `{recipient}` and the like within an argument stand for values."""
    url: str | None = None
    """Where the JSON is posted; `https:` or `http:`."""
    headers: dict[str, str] = {}
    """Sent with the post, a token for instance; never written to a log."""
    hooks: tuple[str, ...] = ("bounce", "complaint")
    """For which hooks: those that tell of events, `suppress` and `release`."""
    advice: tuple[str, ...] = ()
    """Only for events whose verdict advises one of these; empty: for all. Says nothing about `suppress` and `release`."""
    timeout: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 10.0
    """Seconds for one call; keep it below `limits.hook_seconds`."""

    def __repr__(self) -> str:
        """Leave out what may be secret."""
        return f"Settings(command={self.command!r}, hooks={self.hooks!r})"


class Target(Protocol):
    """What is called."""

    def call(self, call: Call) -> None:
        """Do it; raises Retry or Refused where it was not done."""


class Caller:
    """Passes hooks on to a command or URL."""

    def __init__(self, target: Target, hooks: tuple[str, ...], advice: tuple[str, ...]) -> None:
        """Keep whom to call, and for what."""
        self._target = target
        self._hooks = frozenset(hooks)
        self._advice = frozenset(advice)

    def bounceclass_bounce(self, event: Event, report: Report, key: str) -> None:
        """Pass on that a mail was given up."""
        self._tell("bounce", event, report, key)

    def bounceclass_delay(self, event: Event, report: Report, key: str) -> None:
        """Pass on that a mail is still being tried."""
        self._tell("delay", event, report, key)

    def bounceclass_delivery(self, event: Event, report: Report, key: str) -> None:
        """Pass on that a mail was delivered."""
        self._tell("delivery", event, report, key)

    def bounceclass_complaint(self, event: Event, report: Report, key: str) -> None:
        """Pass on a complaint."""
        self._tell("complaint", event, report, key)

    def bounceclass_unsubscribe(self, event: Event, report: Report, key: str) -> None:
        """Pass on that somebody unsubscribes."""
        self._tell("unsubscribe", event, report, key)

    def bounceclass_auto_reply(self, event: Event, report: Report, key: str) -> None:
        """Pass on an automatic reply."""
        self._tell("auto_reply", event, report, key)

    def bounceclass_receipt(self, event: Event, report: Report, key: str) -> None:
        """Pass on a read receipt."""
        self._tell("receipt", event, report, key)

    def bounceclass_suppress(self, suppression: Suppression, key: str) -> None:
        """Pass on that an address is not to be mailed."""
        self._act("suppress", suppression, key)

    def bounceclass_release(self, suppression: Suppression, key: str) -> None:
        """Pass on that an address may be mailed again."""
        self._act("release", suppression, key)

    def _tell(self, hook: str, event: Event, report: Report, key: str) -> None:
        if hook in self._hooks and (not self._advice or event.verdict.advice in self._advice):
            self._target.call(Call.of_event(hook, event, report, key))

    def _act(self, hook: str, suppression: Suppression, key: str) -> None:
        if hook in self._hooks:
            self._target.call(Call.of_decision(hook, suppression, key))


def plugin(settings: Settings) -> Caller:
    """Return what calls the command or the URL; raises SettingsError where the settings don't fit together."""
    _known("hooks", settings.hooks, _HOOKS)
    _known("advice", settings.advice, tuple(Advice))
    return Caller(_target(settings), settings.hooks, settings.advice)


def _target(settings: Settings) -> Any:  # noqa: ANN401  a Target; each kind is imported only where it is wanted
    if bool(settings.command) == bool(settings.url):
        msg = "exactly one of `command` and `url` is to be set"
        raise SettingsError(msg)
    if settings.url:
        from bounceclass_exec.post import Post  # noqa: PLC0415  needs httpx

        return Post(settings.url, settings.headers, settings.timeout)
    if settings.headers:
        msg = "`headers` go with `url`, not with `command`"
        raise SettingsError(msg)
    from bounceclass_exec.command import Command  # noqa: PLC0415  as above

    return Command(settings.command, settings.timeout)


def _known(setting: str, words: tuple[str, ...], known: tuple[str, ...]) -> None:
    for word in words:
        if word not in known:
            msg = f"{setting}: no {word!r}; known are {', '.join(known)}"
            raise SettingsError(msg)
