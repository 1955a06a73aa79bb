"""What we ourselves plug in, by the same hooks as a visitor; it comes last, so a visitor's is asked first."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from bounceclass.notice import Notice
    from bounceclass.protocols import Parser, Source
    from bounceclass.settings import Limits

__all__ = ["bounceclass_knowledge", "bounceclass_notices", "bounceclass_parser", "bounceclass_source"]


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
    """Return a Maildir, an mbox, a mailbox on a server or an MTA's log."""
    scheme = url.partition(":")[0]
    if scheme == "maildir":
        from bounceclass.sources.maildir import Maildir  # noqa: PLC0415  for `run` alone

        return Maildir(url, limits)
    if scheme == "mbox":
        from bounceclass.sources.mbox import Mbox  # noqa: PLC0415  as above

        return Mbox(url, limits)
    if scheme == "log":
        from bounceclass.sources.log import Log  # noqa: PLC0415  as above

        return Log(url, limits)
    return _on_server(scheme, url, limits)


def _on_server(scheme: str, url: str, limits: Limits) -> Source | None:
    if scheme in {"imap", "imaps"}:
        from bounceclass.sources.imap import Imap  # noqa: PLC0415  as above

        return Imap(url, limits)
    if scheme in {"pop3", "pop3s"}:
        from bounceclass.sources.pop3 import Pop3  # noqa: PLC0415  as above

        return Pop3(url, limits)
    return None
