"""The hooks: what a plugin may implement, when it is called, with what, and what to return.

A function named `bounceclass_...` of a plugin *is* a hook; a name or an argument that is not in this
file is an error that stops that plugin. A hook may leave out arguments that it does not need. Order
everywhere: plugins as configured, ours last; `@bounceclass.hookimpl(tryfirst=True)` or
`trylast=True` moves one. There are no wrappers. Each implementation is called by itself: one that
raises, hangs or returns junk is noted, and the others go on.

    collected   when an Engine is built        notices, knowledge, parser
    opened      when asked for, first result   source, store, webhook, commands
    answering   in the Engine, inline          refine;  in the Runner: trust
    told        after the commit               bounce, delay, delivery, complaint, unsubscribe, auto_reply, receipt
    acting      per decision                   suppress, release
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pluggy

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import click

    from bounceclass.model import Event, Report, Suppression, Trust, Verdict
    from bounceclass.notice import Notice
    from bounceclass.protocols import Item, Parser, Source, Store, Webhook
    from bounceclass.settings import Limits

__all__ = ["PREFIX", "PROJECT", "TOLD", "hookimpl", "hookspec"]

PROJECT: Final = "bounceclass"
PREFIX: Final = "bounceclass_"
TOLD: Final = ("bounce", "delay", "delivery", "complaint", "unsubscribe", "auto_reply", "receipt")
"""The hooks that tell of an event, one a kind."""

hookspec: Final = pluggy.HookspecMarker(PROJECT)
hookimpl: Final = pluggy.HookimplMarker(PROJECT)
"""Marks an implementation that wants `tryfirst` or `trylast`; others need no mark."""


# Collected: what a plugin knows.


@hookspec
def bounceclass_notices() -> Iterable[Notice]:  # type: ignore[empty-body]
    """Return rows that read notices without a standard.

    Called once, when an Engine is built. All rows are asked, the configured plugins' before ours.
    """


@hookspec
def bounceclass_knowledge() -> Iterable[Path]:  # type: ignore[empty-body]
    """Return paths of rule packs (docs/rules.md).

    Called once, when an Engine is built. The user's packs are asked first, then the plugins', then
    ours; the first rule that matches wins. A pack that can't be used stops the plugin.
    """


@hookspec
def bounceclass_parser(name: str) -> Parser | None:
    """Return the MIME parser of that name, None where it is not yours.

    Called at an Engine's first mail with `parser` of the settings; the first answer is taken.
    """


# Opened: what a plugin offers, asked for by URL or by name; the first result is taken.


@hookspec
def bounceclass_source(url: str, limits: Limits) -> Source | None:
    """Return the Source that a URL names, None where its scheme is not yours. Called when it is opened; `limits` are the settings'."""


@hookspec
def bounceclass_store(url: str) -> Store | None:
    """Return the Store that a URL names, None where its scheme is not yours. Called when it is opened."""


@hookspec
def bounceclass_webhook() -> Webhook | None:
    """Return what verifies and parses an ESP's posts. Called at the start of `serve`, and of `run` where it has a source `webhooks:`.

    The secrets are no settings of the plugin: `webhook_secrets` of its table is read by us, and given to `verify`.
    """


@hookspec
def bounceclass_commands() -> Iterable[click.Command]:  # type: ignore[empty-body]
    """Return sub-commands of `bounceclass`.

    Called for `--help` and for a name that is no built-in command; a built-in name can't be taken.
    """


# Answering: what a plugin thinks.


@hookspec
def bounceclass_refine(event: Event, verdict: Verdict) -> Verdict | None:
    """Return a better verdict, None to leave it.

    Called for every event, in the Engine, in the thread that classifies; each implementation gets
    what the one before left. Evidence of the change is added for you, and stands before the rule
    that was overruled; evidence that you add yourself is kept, under your plugin's name. A verdict
    that could silence somebody without cause can't be built (see Verdict). No network here: one that
    is slow again and again is switched off.
    """


@hookspec
def bounceclass_trust(report: Report, item: Item) -> Trust | str | None:
    """Return how surely a report is about mail of ours, None where you can't tell.

    Called for every report, in the Runner; the highest grade of all plugins counts.
    """


# Told: what happened. One hook a kind, called after it is stored, at least once, in order for one
# recipient. `key` is the same for every report of one failure. What is returned is not looked at.


@hookspec
def bounceclass_bounce(event: Event, report: Report, key: str) -> None:
    """Hear of a mail that was given up. `event.verdict` says why; it is no decision."""


@hookspec
def bounceclass_delay(event: Event, report: Report, key: str) -> None:
    """Hear of a mail that is still being tried."""


@hookspec
def bounceclass_delivery(event: Event, report: Report, key: str) -> None:
    """Hear of a mail that was delivered, relayed or expanded: see `event.action`."""


@hookspec
def bounceclass_complaint(event: Event, report: Report, key: str) -> None:
    """Hear of a complaint; `event.recipient` is null where nobody is named."""


@hookspec
def bounceclass_unsubscribe(event: Event, report: Report, key: str) -> None:
    """Hear of a List-Unsubscribe mail."""


@hookspec
def bounceclass_auto_reply(event: Event, report: Report, key: str) -> None:
    """Hear of a vacation notice, a challenge, a change of address."""


@hookspec
def bounceclass_receipt(event: Event, report: Report, key: str) -> None:
    """Hear of a read receipt."""


# Acting: what is to be done. Must be idempotent by `key`: delivery is at least once. Raise
# protocols.Retry(after) to be asked again, protocols.Refused where that is of no use.


@hookspec
def bounceclass_suppress(suppression: Suppression, key: str) -> None:
    """Stop mailing an address (or a domain), until then. Called for each such decision."""


@hookspec
def bounceclass_release(suppression: Suppression, key: str) -> None:
    """Mail an address again. Called when an entry no longer holds."""
