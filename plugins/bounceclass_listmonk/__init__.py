"""listmonk: subscribers are blocklisted, or bounces reported to it, over its HTTP API.

    [plugins.listmonk]
    url = "https://lists.example.com"
    user = "bounceclass"
    token = { file = "/etc/bounceclass/listmonk" }

docs/listmonk.md says what is asked of it, and what its API can't do.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from bounceclass.errors import SettingsError
from bounceclass.model import Advice, Reason
from bounceclass.secret import read_secret
from bounceclass.settings import SecretSource  # noqa: TC001  msgspec reads the annotations at run time
from bounceclass_listmonk.api import Api
from bounceclass_listmonk.bounces import Bounces
from bounceclass_listmonk.subscribers import Subscribers

if TYPE_CHECKING:
    from bounceclass.model import Event, Report, Suppression

__all__ = ["Listmonk", "Settings", "plugin"]

_BLAMING: Final = (Advice.SUPPRESS, Advice.COUNT)

Hook = Literal["suppress", "release", "bounce", "complaint"]
BounceType = Literal["hard", "soft", "complaint", "none"]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which listmonk, and what it is told."""

    url: str = "http://localhost:9000"
    """Where it answers, without `/api`."""
    user: str
    """Name of the API user."""
    token: SecretSource
    """Its token: `{ file = "..." }`, `{ variable = "..." }` or `{ secret = "..." }`."""
    hooks: tuple[Hook, ...] = ("suppress", "release")
    """`suppress` and `release`: we decide; `bounce` and `complaint`: listmonk counts and decides."""
    lists: dict[str, int] = {}
    """Ids of lists by the `scope` of entries that hold for one list or stream."""
    ending: Literal["refuse", "blocklist"] = "refuse"
    """What is done about an entry that ends some day: a blocklisting does not."""
    by_address: bool = False
    """Whether a bounce is reported by its address where no X-Listmonk-Subscriber came back; anybody can write such a one."""
    bounce_type: dict[str, BounceType] = {}
    """What a bounce is reported as, by reason, else by advice (`suppress`: hard, `count`: soft)."""
    source: str = "bounceclass"
    """How the `source` of bounces begins in listmonk."""


class Listmonk:
    """Passes on the hooks that the settings name."""

    def __init__(self, hooks: tuple[str, ...], subscribers: Subscribers, bounces: Bounces) -> None:
        """Keep who does it."""
        self._hooks = frozenset(hooks)
        self._subscribers = subscribers
        self._bounces = bounces

    def bounceclass_suppress(self, suppression: Suppression) -> None:
        """Blocklist a subscriber, or take them off one list."""
        if "suppress" in self._hooks:
            self._subscribers.suppress(suppression)

    def bounceclass_release(self, suppression: Suppression) -> None:
        """Say what a person has to do, where there is anything to do: see `Subscribers.release`."""
        if "release" in self._hooks:
            self._subscribers.release(suppression)

    def bounceclass_bounce(self, event: Event, report: Report, key: str) -> None:
        """Report a bounce that blames the recipient."""
        if "bounce" in self._hooks:
            self._bounces.post(event, report, key)

    def bounceclass_complaint(self, event: Event, report: Report, key: str) -> None:
        """Report a complaint of one person."""
        if "complaint" in self._hooks:
            self._bounces.post(event, report, key)


def plugin(settings: Settings) -> Listmonk:
    """Return what talks to listmonk; raises SettingsError where the settings don't fit."""
    for word in settings.bounce_type:
        if word not in Reason.__members__.values() and word not in _BLAMING:
            msg = f"bounce_type: {word!r} is neither a reason nor one of {', '.join(_BLAMING)}"
            raise SettingsError(msg)
    if ":" in settings.user:
        msg = "user: a name in Basic authentication has no colon"
        raise SettingsError(msg)
    api = Api(settings.url, settings.user, read_secret(settings.token, os.environ, "token").decode("utf-8", "replace"))
    types = {"suppress": "hard", "count": "soft", **settings.bounce_type}
    return Listmonk(settings.hooks, Subscribers(api, settings.lists, settings.ending), Bounces(api, types, settings.source, by_address=settings.by_address))
