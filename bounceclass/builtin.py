"""What we ourselves plug in, by the same hooks as a visitor; it comes last, so a visitor's is asked first."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bounceclass.notice import Notice
    from bounceclass.protocols import Parser, Source
    from bounceclass.settings import Limits

__all__ = ["bounceclass_knowledge", "bounceclass_notices", "bounceclass_parser", "bounceclass_source"]


_SOURCES: Final = {
    "maildir": "maildir.Maildir",
    "mbox": "mbox.Mbox",
    "log": "log.Log",
    "journal": "journal.Journal",
    "lmtp": "listener.Listener",
    "smtp": "listener.Listener",
    "webhooks": "webhooks.Webhooks",
    "imap": "imap.Imap",
    "imaps": "imap.Imap",
    "pop3": "pop3.Pop3",
    "pop3s": "pop3.Pop3",
}
"""By the scheme of the URL: the module of `sources`, and the class."""


def bounceclass_knowledge() -> Iterable[Path]:
    """Return our packs."""
    from bounceclass.packs import our_paths  # noqa: PLC0415  light import

    return our_paths()


def bounceclass_notices() -> Iterable[Notice]:
    """Return our dialects."""
    from bounceclass.formats import notices  # noqa: PLC0415  not for `reply`

    return notices()


def bounceclass_parser(name: str) -> Parser | None:
    """Return flanker, or the standard library's parser."""
    from bounceclass.mime.parsers import PARSERS, parser_named  # noqa: PLC0415  not for `reply`

    return parser_named(name) if name in PARSERS else None


def bounceclass_source(url: str, limits: Limits) -> Source | None:
    """Return the source of a URL, imported when it is wanted: all are for `run` alone."""
    module, _, name = _SOURCES.get(url.partition(":")[0], "").rpartition(".")
    if not name:
        return None
    found: Source = getattr(import_module(f"bounceclass.sources.{module}"), name)(url, limits)
    return found
